import { ActionIcon, Anchor, CloseButton } from "@mantine/core";
import { Link } from "wouter";
import { clock } from "@/parts/format";
import { type Held, useHeld } from "@/parts/held";
import { Icon } from "@/parts/Icon";
import { type Player, usePlayerState, usePosition } from "@/parts/player";
import classes from "./across.module.css";
import type { Sounding } from "./Hearing";
import { titleOf } from "./words";

/** At the lower edge: what is heard, of which call, and the way there. It comes with the first sound. */
export function NowPlaying({ player, sounding }: { player: Player; sounding: Held<Sounding | null> }) {
  const now = useHeld(sounding, (value) => value);
  const { playing, failed } = usePlayerState(player);
  const second = usePosition(player, (ms) => Math.floor(ms / 1000));
  if (now === null) return null;
  const { call, evidence, who } = now;
  const close = () => {
    player.pause();
    now.shown.set(null);
    sounding.set(null);
  };
  return (
    <section className={classes.bar} aria-label="What is heard">
      <ActionIcon
        variant="filled"
        radius="xl"
        size="lg"
        onClick={() => (playing ? player.pause() : player.playRange(evidence.start_ts, evidence.end_ts))}
        aria-label={playing ? "Pause" : "Play these words again"}
      >
        <Icon name={playing ? "pause" : "play"} />
      </ActionIcon>
      <div className={classes.barWords}>
        <p className={classes.barQuote}>
          <b>{who}</b> “{evidence.quote}”
        </p>
        {failed && (
          <p role="alert" className={classes.failed}>
            Nothing can be heard: the call came as a transcript, or its audio does not arrive. Read it in the call.
          </p>
        )}
        <p className={classes.quiet}>
          <span className={classes.time}>{clock(failed ? evidence.start_ts : second * 1000)}</span> ·{" "}
          <Anchor component={Link} href={`/calls/${call.call_id}?t=${evidence.start_ts}`} inherit underline="always">
            {titleOf(call)}
          </Anchor>
        </p>
      </div>
      <ActionIcon
        variant="default"
        size="lg"
        className={classes.onward ?? ""}
        onClick={() => player.playFrom(evidence.start_ts)}
        aria-label="Play on from here"
        title="Play on from here: what was said after it, too"
      >
        <Icon name="on" size={16} />
      </ActionIcon>
      <CloseButton onClick={close} aria-label="Stop and close" />
    </section>
  );
}
