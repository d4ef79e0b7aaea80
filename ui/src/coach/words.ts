/** What the coach's figures and reasons mean, in words. */

import type { MomentType, Version } from "./queries";

/** Why a moment was not delivered, or that it was: one word for a table, a sentence is `whyNoted` of the live pages. */
const REASONS: Readonly<Record<string, string>> = {
  delivered: "nudged",
  low_confidence: "noted: not certain enough",
  budget_spent: "noted: enough nudges in these minutes",
  cooling_down: "noted: one of its type had just been shown",
  late: "noted: too late to help",
  role_unknown: "noted: it was not known who the rep is",
  type_is_noted: "noted: its type is only noted",
  added: "added by a person",
  quiet_period: "noted: too early in the call",
  rep_is_speaking: "noted: the rep was speaking",
  customer_is_thinking: "noted: the customer was thinking",
  held_out: "noted: held out by lot",
  not_recorded: "not even noted",
};

export function decisionWords(decision: { tier: string; reason: string } | null): string {
  if (decision === null) return REASONS.not_recorded as string;
  return REASONS[decision.reason] ?? (decision.tier === "nudge" ? "nudged" : "noted");
}

export const STATES: Readonly<Record<Version["state"], { label: string; color: string; about: string }>> = {
  training: { label: "Training", color: "blue", about: "It is being trained." },
  failed: { label: "Failed", color: "red", about: "Nothing came of this training." },
  candidate: { label: "Candidate", color: "yellow", about: "Trained, and judges nothing." },
  shadow: { label: "In shadow", color: "grape", about: "Runs beside what judges; what it finds is never shown." },
  live: { label: "Judges new calls", color: "teal", about: "New calls are judged by it." },
  retired: { label: "Retired", color: "gray", about: "Judged before, and can be taken back." },
};

/** Where an example came from. */
export const SOURCES: Readonly<Record<string, string>> = {
  document: "examples in the taxonomy",
  agreed: "moments that a manager agreed with",
  corrected: "moments that a manager corrected",
  added: "missed moments that a manager added",
  queue: "answers in the review queue",
  helpful: "“helpful” from reps",
  not_now: "“not now” from reps",
  wrong: "“wrong” from reps",
};

export interface Rate {
  value: number;
  low: number;
  high: number;
}

/** What a training says of one type. What it has not, the type was not trained on. */
export interface TypeReport {
  type: string;
  new: boolean;
  trained: boolean;
  positives: number;
  negatives: number;
  thin: string | null;
  recall?: Rate;
  false_alarms?: number;
  expected_f1?: number;
  expected_f1_low?: number;
  expected_f1_high?: number;
}

interface Compared {
  running: number;
  candidate: number;
  difference: number;
  low: number;
  high: number;
}

/** The part of a training's report that the page shows; docs/taxonomy.md says what stands in it. */
export interface TrainingReport {
  examples?: Record<string, number>;
  left_out?: LeftOut[];
  trusted?: LeftOut[];
  types?: TypeReport[];
  confused?: { type: string; taken_for: string; count: number; examples: ({ text: string } | Place)[] }[];
  guard?: Compared & { calls: number; types: number; shipped: number };
  own_calls?: (Compared & { calls: number; labelled: number }) | null;
  changes?: { utterances: number; added: number; removed: number };
  verdict?: { not_worse: boolean; reasons: string[] };
  outcome?: string;
}

export interface LeftOut {
  by: string | null;
  by_name: string | null;
  statements: number;
  reason: string;
}

interface Place {
  call_id: string;
  utterance_no: number;
}

export function reportOf(version: Pick<Version, "report">): TrainingReport {
  return version.report as TrainingReport;
}

/** Why it may be worse than what ran when it was trained; empty where it is not. */
export function doubtsOf(version: Pick<Version, "report">): string[] {
  return reportOf(version).verdict?.reasons ?? [];
}

/** 0.034 → "+3.4 points". */
export function points(difference: number): string {
  const value = Math.round(difference * 1000) / 10;
  return `${value > 0 ? "+" : value < 0 ? "−" : "±"}${Math.abs(value)} points`;
}

/** 0.012 → "1.2 in 100". */
export function inHundred(share: number): string {
  return `${Math.round(share * 1000) / 10} in 100`;
}

/** The label of a type; its id in words where the taxonomy has none of that name any more. */
export function labelOf(types: readonly MomentType[], id: string): string {
  return types.find((one) => one.id === id)?.label ?? id.replaceAll("_", " ");
}

const SLOT = /\{(\w+)\}/g;

/** How a nudge reads with the slots that `values` has; null where a slot has none. */
export function filled(nudge: string, values: Readonly<Record<string, string>>): string | null {
  let whole = true;
  const text = nudge.replace(SLOT, (_, slot: string) => {
    const value = values[slot]?.trim();
    if (!value) whole = false;
    return value ?? "";
  });
  return whole ? text : null;
}

/** What a rep would be shown when the tracker is heard: as the server chooses, wordings that name it come first. */
export function shownFor(type: MomentType | undefined, tracker: { name: string; answer: string }): string | null {
  if (type === undefined) return null;
  const values = { competitor: tracker.name, answer: tracker.answer };
  const named = type.nudges.filter((nudge) => nudge.match(SLOT) !== null);
  for (const nudge of [...named, ...type.nudges.filter((one) => one.match(SLOT) === null)]) {
    const text = filled(nudge, values);
    const count = text?.split(/\s+/).filter(Boolean).length ?? 0;
    if (text !== null && count >= 6 && count <= 12) return text;
  }
  return null;
}

/** Whether an answer of a tracker can reach anybody: some nudge of the type has a place for it. */
export function saysAnswers(type: MomentType | undefined): boolean {
  return type?.nudges.some((nudge) => nudge.includes("{answer}")) ?? false;
}

/** Examples as somebody types them, one in a line; empty lines and what stands there already are left out. */
export function newLines(text: string, known: readonly string[]): string[] {
  const seen = new Set(known.map((one) => one.toLocaleLowerCase()));
  const found: string[] = [];
  for (const line of text.split("\n")) {
    const one = line.trim();
    const key = one.toLocaleLowerCase();
    if (one === "" || seen.has(key)) continue;
    seen.add(key);
    found.push(one);
  }
  return found;
}
