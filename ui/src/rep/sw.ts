/**
 * The service worker of /rep: the app opens without a network. It keeps the app's own files and nothing else; what the server
 * says about calls, and audio, never goes through a cache.
 */

declare const self: ServiceWorkerGlobalScope;

/** The rep's files, each with its hash in the name; the build fills this in (vite.config.ts). */
const FILES: string[] = JSON.parse("__REP_FILES__");
const PAGE = "/rep";
/** A network that is there in name only must not keep the app from opening. */
const PATIENCE_MS = 4_000;
const CACHE = "ridealong-rep-__REP_VERSION__";

self.addEventListener("install", (event) => {
  event.waitUntil(
    (async () => {
      const cache = await caches.open(CACHE);
      await cache.addAll([PAGE, ...FILES].map((path) => new Request(path, { cache: "reload" })));
      await self.skipWaiting();
    })(),
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    (async () => {
      // The version before stays until the next one comes: a page that records now may still want one of its files.
      const mine = (await caches.keys()).filter((name) => name.startsWith("ridealong-rep-") && name !== CACHE);
      await Promise.all(mine.slice(0, -1).map((name) => caches.delete(name)));
      await self.clients.claim();
    })(),
  );
});

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== self.location.origin || url.pathname.startsWith("/v1/")) return;
  if (event.request.mode === "navigate") event.respondWith(page(event.request));
  else if (FILES.includes(url.pathname)) event.respondWith(file(event.request));
});

/** The server's newest page, or the kept one where the server is not reached soon. */
async function page(request: Request): Promise<Response> {
  try {
    const late = new Promise<never>((_, reject) => setTimeout(() => reject(new Error("late")), PATIENCE_MS));
    const answer = await Promise.race([fetch(request), late]);
    if (answer.ok) return answer;
    return (await caches.match(PAGE)) ?? answer;
  } catch {
    const kept = await caches.match(PAGE);
    if (kept) return kept;
    return await fetch(request);
  }
}

async function file(request: Request): Promise<Response> {
  return (await caches.match(request, { ignoreVary: true })) ?? (await fetch(request));
}

/** A card that was tapped, on the phone or on a watch. */
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(
    (async () => {
      const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
      const mine = pages.filter((client) => new URL(client.url).pathname.startsWith(PAGE));
      const momentId: unknown = event.notification.data?.momentId;
      if (event.action && typeof momentId === "string") {
        for (const client of mine) client.postMessage({ verdict: event.action, momentId });
      } else if (mine[0]) {
        await mine[0].focus();
      } else {
        await self.clients.openWindow(PAGE);
      }
    })(),
  );
});

export {};
