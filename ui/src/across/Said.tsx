/** Words that somebody said on one of many calls, as a button that plays them, with the way to that second. */

import { Anchor } from "@mantine/core";
import { Link } from "wouter";
import type { Evidence } from "@/api/types";
import { useClaimView, useIsShown, useSounds } from "@/call/context";
import { PlaylistButton } from "@/call/PlaylistButton";
import { clock, date } from "@/parts/format";
import { Icon } from "@/parts/Icon";
import classes from "./across.module.css";
import type { CallNamed } from "./queries";
import { titleOf } from "./words";

export function Said({
  by,
  call,
  evidence,
  revision,
  quoted = true,
  withCustomer = true,
  item = {},
}: {
  /** The button's name among those of its call. */
  by: string;
  call: CallNamed;
  evidence: Evidence;
  revision: number;
  /** False where the words stand right above. */
  quoted?: boolean;
  /** False where all of the page is about one customer. */
  withCustomer?: boolean;
  /** What a playlist should know of the stretch beside its times. */
  item?: { moment_id?: string; claim_id?: string };
}) {
  const { play, people, may } = useClaimView();
  const sounds = useSounds(by);
  const shown = useIsShown(by);
  const person = people(evidence.speaker_id);
  const { start_ts, end_ts } = evidence;
  return (
    <div className={classes.said} data-shown={shown || undefined}>
      <button
        type="button"
        className={classes.hear}
        onClick={() => play(by, evidence, revision)}
        aria-pressed={sounds}
        data-start={start_ts}
        aria-label={`${quoted ? (sounds ? "Pause" : "Play") : "Hear it:"} ${person.label} at ${clock(start_ts)}: “${evidence.quote}”`}
      >
        <span className={classes.sign} aria-hidden="true">
          <Icon name={sounds ? "pause" : "play"} size={14} />
        </span>
        {quoted ? (
          <span className={classes.quote}>“{evidence.quote}”</span>
        ) : (
          <span className={classes.quiet}>Hear it</span>
        )}
      </button>
      <p className={classes.where}>
        <b style={{ color: person.color }}>{person.label}</b>
        <span aria-hidden="true"> · </span>
        <Anchor component={Link} href={`/calls/${call.call_id}?t=${start_ts}`} inherit underline="always">
          {titleOf(call)} at {clock(start_ts)}
        </Anchor>
        {withCustomer && call.customer && call.customer !== call.title.trim() && (
          <>
            <span aria-hidden="true"> · </span>
            {call.customer}
          </>
        )}
        <span aria-hidden="true"> · </span>
        <span className={classes.together}>
          {date(call.started_at)}
          {may.share && (
            <span className={classes.tool}>
              <PlaylistButton item={{ start_ts, end_ts, ...item }} />
            </span>
          )}
        </span>
      </p>
    </div>
  );
}
