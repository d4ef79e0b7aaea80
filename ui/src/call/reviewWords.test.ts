import { expect, test } from "vitest";
import type { FollowUp, Rule } from "@/api/types";
import { checksLine, effectWords, firstOf, followUpText, ruleWords, sharedDoubts } from "./reviewWords";

function sentence(part: FollowUp["sentences"][number]["part"], statement: string) {
  return { part, statement, claim_id: null, confidence: 0.8, confidence_words: "likely", doubts: [], evidence: [] };
}

test("a follow-up as text has its subject, a paragraph for each part and a line for each sentence, as they were written", () => {
  const text = followUpText({
    subject: "Our conversation",
    greeting: "Hello,",
    thanks: "thank you.",
    sentences: [
      sentence("recap", "You copy orders by hand."),
      sentence("recap", "<b>Six</b> people & more."),
      sentence("open", "The price is open."),
    ],
    closing: "Please correct me.",
    signature: "Best regards",
  });
  expect(text).toBe(
    [
      "Subject: Our conversation",
      "",
      "Hello,",
      "",
      "thank you.",
      "",
      "You copy orders by hand.",
      "<b>Six</b> people & more.",
      "",
      "The price is open.",
      "",
      "Please correct me.",
      "",
      "Best regards",
    ].join("\n"),
  );
});

test("the checks are one line with their reasons, and none where nothing had a fault", () => {
  expect(
    checksLine({ repaired: { quote_not_found: 2 }, lowered: {}, dropped: { contradiction: 1, wrong_speaker: 3 } }),
  ).toBe(
    "Every statement was checked. Put right: quote not found (2). " +
      "Left out: another statement says the opposite (1), wrong speaker (3).",
  );
  expect(checksLine({ repaired: {}, lowered: { not_supported: 0 }, dropped: {} })).toBe("");
  expect(checksLine({})).toBe("");
});

test("a fault or a fate that these pages do not know yet is said by its own name", () => {
  expect(checksLine({ moved_aside: { a_new_fault: 1 } })).toBe(
    "Every statement was checked. Moved aside: a new fault (1).",
  );
});

test("a rule's effect says what it takes off, what it caps, and of what", () => {
  expect(effectWords({ deduct: 20, cap: 100, of: "section" })).toBe("20 points off");
  expect(effectWords({ deduct: 1, cap: 40, of: "call" })).toBe(
    "1 point off, no score above 40, for the whole call too",
  );
  expect(effectWords({ deduct: 0, cap: 0, of: "section" })).toBe("the score is 0");
  expect(effectWords({ deduct: 0, cap: 100, of: "call" })).toBe("");
});

test("a broken rule says what it costs, a kept one what breaking it would, and one that was not assessed why", () => {
  const rule: Rule = {
    rule_id: "recording_notice",
    kind: "must_say_before",
    severity: "high",
    state: "broken",
    reason: "",
    effect: { deduct: 10, cap: 100, of: "section" },
  };
  expect(ruleWords(rule)).toBe("must be said in time; high severity; 10 points off");
  expect(ruleWords({ ...rule, state: "kept" })).toBe("must be said in time; high severity; if broken: 10 points off");
  expect(ruleWords({ ...rule, state: "not_assessed", reason: "the rep is not known" })).toBe(
    "must be said in time; high severity; the rep is not known",
  );
});

test("whole parts come until there are enough claims, and all of them when there is no end", () => {
  const parts = [3, 4, 5, 6, 0].map((claims) => ({ claims }));
  expect(firstOf(parts, 10)).toEqual([{ claims: 3 }, { claims: 4 }, { claims: 5 }]);
  expect(firstOf(parts, Number.POSITIVE_INFINITY)).toEqual(parts);
});

test("a doubt is shared that every claim has, and none of a single claim", () => {
  const claims = [{ doubts: ["a", "b"] }, { doubts: ["b"] }, { doubts: ["c", "b"] }];
  expect(sharedDoubts(claims)).toEqual(new Set(["b"]));
  expect(sharedDoubts([...claims, { doubts: [] }])).toEqual(new Set());
  expect(sharedDoubts(claims.slice(0, 1))).toEqual(new Set());
});
