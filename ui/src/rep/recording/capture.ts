/** One recording on this phone, from the first sample until the server has all of it: microphone, backlog, delivery, cards. */

import { BYTES_PER_MS, type Frame } from "../audio/framer";
import { Microphone, type MicrophoneProblem, type MicrophoneState, MicrophoneUnavailable } from "../audio/microphone";
import { type Backlog, BacklogFull, bytesOf, type Content, type Item, type Recording } from "./backlog";
import { type Card, Cards } from "./cards";
import { Delivery, type Link, type Surroundings } from "./delivery";
import type { CallEvent } from "./messages";

export interface Voice {
  speakerId: number;
  /** What it said last, so that one can tell whose it is. */
  text: string;
}

export interface Snapshot {
  /** `interrupted`: the page was closed in the middle, and the person has not said yet whether it goes on. */
  phase: "recording" | "paused" | "interrupted" | "delivering" | "over";
  link: Link;
  /** Recorded and not yet on the server's disk. */
  bufferedMs: number;
  recordedMs: number;
  rms: number;
  microphone: MicrophoneState | "opening" | "closed";
  problem: MicrophoneProblem | null;
  /** The phone is full: what is said now is lost. */
  full: boolean;
  /** What is kept outlives this page. */
  durable: boolean;
  card: Card | null;
  /** The newest last. */
  earlier: Card[];
  marks: number;
  /** Who the rep is has become known. */
  repKnown: boolean;
  voices: Voice[];
  warning: string | null;
  callId: string | null;
  title: string;
}

/** Shorter holes are the page's own unsteadiness, not the microphone's. */
const HOLE_MS = 250;
const RELOADED = "the page was reloaded";
const EARLIER_CARDS = 3;
/** A pause that the server hears of at once is measured there; one behind more audio than this is measured here. */
const NEARLY_LIVE_MS = 2_000;

export interface CaptureEvents {
  card(card: Card): void;
  /** `callId`: null where the server never heard of it. */
  over(callId: string | null): void;
}

export class Capture {
  private readonly delivery: Delivery;
  private readonly cards: Cards;
  private microphone: Microphone | null = null;
  private writing: Promise<void> = Promise.resolve();
  /** Why frames may be missing before the next one; null while they come without a break. */
  private broken: string | null = null;
  private lostMs = 0;
  private delivering = false;
  private pausing = false;
  private state: Snapshot;
  private readonly watchers = new Set<() => void>();

  private constructor(
    readonly recording: Recording,
    private readonly backlog: Backlog,
    around: Surroundings,
    private readonly events: CaptureEvents,
    cardMs: () => number,
  ) {
    this.delivery = new Delivery(recording, backlog, around, {
      event: (event) => this.heard(event),
      link: (link) => this.show({ link }),
      over: (callId) => {
        this.show({ phase: "over", callId });
        events.over(callId);
      },
    });
    this.cards = new Cards(
      cardMs,
      (card) => this.show({ card }),
      (card) => this.show({ earlier: [...this.state.earlier, card].slice(-EARLIER_CARDS) }),
    );
    this.state = {
      phase: recording.state === "stopping" ? "delivering" : recording.pausedAt === null ? "interrupted" : "paused",
      link: { state: "connecting", since: around.now() },
      bufferedMs: 0,
      recordedMs: recording.recorded / BYTES_PER_MS,
      rms: 0,
      microphone: "closed",
      problem: null,
      full: false,
      durable: backlog.durable,
      card: null,
      earlier: [],
      marks: 0,
      repKnown: false,
      voices: [],
      warning: null,
      callId: recording.callId,
      title: recording.title,
    };
  }

  /** A new recording, whose delivery begins at once. The microphone is opened by `listen`. */
  static async begin(
    stated: { title: string; consent: string; repId: string },
    backlog: Backlog,
    around: Surroundings,
    events: CaptureEvents,
    cardMs: () => number,
  ): Promise<Capture> {
    const now = Date.now();
    const recording: Recording = {
      key: crypto.randomUUID(),
      state: "recording",
      callId: null,
      callToken: null,
      part: 1,
      base: 0,
      seq: 0,
      recorded: 0,
      ...stated,
      startedAt: now,
      lastAt: now,
      pausedAt: null,
      pauseTold: false,
      nextN: 0,
    };
    await backlog.save(recording);
    return await Capture.takeUp(recording, backlog, around, events, cardMs);
  }

