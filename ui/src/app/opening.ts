/**
 * What is waited for before anything is rendered: who is signed in, the opened page's own file, and what it shows first.
 * All of it was asked for before this script ran (`public/first.js`). Rendered with all of it, the page is laid out and
 * painted once; rendered at once, it is so for each answer.
 */

import type { QueryClient } from "@tanstack/react-query";
import { pages } from "./routes";
import { sessionQuery } from "./session";

/** Nobody looks at an empty page for longer, in ms after the page was asked for. */
const PATIENCE_MS = 700;
/** On a slow machine that time is over when the script begins, and the answers are there to be read: in ms from then. */
const READING_MS = 100;

/** What is shown without a session reads for itself. */
const FOR_ANYBODY = /^\/(shared|join)(\/|$)/;

/** Settles when the page can be rendered whole, or when the patience is over. Never rejects. */
export async function opened(client: QueryClient, path: string): Promise<void> {
  if (FOR_ANYBODY.test(path)) return;
  const wait = new Promise((over) => setTimeout(over, Math.max(READING_MS, PATIENCE_MS - performance.now())));
  await Promise.race([Promise.allSettled([client.prefetchQuery(sessionQuery), pageOf(client, path)]), wait]);
}

async function pageOf(client: QueryClient, path: string): Promise<void> {
  for (const { path: pattern, page } of pages) {
    const parameters = matched(pattern, path === "/" ? "/calls" : path);
    if (parameters) await (await page.load()).ahead?.(client, parameters);
  }
}

/** The parameters of a path that a pattern of the routes names; null where it is another one's. */
export function matched(pattern: string, path: string): Record<string, string> | null {
  const text = pattern.replace("/*?", "(?:/.*)?").replace(/:(\w+)/g, "(?<$1>[^/]+)");
  const found = new RegExp(`^${text}/?$`).exec(path);
  return found && { ...found.groups };
}
