import { Button, Group, SegmentedControl, Stack, Text } from "@mantine/core";
import { useState } from "react";
import type { Feedback, Moment } from "@/api/types";
import { useSession } from "@/app/session";
import { clock, dateTime, percent, words } from "@/parts/format";
import { Icon } from "@/parts/Icon";
import { EmptyState, ErrorState, Loading } from "@/parts/states";
import classes from "./ClaimCard.module.css";
import { WEAK } from "./ClaimParts";
import { useCallView, useIsShown, useSounds } from "./context";
import { AddMissedMoment } from "./MissedMoment";
import { MomentLabels } from "./MomentLabels";
import { PlaylistButton } from "./PlaylistButton";
import { useFeedback, useMoments } from "./reading";

/** Why a moment was not shown to the rep while it happened. */
const REASONS: Record<string, string> = {
  delivered: "shown to the rep",
  low_confidence: "not shown: not certain enough",
  budget_spent: "not shown: enough nudges at that time",
  cooling_down: "not shown: another nudge had just been there",
  late: "not shown: recognised too late to help",
  role_unknown: "not shown: it was not known yet who the rep is",
  type_is_noted: "not shown: this type is only noted",
  added: "added by a person after the call",
  quiet_period: "not shown: too early in the call",
  rep_is_speaking: "not shown: the rep was speaking",
  customer_is_thinking: "not shown: the rep had just spoken, and the customer was thinking",
  held_out: "not shown: held out by lot, to measure what nudges do",
};

const VERDICTS: Record<Feedback["verdict"], string> = {
  helpful: "Helpful",
  not_now: "Not now",
  wrong: "Wrong",
};

type Which = "all" | "nudge" | "noted" | "marks";

/** Every moment of the call, and what became of it; the rep's own marks among them. */
export function MomentsPane() {
  const { source, call, player, may } = useCallView();
  const moments = useMoments(source);
  const [which, setWhich] = useState<Which>("all");
  if (moments.isPending) return <Loading label="Loading the moments" />;
  if (moments.isError) return <ErrorState error={moments.error} retry={() => moments.refetch()} />;
  const marks = which === "all" || which === "marks" ? call.marks : [];
  const shown = moments.data.filter((moment) => which === "all" || moment.tier === which);
  const rows = [
    ...marks.map((mark) => ({ at: mark.at_ts, key: mark.mark_id, mark, moment: null })),
    ...shown.map((moment) => ({ at: moment.trigger_ts, key: moment.moment_id, mark: null, moment })),
  ].sort((a, b) => a.at - b.at);
  const count = (tier: Moment["tier"]) => moments.data.filter((moment) => moment.tier === tier).length;
  return (
    <Stack gap="sm" p="md">
      <SegmentedControl
        aria-label="Which moments"
        value={which}
        onChange={(value) => setWhich(value as Which)}
        data={[
          { value: "all", label: "All" },
          { value: "nudge", label: `Nudged (${count("nudge")})` },
          { value: "noted", label: `Noted (${count("noted")})` },
          { value: "marks", label: `Marked (${call.marks.length})` },
        ]}
      />
      <AddMissedMoment />
      {rows.length === 0 && (
        <EmptyState title={which === "all" ? "No moments on this call" : "None of these"}>
          {which === "marks"
            ? "A rep marks a moment with the button “This moment matters” while the call runs."
            : "Objections, prices, commitments and the like appear here when they are said."}
        </EmptyState>
      )}
      {rows.map(({ key, mark, moment }) =>
        moment ? (
          <MomentCard key={key} moment={moment} />
        ) : (
          <Group key={key} gap="xs" wrap="nowrap">
            <Button
              variant="subtle"
              size="compact-sm"
              disabled={!may.listen}
              leftSection={<Icon name="play" size={14} />}
              onClick={() => player.playFrom(Math.max(0, (mark?.at_ts ?? 0) - MARK_LEAD_MS))}
            >
              {clock(mark?.at_ts ?? 0)}
            </Button>
            <Text size="sm">{mark?.by.name} marked this moment</Text>
          </Group>
        ),
      )}
    </Stack>
  );
}

/** A mark is set after the words that were worth it. */
const MARK_LEAD_MS = 8_000;

function MomentCard({ moment }: { moment: Moment }) {
  const view = useCallView();
  const by = `moment-${moment.moment_id}`;
  const first = moment.evidence[0];
  const sounding = useSounds(by);
  const shown = useIsShown(by);
  if (!first) return null;
  const person = view.people(first.speaker_id);
  return (
    <article
      className={classes.card}
      data-weak={moment.confidence < WEAK || undefined}
      data-quiet={moment.tier === "noted" || undefined}
      data-shown={shown || undefined}
    >
      <button
        type="button"
        className={classes.statement}
        onClick={() => view.play(by, first, moment.revision)}
        data-start={first.start_ts}
        aria-pressed={sounding}
      >
        <span className={classes.play} aria-hidden="true">
          <Icon name={sounding ? "pause" : "play"} size={16} />
        </span>
        <span className={classes.words}>
          <span>
            <span className={classes.when}>{clock(first.start_ts)}</span>
            <b>{words(moment.type)}</b> <span style={{ color: person.color }}>{person.label}</span>
          </span>
          <q>{first.quote}</q>
        </span>
      </button>
      <div className={classes.advice}>
        {moment.nudge}{" "}
        {moment.feedback.map((one) => (
          <span
            key={`${one.by.member_id}-${one.at}`}
            className={classes.answer}
            data-answer={one.verdict === "helpful" ? "yes" : "partly"}
            title={dateTime(one.at)}
          >
            {one.by.name}: {VERDICTS[one.verdict].toLowerCase()}
          </span>
        ))}
      </div>
      <div className={classes.foot}>
        <span className={classes.confidence}>
          {percent(moment.confidence)} sure, {REASONS[moment.reason] ?? words(moment.reason).toLowerCase()}
        </span>
        <Group gap={4}>
          {view.may.teach && <MomentLabels moment={moment} />}
          {view.may.talk && <RepFeedback moment={moment} />}
          {view.may.share && (
            <PlaylistButton item={{ start_ts: first.start_ts, end_ts: first.end_ts, moment_id: moment.moment_id }} />
          )}
        </Group>
      </div>
    </article>
  );
}

/** The rep of the call says what the nudge was worth. */
function RepFeedback({ moment }: { moment: Moment }) {
  const { source, call } = useCallView();
  const { member } = useSession();
  const feedback = useFeedback(source);
  if (member.rep_id !== call.rep_id) return null;
  const mine = moment.feedback.find((one) => one.by.member_id === member.member_id)?.verdict;
  return (
    <>
      {(Object.keys(VERDICTS) as Feedback["verdict"][]).map((verdict) => (
        <Button
          key={verdict}
          size="compact-xs"
          variant={mine === verdict ? "filled" : "default"}
          aria-pressed={mine === verdict}
          onClick={() => feedback.mutate({ momentId: moment.moment_id, verdict })}
        >
          {VERDICTS[verdict]}
        </Button>
      ))}
    </>
  );
}
