/**
 * What the phone keeps until the server has it: the calls that are not over, and what was recorded of them, in order.
 *
 * An item is kept before it is sent and dropped when it is acknowledged, so a page that is reloaded or killed loses nothing.
 */

/** Something that goes to the server at its place between the audio. */
export type Content =
  /** `at`: when its last sample was heard, wall clock in ms. */
  | { kind: "audio"; pcm: ArrayBuffer; at: number }
  /** Audio that nobody has, before the next byte. */
  | { kind: "gap"; durationMs: number; reason: string }
  | { kind: "pause" }
  | { kind: "unpause" }
  /** "This moment matters." */
  | { kind: "mark" }
  /** "This voice is me." */
  | { kind: "rep_speaker"; speakerId: number };

/** `n` orders the items of one call; numbers may be left out. */
export type Item = Content & { n: number };

export interface Recording {
  /** The phone's own name for it: the server's may come later, and there may be several. */
  key: string;
  /** `recording`: more audio will come. `stopping`: the person ended it; what is here must still be delivered. */
  state: "recording" | "stopping";
  /** The server's call, null while the server does not know of it. */
  callId: string | null;
  callToken: string | null;
  /** Which server call this is of one recording: a call that the server ended in an outage goes on as the next one. */
  part: number;
  /** The server's byte count of the first byte that is kept here: changes together with the items. */
  base: number;
  /** The highest event number seen. */
  seq: number;
  /** Bytes recorded in all, over all parts. */
  recorded: number;
  title: string;
  consent: string;
  repId: string;
  startedAt: number;
  /** When the last sample was heard. */
  lastAt: number;
  /** Since when nobody is recorded; null while somebody is. */
  pausedAt: number | null;
  /** Whether the server was told of the pause, and so knows how long it was. */
  pauseTold: boolean;
  /** How far its items have been numbered. */
  nextN: number;
}

export interface Backlog {
  /** False: it is gone with the page. */
  readonly durable: boolean;
  /** Every recording that is not over, the oldest first. */
  recordings(): Promise<Recording[]>;
  save(recording: Recording): Promise<void>;
  /** Keep `items` and `recording`, both or neither. Raises BacklogFull when there is no room for them. */
  append(recording: Recording, items: Item[]): Promise<void>;
  /** At most `limit` items from number `from` on, in order. */
  read(key: string, from: number, limit: number): Promise<Item[]>;
  /** Drop the items with these numbers and keep `recording`, both or neither. */
  drop(recording: Recording, numbers: number[]): Promise<void>;
  /** Cut the first `bytes` off an audio item and keep `recording`, both or neither. */
  trim(recording: Recording, n: number, bytes: number): Promise<void>;
  /** The recording is over: forget it and its items. */
  forget(key: string): Promise<void>;
}

export class BacklogFull extends Error {
  constructor() {
    super("this phone has no room for more audio");
  }
}

/** In memory: for browsers that keep nothing (some private windows), and for tests. */
export class MemoryBacklog implements Backlog {
  readonly durable = false;
  private readonly kept = new Map<string, Recording>();
  private readonly items = new Map<string, Item[]>();

  /** `roomBytes`: how much audio it takes. */
  constructor(public roomBytes = 64 * 1024 * 1024) {}

  async recordings(): Promise<Recording[]> {
    return [...this.kept.values()].map((r) => ({ ...r })).sort((a, b) => a.startedAt - b.startedAt);
  }

  async save(recording: Recording): Promise<void> {
    this.kept.set(recording.key, { ...recording });
  }

  async append(recording: Recording, items: Item[]): Promise<void> {
    if (this.size() + items.reduce((sum, item) => sum + bytesOf(item), 0) > this.roomBytes) throw new BacklogFull();
    this.kept.set(recording.key, { ...recording });
    const all = [...(this.items.get(recording.key) ?? []), ...items.map((item) => ({ ...item }))];
    this.items.set(
      recording.key,
      all.sort((a, b) => a.n - b.n),
    );
  }

  async read(key: string, from: number, limit: number): Promise<Item[]> {
    return (this.items.get(key) ?? []).filter((item) => item.n >= from).slice(0, limit);
  }

  async drop(recording: Recording, numbers: number[]): Promise<void> {
    const gone = new Set(numbers);
    this.kept.set(recording.key, { ...recording });
    this.items.set(
      recording.key,
      (this.items.get(recording.key) ?? []).filter((item) => !gone.has(item.n)),
    );
  }

  async trim(recording: Recording, n: number, bytes: number): Promise<void> {
    this.kept.set(recording.key, { ...recording });
    for (const item of this.items.get(recording.key) ?? []) {
      if (item.n === n && item.kind === "audio") item.pcm = item.pcm.slice(bytes);
    }
  }

  async forget(key: string): Promise<void> {
    this.kept.delete(key);
    this.items.delete(key);
  }

  private size(): number {
    return [...this.items.values()].flat().reduce((sum, item) => sum + bytesOf(item), 0);
  }
}

export function bytesOf(item: Content): number {
  return item.kind === "audio" ? item.pcm.byteLength : 0;
}
