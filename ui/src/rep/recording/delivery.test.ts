import { beforeEach, expect, test, vi } from "vitest";
import { type Content, type Item, MemoryBacklog, type Recording } from "./backlog";
import { Delivery, type Link, type Surroundings, type Wire } from "./delivery";
import type { CallEvent } from "./messages";

// Hundreds of connections in real time, on a machine that may be busy.
vi.setConfig({ testTimeout: 30_000 });

/** A server that keeps docs/protocol.md, and whose network can be cut after any message. */
class Server {
  calls: { bytes: number[]; log: string[]; events: Record<string, unknown>[]; ended: boolean; reason: string }[] = [];
  up = true;
  /** So many messages of a socket are read; then it is cut, without a word. */
  readsBeforeCut = Number.POSITIVE_INFINITY;
  /** What arrived is acknowledged only so far behind. */
  acknowledges = true;
  refuses: Record<string, unknown> | null = null;
  sockets = 0;
  greetings: Record<string, unknown>[] = [];

  connect(): Wire {
    this.sockets += 1;
    let call = -1;
    let reads = 0;
    let open = true;
    const wire: Wire = { bufferedAmount: 0, onopen: null, onmessage: null, onclose: null, send, close };
    const self = this;
    function say(message: Record<string, unknown>): void {
      setTimeout(() => open && wire.onmessage?.({ data: JSON.stringify(message) }), 0);
    }
    function close(): void {
      if (!open) return;
      open = false;
      setTimeout(() => wire.onclose?.(), 0);
    }
    function send(data: string | ArrayBuffer): void {
      if (!open || !self.up) {
        close();
        return;
      }
      if (reads++ >= self.readsBeforeCut) {
        close();
        return;
      }
      const now = self.calls[call];
      if (typeof data !== "string") {
        if (!now) throw new Error("audio before start");
        now.bytes.push(...new Uint8Array(data));
        if (self.acknowledges) say({ type: "ack", received: now.bytes.length });
        return;
      }
      const message = JSON.parse(data);
      if (message.type === "start" || message.type === "resume") {
        self.greetings.push(message);
        if (self.refuses) {
          say({ type: "error", ...self.refuses });
          return;
        }
      }
      switch (message.type) {
        case "start":
          call = self.calls.push({ bytes: [], log: [], events: [], ended: false, reason: "" }) - 1;
          {
            say({ type: "started", call_id: `call-${call}`, call_token: `token-${call}`, received: 0 });
            return;
          }
        case "resume": {
          call = Number(String(message.call_token).split("-")[1]);
          const found = self.calls[call];
          if (!found || found.ended) {
            say({ type: "error", code: "call_ended", message: "over", retry: false });
            return;
          }
          if (message.received > found.bytes.length) {
            const received = found.bytes.length;
            say({ type: "error", code: "resume_beyond_received", message: "", retry: false, received });
            return;
          }
          say({ type: "resumed", call_id: `call-${call}`, received: found.bytes.length, seq: found.events.length });
          for (const event of found.events) if ((event.seq as number) > message.after) say(event);
          return;
        }
        case "gap":
        case "mark": {
          if (!now) throw new Error("nothing was started");
          const event = { ...message, event: message.type, at_ts: Math.floor(now.bytes.length / 32) };
          delete event.type;
          now.log.push(`${message.type} at ${now.bytes.length}`);
          now.events.push({ ...event, seq: now.events.length + 1 });
          say(now.events.at(-1) as Record<string, unknown>);
          return;
        }
        case "ping": {
          say({ type: "pong", id: message.id ?? null, received: now?.bytes.length ?? 0 });
          return;
        }
        case "stop": {
          if (!now) throw new Error("nothing was started");
          say({ type: "ack", received: now.bytes.length });
          ended(now, "stopped");
          return;
        }
        default:
          now?.log.push(message.type);
      }
    }
    function ended(now: Server["calls"][number], reason: string): void {
      now.ended = true;
      now.events.push({ event: "ended", audio_ms: now.bytes.length / 32, reason, seq: now.events.length + 1 });
      say(now.events.at(-1) as Record<string, unknown>);
    }
    setTimeout(() => (this.up ? wire.onopen?.() : close()), 0);
    return wire;
  }
}

let server: Server;
let backlog: MemoryBacklog;
let recording: Recording;
let links: Link[];
let events: CallEvent[];
let over: string | null;
let told: Uint8Array[];

beforeEach(() => {
  server = new Server();
  backlog = new MemoryBacklog();
  links = [];
  events = [];
  over = null;
  told = [];
  recording = {
    key: "r",
    state: "recording",
    callId: null,
    callToken: null,
    part: 1,
    base: 0,
    seq: 0,
    recorded: 0,
    title: "Call",
    consent: "All agreed.",
    repId: "anna",
    startedAt: 0,
    lastAt: 0,
    pausedAt: null,
    pauseTold: false,
    nextN: 0,
  };
});

