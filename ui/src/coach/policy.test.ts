import { describe, expect, it } from "vitest";
import { changeOf, formOf, isEmpty, mistakesOf } from "./policy";
import type { MomentType, Taxonomy } from "./queries";

const STALL: MomentType = {
  id: "stall",
  label: "Stall",
  kind: "content",
  role: "customer",
  tier: "nudge",
  floor: 0.55,
  detect: 0.42,
  cool_down_s: 60,
  description: "Puts it off.",
  nudges: ["Ask what would have to happen for a yes."],
  examples: [],
  not_examples: [],
  shipped: true,
};

const TAXONOMY: Taxonomy = {
  version: null,
  policy: {
    max_nudges: 4,
    window_s: 600,
    max_lateness_s: 2,
    quiet: { first_s: 0, while_rep_speaks: false, while_customer_thinks: true },
    hold_out: 0.1,
  },
  types: [STALL],
  trackers: [],
};

describe("a policy's form", () => {
  it("changes nothing where nothing was touched", () => {
    expect(isEmpty(changeOf(formOf(TAXONOMY), TAXONOMY))).toBe(true);
  });

  it("states what was touched, in the server's units, and nothing else", () => {
    const form = { ...formOf(TAXONOMY), window_minutes: 5, while_rep_speaks: true, hold_out: 12.5 };
    form.types = [{ id: "stall", tier: "noted", floor: 70, cool_down_s: 60 }];
    expect(changeOf(form, TAXONOMY)).toEqual({
      policy: { window_s: 300, hold_out: 0.125, quiet: { while_rep_speaks: true } },
      types: [{ id: "stall", tier: "noted", floor: 0.7 }],
    });
  });

  it("lets the rep be nudged while the customer thinks, and states that alone", () => {
    const form = { ...formOf(TAXONOMY), while_customer_thinks: false };
    expect(changeOf(form, TAXONOMY)).toEqual({ policy: { quiet: { while_customer_thinks: false } } });
  });

  it("refuses a floor below what is recorded at all, and a hold-out of more than half", () => {
    const form = { ...formOf(TAXONOMY), hold_out: 60 };
    form.types = [{ id: "stall", tier: "nudge", floor: 30, cool_down_s: 60 }];
    expect(mistakesOf(form, TAXONOMY.types)).toEqual({ hold_out: "From 0 to 50", "stall.floor": "From 42 to 100" });
  });

  it("finds no mistake in what holds", () => {
    expect(mistakesOf(formOf(TAXONOMY), TAXONOMY.types)).toEqual({});
  });
});
