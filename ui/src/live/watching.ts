/** The watching socket of one call: connects, goes on where it stopped when the connection breaks, and ends with the call. */

import { EMPTY, type Feed, take } from "./feed";

export type Connection =
  | { state: "connecting" }
  | { state: "open" }
  | { state: "waiting" /** Milliseconds until the next try. */; again_ms: number }
  | { state: "over" }
  | { state: "refused"; message: string };

export interface Watched {
  feed: Feed;
  connection: Connection;
}

/** A screen needs no more pictures than this; a replay of thousands of events becomes a few. */
const SHOW_EVERY_MS = 80;
const PING_EVERY_MS = 15_000;
const PONG_WITHIN_MS = 10_000;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;

/** Holds what was heard, and tells its listeners when that changed. `open` and `close` are balanced by the caller. */
export class Watching {
  private watched: Watched = { feed: EMPTY, connection: { state: "connecting" } };
  private readonly listeners = new Set<() => void>();
  private socket: WebSocket | null = null;
  private waiting: unknown[] = [];
  private tries = 0;
  private closed = true;
  private refusal: string | null = null;
  private showTimer: number | undefined;
  private againTimer: number | undefined;
  private pingTimer: number | undefined;
  private pongTimer: number | undefined;

  constructor(private readonly callId: string) {}

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly current = (): Watched => this.watched;

  open(): void {
    this.closed = false;
    window.addEventListener("online", this.tryNow);
    this.connect();
  }

  close(): void {
    this.closed = true;
    window.removeEventListener("online", this.tryNow);
    window.clearTimeout(this.againTimer);
    window.clearTimeout(this.showTimer);
    this.showTimer = undefined;
    this.drop();
  }

  /** Connect now instead of at the end of the wait. */
  readonly tryNow = (): void => {
    if (this.closed || this.watched.connection.state !== "waiting") return;
    window.clearTimeout(this.againTimer);
    this.connect();
  };

  private connect(): void {
    this.drop();
    this.show({ state: "connecting" });
    this.refusal = null;
    const scheme = window.location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(
      `${scheme}//${window.location.host}/v1/calls/${encodeURIComponent(this.callId)}/events`,
    );
    this.socket = socket;
    socket.onopen = () => {
      socket.send(JSON.stringify({ type: "watch", protocol: 1, after: this.watched.feed.seq }));
      this.pingTimer = window.setInterval(() => this.ping(), PING_EVERY_MS);
    };
    socket.onmessage = (event) => this.hear(event.data);
    socket.onclose = (event) => {
      if (this.socket === socket) this.lost(event.code);
    };
  }

  private hear(data: unknown): void {
    if (typeof data !== "string") return;
    let message: unknown;
    try {
      message = JSON.parse(data);
    } catch {
      return;
    }
    const type = (message as { type?: unknown } | null)?.type;
    if (type === "watching") {
      this.tries = 0;
      // A stored call comes whole and without numbers: what was shown of it before would be there twice.
      if ((message as { running?: unknown }).running === false) this.startAfresh();
      this.show({ state: "open" });
    } else if (type === "pong") {
      window.clearTimeout(this.pongTimer);
    } else if (type === "error") {
      const { retry, message: words } = message as { retry?: unknown; message?: unknown };
      if (retry === false) this.refusal = typeof words === "string" ? words : "The server refused.";
    } else {
      this.waiting.push(message);
      this.showTimer ??= window.setTimeout(() => this.digest(), SHOW_EVERY_MS);
    }
  }

  private startAfresh(): void {
    this.waiting = [];
    this.watched = { ...this.watched, feed: EMPTY };
  }

  private digest(): void {
    window.clearTimeout(this.showTimer);
    this.showTimer = undefined;
    if (this.waiting.length === 0) return;
    const messages = this.waiting;
    this.waiting = [];
    this.watched = { ...this.watched, feed: take(this.watched.feed, messages) };
    this.tell();
  }

  private ping(): void {
    this.socket?.send(JSON.stringify({ type: "ping", id: "watch" }));
    window.clearTimeout(this.pongTimer);
    // A browser does not notice a connection that is dead without having been closed.
    this.pongTimer = window.setTimeout(() => this.lost(null), PONG_WITHIN_MS);
  }

  private lost(code: number | null): void {
    this.digest();
    this.drop();
    if (this.closed) return;
    if (code === 1000) {
      this.show({ state: "over" });
      return;
    }
    if (this.refusal !== null) {
      this.show({ state: "refused", message: this.refusal });
      return;
    }
    const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.tries) * (0.75 + Math.random() / 2);
    this.tries += 1;
    this.show({ state: "waiting", again_ms: Math.round(wait) });
    this.againTimer = window.setTimeout(() => this.connect(), wait);
  }

  private drop(): void {
    window.clearInterval(this.pingTimer);
    window.clearTimeout(this.pongTimer);
    const socket = this.socket;
    this.socket = null;
    if (socket === null) return;
    socket.onopen = null;
    socket.onmessage = null;
    socket.onclose = null;
    socket.close();
  }

  private show(connection: Connection): void {
    this.watched = { ...this.watched, connection };
    this.tell();
  }

  private tell(): void {
    for (const listener of this.listeners) listener();
  }
}