  /** A recording that an earlier page left behind. */
  static async takeUp(
    recording: Recording,
    backlog: Backlog,
    around: Surroundings,
    events: CaptureEvents,
    cardMs: () => number,
  ): Promise<Capture> {
    const capture = new Capture(recording, backlog, around, events, cardMs);
    await capture.delivery.load();
    if (recording.recorded > 0 && recording.state === "recording") capture.broken = RELOADED;
    if (recording.recorded > 0 || recording.callId !== null) capture.deliver();
    else if (recording.state === "stopping") await capture.giveUp();
    return capture;
  }

  // ---- for the page

  get snapshot(): Snapshot {
    return this.state;
  }

  watch(changed: () => void): () => void {
    this.watchers.add(changed);
    return () => this.watchers.delete(changed);
  }

  /** Open the microphone and record. From a tap, where there is one. */
  async listen(context?: AudioContext | null): Promise<void> {
    if (this.microphone || this.recording.state === "stopping" || this.state.microphone === "opening") return;
    this.show({ microphone: "opening", problem: null });
    try {
      const events = {
        frame: (frame: Frame) => this.frame(frame),
        state: (state: MicrophoneState) => this.microphoneChanged(state),
      };
      this.microphone = await Microphone.open(events, context ?? Microphone.context());
    } catch (error) {
      this.broken ??= "no microphone";
      const problem = error instanceof MicrophoneUnavailable ? error.problem : "failed";
      return this.show({ microphone: "closed", problem });
    }
    if (this.recording.pausedAt !== null) await this.microphone.pause();
    else this.show({ phase: "recording" });
    this.microphoneChanged(this.microphone.state);
  }

  /** From a tap or when the page is seen again: what the system stopped goes on, what was lost is opened again. */
  async wake(): Promise<void> {
    if (this.state.phase === "recording" && this.microphone) await this.microphone.nudge();
    if (this.state.link.state === "waiting") this.retryNow();
  }

  async pause(): Promise<void> {
    if (this.state.phase !== "recording" || this.pausing) return;
    this.pausing = true;
    try {
      await this.microphone?.pause();
      await this.inTurn(async () => {
        const { recording } = this;
        if (recording.state === "stopping") return;
        recording.pausedAt = Date.now();
        recording.pauseTold = this.delivery.open && this.delivery.bufferedBytes < NEARLY_LIVE_MS * BYTES_PER_MS;
        if (recording.pauseTold) await this.keep({ kind: "pause" });
        else await this.backlog.save(recording);
      });
    } finally {
      this.pausing = false;
      // Only now: the page says that nothing is recorded, and until here came what the microphone had still heard.
      const still = this.state.phase === "recording" && this.recording.pausedAt !== null;
      if (still) this.show({ phase: "paused", rms: 0 });
    }
  }

  async unpause(): Promise<void> {
    if (this.state.phase !== "paused") return;
    await this.inTurn(async () => {
      const { recording } = this;
      const durationMs = Math.max(1, Date.now() - (recording.pausedAt ?? Date.now()));
      recording.pausedAt = null;
      this.broken = null;
      await this.keep(recording.pauseTold ? { kind: "unpause" } : { kind: "gap", durationMs, reason: "paused" });
    });
    this.show({ phase: "recording" });
    if (this.microphone) await this.microphone.unpause();
    else await this.listen();
  }

  /** No more audio. What is here is still delivered; then the call is over. */
  async end(): Promise<void> {
    if (this.recording.state === "stopping") return;
    this.show({ phase: "delivering", rms: 0 });
    const microphone = this.microphone;
    this.microphone = null;
    await microphone?.close();
    await this.inTurn(async () => {
      if (this.lostMs > 0)
        await this.keep({ kind: "gap", durationMs: Math.round(this.lostMs), reason: "the phone was full" });
      this.recording.state = "stopping";
      this.recording.pausedAt = null;
      await this.backlog.save(this.recording);
    });
    this.cards.clear();
    this.show({ microphone: "closed" });
    if (this.delivering) this.delivery.stop();
    else await this.giveUp();
  }

  async mark(): Promise<void> {
    await this.inTurn(() => this.keep({ kind: "mark" }));
    this.show({ marks: this.state.marks + 1 });
  }

  async thatIsMe(speakerId: number): Promise<void> {
    this.show({ repKnown: true });
    await this.inTurn(() => this.keep({ kind: "rep_speaker", speakerId }));
  }

  dismiss(card: Card): void {
    this.cards.dismiss(card);
  }

  networkGone(): void {
    this.delivery.networkGone();
  }

  retryNow(): void {
    if (this.delivering) this.delivery.retryNow();
  }

  /** Leave everything as it is, for the next page. */
  async close(): Promise<void> {
    const microphone = this.microphone;
    this.microphone = null;
    await microphone?.close();
    await this.writing;
    await this.delivery.close();
  }

