/** What a review says in numbers and codes, as words; and which of its parts come first. */

import type { Artifact, Claim, FollowUp, Rule } from "@/api/types";
import { words } from "@/parts/format";

/** The draft as it is pasted into an e-mail: its subject, then a paragraph for each part, a line for each sentence. */
export function followUpText(draft: FollowUp): string {
  const parts = [...new Set(draft.sentences.map((sentence) => sentence.part))];
  const paragraphs = parts.map((part) =>
    draft.sentences
      .filter((sentence) => sentence.part === part)
      .map((sentence) => sentence.statement)
      .join("\n"),
  );
  return [
    `Subject: ${draft.subject}`,
    draft.greeting,
    draft.thanks,
    ...paragraphs,
    `${draft.closing}\n\n${draft.signature}`,
  ].join("\n\n");
}

const FATES: Record<string, string> = { repaired: "Put right", lowered: "Made less sure", dropped: "Left out" };

/** The codes that do not say it themselves once they are written as words. */
const FAULTS: Record<string, string> = {
  malformed: "badly formed",
  no_evidence: "nothing cited",
  no_such_criterion: "not in the rubric",
  no_such_utterance: "cited what was not said",
  quote_cut: "quote leaves out a negation",
  said_otherwise: "the quote says it otherwise",
  number_not_in_evidence: "number not said",
  date_not_in_evidence: "date not said",
  name_not_in_evidence: "name not said",
  searched_in_part: "only a part of the call was searched",
  better_evidence_exists: "called missing, but something near to it was said",
  contradiction: "another statement says the opposite",
  not_supported: "a second reading did not find it",
  partly_supported: "a second reading found it in part",
};

/** What became of statements with a fault, in one line; empty where none had any. */
export function checksLine(checks: Artifact["checks"]): string {
  const said = Object.entries(checks).flatMap(([fate, faults]) => {
    const counted = Object.entries(faults).filter(([, count]) => count > 0);
    if (counted.length === 0) return [];
    const reasons = counted.map(([fault, count]) => `${FAULTS[fault] ?? words(fault).toLowerCase()} (${count})`);
    return `${FATES[fate] ?? words(fate)}: ${reasons.join(", ")}.`;
  });
  return said.length > 0 ? `Every statement was checked. ${said.join(" ")}` : "";
}

/** What breaking a rule costs; empty where it costs nothing. */
export function effectWords({ deduct, cap, of }: Rule["effect"]): string {
  const said = [
    deduct > 0 ? `${points(deduct)} off` : "",
    cap < 100 ? (cap > 0 ? `no score above ${cap}` : "the score is 0") : "",
  ].filter(Boolean);
  if (said.length === 0) return "";
  return `${said.join(", ")}${of === "call" ? ", for the whole call too" : ""}`;
}

function points(count: number): string {
  return `${count} ${count === 1 ? "point" : "points"}`;
}

const KINDS: Record<Rule["kind"], string> = {
  must_say: "must be said",
  must_not_say: "must not be said",
  must_say_before: "must be said in time",
};

/** What stands behind a rule's name: what it asks, how grave it is, and what breaking it costs or would have cost. */
export function ruleWords(rule: Rule): string {
  const effect = effectWords(rule.effect);
  const cost = rule.state === "broken" ? effect : effect && `if broken: ${effect}`;
  const assessed = rule.state === "broken" || rule.state === "kept";
  return [KINDS[rule.kind], `${rule.severity} severity`, assessed ? cost : rule.reason].filter(Boolean).join("; ");
}

/** Whole parts from the first on, until there are as many claims in them. */
export function firstOf<T extends { claims: number }>(parts: readonly T[], claims: number): T[] {
  let left = claims;
  return parts.filter((part) => {
    const show = left > 0;
    left -= part.claims;
    return show;
  });
}

/** Everything that a review says of the call. */
export function claimsOf(artifact: Artifact): Claim[] {
  return [
    ...artifact.coaching_moments,
    ...artifact.next_actions,
    ...artifact.gaps,
    ...artifact.outline,
    ...(artifact.follow_up?.sentences ?? []),
    ...artifact.sections.flatMap((section) => section.findings),
  ];
}

/** The doubts that all claims share: said once they are read, said under each they are not. */
export function sharedDoubts(claims: readonly Pick<Claim, "doubts">[]): Set<string> {
  if (claims.length < 2) return new Set();
  return new Set(claims[0]?.doubts.filter((doubt) => claims.every((claim) => claim.doubts.includes(doubt))));
}
