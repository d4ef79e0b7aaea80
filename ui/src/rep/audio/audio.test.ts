import { describe, expect, test } from "vitest";
import { FRAME_SAMPLES, Framer, meter } from "./framer";
import { Resampler } from "./resampler";

function tone(rate: number, hertz: number, seconds: number): Float32Array {
  return Float32Array.from({ length: Math.round(rate * seconds) }, (_, i) =>
    Math.sin((2 * Math.PI * hertz * i) / rate),
  );
}

/** The share of `samples` that is this frequency, as an amplitude. */
function amplitude(samples: Float32Array, rate: number, hertz: number): number {
  let [re, im] = [0, 0];
  samples.forEach((sample, i) => {
    re += sample * Math.cos((2 * Math.PI * hertz * i) / rate);
    im += sample * Math.sin((2 * Math.PI * hertz * i) / rate);
  });
  return (2 * Math.hypot(re, im)) / samples.length;
}

function resampled(input: Float32Array, rate: number, piece: number): Float32Array {
  const resampler = new Resampler(rate, 16_000);
  const parts: number[] = [];
  for (let from = 0; from < input.length; from += piece)
    parts.push(...resampler.push(input.subarray(from, from + piece)));
  parts.push(...resampler.flush());
  return Float32Array.from(parts);
}

describe.each([8_000, 16_000, 22_050, 44_100, 48_000, 96_000])("from %i Hz", (rate) => {
  test("a voice's tone comes out at its own height, strength and place", () => {
    const out = resampled(tone(rate, 1_000, 0.5), rate, 128);
    expect(Math.abs(out.length - 8_000)).toBeLessThanOrEqual(1);
    const middle = out.subarray(800, 7_200);
    expect(amplitude(middle, 16_000, 1_000)).toBeCloseTo(1, 2);
    const expected = tone(16_000, 1_000, 0.5);
    const worst = Math.max(...Array.from(middle, (sample, i) => Math.abs(sample - (expected[i + 800] as number))));
    expect(worst).toBeLessThan(0.005);
  });

  test("the size of the pieces changes nothing", () => {
    const input = tone(rate, 700, 0.2);
    expect(resampled(input, rate, 128)).toEqual(resampled(input, rate, 1_000_000));
    expect(resampled(input, rate, 37)).toEqual(resampled(input, rate, 128));
  });
});

test("what lies above half the new rate is gone and not folded into the speech", () => {
  for (const hertz of [8_500, 9_000, 12_000, 15_000, 20_000]) {
    const out = resampled(tone(48_000, hertz, 0.3), 48_000, 128).subarray(800, 4_000);
    const folded = Math.abs(16_000 * Math.round(hertz / 16_000) - hertz);
    expect(amplitude(out, 16_000, folded)).toBeLessThan(0.001);
  }
});

test("frames are 100 ms, little-endian, and clipped instead of wrapped", () => {
  const framer = new Framer();
  const samples = new Float32Array(FRAME_SAMPLES * 2 + 10).fill(0.5);
  samples[0] = 2;
  samples[1] = -2;
  const frames = [...framer.push(samples.subarray(0, 7)), ...framer.push(samples.subarray(7))];
  expect(frames.map((frame) => frame.pcm.byteLength)).toEqual([3_200, 3_200]);
  const view = new DataView(frames[0]?.pcm as ArrayBuffer);
  expect([view.getInt16(0, true), view.getInt16(2, true), view.getInt16(4, true)]).toEqual([32_767, -32_767, 16_384]);
  expect(frames[1]?.rms).toBeCloseTo(0.5, 3);
  expect(framer.flush()?.pcm.byteLength).toBe(20);
  expect(framer.flush()).toBeNull();
});

test("the meter goes from silence to full scale", () => {
  expect([meter(0), meter(0.000_1), meter(1), meter(4)]).toEqual([0, 0, 1, 1]);
  expect(meter(0.05)).toBeGreaterThan(0.5);
});
