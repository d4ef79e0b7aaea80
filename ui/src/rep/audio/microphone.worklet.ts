/** Runs in the audio thread, so that a busy page never loses a sample: any rate in, PCM16 frames of 100 ms out. */

import { type Frame, Framer, RATE } from "./framer";
import { Resampler } from "./resampler";

// TypeScript's own DOM types leave the worklet's world out.
declare const sampleRate: number;
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, made: new () => AudioWorkletProcessor): void;

class MicrophoneProcessor extends AudioWorkletProcessor {
  private resampler = new Resampler(sampleRate, RATE);
  private readonly framer = new Framer();
  private closed = false;

  constructor() {
    super();
    this.port.onmessage = (message: MessageEvent<"flush" | "close">) => {
      // A break is coming: what was heard until now must not wait for what is heard behind it.
      this.post(this.framer.push(this.resampler.flush()));
      const rest = this.framer.flush();
      if (rest) this.post([rest]);
      this.resampler = new Resampler(sampleRate, RATE);
      this.closed = message.data === "close";
      this.port.postMessage("flushed");
    };
  }

  process(inputs: Float32Array[][]): boolean {
    const channels = inputs[0];
    if (!this.closed && channels?.[0]) this.post(this.framer.push(this.resampler.push(mixed(channels))));
    return !this.closed;
  }

  private post(frames: Frame[]): void {
    for (const frame of frames) this.port.postMessage(frame, [frame.pcm]);
  }
}

function mixed(channels: Float32Array[]): Float32Array {
  const first = channels[0] as Float32Array;
  if (channels.length === 1) return first;
  return first.map((_, i) => channels.reduce((sum, channel) => sum + (channel[i] as number), 0) / channels.length);
}

registerProcessor("microphone", MicrophoneProcessor);
