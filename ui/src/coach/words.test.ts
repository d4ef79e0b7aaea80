import { describe, expect, it } from "vitest";
import type { MomentType } from "./queries";
import { decisionWords, doubtsOf, filled, inHundred, newLines, points, saysAnswers, shownFor } from "./words";

const TYPE = {
  id: "competitor_mentioned",
  nudges: [
    "Ask what they like about it, and where it falls short.",
    "Against {competitor} say that {answer}.",
    "Ask what they value most about {competitor} today, calmly.",
  ],
} as MomentType;

describe("words", () => {
  it("say what became of a moment, also where it would not be recorded", () => {
    expect(decisionWords({ tier: "nudge", reason: "delivered" })).toBe("nudged");
    expect(decisionWords({ tier: "noted", reason: "quiet_period" })).toBe("noted: too early in the call");
    expect(decisionWords({ tier: "noted", reason: "customer_is_thinking" })).toBe("noted: the customer was thinking");
    expect(decisionWords(null)).toBe("not even noted");
    expect(decisionWords({ tier: "noted", reason: "of a later version" })).toBe("noted");
  });

  it("give differences as points, and shares in a hundred", () => {
    expect(points(0.0341)).toBe("+3.4 points");
    expect(points(-0.02)).toBe("−2 points");
    expect(points(0)).toBe("±0 points");
    expect(inHundred(0.0123)).toBe("1.2 in 100");
  });

  it("fill a nudge only where each slot has a value", () => {
    expect(filled("Against {competitor} say that {answer}.", { competitor: "Acme", answer: "it is slow" })).toBe(
      "Against Acme say that it is slow.",
    );
    expect(filled("Say that {answer}.", { answer: "" })).toBeNull();
  });

  it("show of a battle card what the rep would read", () => {
    expect(shownFor(TYPE, { name: "Acme", answer: "we keep the plan on the phone" })).toBe(
      "Against Acme say that we keep the plan on the phone.",
    );
    expect(shownFor(TYPE, { name: "Acme", answer: "" })).toBe("Ask what they value most about Acme today, calmly.");
    expect(shownFor(undefined, { name: "Acme", answer: "" })).toBeNull();
    expect(saysAnswers(TYPE)).toBe(true);
    expect(saysAnswers({ ...TYPE, nudges: TYPE.nudges.slice(0, 1) })).toBe(false);
  });

  it("take examples line by line, each once", () => {
    expect(newLines(" How much?\n\nhow much?\nIs it dear?\nKnown\n", ["known"])).toEqual(["How much?", "Is it dear?"]);
  });

  it("find no doubt in a version that has no report yet", () => {
    expect(doubtsOf({ report: {} })).toEqual([]);
    expect(doubtsOf({ report: { verdict: { not_worse: false, reasons: ["it is worse"] } } })).toEqual(["it is worse"]);
  });
});
