/** What stands under every claim: how sure it is, what makes it shaky, what was searched, and what can be done with it. */

import { createContext, type ReactNode, useContext } from "react";
import type { Claim, Evidence, Utterance, Vote } from "@/api/types";
import { useSession } from "@/app/session";
import { clock, dateTime, percent, words } from "@/parts/format";
import { Icon } from "@/parts/Icon";
import { messageOf } from "@/parts/states";
import classes from "./ClaimCard.module.css";
import { citedWords } from "./citedWords";
import { useClaimView, useSaid, useSounds } from "./context";
import { PlaylistButton } from "./PlaylistButton";
import { useVote } from "./reading";
import { SideButton } from "./SideButton";

/** Below this a claim is a hint, and looks like one. */
export const WEAK = 0.6;

/** What tells a claim from the others of its review; only a stored one has an id. */
export function nameOf(claim: Claim): string {
  return claim.claim_id ?? `${claim.evidence[0]?.start_ts}-${claim.statement}`;
}

/** The whole statement is the button that plays what it cites, from the first piece on. */
export function Statement({
  claim,
  revision,
  label,
  size,
}: {
  claim: Claim;
  revision: number;
  label?: ReactNode;
  /** Of its icon, in pixels. */
  size: number;
}) {
  const { play } = useClaimView();
  const first = claim.evidence[0];
  const by = `claim-${nameOf(claim)}`;
  const sounds = useSounds(by);
  if (!first) return null;
  return (
    <button
      type="button"
      className={classes.statement}
      onClick={() => play(by, first, revision)}
      data-claim={claim.claim_id ?? ""}
      data-start={first.start_ts}
      aria-pressed={sounds}
    >
      <span className={classes.play} aria-hidden="true">
        <Icon name={sounds ? "pause" : "play"} size={size} />
      </span>
      <span className={classes.words}>
        {label}
        <span>{claim.statement}</span>
      </span>
    </button>
  );
}

/** The word for it. The number has its place beside it and is seen as soon as the claim is pointed at or focused. */
export function Confidence({ claim, revision }: { claim: Claim; revision: number }) {
  const find = useUtterances(revision);
  const end = claim.searched || claim.through == null ? undefined : find(claim.through)?.end_ts;
  return (
    <span className={classes.confidence}>
      <span className={classes.meter} aria-hidden="true">
        <span style={{ width: percent(claim.confidence).replace(" ", "") }} />
      </span>
      {words(claim.confidence_words)}
      {end !== undefined && `; nothing more up to ${clock(end)}`}
      <span className={classes.number}>{percent(claim.confidence)} sure</span>
    </span>
  );
}

/** The doubts that the review's head says of all claims. */
export const SaidOfAll = createContext<ReadonlySet<string>>(new Set());

/** What makes the claim shaky, and what was searched where it says that something is missing. */
export function Doubts({ claim, revision }: { claim: Claim; revision: number }) {
  const said = useContext(SaidOfAll);
  const doubts = claim.doubts.filter((doubt) => !said.has(doubt));
  return (
    <>
      {doubts.length > 0 && <p className={classes.quiet}>Shaky: {doubts.join("; ")}.</p>}
      {claim.searched && <Searched claim={claim} searched={claim.searched} revision={revision} />}
    </>
  );
}

/** What stands over the evidence: nothing where it proves the claim, else what was searched and what is cited instead. */
export function CitedWords({ claim }: { claim: Claim }) {
  const said = citedWords(claim);
  return said === "" ? null : <p className={classes.quiet}>{said}</p>;
}

function Searched({
  claim,
  searched,
  revision,
}: {
  claim: Claim;
  searched: NonNullable<Claim["searched"]>;
  revision: number;
}) {
  // Where the evidence itself came nearest, that stands over it.
  if (claim.cited_as === "nearest" || claim.cited_as === "span") return null;
  const { closest } = searched;
  if (closest === null) return <p className={classes.quiet}>Nothing that was searched came near.</p>;
  return (
    <>
      <p className={classes.quiet}>
        What came nearest is {percent(Math.max(0, closest.similarity))} alike, and is not it:
      </p>
      <Nearest by={`claim-${nameOf(claim)}-nearest`} evidence={closest} revision={revision} />
    </>
  );
}

function Nearest({ by, evidence, revision }: { by: string; evidence: Evidence; revision: number }) {
  const { play, people } = useClaimView();
  const person = people(evidence.speaker_id);
  return (
    <div className={classes.proof}>
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
    </div>
  );
}

/** Finds an utterance by its number; none where the transcript is another one, or not for this reader. */
function useUtterances(revision: number): (no: number) => Utterance | undefined {
  const said = useSaid();
  return (no) => (said?.revision === revision ? said.utterances.find((utterance) => utterance.no === no) : undefined);
}

export function Tools({ claim, votes }: { claim: Claim; votes: readonly Vote[] }) {
  const { may } = useClaimView();
  if (!claim.claim_id) return null;
  return (
    <span className={classes.tools}>
      {may.talk && <Votes claimId={claim.claim_id} votes={votes.filter((vote) => vote.claim_id === claim.claim_id)} />}
      {may.share && <PlaylistButton item={{ ...spanOf(claim), claim_id: claim.claim_id }} />}
    </span>
  );
}

function spanOf(claim: Claim): { start_ts: number; end_ts: number } {
  const first = claim.evidence[0];
  return { start_ts: first?.start_ts ?? 0, end_ts: first?.end_ts ?? 0 };
}

function Votes({ claimId, votes }: { claimId: string; votes: readonly Vote[] }) {
  const { source } = useClaimView();
  const { member } = useSession();
  const vote = useVote(source);
  const mine = votes.find((one) => one.by.member_id === member.member_id)?.verdict ?? null;
  const side = (verdict: Vote["verdict"], icon: "up" | "down", word: string) => {
    const those = votes.filter((one) => one.verdict === verdict);
    return (
      <SideButton
        icon={icon}
        word={word}
        who={those.map((one) => `${one.by.name}, ${dateTime(one.at)}`)}
        mine={mine === verdict}
        disabled={vote.isPending}
        onClick={() => vote.mutate({ claimId, verdict: mine === verdict ? null : verdict })}
      />
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
