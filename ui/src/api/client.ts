/** The one way to the server: adds what a cookie session needs and turns problem documents into `ApiError`. */

import createClient from "openapi-fetch";
import type { paths } from "./schema";

/** The server's refusal. `code` is for programs, `message` is the server's own sentence for people. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly retry: boolean,
    /** Where a document has its mistake. */
    readonly line: number | null = null,
  ) {
    super(message);
    this.name = "ApiError";
  }
}

const held = { csrf: "" };

/** Keep the session's `csrf`; every unsafe request carries it from now on. */
export function holdCsrf(csrf: string): void {
  held.csrf = csrf;
}

const SAFE = new Set(["GET", "HEAD"]);

/** `fetch` with the session's proof. Raises `ApiError`, also with `code` `unreachable` when nobody answers. */
export async function send(request: Request): Promise<Response> {
  if (!SAFE.has(request.method) && held.csrf) request.headers.set("X-CSRF-Token", held.csrf);
  let response: Response;
  try {
    response = (await askedAlready(request)) ?? (await fetch(request));
  } catch (reason) {
    if (request.signal.aborted) throw reason;
    throw new ApiError(0, "unreachable", "The server does not answer. Check the connection and try again.", true);
  }
  if (!response.ok) throw await problemOf(response);
  return response;
}

declare global {
  /** What `public/first.js` asked for before this script was there, by path. */
  var asked: Map<string, Promise<Response>> | undefined;
}

/** How old an answer may be that was asked for ahead: a page that was opened long ago asks anew. */
const FRESH_MS = 15_000;

/** The answer that was asked for ahead, once; null where there is none, or none that is good. */
async function askedAlready(request: Request): Promise<Response | null> {
  if (request.method !== "GET") {
    // What changes something makes old what was asked before.
    globalThis.asked?.clear();
    return null;
  }
  const { pathname, search } = new URL(request.url);
  const answer = globalThis.asked?.get(pathname + search);
  if (!answer) return null;
  globalThis.asked?.delete(pathname + search);
  if (performance.now() > FRESH_MS) return null;
  const response = await answer.catch(() => null);
  return response?.ok ? response : null;
}

async function problemOf(response: Response): Promise<ApiError> {
  let body: { code?: unknown; detail?: unknown; retry?: unknown; line?: unknown } = {};
  try {
    body = await response.json();
  } catch {
    // Something between us and the server answered; the status is all there is.
  }
  return new ApiError(
    response.status,
    typeof body.code === "string" ? body.code : "unknown",
    typeof body.detail === "string" ? body.detail : `The server answered with status ${response.status}.`,
    body.retry === true,
    typeof body.line === "number" ? body.line : null,
  );
}

/** Typed by the server's own description. `data` is there whenever the promise resolves: use `unwrap`. */
export const api = createClient<paths>({ baseUrl: globalThis.location?.origin ?? "", fetch: send });

/** The body of an answer of `api`; errors were raised by `send` already. */
export async function unwrap<T>(answer: Promise<{ data?: T }>): Promise<T> {
  return (await answer).data as T;
}

type Query = Record<string, string | number | boolean | readonly (string | number)[] | null | undefined>;

/** `/path?…`; what is empty is left out, lists are repeated. */
export function withQuery(path: string, query: Query): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === null || value === undefined || value === "") continue;
    for (const one of Array.isArray(value) ? value : [value]) parameters.append(name, String(one));
  }
  const text = parameters.toString();
  return text ? `${path}?${text}` : path;
}

/** A request whose answer the server does not describe yet, or that is not JSON-shaped by it. */
export async function request<T>(
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE",
  path: string,
  options: { query?: Query; body?: unknown; text?: string; signal?: AbortSignal } = {},
): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json" };
  let body: string | null = null;
  if (options.text !== undefined) {
    headers["Content-Type"] = "text/plain; charset=utf-8";
    body = options.text;
  } else if (options.body !== undefined) {
    headers["Content-Type"] = "application/json";
    body = JSON.stringify(options.body);
  }
  const response = await send(
    new Request(new URL(withQuery(path, options.query ?? {}), location.origin), {
      method,
      headers,
      body,
      signal: options.signal ?? null,
    }),
  );
  if (response.status === 204) return undefined as T;
  const type = response.headers.get("Content-Type") ?? "";
  return (type.includes("json") ? await response.json() : await response.text()) as T;
}
