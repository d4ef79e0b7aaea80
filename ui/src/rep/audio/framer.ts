/** Samples into PCM16 frames of one length, each with its loudness. */

export const RATE = 16_000;
export const FRAME_SAMPLES = RATE / 10;
/** Bytes of one millisecond of what is recorded: 16 kHz, one channel, 16 bits. */
export const BYTES_PER_MS = 32;

export interface Frame {
  /** Signed 16-bit little-endian, one channel. */
  pcm: ArrayBuffer;
  /** Root mean square and highest sample, 0 to 1. */
  rms: number;
  peak: number;
}

export class Framer {
  private held = new Float32Array(FRAME_SAMPLES);
  private count = 0;

  /** Every frame that `samples` (−1 to 1) complete. */
  push(samples: Float32Array): Frame[] {
    const frames: Frame[] = [];
    for (let from = 0; from < samples.length; ) {
      const taken = Math.min(FRAME_SAMPLES - this.count, samples.length - from);
      this.held.set(samples.subarray(from, from + taken), this.count);
      this.count += taken;
      from += taken;
      if (this.count === FRAME_SAMPLES) frames.push(this.emit());
    }
    return frames;
  }

  /** What is left, as a shorter frame; null when nothing is. */
  flush(): Frame | null {
    return this.count > 0 ? this.emit() : null;
  }

  private emit(): Frame {
    const pcm = new ArrayBuffer(this.count * 2);
    const view = new DataView(pcm);
    let power = 0;
    let peak = 0;
    for (let i = 0; i < this.count; i++) {
      const sample = Math.max(-1, Math.min(1, this.held[i] as number));
      power += sample * sample;
      peak = Math.max(peak, Math.abs(sample));
      // Always little-endian, whatever the phone's processor is.
      view.setInt16(i * 2, Math.round(sample * 32_767), true);
    }
    const rms = Math.sqrt(power / this.count);
    this.count = 0;
    return { pcm, rms, peak };
  }
}

/** Loudness as a meter shows it: 0 at −60 dB and below, 1 at full scale. */
export function meter(rms: number): number {
  return rms <= 0 ? 0 : Math.max(0, Math.min(1, 1 + Math.log10(rms) / 3));
}
