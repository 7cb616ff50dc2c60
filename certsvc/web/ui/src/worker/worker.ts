// Keeps a page on the device so that it opens without network: its frame and its files, never an answer of /v1, so no
// personal data is in this cache. install.py puts `PAGE` in front: which page, which build, which files.
interface Page {
  path: string;
  build: string;
  files: string[];
}

const scope = globalThis as unknown as ServiceWorkerGlobalScope & { PAGE: Page };
const { path, build, files } = scope.PAGE;
const PREFIX = `certsvc ${path} `;
const CACHE = PREFIX + build;
/** A weak signal must not keep an officer waiting for a page that is here. */
const PATIENCE_MS = 3000;

scope.addEventListener("install", (event) => {
  const fill = async () => {
    const cache = await caches.open(CACHE);
    await cache.addAll([path, ...files]);
    await scope.skipWaiting();
  };
  event.waitUntil(fill());
});

scope.addEventListener("activate", (event) => {
  const clean = async () => {
    const old = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== CACHE);
    await Promise.all(old.map((name) => caches.delete(name)));
    await scope.clients.claim();
  };
  event.waitUntil(clean());
});

/** The page itself: the newest when the network answers in time, else the one that was kept. */
async function page(request: Request): Promise<Response> {
  const kept = await caches.match(path, { cacheName: CACHE });
  const newest = fetch(request).catch(() => kept ?? Response.error());
  if (!kept) return newest;
  return Promise.race([newest, new Promise<Response>((resolve) => setTimeout(() => resolve(kept), PATIENCE_MS))]);
}

/** A file whose address changes with its content. */
async function file(request: Request): Promise<Response> {
  return (await caches.match(request, { cacheName: CACHE })) ?? fetch(request);
}

scope.addEventListener("fetch", (event) => {
  const address = new URL(event.request.url);
  if (event.request.method !== "GET" || address.origin !== scope.location.origin) return;
  if (event.request.mode === "navigate" && address.pathname === path) event.respondWith(page(event.request));
  else if (files.includes(address.pathname)) event.respondWith(file(event.request));
});
