import { describe, expect, it } from "vitest";
import { withBattleCard, withTracker, withType } from "./snippets";

describe("pieces of a taxonomy", () => {
  it("go to the head of their list, indented as it is", () => {
    const { text, line } = withTracker("types:\n- id: stall\ntrackers:\n- name: Acme\n  type: stall\n");
    expect(text.split("\n").slice(2, 5)).toEqual([
      "trackers:",
      "- name: Fleet Garden         # as a nudge writes it",
      "  type: competitor_mentioned",
    ]);
    expect(text.split("\n")[line - 1]).toContain("- name: Fleet Garden");
  });

  it("open an empty list", () => {
    const { text } = withBattleCard("types:\n  - id: stall\ntrackers: []\n");
    expect(text).toContain("trackers:\n  - name: Fleet Garden");
    expect(text).toContain("\n    answer: we keep");
    expect(text).not.toContain("[]");
  });

  it("make the list where there is none", () => {
    const { text, line } = withTracker("types:\n  - id: stall");
    expect(text).toContain("  - id: stall\n\ntrackers:\n  - name: Fleet Garden");
    expect(text.split("\n")[line - 1]).toContain("- name: Fleet Garden");
  });

  it("keep comments between the list and its first item behind", () => {
    const { text } = withType("types:\n  # ours\n  - id: stall\n");
    expect(text.startsWith("types:\n  - id: warranty_asked\n")).toBe(true);
    expect(text).toContain("\n  # ours\n  - id: stall\n");
  });
});
