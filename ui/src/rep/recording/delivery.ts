/**
 * Brings what one recording has in the backlog to the server, in order and exactly once, over as many sockets as it takes.
 * "Resuming after a dropped connection" in docs/protocol.md is what it follows, step by step.
 */

import { BYTES_PER_MS } from "../audio/framer";
import { type Backlog, bytesOf, type Content, type Item, type Recording } from "./backlog";
import { type CallEvent, readMessage, type ServerMessage } from "./messages";

/** What a WebSocket is to the delivery. */
export interface Wire {
  readonly bufferedAmount: number;
  onopen: (() => void) | null;
  onmessage: ((message: { data: unknown }) => void) | null;
  onclose: (() => void) | null;
  send(data: string | ArrayBuffer): void;
  close(): void;
}

export interface Surroundings {
  /** A new socket to the server's capture address. */
  connect(): Wire;
  /** Milliseconds. */
  now(): number;
  /** 0 to 1. */
  random(): number;
  /** Do `work` in `ms`; the answer calls it off. */
  later(ms: number, work: () => void): () => void;
  /** How much audio an ended call has on the server, in ms; null when the server will not say. Rejects without a network. */
  audioMs(callId: string, callToken: string): Promise<number | null>;
}

export type Link =
  /** `since`: when the last connection was lost, or the first one begun. */
  | { state: "connecting"; since: number }
  | { state: "open" }
  | { state: "waiting"; since: number; retryAt: number }
  /** The server said no, and the same again would get the same answer. What is here is kept. */
  | { state: "refused"; code: string; message: string }
  | { state: "closed" };

export interface Listener {
  event(event: CallEvent): void;
  link(link: Link): void;
  /** The server has everything, and the call is over. `callId`: of the last part. */
  over(callId: string): void;
}

interface Entry {
  n: number;
  kind: Content["kind"];
  bytes: number;
  /** The server's byte count where it belongs; −1 until it is sent. */
  offset: number;
  /** Null: to be read from the backlog when its turn comes. Ten minutes of audio need not be in memory. */
  content: Content | null;
}

const OPEN_MS = 10_000;
const PING_AFTER_MS = 5_000;
/** Without a word for so long the connection is dead, whatever the phone's radio believes. */
const DEAD_AFTER_MS = 14_000;
const TICK_MS = 2_500;
const SOCKET_FULL_BYTES = 256 * 1024;
const READ_AT_ONCE = 50;
const DROP_EVERY_MS = 500;
/** So many newest items stay in memory: those are sent next while the connection is good. */
const HELD_ITEMS = 100;
const ENDED = new Set(["call_ended", "unknown_call", "call_too_long", "audio_after_stop"]);
const NO_ENTRY = new Set(["signed_out", "missing_token", "unknown_token", "expired_token", "unknown_tenant"]);

export class Delivery {
  private unsent: Entry[] = [];
  private flying: Entry[] = [];
  private toDrop: number[] = [];
  private wire: Wire | null = null;
  /** True once the server said from where on it wants the audio. */
  private ready = false;
  private stopSent = false;
  private closed = false;
  /** Nothing is sent until this event was seen: it tells whether the server knows of what comes next. */
  private hold: number | null = null;
  private position = 0;
  /** The server's count of the first byte that it may not have. `recording.base` follows when the items before it are dropped: both or neither. */
  private base: number;
  private attempts = 0;
  private awaySince: number;
  private lastHeard = 0;
  private turn: Promise<void> = Promise.resolve();
  private pumping = false;
  private pumpAgain = false;
  private cancelRetry: (() => void) | null = null;
  private cancelTick: (() => void) | null = null;
  private cancelDrop: (() => void) | null = null;

  constructor(
    private readonly recording: Recording,
    private readonly backlog: Backlog,
    private readonly around: Surroundings,
    private readonly listener: Listener,
  ) {
    this.awaySince = around.now();
    this.base = recording.base;
  }

