import { expect, test } from "vitest";
import { firstMonday, mondayOf, mondays, nice, segments } from "./scale";

test("a scale ends at a round number that holds everything", () => {
  expect([0, 0.7, 1, 1.1, 23, 26, 100, 101].map(nice)).toEqual([1, 1, 1, 2, 25, 50, 100, 200]);
});

test("a week without calls is a hole in the line", () => {
  expect(segments([null, 1, 2, null, 3]).map((run) => run.map((part) => part.index))).toEqual([[1, 2], [4]]);
  expect(segments([])).toEqual([]);
});

test("an ISO week begins on its Monday, also around the new year", () => {
  expect(mondayOf("2026-W47")?.toISOString()).toBe("2026-11-16T00:00:00.000Z");
  expect(mondayOf("2026-W53")?.toISOString()).toBe("2026-12-28T00:00:00.000Z");
  expect(mondayOf("2027-W01")?.toISOString()).toBe("2027-01-04T00:00:00.000Z");
  expect(mondayOf("last week")).toBeNull();
});

test("the weeks of a span follow each other without a hole", () => {
  const found = mondays(firstMonday(new Date("2026-11-25T12:00:00Z"), 8), 8);
  expect(found).toHaveLength(8);
  expect(found.at(-1)).toEqual(mondayOf("2026-W48"));
});

test("the first of several weeks is found from any day of the last", () => {
  for (const day of ["2026-11-23T00:00:00Z", "2026-11-25T12:00:00Z", "2026-11-29T23:59:59Z"]) {
    expect(firstMonday(new Date(day), 1).toISOString()).toBe("2026-11-23T00:00:00.000Z");
    expect(firstMonday(new Date(day), 8).toISOString()).toBe("2026-10-05T00:00:00.000Z");
  }
});
