// Keeps the files of the page, so that it works without a network after the first visit. Pictures never come here.

importScripts("files.js"); // VERSION and FILES, written by usseg app --export

addEventListener("install", (event) => {
  const kept = async () => (await caches.open(VERSION)).addAll(FILES.map((file) => new Request(file, { cache: "reload" })));
  event.waitUntil(kept().then(() => skipWaiting()));
});

addEventListener("activate", (event) => {
  const forgotten = async () => {
    for (const name of await caches.keys()) if (name.startsWith("usseg-") && name !== VERSION) await caches.delete(name);
    await clients.claim();
  };
  event.waitUntil(forgotten());
});

addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || new URL(request.url).origin !== location.origin) return;
  event.respondWith(caches.open(VERSION).then((cache) => cache.match(request, { ignoreSearch: true })).then((found) => found ?? fetch(request)));
});