  /** Take up what an earlier page left behind. Before `start`. */
  async load(): Promise<void> {
    for (let from = -Number.MAX_VALUE; ; ) {
      const items = await this.backlog.read(this.recording.key, from, 500);
      for (const item of items) this.unsent.push(entryOf(item, false));
      const last = items.at(-1);
      if (!last) return;
      from = last.n + 0.5;
    }
  }

  start(): void {
    this.connect();
  }

  /** An item that lies in the backlog now. */
  add(item: Item): void {
    const held = this.ready && this.unsent.length < HELD_ITEMS;
    this.unsent.push(entryOf(item, held));
    void this.pump();
  }

  /** The recording's state is `stopping` now: end the call when everything is delivered. */
  stop(): void {
    if (!this.wire && !this.cancelRetry) this.retryNow();
    void this.pump();
  }

  /** The network is back, or the person signed in again: don't wait any longer. */
  retryNow(): void {
    if (this.closed || this.wire) return;
    this.cancelRetry?.();
    this.cancelRetry = null;
    this.connect();
  }

  /** The network is known to be gone: a socket would take half a minute to notice. */
  networkGone(): void {
    if (this.wire) this.lost();
  }

  /** Leave off, without ending the call. */
  async close(): Promise<void> {
    this.closed = true;
    this.cancelRetry?.();
    this.leave();
    await this.turn;
    await this.persistDrops();
    this.listener.link({ state: "closed" });
  }

  /** Recorded and not yet on the server's disk. */
  /** The nudge is on the screen. Said once and not kept: without a socket nobody is there to learn when it was. */
  seen(momentId: string): void {
    if (this.ready) this.wire?.send(JSON.stringify({ type: "seen", moment_id: momentId }));
  }

  get bufferedBytes(): number {
    return [...this.flying, ...this.unsent].reduce((sum, entry) => sum + entry.bytes, 0);
  }

  get open(): boolean {
    return this.ready;
  }

  // ---- connections

  private connect(): void {
    this.listener.link({ state: "connecting", since: this.awaySince });
    const wire = this.around.connect();
    this.wire = wire;
    this.lastHeard = this.around.now();
    const cancelOpen = this.around.later(OPEN_MS, () => {
      if (this.wire === wire && !this.ready) this.lost();
    });
    wire.onopen = () => wire.send(JSON.stringify(this.greeting()));
    wire.onmessage = (message) => {
      if (this.wire !== wire) return;
      this.lastHeard = this.around.now();
      const read = typeof message.data === "string" ? readMessage(message.data) : null;
      if (!read) return;
      // One after the other: what an answer changes is kept before the next one is looked at.
      this.turn = this.turn
        .then(async () => {
          if (this.wire === wire) await this.heard(read);
        })
        .catch(() => {
          if (this.wire === wire) this.lost();
        });
    };
    wire.onclose = () => {
      cancelOpen();
      this.turn = this.turn.then(() => {
        if (this.wire === wire) this.lost();
      });
    };
    this.tick(wire);
  }

  private greeting(): Record<string, unknown> {
    const { callToken, seq, title, part, consent, repId } = this.recording;
    if (callToken)
      return { type: "resume", protocol: 1, call_token: callToken, received: this.base, after: seq, take_over: true };
    return {
      type: "start",
      protocol: 1,
      format: { encoding: "pcm16", sample_rate: 16_000, channels: 1 },
      channel_layout: "mixed",
      rep: { id: repId },
      consent: { statement: consent },
      title: part > 1 ? `${title} (part ${part})` : title,
      language: "en",
      // What was recorded before the server knew of the call comes faster than time passes.
      pace: this.bufferedBytes > 3_000 * BYTES_PER_MS ? "recorded" : "live",
    };
  }

  private tick(wire: Wire): void {
    this.cancelTick = this.around.later(TICK_MS, () => {
      if (this.wire !== wire) return;
      const silent = this.around.now() - this.lastHeard;
      if (silent > DEAD_AFTER_MS) return this.lost();
      if (this.ready && silent > PING_AFTER_MS) wire.send(JSON.stringify({ type: "ping" }));
      this.tick(wire);
    });
  }

