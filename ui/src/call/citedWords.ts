import type { Claim } from "@/api/types";
import { clock } from "@/parts/format";

const CITED: Record<NonNullable<Claim["cited_as"]>, string> = {
  called_for: "This called for it:",
  nearest: "This came nearest, and is not it:",
  place: "It belongs here:",
  span: "The first and the last words searched; nothing came near:",
};

/**
 * What stands over the evidence of a claim of absence: what was searched, and what is cited since no words can prove that
 * others were not said. Empty for any other claim.
 */
export function citedWords(claim: Pick<Claim, "through" | "cited_as" | "searched">): string {
  if (claim.through == null) return "";
  const { searched, cited_as } = claim;
  const span = searched ? `Searched from ${clock(searched.start_ts)} to ${clock(searched.end_ts)}.` : "";
  return `${span} ${cited_as ? CITED[cited_as] : ""}`.trim();
}

/** What the list of a claim's evidence is, for who does not see what stands over it. */
export function citedLabel(claim: Pick<Claim, "through">): string {
  return claim.through == null ? "What proves it" : "What it cites";
}
