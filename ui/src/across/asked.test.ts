import { describe, expect, it } from "vitest";
import { addressOf, earlier, filtersOf, questionOf } from "./asked";

const search = (address: string) => new URLSearchParams(address.split("?")[1] ?? "");

describe("a question's address", () => {
  it("holds the question and its filters, and gives both back", () => {
    const address = addressOf(" What about A/B & C? ", { customer: "Nord & Süd", role: "customer", from: "" });
    expect(questionOf(search(address))).toEqual({
      question: "What about A/B & C?",
      customer: "Nord & Süd",
      role: "customer",
    });
    expect(filtersOf(search(address))).toEqual({ customer: "Nord & Süd", role: "customer" });
  });

  it("asks nothing where nothing is asked, and drops a role that there is none of", () => {
    expect(questionOf(search("/ask?q=%20&customer=Nord"))).toBeNull();
    expect(questionOf(search("/ask?q=Why&role=owner"))).toEqual({ question: "Why" });
    expect(addressOf("  ", {})).toBe("/ask");
  });

  it("cuts what is longer than a question may be", () => {
    expect(questionOf(search(addressOf("w".repeat(900), {})))?.question).toHaveLength(500);
  });

  it("remembers what was asked before, the latest first, each once, and not for ever", () => {
    let address = "/ask";
    for (const text of ["one", "two", "one", "three"]) address = addressOf(text, {}, search(address));
    expect(earlier(search(address))).toEqual(["one", "two"]);
    for (let n = 0; n < 20; n++) address = addressOf(`question ${n}`, {}, search(address));
    expect(earlier(search(address))).toEqual([18, 17, 16, 15, 14, 13].map((n) => `question ${n}`));
  });
});