  private leave(): void {
    const wire = this.wire;
    this.wire = null;
    this.ready = false;
    this.hold = null;
    this.cancelTick?.();
    // The server's word counts: what it has not acknowledged is sent again.
    this.unsent = [...this.flying, ...this.unsent];
    this.flying = [];
    wire?.close();
  }

  private lost(): void {
    if (this.ready) this.awaySince = this.around.now();
    this.leave();
    if (this.closed) return;
    const wait = Math.min(15_000, 500 * 2 ** this.attempts) * (0.75 + this.around.random() / 2);
    this.attempts += 1;
    this.cancelRetry = this.around.later(wait, () => {
      this.cancelRetry = null;
      this.connect();
    });
    this.listener.link({ state: "waiting", since: this.awaySince, retryAt: this.around.now() + wait });
  }

  private reconnect(): void {
    this.leave();
    if (!this.closed) this.connect();
  }

  private refused(code: string, message: string): void {
    this.leave();
    this.listener.link({ state: "refused", code, message });
  }

  // ---- what the server says

  private async heard(message: ServerMessage): Promise<void> {
    if ("event" in message) return await this.heardEvent(message);
    switch (message.type) {
      case "started":
        Object.assign(this.recording, { callId: message.call_id, callToken: message.call_token });
        await this.backlog.save(this.recording);
        return this.opened();
      case "resumed":
        await this.resumed(message.received, message.seq);
        return this.opened();
      case "ack":
        this.attempts = 0;
        return await this.acknowledged(message.received);
      case "pong":
        if ("id" in message && typeof message.id === "number") await this.settle((entry) => entry.n === message.id);
        return;
      case "missed":
        this.hold = null;
        return void this.pump();
      case "error":
        return await this.heardError(message.code, message.message, message.retry, message.received);
    }
  }

  private opened(): void {
    this.ready = true;
    this.stopSent = false;
    this.position = this.base;
    this.listener.link({ state: "open" });
    void this.pump();
  }

  private async resumed(received: number, seq: number): Promise<void> {
    // The last connection was good for something.
    if (received > this.base) this.attempts = 0;
    await this.acknowledged(received);
    // It has more than was kept here: its count is the one that goes on.
    this.base = Math.max(this.base, received);
    const next = this.unsent[0];
    // Sent in vain or not? The events that are sent again now tell.
    const unsure = next?.kind === "gap" || next?.kind === "mark";
    this.hold = unsure && this.recording.seq < seq ? seq : null;
  }

  private async acknowledged(received: number): Promise<void> {
    const queue = this.flying.length > 0 || this.ready ? this.flying : this.unsent;
    while (queue[0]) {
      const entry = queue[0];
      const base = this.base;
      // `base` lies where the entry begins. Something between the audio is done when audio behind it has come.
      if (base + entry.bytes > received || (entry.bytes === 0 && base >= received)) {
        if (received > base && entry.kind === "audio") await this.trim(entry, received - base);
        break;
      }
      this.base = base + entry.bytes;
      this.toDrop.push(entry.n);
      queue.shift();
    }
    this.dropSoon();
  }

  /** The server ends a message where it ends, so this is not expected; but a part twice would be worse. */
  private async trim(entry: Entry, bytes: number): Promise<void> {
    await this.persistDrops();
    this.base += bytes;
    this.recording.base = this.base;
    entry.bytes -= bytes;
    entry.content = null;
    await this.backlog.trim(this.recording, entry.n, bytes);
  }

  private async heardEvent(event: CallEvent): Promise<void> {
    const seq = event.seq;
    // A nudge stands beside its moment and has the moment's number: that one is still to come.
    if (event.event === "nudge") return this.listener.event(event);
    if (seq !== undefined && seq > this.recording.seq) {
      if (event.event === "gap") {
        await this.settle(
          (entry) => entry.kind === "gap" && this.standsAt(entry, event.at_ts) && sameGap(entry, event),
        );
      } else if (event.event === "mark") {
        await this.settle((entry) => entry.kind === "mark" && this.standsAt(entry, event.at_ts));
      }
      this.recording.seq = seq;
      this.dropSoon();
      this.listener.event(event);
      if (event.event === "ended") return await this.ended();
    } else if (seq === undefined) {
      this.listener.event(event);
    }
    if (this.hold !== null && this.recording.seq >= this.hold) this.hold = null;
    void this.pump();
  }

