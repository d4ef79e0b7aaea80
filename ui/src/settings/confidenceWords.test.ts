import { expect, test } from "vitest";
import { betterOrWorse, stillNeeded } from "./confidenceWords";

const ENOUGH = { agreed: 35, disagreed: 5, needed: 40, needed_of_each: 5 };

test("nothing is needed any more once there are as many of each kind as it takes", () => {
  expect(stillNeeded(ENOUGH)).toBeNull();
});

test("all that is missing is said, and nothing else", () => {
  expect(stillNeeded({ ...ENOUGH, disagreed: 4 })).toMatch(/: 1 more in all and 1 more held to be wrong\.$/);
  expect(stillNeeded({ ...ENOUGH, agreed: 60, disagreed: 2 })).toMatch(/: 3 more held to be wrong\.$/);
  expect(stillNeeded({ ...ENOUGH, agreed: 0, disagreed: 0 })).toMatch(
    /: 40 more in all, 5 more held to be right and 5 more held to be wrong\.$/,
  );
});

test("a version that did worse says so", () => {
  expect(betterOrWorse({ error_before: 0.1486, error_after: 0.0331 })).toMatch(/falls from 0\.149 to 0\.033\.$/);
  expect(betterOrWorse({ error_before: 0.05, error_after: 0.06 })).toMatch(/rises from 0\.050 to 0\.060/);
  expect(betterOrWorse({ error_before: 0.05, error_after: 0.05001 })).toMatch(/stays at 0\.050\.$/);
});
