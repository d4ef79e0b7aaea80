/** The phone's microphone: frames of PCM16, and a plain word for why there are none. */

import type { Frame } from "./framer";
import workletUrl from "./microphone.worklet.ts?worker&url";

export type MicrophoneProblem =
  /** The person said no, or the browser remembers a no. */
  | "refused"
  /** There is no microphone. */
  | "none"
  /** Another program holds it. */
  | "busy"
  /** The page did not come by https: browsers give no microphone then. */
  | "insecure"
  /** This browser cannot do it. */
  | "unsupported"
  | "failed";

export class MicrophoneUnavailable extends Error {
  constructor(readonly problem: MicrophoneProblem) {
    super(`no microphone: ${problem}`);
  }
}

/** `heard`: frames come. `muted`: the system gives silence. `suspended`: nothing comes until a tap, or until a telephone call is over. `lost`: it is gone. */
export type MicrophoneState = "heard" | "muted" | "suspended" | "lost";

export interface MicrophoneEvents {
  frame: (frame: Frame) => void;
  state: (state: MicrophoneState) => void;
}

/** Two people at one table: echo and noise filters are made for one mouth near the phone, and take the other one for noise. */
const WANTED: MediaTrackConstraints = {
  channelCount: { ideal: 1 },
  echoCancellation: false,
  noiseSuppression: false,
  autoGainControl: true,
};

/** Seconds without a frame after which a microphone that claims to run is given up: frames come ten times a second. */
const DEAF_AFTER_S = 3;

export class Microphone {
  private flushed: (() => void) | null = null;
  private paused = false;
  private deafS = 0;
  private readonly watching: ReturnType<typeof setInterval>;

  private constructor(
    private readonly context: AudioContext,
    private readonly stream: MediaStream,
    private readonly node: AudioWorkletNode,
    events: MicrophoneEvents,
  ) {
    node.port.onmessage = (message: MessageEvent<Frame | "flushed">) => {
      if (message.data === "flushed") return this.flushed?.();
      this.deafS = 0;
      events.frame(message.data);
    };
    const look = (): void => events.state(this.state);
    context.onstatechange = look;
    for (const track of stream.getAudioTracks()) {
      track.onmute = look;
      track.onunmute = look;
      track.onended = look;
    }
    // Systems forget to say that the sound has stopped: an output that went away with a headset, a machine out of breath.
    // Ticks are counted and not the clock read, since a page that was asleep has heard nothing for good reason.
    this.watching = setInterval(() => {
      this.deafS = this.paused || this.state !== "heard" ? 0 : this.deafS + 1;
      if (this.deafS === DEAF_AFTER_S) events.state("lost");
    }, 1000);
  }

  /** Call it in a tap, before anything is awaited: Safari lets sound begin nowhere else. Null where there is no such thing. */
  static context(): AudioContext | null {
    if (!window.AudioContext) return null;
    const context = new AudioContext({ latencyHint: "balanced" });
    void context.resume().catch(() => undefined);
    return context;
  }

  /** Raises MicrophoneUnavailable; `context` is closed then. */
  static async open(events: MicrophoneEvents, context = Microphone.context()): Promise<Microphone> {
    if (!window.isSecureContext) throw new MicrophoneUnavailable("insecure");
    if (!context || !navigator.mediaDevices?.getUserMedia || !window.AudioWorkletNode) {
      throw new MicrophoneUnavailable("unsupported");
    }
    let stream: MediaStream | null = null;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: WANTED });
      await context.audioWorklet.addModule(workletUrl);
      const node = new AudioWorkletNode(context, "microphone", { numberOfOutputs: 0 });
      context.createMediaStreamSource(stream).connect(node);
      const microphone = new Microphone(context, stream, node, events);
      // Once more: Chrome lets a page that records make sound without a tap, and this one records only now.
      const resumed = context.resume().catch(() => undefined);
      // Without a tap (after a reload) this may never come true; then the state says `suspended`.
      await Promise.race([resumed, new Promise((done) => setTimeout(done, 500))]);
      return microphone;
    } catch (error) {
      for (const track of stream?.getTracks() ?? []) track.stop();
      await context.close().catch(() => undefined);
      throw new MicrophoneUnavailable(problemOf(error));
    }
  }

  get state(): MicrophoneState {
    const track = this.stream.getAudioTracks()[0];
    if (!track || track.readyState === "ended" || this.context.state === "closed") return "lost";
    // Safari says `interrupted` while a telephone call has the microphone.
    if (this.context.state !== "running") return "suspended";
    return track.muted ? "muted" : "heard";
  }

  /** Nothing is recorded until `unpause`. What was heard before has been given out when this returns. */
  async pause(): Promise<void> {
    this.paused = true;
    await this.flush("flush");
    for (const track of this.stream.getAudioTracks()) track.enabled = false;
    await this.context.suspend().catch(() => undefined);
  }

  /** From a tap: goes on after a pause, or where the system had stopped the sound. */
  async unpause(): Promise<void> {
    this.paused = false;
    for (const track of this.stream.getAudioTracks()) track.enabled = true;
    await this.context.resume().catch(() => undefined);
  }

  /** Safari does not come back by itself after a telephone call; while the page is seen it may be asked to. */
  async nudge(): Promise<void> {
    if (!this.paused && this.state === "suspended") await this.context.resume().catch(() => undefined);
  }

  async close(): Promise<void> {
    clearInterval(this.watching);
    await this.flush("close");
    this.context.onstatechange = null;
    for (const track of this.stream.getTracks()) {
      track.onended = null;
      track.stop();
    }
    this.node.disconnect();
    await this.context.close().catch(() => undefined);
  }

  private async flush(how: "flush" | "close"): Promise<void> {
    const done = new Promise<void>((resolve) => {
      this.flushed = resolve;
    });
    this.node.port.postMessage(how);
    // A suspended context's thread may not answer; then there is nothing to give out either.
    await Promise.race([done, new Promise((late) => setTimeout(late, 500))]);
    this.flushed = null;
  }
}

function problemOf(error: unknown): MicrophoneProblem {
  switch (error instanceof DOMException ? error.name : "") {
    case "NotAllowedError":
    case "SecurityError":
      return "refused";
    case "NotFoundError":
    case "OverconstrainedError":
      return "none";
    case "NotReadableError":
    case "AbortError":
      return "busy";
    default:
      return "failed";
  }
}