  private standsAt(entry: Entry, atMs: number): boolean {
    const offset = entry.offset >= 0 ? entry.offset : this.base;
    return Math.abs(offset / BYTES_PER_MS - atMs) <= 1;
  }

  /** The first entry that `is` and is no audio has arrived. */
  private async settle(is: (entry: Entry) => boolean): Promise<void> {
    const leading = this.unsent.findIndex((entry) => entry.kind === "audio");
    for (const [queue, end] of [
      [this.flying, this.flying.length],
      [this.unsent, leading < 0 ? this.unsent.length : leading],
    ] as const) {
      const place = queue.findIndex((entry, index) => index < end && entry.kind !== "audio" && is(entry));
      const entry = queue[place];
      if (!entry) continue;
      queue.splice(place, 1);
      await this.backlog.drop(this.recording, [entry.n]);
      return;
    }
  }

  private async heardError(code: string, message: string, retry: boolean, received?: number): Promise<void> {
    if (retry) return this.lost();
    if (code === "resume_beyond_received" && received !== undefined) return await this.goBackTo(received);
    const over = ENDED.has(code) || (NO_ENTRY.has(code) && this.recording.callToken !== null);
    return over ? await this.ended() : this.refused(code, message);
  }

  /** The server lost what it had acknowledged (another disk): go on from what it has, and say how much is missing. */
  private async goBackTo(received: number): Promise<void> {
    const durationMs = Math.max(1, Math.round((this.base - received) / BYTES_PER_MS));
    this.leave();
    await this.persistDrops();
    const n = this.unsent[0] ? this.unsent[0].n - 1 : this.recording.nextN++;
    const item: Item = { n, kind: "gap", durationMs, reason: "lost by the server" };
    this.base = received;
    this.recording.base = received;
    await this.backlog.append(this.recording, [item]);
    this.unsent.unshift(entryOf(item, true));
    this.reconnect();
  }

  /** The server's call is over. What it does not have becomes the next part. */
  private async ended(): Promise<void> {
    const { callId, callToken } = this.recording;
    this.leave();
    await this.persistDrops();
    if (callId && callToken && this.unsent.some((entry) => entry.kind === "audio")) {
      let audioMs: number | null;
      try {
        audioMs = await this.around.audioMs(callId, callToken);
      } catch {
        return this.lost();
      }
      await this.alreadyThere(audioMs);
    }
    const rest = this.unsent.some((entry) => entry.kind === "audio");
    if (callId && this.recording.state === "stopping" && !rest) {
      this.closed = true;
      this.listener.link({ state: "closed" });
      await this.backlog.forget(this.recording.key);
      return this.listener.over(callId);
    }
    this.base = 0;
    Object.assign(this.recording, { callId: null, callToken: null, base: 0, seq: 0, part: this.recording.part + 1 });
    await this.backlog.save(this.recording);
    this.reconnect();
  }

  private async alreadyThere(audioMs: number | null): Promise<void> {
    if (audioMs === null) return;
    // The server tells whole milliseconds: its count lies in the one that has begun.
    const atLeast = audioMs * BYTES_PER_MS;
    const atMost = atLeast + BYTES_PER_MS - 1;
    const front = this.unsent[0];
    const fits = front && this.base + front.bytes <= atMost;
    await this.acknowledged(fits ? Math.max(atLeast, this.endsAtMost(atMost)) : atLeast);
    await this.persistDrops();
  }

