import { expect, test } from "vitest";
import { citedLabel, citedWords } from "./citedWords";

const searched = { from_no: 0, through: 9, start_ts: 1_000, end_ts: 62_000, closest: null };

test("evidence that proves its claim has nothing over it", () => {
  expect(citedWords({ through: null, cited_as: null, searched: null })).toBe("");
  expect(citedLabel({ through: null })).toBe("What proves it");
});

test("what came nearest is never called proof", () => {
  const claim = { through: 9, cited_as: "nearest" as const, searched };
  expect(citedWords(claim)).toBe("Searched from 0:01 to 1:02. This came nearest, and is not it:");
  expect(citedLabel(claim)).toBe("What it cites");
});

test("a review made before this was told says what was searched", () => {
  expect(citedWords({ through: 9, cited_as: null, searched })).toBe("Searched from 0:01 to 1:02.");
  expect(citedWords({ through: 9, cited_as: null, searched: null })).toBe("");
});