/** Time passes 50 times as fast. */
const around = (): Surroundings => ({
  connect: () => server.connect(),
  now: () => Date.now(),
  random: () => 0.5,
  later(ms, work) {
    const timer = setTimeout(work, ms / 50);
    return () => clearTimeout(timer);
  },
  async audioMs(callId) {
    const call = server.calls[Number(callId.split("-")[1])];
    return call ? Math.floor(call.bytes.length / 32) : null;
  },
});

/** A page: what it does not keep in the backlog is gone with it. */
async function page(): Promise<Delivery> {
  const kept = (await backlog.recordings())[0];
  if (kept) recording = kept;
  else await backlog.save(recording);
  const delivery = new Delivery(recording, backlog, around(), {
    event: (event) => events.push(event),
    link: (link) => links.push(link),
    over: (callId) => {
      over = callId;
    },
  });
  await delivery.load();
  delivery.start();
  return delivery;
}

async function keep(delivery: Delivery, content: Content): Promise<void> {
  const item: Item = { ...content, n: recording.nextN++ };
  await backlog.append(recording, [item]);
  delivery.add(item);
}

/** 64 bytes that are like no others. */
async function record(delivery: Delivery): Promise<void> {
  const no = told.length;
  const pcm = Uint8Array.from({ length: 64 }, (_, i) => (no * 7 + i * 13 + ((no >> 5) ^ i)) & 0xff);
  told.push(pcm);
  await keep(delivery, { kind: "audio", pcm: pcm.buffer, at: 0 });
}

async function stop(delivery: Delivery): Promise<void> {
  recording.state = "stopping";
  await backlog.save(recording);
  delivery.stop();
}

async function until(is: () => boolean): Promise<void> {
  for (let waited = 0; !is(); waited += 5) {
    if (waited > 8_000) throw new Error("it never came to that");
    await new Promise((done) => setTimeout(done, 5));
  }
}

const whole = () => told.flatMap((pcm) => [...pcm]);

test("what is recorded arrives, is dropped here, and the call is over", async () => {
  const delivery = await page();
  for (let i = 0; i < 30; i++) await record(delivery);
  await until(() => delivery.bufferedBytes === 0);
  await stop(delivery);
  await until(() => over !== null);
  expect(server.calls).toHaveLength(1);
  expect(server.calls[0]?.bytes).toEqual(whole());
  expect(await backlog.recordings()).toEqual([]);
  expect(await backlog.read("r", -1e9, 10)).toEqual([]);
  expect(server.greetings[0]).toMatchObject({ consent: { statement: "All agreed." }, rep: { id: "anna" } });
});

test.each([1, 2, 3, 5, 8, 13])(
  "sockets that die after %i messages lose nothing and send nothing twice",
  async (reads) => {
    server.readsBeforeCut = reads + 1;
    const delivery = await page();
    for (let i = 0; i < 12; i++) await record(delivery);
    await keep(delivery, { kind: "gap", durationMs: 300, reason: "the phone was full" });
    for (let i = 0; i < 4; i++) await record(delivery);
    await keep(delivery, { kind: "mark" });
    await keep(delivery, { kind: "mark" });
    for (let i = 0; i < 8; i++) await record(delivery);
    await stop(delivery);
    await until(() => over !== null);
    expect(server.calls).toHaveLength(1);
    expect(server.calls[0]?.bytes).toEqual(whole());
    expect(server.calls[0]?.log).toEqual([`gap at ${12 * 64}`, `mark at ${16 * 64}`, `mark at ${16 * 64}`]);
  },
);

test("a nudge that was on the screen is told once, and not kept for later", async () => {
  const delivery = await page();
  delivery.seen("before-the-server-answered");
  await record(delivery);
  await until(() => (server.calls[0]?.bytes.length ?? 0) > 0);
  delivery.seen("m1");
  await stop(delivery);
  await until(() => over !== null);
  expect(server.calls[0]?.log).toEqual(["seen"]);
});

test("a page that is killed again and again loses nothing and sends nothing twice", async () => {
  for (let life = 0; life < 8; life++) {
    server.readsBeforeCut = life % 3 === 0 ? 6 : Number.POSITIVE_INFINITY;
    server.acknowledges = life % 2 === 0;
    const delivery = await page();
    for (let i = 0; i < 9; i++) {
      await record(delivery);
      if (i % 4 === 0) await new Promise((done) => setTimeout(done, life * 3));
    }
    await keep(delivery, { kind: "gap", durationMs: 1_000 + life, reason: "the page was reloaded" });
    // Killed: nothing more of this page is heard of.
    for (const call of links.splice(0)) void call;
    kill(delivery);
  }
  server.readsBeforeCut = Number.POSITIVE_INFINITY;
  server.acknowledges = true;
  const delivery = await page();
  await stop(delivery);
  await until(() => over !== null);
  const call = server.calls.at(-1);
  expect(server.calls.filter((c) => c.bytes.length > 0)).toHaveLength(1);
  expect(call?.bytes).toEqual(whole());
  expect(call?.log).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((life) => `gap at ${life * 9 * 64}`));
});

