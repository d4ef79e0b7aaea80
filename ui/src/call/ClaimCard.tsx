import { ActionIcon, Group, Text, Tooltip } from "@mantine/core";
import type { ReactNode } from "react";
import type { Claim, Vote } from "@/api/types";
import { useSession } from "@/app/session";
import { clock, dateTime, percent } from "@/parts/format";
import { Icon } from "@/parts/Icon";
import { usePlayerState } from "@/parts/player";
import classes from "./ClaimCard.module.css";
import { useCallView } from "./context";
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
  const view = useCallView();
  const { playing } = usePlayerState(view.player);
  const first = claim.evidence[0];
  const by = `claim-${claim.claim_id}`;
  const weak = claim.confidence < WEAK;
  const sounding = (name: string) => playing && view.shown?.by === name;
  if (!first) return null;
  return (
    <article
      className={classes.card}
      data-weak={weak || undefined}
      data-shown={view.shown?.by.startsWith(by) || undefined}
    >
      <button
        type="button"
        className={classes.statement}
        onClick={() => view.play(by, first, revision)}
        data-claim={claim.claim_id}
        data-start={first.start_ts}
        aria-pressed={sounding(by)}
      >
        <span className={classes.play} aria-hidden="true">
          <Icon name={sounding(by) ? "pause" : "play"} size={16} />
        </span>
        <span className={classes.words}>
          {label}
          <span>{claim.statement}</span>
        </span>
      </button>
      <ul className={classes.proof} aria-label="What proves it">
        {claim.evidence.map((evidence, at) => {
          const name = at === 0 ? by : `${by}-${at}`;
          const person = view.people(evidence.speaker_id);
          return (
            // biome-ignore lint/suspicious/noArrayIndexKey: evidence has no name of its own and never changes its order
            <li key={at}>
              <button
                type="button"
                className={classes.evidence}
                onClick={() => view.play(name, evidence, revision)}
                aria-pressed={sounding(name)}
              >
                <span className={classes.when}>{clock(evidence.start_ts)}</span>
                <span className={classes.who} style={{ color: person.color }}>
                  {person.label}
                </span>
                <q>{evidence.quote}</q>
              </button>
            </li>
          );
        })}
      </ul>
      {advice && <p className={classes.advice}>{advice}</p>}
      <Group gap="xs" justify="space-between" className={classes.foot}>
        <Confidence value={claim.confidence} weak={weak} through={throughOf(claim, view.utterances)} />
        <Group gap={2}>
          {view.may.talk && <Votes claimId={claim.claim_id} votes={votes} />}
          {view.may.share && <PlaylistButton item={{ ...spanOf(claim), claim_id: claim.claim_id }} />}
        </Group>
      </Group>
    </article>
  );
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
      <Tooltip
        label={who ? `${word}:\n${who}` : word}
        style={{ whiteSpace: "pre-line" }}
        events={{ hover: true, focus: true, touch: true }}
      >
        <ActionIcon
          variant={mine === verdict ? "filled" : "subtle"}
          color={mine === verdict ? "sea" : "gray"}
          size={28}
          w="auto"
          miw={28}
          px={4}
          loading={vote.isPending && vote.variables.claimId === claimId && vote.variables.verdict === verdict}
          onClick={() => vote.mutate({ claimId, verdict: mine === verdict ? null : verdict })}
          aria-pressed={mine === verdict}
          aria-label={`${word}${those.length > 0 ? `, ${those.length} so far` : ""}`}
        >
          <Icon name={icon} size={15} />
          {those.length > 0 && (
            <Text component="span" size="xs" ml={4}>
              {those.length}
            </Text>
          )}
        </ActionIcon>
      </Tooltip>
    );
  };
  return (
    <>
      {side("agree", "up", "Agree")}
      {side("disagree", "down", "Disagree")}
    </>
  );
}