  /** The last entry's end at or below `limit`: a message boundary, as the server has it. */
  private endsAtMost(limit: number): number {
    let end = this.base;
    for (const entry of this.unsent) {
      if (end + entry.bytes > limit) break;
      end += entry.bytes;
    }
    return end;
  }

  // ---- sending

  private async pump(): Promise<void> {
    this.pumpAgain = true;
    if (this.pumping) return;
    this.pumping = true;
    try {
      while (this.pumpAgain) {
        this.pumpAgain = false;
        while (await this.sendNext());
      }
    } catch {
      // Neither storage nor socket may end the recording: connect again and read again.
      if (this.wire) this.lost();
    } finally {
      this.pumping = false;
    }
  }

  /** False: there is nothing to send now. */
  private async sendNext(): Promise<boolean> {
    const wire = this.wire;
    if (!wire || !this.ready || this.hold !== null) return false;
    const entry = this.unsent[0];
    if (!entry) {
      if (this.recording.state === "stopping" && !this.stopSent) {
        this.stopSent = true;
        wire.send(JSON.stringify({ type: "stop" }));
      }
      return false;
    }
    if (wire.bufferedAmount > SOCKET_FULL_BYTES) {
      await new Promise<void>((resolve) => this.around.later(50, resolve));
      return true;
    }
    if (!entry.content) await this.read();
    // Much can have happened while it was read.
    if (this.wire !== wire || !this.ready || this.unsent[0] !== entry || !entry.content) return true;
    entry.offset = this.position;
    this.position += entry.bytes;
    this.unsent.shift();
    this.flying.push(entry);
    if (entry.content.kind === "audio") {
      wire.send(entry.content.pcm);
      entry.content = null;
    } else {
      wire.send(JSON.stringify(said(entry.content)));
      // The socket is in order, so the answer to this tells that the server has done what stands before it.
      wire.send(JSON.stringify({ type: "ping", id: entry.n }));
    }
    return true;
  }

  private async read(): Promise<void> {
    const first = this.unsent[0];
    if (!first) return;
    const found = new Map<number, Item>();
    for (const item of await this.backlog.read(this.recording.key, first.n, READ_AT_ONCE)) found.set(item.n, item);
    for (const entry of this.unsent.slice(0, READ_AT_ONCE)) entry.content ??= found.get(entry.n) ?? null;
    const mine = this.unsent.indexOf(first);
    if (!first.content && mine >= 0) {
      // The browser threw it away. Say so at its place; the count goes on without it.
      const durationMs = Math.max(1, Math.round(first.bytes / BYTES_PER_MS));
      const content: Content = { kind: "gap", durationMs, reason: "the phone lost it" };
      this.unsent[mine] = { n: first.n, kind: "gap", bytes: 0, offset: -1, content };
    }
  }

  // ---- the backlog

  private dropSoon(): void {
    if (this.cancelDrop) return;
    this.cancelDrop = this.around.later(DROP_EVERY_MS, () => void this.persistDrops().catch(() => undefined));
  }

  private async persistDrops(): Promise<void> {
    this.cancelDrop?.();
    this.cancelDrop = null;
    if (this.closed && this.toDrop.length === 0) return;
    const numbers = this.toDrop;
    this.toDrop = [];
    this.recording.base = this.base;
    await this.backlog.drop(this.recording, numbers);
  }
}

function entryOf(item: Item, held: boolean): Entry {
  const content = held || item.kind !== "audio" ? item : null;
  return { n: item.n, kind: item.kind, bytes: bytesOf(item), offset: -1, content };
}

function sameGap(entry: Entry, event: { duration_ms: number; reason: string }): boolean {
  const content = entry.content;
  return content?.kind === "gap" && content.durationMs === event.duration_ms && content.reason === event.reason;
}

function said(content: Exclude<Content, { kind: "audio" }>): Record<string, unknown> {
  switch (content.kind) {
    case "gap":
      return { type: "gap", duration_ms: content.durationMs, reason: content.reason };
    case "rep_speaker":
      return { type: "rep_speaker", speaker_id: content.speakerId };
    default:
      return { type: content.kind };
  }
}
