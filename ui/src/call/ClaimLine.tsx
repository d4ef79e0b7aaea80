import type { ReactNode } from "react";
import type { Claim, Evidence, Vote } from "@/api/types";
import { clock } from "@/parts/format";
import classes from "./ClaimCard.module.css";
import { CitedWords, Confidence, Doubts, nameOf, Statement, Tools, WEAK } from "./ClaimParts";
import { useCallView, useIsShown, useSounds } from "./context";

/** A claim in a list: the statement plays its proof, and each piece of the proof is a time that plays. */
export function ClaimLine({
  claim,
  revision,
  label,
  votes,
}: {
  claim: Claim;
  revision: number;
  label?: ReactNode;
  /** Of all claims of the review. */
  votes: readonly Vote[];
}) {
  const first = claim.evidence[0];
  const by = `claim-${nameOf(claim)}`;
  const shown = useIsShown(by);
  if (!first) return null;
  return (
    <div className={classes.line} data-weak={claim.confidence < WEAK || undefined} data-shown={shown || undefined}>
      <Statement
        claim={claim}
        revision={revision}
        label={label && <span className={classes.label}>{label}</span>}
        size={14}
      />
      <CitedWords claim={claim} />
      <div className={classes.foot}>
        <span className={classes.tools}>
          {claim.evidence.map((evidence, at) => (
            <Time
              // biome-ignore lint/suspicious/noArrayIndexKey: evidence has no name of its own and never changes its order
              key={at}
              by={at === 0 ? by : `${by}-${at}`}
              evidence={evidence}
              revision={revision}
            />
          ))}
          <Confidence claim={claim} revision={revision} />
        </span>
        <Tools claim={claim} votes={votes} />
      </div>
      <Doubts claim={claim} revision={revision} />
    </div>
  );
}

/** One piece of evidence as its time; who and what come when it is pointed at, and to a screen reader. */
function Time({ by, evidence, revision }: { by: string; evidence: Evidence; revision: number }) {
  const { play, people } = useCallView();
  const said = `${people(evidence.speaker_id).label}: “${evidence.quote}”`;
  return (
    <button
      type="button"
      className={classes.time}
      onClick={() => play(by, evidence, revision)}
      aria-pressed={useSounds(by)}
      aria-label={`${clock(evidence.start_ts)} ${said}`}
      title={said}
    >
      {clock(evidence.start_ts)}
    </button>
  );
}
