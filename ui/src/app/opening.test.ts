import { QueryClient } from "@tanstack/react-query";
import { afterEach, expect, test, vi } from "vitest";
import { matched, opened } from "./opening";

afterEach(() => vi.unstubAllGlobals());

test("a path is matched with its parameters, with or without a slash at its end", () => {
  expect(matched("/calls/:callId", "/calls/17")).toEqual({ callId: "17" });
  expect(matched("/calls/:callId", "/calls/17/")).toEqual({ callId: "17" });
  expect(matched("/calls", "/calls")).toEqual({});
  expect(matched("/calls", "/calls/17")).toBeNull();
  expect(matched("/settings/*?", "/settings")).toEqual({});
  expect(matched("/settings/*?", "/settings/documents/rubric")).toEqual({});
  expect(matched("/settings/*?", "/settingsandmore")).toBeNull();
});

test("a server that never answers does not keep the page from being rendered", async () => {
  vi.stubGlobal("fetch", () => new Promise(() => undefined));
  const client = new QueryClient();
  await opened(client, "/no-such-page");
  expect(client.getQueryData(["session"])).toBeUndefined();
  client.clear();
});

test("a server that fails does not either", async () => {
  vi.stubGlobal("fetch", () => Promise.reject(new Error("away")));
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  await opened(client, "/no-such-page");
  expect(client.getQueryData(["session"])).toBeUndefined();
});

test("a page for somebody without an account asks nobody who is signed in", async () => {
  const fetched = vi.fn(() => Promise.reject(new Error("away")));
  vi.stubGlobal("fetch", fetched);
  await opened(new QueryClient(), "/shared/a-token");
  expect(fetched).not.toHaveBeenCalled();
});
