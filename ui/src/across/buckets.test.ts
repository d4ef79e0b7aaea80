import { describe, expect, it } from "vitest";
import { buckets, firstWeek, MOST } from "./buckets";

const week = (name: string, ...ids: string[]) => ({ week: name, count: ids.length, moment_ids: ids });
const day = (text: string) => new Date(`${text}T15:00:00Z`);

describe("bars of weeks", () => {
  it("has one for each week of a short time, with the empty ones between", () => {
    const made = buckets([week("2026-W45", "a"), week("2026-W48", "b", "c")], day("2026-11-02"), day("2026-11-26"));
    expect(made.map((one) => one.count)).toEqual([1, 0, 0, 2]);
    expect(made[3]?.ids).toEqual(["b", "c"]);
    expect(made[0]?.from.toISOString()).toBe("2026-11-02T00:00:00.000Z");
  });

  it("brings weeks together where there would be too many, and ends with the last week", () => {
    const made = buckets(
      [week("2026-W22", "a"), week("2026-W47", "b"), week("2026-W48", "c")],
      day("2026-06-01"),
      day("2026-11-26"),
    );
    expect(made.length).toBeLessThanOrEqual(MOST);
    expect(made.map((one) => one.weeks)).toEqual(made.map(() => 2));
    expect(made[made.length - 1]?.ids).toEqual(["b", "c"]);
    expect(made.reduce((sum, one) => sum + one.count, 0)).toBe(2);
  });

  it("counts everything that lies in the asked time, over the turn of a year as well", () => {
    const made = buckets([week("2025-W52", "a"), week("2026-W01", "b")], day("2025-12-22"), day("2026-01-05"));
    expect(made.map((one) => one.count)).toEqual([1, 1, 0]);
  });

  it("has one bar where first and last are in the same week", () => {
    expect(buckets([], day("2026-11-25"), day("2026-11-26"))).toHaveLength(1);
  });

  it("knows the first week that anything counts", () => {
    expect(firstWeek([{ weeks: [week("2026-W47", "a")] }, { weeks: [week("2026-W40", "b")] }])?.toISOString()).toBe(
      "2026-09-28T00:00:00.000Z",
    );
    expect(firstWeek([])).toBeNull();
  });
});
