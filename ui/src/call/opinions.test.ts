import { describe, expect, it } from "vitest";
import type { Label } from "@/coach/queries";
import { opinionsOf } from "./opinions";

const MOMENT = { moment_id: "m", type: "stall" };

function label(type: string, holds: boolean, name = "Mona", moment_id: string | null = "m"): Label {
  return {
    moment_id,
    revision: 1,
    utterance_no: 3,
    type,
    holds,
    source: holds && type === "stall" ? "agreed" : "corrected",
    by: { member_id: name, name },
    at: "2026-11-01T10:00:00Z",
  };
}

describe("opinions of a moment", () => {
  it("are one of each person", () => {
    const found = opinionsOf(MOMENT, [label("stall", true), label("stall", false, "Ada")]);
    expect(found.map((one) => [one.by.name, one.says])).toEqual([
      ["Mona", "right"],
      ["Ada", "none"],
    ]);
  });

  it("read a correction as the other type, in whatever order its two labels come", () => {
    const two = [label("stall", false), label("pain_stated", true)];
    for (const labels of [two, two.toReversed()]) {
      expect(opinionsOf(MOMENT, labels)).toEqual([expect.objectContaining({ says: "other", type: "pain_stated" })]);
    }
  });

  it("leave out what is said of other moments and of the words alone", () => {
    expect(opinionsOf(MOMENT, [label("stall", true, "Mona", "n"), label("stall", true, "Mona", null)])).toEqual([]);
  });
});