  // ---- audio

  private frame(frame: Frame): void {
    const at = Date.now();
    void this.inTurn(() => this.keepFrame(frame, at));
    // It falls slowly, so that an eye can follow.
    const rms = Math.max(frame.rms, this.state.rms * 0.7);
    this.show({ rms: this.recording.pausedAt === null ? rms : 0 });
  }

  private async keepFrame(frame: Frame, at: number): Promise<void> {
    const { recording } = this;
    if (recording.state === "stopping" || recording.pausedAt !== null) return;
    const ms = frame.pcm.byteLength / BYTES_PER_MS;
    const before = { nextN: recording.nextN, recorded: recording.recorded, lastAt: recording.lastAt };
    const contents: Content[] = [];
    const hole = this.broken === null ? 0 : at - ms - recording.lastAt;
    // After a reload something is always missing, however quick it was; other breaks may have been none.
    if (hole > HOLE_MS || this.broken === RELOADED)
      contents.push({ kind: "gap", durationMs: Math.max(1, Math.round(hole)), reason: this.broken ?? "" });
    if (this.lostMs >= 1)
      contents.push({ kind: "gap", durationMs: Math.round(this.lostMs), reason: "the phone was full" });
    contents.push({ kind: "audio", pcm: frame.pcm, at });
    const items = contents.map((content): Item => ({ ...content, n: recording.nextN++ }));
    recording.recorded += frame.pcm.byteLength;
    recording.lastAt = at;
    try {
      await this.backlog.append(recording, items);
    } catch (error) {
      // What is here and not acknowledged stays; what is said now is lost, and the server is told so when there is room.
      Object.assign(recording, before, { lastAt: at });
      this.lostMs += ms;
      this.show({ full: true, warning: error instanceof BacklogFull ? null : "This phone's storage does not answer." });
      return;
    }
    this.broken = null;
    this.lostMs = 0;
    for (const item of items) this.delivery.add(item);
    this.deliver();
    this.show({ full: false, recordedMs: recording.recorded / BYTES_PER_MS });
  }

  /** Something without audio, at this place. */
  private async keep(content: Content): Promise<void> {
    const item: Item = { ...content, n: this.recording.nextN++ };
    if (bytesOf(item) === 0) await this.backlog.append(this.recording, [item]);
    this.delivery.add(item);
  }

  /** From the first sample on: a call in which nobody was heard is none, and the server need not know of it. */
  private deliver(): void {
    if (this.delivering) return;
    this.delivering = true;
    this.delivery.start();
  }

  private async giveUp(): Promise<void> {
    await this.backlog.forget(this.recording.key);
    this.show({ phase: "over" });
    this.events.over(null);
  }

  private inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.writing.then(work);
    // One that failed has told its caller; the next one has its own chance.
    this.writing = turn.catch(() => undefined);
    return turn;
  }

  private microphoneChanged(state: MicrophoneState): void {
    if (this.recording.state === "stopping") return;
    if (this.recording.pausedAt === null && (state === "suspended" || state === "lost")) {
      this.broken ??= "the microphone was interrupted";
    }
    this.show({ microphone: state });
    if (state !== "lost" || !this.microphone) return;
    // Another headset, another microphone: the call goes on with what there is now.
    const gone = this.microphone;
    this.microphone = null;
    void gone.close().then(() => this.listen());
  }

  // ---- what the call says

  private heard(event: CallEvent): void {
    switch (event.event) {
      case "nudge":
      case "message": {
        if (this.state.phase === "delivering") return;
        const card = this.cards.show(event);
        this.events.card(card);
        if (event.event === "nudge" && document.visibilityState === "visible") this.delivery.seen(event.moment_id);
        return;
      }
      case "utterance":
        if (event.role === "rep") this.show({ repKnown: true });
        if (event.speaker_id !== null) this.voiceHeard(event.speaker_id, event.text);
        return;
      case "role":
        if (event.role === "rep") this.show({ repKnown: true });
        return;
      case "warning":
        this.show({ warning: event.message });
        return;
      default:
    }
  }

  private voiceHeard(speakerId: number, text: string): void {
    const others = this.state.voices.filter((voice) => voice.speakerId !== speakerId);
    this.show({ voices: [...others, { speakerId, text }].sort((a, b) => a.speakerId - b.speakerId).slice(0, 4) });
  }

  private show(part: Partial<Snapshot>): void {
    this.state = {
      ...this.state,
      callId: this.recording.callId ?? this.state.callId,
      bufferedMs: this.delivery.bufferedBytes / BYTES_PER_MS,
      ...part,
    };
    for (const changed of this.watchers) changed();
  }
}
