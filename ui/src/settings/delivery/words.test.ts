import { describe, expect, it } from "vitest";
import {
  attemptWords,
  audiencesOf,
  type Destination,
  inOneLine,
  onlyThis,
  reaches,
  templateFor,
  templatesIn,
} from "./words";

const DOCUMENTS = ["manager.email", "manager.slack", "rep.email", "short.email", "partial-foot.email", "rep.md"];

describe("delivery", () => {
  it("says what an attempt came to, and why", () => {
    expect(attemptWords({ outcome: "taken", answer: 204 }, "webhook")).toBe("taken with 204");
    expect(attemptWords({ outcome: "refused", answer: 404 }, "slack")).toBe(
      "refused with 404 (there is nothing at this address)",
    );
    expect(attemptWords({ outcome: "refused", answer: 503 }, "webhook")).toContain("fault of its own");
    expect(attemptWords({ outcome: "refused", answer: 550 }, "email")).toBe("refused with 550 (refused for good)");
    expect(attemptWords({ outcome: "not reached", answer: null }, "webhook")).toContain("does not answer");
  });

  it("says of an answer that looks friendly why it did not help", () => {
    expect(attemptWords({ outcome: "refused", answer: 302 }, "webhook")).toContain("give the new address");
    expect(attemptWords({ outcome: "refused", answer: 200 }, "slack")).toContain("says that it failed");
  });

  it("names what a destination is told of in one line, in the order of a call", () => {
    expect(inOneLine(["call.ended", "moment.found", "review.done"])).toBe(
      "A moment was found, a call has ended, a review is done",
    );
    expect(inOneLine(["review.done"])).toBe("A review is done");
  });

  it("says whom a destination reaches", () => {
    expect(reaches({ kind: "email", url: "mailto:rep" })).toContain("The rep");
    expect(reaches({ kind: "email", url: "mailto:ceo@firm.example" })).toBe("ceo@firm.example, by e-mail");
    expect(reaches({ kind: "slack", url: "https://hooks.slack.com" })).toBe("Slack, by https://hooks.slack.com");
  });

  it("sends one event again and no other", () => {
    expect(onlyThis(7)).toEqual({ after: 6, until: 7 });
    expect(onlyThis(0)).toEqual({ after: 0, until: 0 });
  });

  it("finds the template as the server does", () => {
    const known = { chosen: [], documents: DOCUMENTS, standard: "short" };
    expect(templatesIn("email", DOCUMENTS)).toEqual(["manager", "rep", "short"]);
    expect(templateFor("rep", "email", known)).toBe("rep");
    expect(templateFor("customer", "email", known)).toBe("short");
    expect(templateFor("customer", "slack", known)).toBe("manager");
    const chosen = [{ audience: "rep", form: "email" as const, template: "short" }];
    expect(templateFor("rep", "email", { ...known, chosen })).toBe("short");
    // One that was withdrawn since.
    expect(templateFor("rep", "email", { ...known, chosen, documents: ["rep.email"] })).toBe("rep");
  });

  it("knows every audience once", () => {
    const sent = [
      { kind: "slack", audience: "board" } as Destination,
      { kind: "webhook", audience: "x" } as Destination,
    ];
    expect(audiencesOf([{ audience: "rep", form: "md", template: "short" }], sent)).toEqual([
      ...["rep", "manager", "customer", "board"],
    ]);
  });
});
