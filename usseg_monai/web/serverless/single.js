// The beginning of a page in one file: unpacks its parts and starts it. Each module comes after those that it imports.

const parts = JSON.parse(document.getElementById("parts").textContent);
document.getElementById("parts").remove();

async function unpacked(base64) {
  const signs = atob(base64);
  const bytes = new Uint8Array(signs.length);
  for (let at = 0; at < signs.length; at++) bytes[at] = signs.charCodeAt(at);
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip")));
}

globalThis.PARTS = {};
for (const { path, type, data } of parts) {
  const response = await unpacked(data);
  const module = async () => (await response.text()).replace(/"part:([^"]+)"/g, (_, other) => `"${PARTS[other]}"`);
  const content = type === "text/javascript" ? await module() : await response.blob();
  PARTS[path] = URL.createObjectURL(new Blob([content], { type }));
}
await import(PARTS["static/app.js"]);
