import type { ReactNode } from "react";
import type { Claim, Evidence, Vote } from "@/api/types";
import { clock } from "@/parts/format";
import classes from "./ClaimCard.module.css";
import { CitedWords, Confidence, Doubts, nameOf, Statement, Tools, WEAK } from "./ClaimParts";
import { citedLabel } from "./citedWords";
import { useCallView, useIsShown, useSounds } from "./context";

/** One claim of the review: the whole statement is the button that plays what it cites. */
export function ClaimCard({
  claim,
  revision,
  label,
  advice,
  why,
  votes,
}: {
  claim: Claim;
  revision: number;
  label: ReactNode;
  advice?: string;
  why?: string;
  /** Of all claims of the review. */
  votes: readonly Vote[];
}) {
  const first = claim.evidence[0];
  const by = `claim-${nameOf(claim)}`;
  const weak = claim.confidence < WEAK;
  const shown = useIsShown(by);
  if (!first) return null;
  return (
    <article className={classes.card} data-weak={weak || undefined} data-shown={shown || undefined}>
      <Statement claim={claim} revision={revision} label={label} size={16} />
      <CitedWords claim={claim} />
      <ul className={classes.proof} aria-label={citedLabel(claim)}>
        {claim.evidence.map((evidence, at) => (
          <Proof
            // biome-ignore lint/suspicious/noArrayIndexKey: evidence has no name of its own and never changes its order
            key={at}
            by={at === 0 ? by : `${by}-${at}`}
            evidence={evidence}
            revision={revision}
          />
        ))}
      </ul>
      {advice && <p className={classes.advice}>{advice}</p>}
      {why && <p className={classes.quiet}>{why}</p>}
      <div className={classes.foot}>
        <Confidence claim={claim} revision={revision} />
        <Tools claim={claim} votes={votes} />
      </div>
      <Doubts claim={claim} revision={revision} />
    </article>
  );
}

/** One piece of evidence: when, who, and the words. */
function Proof({ by, evidence, revision }: { by: string; evidence: Evidence; revision: number }) {
  const { play, people } = useCallView();
  const person = people(evidence.speaker_id);
  return (
    <li>
      <button
        type="button"
        className={classes.evidence}
        onClick={() => play(by, evidence, revision)}
        aria-pressed={useSounds(by)}
      >
        <span className={classes.when}>{clock(evidence.start_ts)}</span>
        <span className={classes.who} style={{ color: person.color }}>
          {person.label}
        </span>
        <q>{evidence.quote}</q>
      </button>
    </li>
  );
}
