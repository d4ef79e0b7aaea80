import { describe, expect, it } from "vitest";
import { dealAddress, sorted } from "./deals";
import type { DealField, DealListed, FieldEntry, Scope } from "./queries";
import { ago, answeredBy, changes, known, restrictions } from "./words";

const SCOPE: Scope = {
  started_from: null,
  started_to: null,
  rep_id: null,
  customer: null,
  deal: null,
  role: null,
  moments: [],
};

describe("what was searched", () => {
  it("says each restriction, and which of them nobody chose", () => {
    const scope = { ...SCOPE, role: "customer" as const, customer: "Nord", rep_id: "r-1", moments: ["price_asked"] };
    const found = restrictions(scope, { customer: "Nord" }, new Map([["r-1", "Ana"]]));
    expect(found.map(({ words, read }) => [words, read])).toEqual([
      ["words of the customer", true],
      ["calls with Nord", false],
      ["calls of Ana", true],
      ["moments: Price asked", true],
    ]);
  });

  it("says an end that is not included by the last day within", () => {
    const scope = { ...SCOPE, started_from: "2026-11-02T12:00:00Z", started_to: "2026-11-05T12:00:00Z" };
    expect(restrictions(scope, {}, new Map())[0]?.words).toMatch(/2.* to .*5/);
    expect(restrictions({ ...SCOPE, started_from: "2026-11-02T12:00:00Z" }, {}, new Map())[0]?.words).toMatch(
      /^since /,
    );
    expect(restrictions(SCOPE, {}, new Map())).toEqual([]);
  });

  it("says who wrote the answer", () => {
    expect(answeredBy("local-1")).toContain("without a model");
    expect(answeredBy("hosted-answer-2 (gpt-5)")).toContain("Written by gpt-5;");
  });
});

function entry(effect: FieldEntry["effect"], started_at: string, value: string): FieldEntry {
  return { effect, value, call: { started_at } } as FieldEntry;
}

describe("a deal's fields", () => {
  const set = entry("set", "2026-10-01", "twelve hours");
  const same = entry("confirmed", "2026-10-08", "twelve hours");
  const changed = entry("changed", "2026-11-01", "forty hours");
  const fields: DealField[] = [
    { field: "metrics", holds: changed, history: [set, same, changed] },
    { field: "pain", holds: set, history: [set] },
    { field: "champion", holds: null, history: [] },
  ];

  it("knows how many are known, and which are missing", () => {
    expect(known(fields)).toEqual({ count: 2, of: 3, missing: ["Champion"] });
  });

  it("tells each change from what held before it, not from what only confirmed it", () => {
    expect(changes(fields)).toEqual([{ field: "metrics", from: set, to: changed }]);
  });
});

describe("the list of deals", () => {
  const deal = (customer: string, last: string, calls: number): DealListed => ({
    customer,
    deal: "",
    stage: "",
    rep_id: "r",
    rep_name: "R",
    calls,
    first_call_at: last,
    last_call_at: last,
  });
  const deals = [deal("B", "2026-10-01", 2), deal("A", "2026-11-01", 2), deal("C", "2026-09-01", 5)];

  it("stands in the order that was asked for", () => {
    const names = (order: "last" | "calls" | "customer") =>
      sorted(deals, order)
        .map((one) => one.customer)
        .join("");
    expect(names("last")).toBe("ABC");
    expect(names("calls")).toBe("CAB");
    expect(names("customer")).toBe("ABC");
  });

  it("leads to a deal by its name, whatever that holds", () => {
    const address = dealAddress("../x?a=1&b #2", "D/1");
    expect(new URL(address, "http://here").pathname).toBe("/deals/deal");
    expect(new URL(address, "http://here").searchParams.get("customer")).toBe("../x?a=1&b #2");
  });
});

it("says how long ago by the reader's days", () => {
  const now = new Date(2026, 10, 26, 1, 0);
  expect(ago(new Date(2026, 10, 26, 0, 30).toISOString(), now)).toBe("today");
  expect(ago(new Date(2026, 10, 25, 23, 0).toISOString(), now)).toBe("yesterday");
  expect(ago(new Date(2026, 10, 3).toISOString(), now)).toBe("23 days ago");
  expect(ago(new Date(2026, 7, 1).toISOString(), now)).toBe("4 months ago");
});
