import type { ReactNode } from "react";
import type { Claim, Evidence, Vote } from "@/api/types";
import { useSession } from "@/app/session";
import { clock, dateTime, percent } from "@/parts/format";
import { Icon } from "@/parts/Icon";
import { messageOf } from "@/parts/states";
import classes from "./ClaimCard.module.css";
import { useCallView, useIsShown, useSounds } from "./context";
import { PlaylistButton } from "./PlaylistButton";
import { useVote } from "./reading";

/** Below this a claim is a hint, and looks like one. */
export const WEAK = 0.6;

/** One claim of the review: the whole statement is the button that plays its proof. */
export function ClaimCard({
  claim,
  revision,
  label,
  advice,
  votes,
}: {
  claim: Claim;
  revision: number;
  label: ReactNode;
  advice?: string;
  votes: readonly Vote[];
}) {
  const { play, utterances, may } = useCallView();
  const first = claim.evidence[0];
  const by = `claim-${nameOf(claim)}`;
  const weak = claim.confidence < WEAK;
  const shown = useIsShown(by);
  const sounds = useSounds(by);
  if (!first) return null;
  return (
    <article className={classes.card} data-weak={weak || undefined} data-shown={shown || undefined}>
      <button
        type="button"
        className={classes.statement}
        onClick={() => play(by, first, revision)}
        data-claim={claim.claim_id ?? ""}
        data-start={first.start_ts}
        aria-pressed={sounds}
      >
        <span className={classes.play} aria-hidden="true">
          <Icon name={sounds ? "pause" : "play"} size={16} />
        </span>
        <span className={classes.words}>
          {label}
          <span>{claim.statement}</span>
        </span>
      </button>
      <ul className={classes.proof} aria-label="What proves it">
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
      <div className={classes.foot}>
        <Confidence value={claim.confidence} weak={weak} through={throughOf(claim, utterances)} />
        <span className={classes.tools}>
          {may.talk && claim.claim_id && <Votes claimId={claim.claim_id} votes={votes} />}
          {may.share && claim.claim_id && <PlaylistButton item={{ ...spanOf(claim), claim_id: claim.claim_id }} />}
        </span>
      </div>
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

/** What tells a claim from the others of its review; only a stored one has an id. */
export function nameOf(claim: Claim): string {
  return claim.claim_id ?? `${claim.evidence[0]?.start_ts}-${claim.statement}`;
}

function spanOf(claim: Claim): { start_ts: number; end_ts: number } {
  const first = claim.evidence[0];
  return { start_ts: first?.start_ts ?? 0, end_ts: first?.end_ts ?? 0 };
}

/** Until when it was looked for, where a claim says that something was not said. */
function throughOf(claim: Claim, utterances: readonly { no: number; end_ts: number }[]): number | null {
  if (claim.through === undefined || claim.through === null) return null;
  return utterances.find((utterance) => utterance.no === claim.through)?.end_ts ?? null;
}

function Confidence({ value, weak, through }: { value: number; weak: boolean; through: number | null }) {
  return (
    <span className={classes.confidence}>
      <span className={classes.meter} aria-hidden="true">
        <span style={{ width: percent(value).replace(" ", "") }} />
      </span>
      {weak ? `Weak: ${percent(value)} sure` : `${percent(value)} sure`}
      {through !== null && `; nothing more up to ${clock(through)}`}
    </span>
  );
}

function Votes({ claimId, votes }: { claimId: string; votes: readonly Vote[] }) {
  const { source } = useCallView();
  const { member } = useSession();
  const vote = useVote(source);
  const mine = votes.find((one) => one.by.member_id === member.member_id)?.verdict ?? null;
  const side = (verdict: Vote["verdict"], icon: "up" | "down", word: string) => {
    const those = votes.filter((one) => one.verdict === verdict);
    const who = those.map((one) => `${one.by.name}, ${dateTime(one.at)}`).join("\n");
    return (
      // No component of the library: an hour's call has hundreds of these.
      <button
        type="button"
        className={classes.tool}
        disabled={vote.isPending}
        onClick={() => vote.mutate({ claimId, verdict: mine === verdict ? null : verdict })}
        aria-pressed={mine === verdict}
        aria-label={those.length > 0 ? `${word}, ${those.length} so far: ${who}` : word}
        title={who ? `${word}:\n${who}` : word}
      >
        <Icon name={icon} size={15} />
        {those.length > 0 && <span aria-hidden="true">{those.length}</span>}
      </button>
    );
  };
  return (
    <>
      {side("agree", "up", "Agree")}
      {side("disagree", "down", "Disagree")}
      {vote.isError && (
        <span role="alert" className={classes.error}>
          {messageOf(vote.error)}
        </span>
      )}
    </>
  );
}
