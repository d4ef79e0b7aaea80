/** Everything that this phone records or still has to deliver. One tab does that; the others say so. */

import { Microphone } from "../audio/microphone";
import { type Backlog, MemoryBacklog, type Recording } from "./backlog";
import { Capture, type CaptureEvents } from "./capture";
import type { Surroundings } from "./delivery";
import { IndexedBacklog } from "./indexed-backlog";

export interface RecorderState {
  /** `elsewhere`: another tab of this phone records. `unknown`: not asked yet. */
  place: "unknown" | "here" | "elsewhere";
  current: Capture | null;
  /** Recordings of earlier pages that are being delivered. */
  leftovers: Capture[];
  /** Grows when a call has come to its end on the server: lists of calls are old then. */
  finished: number;
}

const LOCK = "ridealong-recording";
/** A reloaded page's lock is let go a moment after the new page asks for it. */
const LOCK_WAIT_MS = 1_500;
/** The server ends a call whose sender is away for so long (docs/protocol.md); then it is delivered and not gone on with. */
const GRACE_MS = 5 * 60_000;
/** Set while this tab records: the same tab after a reload goes on by itself, another one asks. */
const TAB_FLAG = "ridealong-recording";

export class Recorder {
  private state: RecorderState = { place: "unknown", current: null, leftovers: [], finished: 0 };
  private readonly watchers = new Set<() => void>();
  private release: (() => void) | null = null;

  private constructor(
    private readonly backlog: Backlog,
    private readonly around: Surroundings,
    private readonly onCard: CaptureEvents["card"],
    private readonly cardMs: () => number,
  ) {}

  static async open(around: Surroundings, onCard: CaptureEvents["card"], cardMs: () => number): Promise<Recorder> {
    let backlog: Backlog;
    try {
      backlog = await IndexedBacklog.open();
    } catch {
      // Better to record with a warning than not at all.
      backlog = new MemoryBacklog();
    }
    const recorder = new Recorder(backlog, around, onCard, cardMs);
    void recorder.claim();
    return recorder;
  }

  get snapshot(): RecorderState {
    return this.state;
  }

  watch(changed: () => void): () => void {
    this.watchers.add(changed);
    return () => this.watchers.delete(changed);
  }

  /** Begin a recording and open the microphone. Call it from a tap. False: another tab records. */
  async begin(stated: { title: string; consent: string; repId: string }): Promise<boolean> {
    if (this.state.current) return true;
    // Before anything is awaited, while the tap still counts.
    const context = Microphone.context();
    if (!(await this.hold())) {
      this.show({ place: "elsewhere" });
      await context?.close();
      return false;
    }
    // Ask that the browser does not throw the audio away when room is short. Some ask the person; nothing waits for that.
    void navigator.storage?.persist?.().catch(() => false);
    const capture = await Capture.begin(stated, this.backlog, this.around, this.eventsOf(), this.cardMs);
    flag(true);
    this.show({ current: capture });
    await capture.listen(context);
    return true;
  }

  /** The person has seen that the call is over. */
  leave(): void {
    flag(false);
    const current = this.state.current;
    if (!current) return;
    // Not delivered yet: that goes on beside whatever the person does.
    const open = current.snapshot.phase !== "over";
    this.show({ current: null, leftovers: open ? [...this.state.leftovers, current] : this.state.leftovers });
  }

  networkBack(): void {
    for (const capture of this.all) capture.retryNow();
  }

  networkGone(): void {
    for (const capture of this.all) capture.networkGone();
  }

  /** The page is seen again: what happened meanwhile in other tabs shows. */
  wake(): void {
    if (!this.release && this.state.place === "here" && navigator.locks) {
      void navigator.locks.query().then((locks) => {
        if (!this.release && locks.held?.some((lock) => lock.name === LOCK)) void this.claim();
      });
    }
    for (const capture of this.all) void capture.wake();
  }

  /** Any tap: Safari lets the sound go on only from one. */
  tapped(): void {
    void this.state.current?.wake();
  }

  private get all(): Capture[] {
    return this.state.current ? [this.state.current, ...this.state.leftovers] : this.state.leftovers;
  }

  // ---- one tab

  /** The lock that only one tab has, from when there is something to record or to deliver until there is nothing. False: another tab has it. */
  private async hold(): Promise<boolean> {
    if (this.release || !navigator.locks) return true;
    return await new Promise<boolean>((resolve) => {
      void navigator.locks.request(LOCK, { ifAvailable: true }, async (lock) => {
        resolve(lock !== null);
        if (lock) await this.released();
      });
    });
  }

  private released(): Promise<void> {
    return new Promise((resolve) => {
      this.release = resolve;
    });
  }

  /** Take up what earlier pages left, when no other tab does. */
  private async claim(): Promise<void> {
    if (!navigator.locks) return await this.takeUp();
    const soon = new AbortController();
    const waiting = setTimeout(() => soon.abort(), LOCK_WAIT_MS);
    const work = async (): Promise<void> => {
      clearTimeout(waiting);
      await this.takeUp();
      if (this.all.length > 0) await this.released();
    };
    try {
      await navigator.locks.request(LOCK, { signal: soon.signal }, work);
    } catch {
      this.show({ place: "elsewhere" });
      // The other tab is done, or was closed in the middle of a call.
      await navigator.locks.request(LOCK, work);
    }
  }

  private async takeUp(): Promise<void> {
    const found = await this.backlog.recordings();
    let current: Capture | null = null;
    const leftovers: Capture[] = [];
    for (const recording of found) {
      const young = Date.now() - (recording.pausedAt ?? recording.lastAt) < GRACE_MS;
      const goesOn = recording.state === "recording" && young && current === null && recording === found.at(-1);
      if (!goesOn && recording.state === "recording") await this.stopHere(recording);
      const capture = await Capture.takeUp(recording, this.backlog, this.around, this.eventsOf(), this.cardMs);
      if (goesOn) current = capture;
      else if (capture.snapshot.phase !== "over") leftovers.push(capture);
    }
    this.show({ place: "here", current, leftovers });
    if (current && flagged() && current.snapshot.phase === "interrupted" && (await mayListen())) await current.listen();
  }

  private async stopHere(recording: Recording): Promise<void> {
    recording.state = "stopping";
    recording.pausedAt = null;
    await this.backlog.save(recording);
  }

  private eventsOf(): CaptureEvents {
    return {
      card: this.onCard,
      over: () => {
        const leftovers = this.state.leftovers.filter((capture) => capture.snapshot.phase !== "over");
        this.show({ leftovers, finished: this.state.finished + 1 });
      },
    };
  }

  private show(part: Partial<RecorderState>): void {
    this.state = { ...this.state, ...part };
    if (this.state.place === "here" && this.all.length === 0) {
      this.release?.();
      this.release = null;
    }
    for (const changed of this.watchers) changed();
  }
}

/** Whether the microphone opens without a question. Where the browser will not say (Safari), the person is asked. */
async function mayListen(): Promise<boolean> {
  try {
    return (await navigator.permissions.query({ name: "microphone" as PermissionName })).state === "granted";
  } catch {
    return false;
  }
}

function flag(on: boolean): void {
  try {
    if (on) sessionStorage.setItem(TAB_FLAG, "1");
    else sessionStorage.removeItem(TAB_FLAG);
  } catch {
    // Without it the person is asked after a reload, and nothing else changes.
  }
}

function flagged(): boolean {
  try {
    return sessionStorage.getItem(TAB_FLAG) === "1";
  } catch {
    return false;
  }
}
