import { describe, expect, it } from "vitest";
import { isRecorded } from "./source";

const format = (encoding: string) => ({ encoding, sample_rate: 16_000, channels: 1 });

describe("what can be heard of a call", () => {
  it("is nothing where it came as a transcript, however long it was", () => {
    expect(isRecorded({ audio_ms: 78_000, format: format("transcript") })).toBe(false);
    expect(isRecorded({ audio_ms: 78_000, format: format("opus") })).toBe(true);
    expect(isRecorded({ audio_ms: 0, format: format("opus") })).toBe(false);
  });
});
