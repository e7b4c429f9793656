/** Address of a file of the page, which may be a part of the page itself (single.js). */
export const place = (path) => globalThis.PARTS?.[path] ?? new URL(path, document.baseURI).href;
