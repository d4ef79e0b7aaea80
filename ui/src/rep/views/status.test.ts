import { expect, test } from "vitest";
import type { Snapshot } from "../recording/capture";
import { duration, statusOf } from "./status";

const good: Snapshot = {
  phase: "recording",
  link: { state: "open" },
  bufferedMs: 200,
  recordedMs: 60_000,
  rms: 0.1,
  microphone: "heard",
  problem: null,
  full: false,
  durable: true,
  card: null,
  earlier: [],
  marks: 0,
  repKnown: true,
  voices: [],
  warning: null,
  callId: "c",
  title: "Call",
};
const away = (ms: number) => ({ state: "waiting", since: 100_000 - ms, retryAt: 101_000 }) as const;
const told = (part: Partial<Snapshot>) => statusOf({ ...good, ...part }, 100_000);

test("it listens, catches up, reconnects, and at last says that the server is lost", () => {
  expect(told({})).toMatchObject({ tone: "good", title: "Listening" });
  expect(told({ bufferedMs: 34_000 })).toMatchObject({ title: "Listening, catching up", tone: "waiting" });
  expect(told({ link: away(12_000), bufferedMs: 12_000 })).toMatchObject({
    title: "Reconnecting",
    detail: "Recording goes on. 12 s kept on this phone.",
  });
  const lost = told({ link: away(60_000), bufferedMs: 60_000 });
  expect(lost).toMatchObject({ tone: "bad", title: "Server not reached", action: "retry" });
  expect(lost.detail).toContain("1 min kept on this phone, and sent when the server is back.");
  expect(told({ link: away(400_000) }).detail).toContain("second part");
});

test("a microphone that hears nothing outweighs a good connection", () => {
  expect(told({ problem: "refused" })).toMatchObject({
    tone: "bad",
    title: "Microphone not allowed",
    action: "listen",
  });
  expect(told({ microphone: "suspended" })).toMatchObject({ tone: "bad", title: "Microphone stopped" });
  expect(told({ full: true, bufferedMs: 600_000 }).detail).toContain("10 min from before are kept");
  expect(told({ phase: "interrupted" })).toMatchObject({ title: "Not recording", action: "listen" });
});

test("an ended session asks to sign in, and a browser that keeps nothing warns", () => {
  const link = { state: "refused", code: "signed_out", message: "sign in first" } as const;
  expect(told({ link })).toMatchObject({ title: "You are signed out", action: "sign_in" });
  expect(told({ link: away(3_000), durable: false }).detail).toContain("Do not close or reload this page");
});

test("durations are words", () => {
  expect([0, 8_400, 60_000, 200_000].map(duration)).toEqual(["0 s", "8 s", "1 min", "3 min 20 s"]);
});
