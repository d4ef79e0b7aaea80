import { describe, expect, it } from "vitest";
import { answeredIn, backward, keyed, labelsFor, onward, START, takenBack } from "./answers";
import type { QueueItem } from "./queries";

const ITEM = { call_id: "c", revision: 2, utterance_no: 7, type: "stall", text: "Let me think." } as QueueItem;
const PLACE = { call_id: "c", revision: 2, utterance_no: 7 };

describe("answers to the review queue", () => {
  it("say yes or no of the type that was asked about", () => {
    expect(labelsFor(ITEM, { kind: "yes" })).toEqual([{ ...PLACE, type: "stall", holds: true }]);
    expect(labelsFor(ITEM, { kind: "no" })).toEqual([{ ...PLACE, type: "stall", holds: false }]);
    expect(labelsFor(ITEM, { kind: "skip" })).toEqual([]);
  });

  it("teach both types where it is another one, and take both back", () => {
    const answer = { kind: "other", type: "pain_stated" } as const;
    expect(labelsFor(ITEM, answer).map((one) => [one.type, one.holds])).toEqual([
      ["stall", false],
      ["pain_stated", true],
    ]);
    expect(takenBack(ITEM, answer).map((one) => [one.type, one.holds])).toEqual([
      ["stall", null],
      ["pain_stated", null],
    ]);
  });

  it("go on and back, and count what was said", () => {
    const two = onward(onward(START, { kind: "yes" }), { kind: "skip" });
    expect(two).toEqual({ at: 2, given: [{ kind: "yes" }, { kind: "skip" }] });
    expect(answeredIn(two)).toBe(1);
    expect(backward(two)).toEqual({ at: 1, given: [{ kind: "yes" }] });
    expect(backward(START)).toEqual(START);
    expect(onward(backward(two), { kind: "no" })).toEqual({ at: 2, given: [{ kind: "yes" }, { kind: "no" }] });
  });

  it("have keys", () => {
    expect(["a", "Y", "n", "D", "t", "s", "Backspace", " ", "x"].map(keyed)).toEqual([
      ...["yes", "yes", "no", "no", "other", "skip", "back", "play"],
      null,
    ]);
  });
});