function kill(delivery: Delivery): void {
  const inside = delivery as unknown as { wire: Wire | null; closed: boolean; cancelRetry: (() => void) | null };
  inside.closed = true;
  inside.cancelRetry?.();
  const wire = inside.wire;
  inside.wire = null;
  wire?.close();
  // The killed page's own object must not write into what the next one keeps.
  recording = { ...recording };
}

test("a server that is away for long gets everything when it is back", async () => {
  const delivery = await page();
  await record(delivery);
  await until(() => delivery.bufferedBytes === 0);
  server.up = false;
  for (let i = 0; i < 400; i++) await record(delivery);
  await until(() => links.at(-1)?.state === "waiting");
  expect(delivery.bufferedBytes).toBe(400 * 64);
  server.up = true;
  delivery.retryNow();
  await until(() => delivery.bufferedBytes === 0);
  await stop(delivery);
  await until(() => over !== null);
  expect(server.calls[0]?.bytes).toEqual(whole());
});

test("a call that the server ended meanwhile goes on as a second one with what is left", async () => {
  const delivery = await page();
  for (let i = 0; i < 5; i++) await record(delivery);
  await until(() => delivery.bufferedBytes === 0);
  server.up = false;
  for (let i = 0; i < 5; i++) await record(delivery);
  await until(() => links.at(-1)?.state === "waiting");
  const first = server.calls[0];
  if (first) first.ended = true;
  server.up = true;
  await until(() => delivery.bufferedBytes === 0);
  await stop(delivery);
  await until(() => over !== null);
  expect(over).toBe("call-1");
  expect(server.calls.flatMap((call) => call.bytes)).toEqual(whole());
  expect(server.greetings.at(-1)).toMatchObject({ type: "start", title: "Call (part 2)" });
});

test("a call that ended with bytes whose acknowledgement was lost is not sent twice", async () => {
  const delivery = await page();
  await record(delivery);
  await until(() => delivery.bufferedBytes === 0);
  server.acknowledges = false;
  for (let i = 0; i < 4; i++) await record(delivery);
  await until(() => server.calls[0]?.bytes.length === 5 * 64);
  const first = server.calls[0];
  if (first) first.ended = true;
  server.acknowledges = true;
  delivery.networkGone();
  await record(delivery);
  await stop(delivery);
  await until(() => over !== null);
  expect(server.calls.map((call) => call.bytes.length)).toEqual([5 * 64, 64]);
  expect(server.calls.flatMap((call) => call.bytes)).toEqual(whole());
});

test("a server that lost what it had acknowledged is told of the gap", async () => {
  const delivery = await page();
  for (let i = 0; i < 6; i++) await record(delivery);
  await until(() => delivery.bufferedBytes === 0);
  server.calls[0]?.bytes.splice(4 * 64);
  delivery.networkGone();
  for (let i = 0; i < 3; i++) await record(delivery);
  await stop(delivery);
  await until(() => over !== null);
  expect(server.calls[0]?.log).toEqual([`gap at ${4 * 64}`]);
  expect(server.calls[0]?.events[0]).toMatchObject({ duration_ms: 4, reason: "lost by the server" });
  expect(server.calls[0]?.bytes).toEqual(told.filter((_, i) => i < 4 || i > 5).flatMap((pcm) => [...pcm]));
});

test("a refusal keeps what is here, and the next attempt sends it", async () => {
  server.refuses = { code: "missing_token", message: "sign in", retry: false };
  const delivery = await page();
  await record(delivery);
  await until(() => links.at(-1)?.state === "refused");
  expect(links.at(-1)).toMatchObject({ code: "missing_token" });
  await record(delivery);
  server.refuses = null;
  delivery.retryNow();
  await until(() => delivery.bufferedBytes === 0);
  expect(server.calls[0]?.bytes).toEqual(whole());
  await delivery.close();
});

test("a server that is busy is asked again later, with more and more patience", async () => {
  server.refuses = { code: "too_busy", message: "later", retry: true };
  const delivery = await page();
  await until(() => server.sockets >= 4);
  const waits = links.filter((link) => link.state === "waiting").map((link) => link.retryAt - Date.now());
  expect(waits.length).toBeGreaterThanOrEqual(3);
  expect((waits[2] as number) - (waits[0] as number)).toBeGreaterThan(0);
  server.refuses = null;
  await until(() => links.at(-1)?.state === "open");
  await delivery.close();
});
