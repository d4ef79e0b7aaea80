/** Pieces of a taxonomy that somebody can begin with, put where they belong in its text. */

export interface Inserted {
  text: string;
  /** The line on which the piece begins, counted from 1. */
  line: number;
}

const TYPE = [
  "- id: warranty_asked",
  "  label: Warranty question",
  "  role: customer            # whose words: customer, rep or any",
  "  tier: noted               # nudge: may be shown live, and needs `nudges`",
  "  description: Asks what is covered when the product breaks, and for how long.",
  "  examples:                 # at least eight, in words as people say them",
  "    - How long is the guarantee on it?",
  "    - Who pays for the repair if it breaks after half a year?",
  "    - Is there some kind of warranty on the parts?",
  "    - What does the warranty actually cover?",
  "    - Can we return them if they turn out to be faulty?",
  "    - Would damage like that be covered?",
  "    - What happens if it just dies in the second year?",
  "    - Is labour included in the warranty too?",
  "  not_examples:             # what only sounds like it",
  "    - The old one broke every month.",
];

const TRACKER = [
  "- name: Fleet Garden         # as a nudge writes it",
  "  type: competitor_mentioned",
  "  phrases: [fleet garden, fleetgarden]",
];

const ANSWER = "  answer: we keep the plan on the driver's phone";

export function withType(text: string): Inserted {
  return into(text, "types", TYPE);
}

export function withTracker(text: string): Inserted {
  return into(text, "trackers", TRACKER);
}

export function withBattleCard(text: string): Inserted {
  return into(text, "trackers", [...TRACKER, ANSWER]);
}

/** Put an item at the head of a list of the document, indented as its other items are. */
function into(text: string, list: string, item: readonly string[]): Inserted {
  const lines = text.split("\n");
  const found = lines.findIndex((line) => new RegExp(`^${list}:\\s*(\\[\\s*\\])?\\s*(#.*)?$`).test(line));
  if (found < 0) {
    const before = text === "" || text.endsWith("\n") ? text : `${text}\n`;
    const line = before.split("\n").length + 1;
    return { text: `${before}\n${list}:\n${indented(item, "  ")}\n`, line: line + 1 };
  }
  lines[found] = (lines[found] ?? "").replace(/\[\s*\]/, "").trimEnd();
  const next = lines.slice(found + 1).find((line) => line.trim() !== "" && !line.trim().startsWith("#"));
  const indent = /^(\s*)- /.exec(next ?? "")?.[1] ?? "  ";
  const written = [...lines.slice(0, found + 1), indented(item, indent), ...lines.slice(found + 1)].join("\n");
  return { text: written, line: found + 2 };
}

function indented(item: readonly string[], indent: string): string {
  return item.map((line) => `${indent}${line}`).join("\n");
}
