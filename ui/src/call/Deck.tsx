import { ActionIcon, Group, NativeSelect, Text, Tooltip, VisuallyHidden } from "@mantine/core";
import { lazy, Suspense, useMemo } from "react";
import type { CallDetail } from "@/api/types";
import { clock, spoken } from "@/parts/format";
import { Icon } from "@/parts/Icon";
import { type Player, usePlayerState, usePosition } from "@/parts/player";
import { useCallView } from "./context";
import classes from "./Deck.module.css";
import { MarkStrip, type Pin } from "./MarkStrip";
import { useWaveform } from "./reading";
import { SpeakerName } from "./SpeakerName";
import { isRecorded } from "./source";

const Waves = lazy(() => import("./Waves"));

const RATES = ["0.75", "1", "1.25", "1.5", "1.75", "2"];
export const STEP_MS = 10_000;

/** The player: controls, a lane for each speaker, and what happened on the way as marks. */
export function Deck({ pins }: { pins: readonly Pin[] }) {
  const { source, call, people, player, may } = useCallView();
  const { playing, rate, failed } = usePlayerState(player);
  const waveform = useWaveform(source, may.listen);
  const lanes = useMemo(
    () =>
      (waveform.data?.lanes ?? []).map((lane) => ({
        ...lane,
        person: lane.speaker_id === null ? null : people(lane.speaker_id),
      })),
    [waveform.data, people],
  );
  const drawn = useMemo(
    () => lanes.map((lane) => ({ peaks: lane.peaks, color: lane.person?.color ?? "var(--ride-accent)" })),
    [lanes],
  );
  if (!may.listen) {
    return (
      <section className={classes.deck} aria-label="Player">
        <Text size="sm" c="dimmed" style={{ gridColumn: "1 / -1" }}>
          {silence(call)}
        </Text>
      </section>
    );
  }
  return (
    <section className={classes.deck} aria-label="Player">
      <div className={classes.names}>
        <Clock player={player} durationMs={call.audio_ms} />
        {lanes.map((lane, at) => (
          <div key={lane.speaker_id ?? `channel-${at}`} className={classes.name}>
            {lane.person ? (
              <SpeakerName speakerId={lane.speaker_id} />
            ) : (
              <Text size="sm" truncate>
                {lane.channel === null ? "Call" : `Channel ${lane.channel + 1}`}
              </Text>
            )}
          </div>
        ))}
      </div>
      <div className={classes.picture}>
        <MarkStrip pins={pins} durationMs={call.audio_ms} />
        {lanes.length > 0 && (
          <Suspense fallback={<div style={{ height: lanes.length * LANE_PX }} />}>
            <Waves player={player} durationMs={call.audio_ms} lanes={drawn} />
          </Suspense>
        )}
        {waveform.isError && (
          <Text size="xs" c="dimmed">
            The waveform could not be drawn. The line below it plays all the same.
          </Text>
        )}
      </div>
      <Group gap={4} wrap="nowrap" className={classes.buttons}>
        <Step player={player} by={-STEP_MS} name="Back 10 seconds" />
        <ActionIcon
          size={40}
          radius="xl"
          onClick={() => player.toggle()}
          aria-label={playing ? "Pause" : "Play"}
          data-testid="play"
        >
          <Icon name={playing ? "pause" : "play"} size={20} />
        </ActionIcon>
        <Step player={player} by={STEP_MS} name="On 10 seconds" />
        <NativeSelect
          aria-label="Speed"
          size="xs"
          w={70}
          ml="auto"
          value={String(rate)}
          onChange={(event) => player.setRate(Number(event.currentTarget.value))}
          data={RATES.map((value) => ({ value, label: `${value}×` }))}
        />
      </Group>
      <div className={classes.scrub}>
        <Scrubber player={player} durationMs={call.audio_ms} />
      </div>
      {failed && (
        <Text size="sm" c="var(--ride-bad)" role="alert" className={classes.failed}>
          The audio does not arrive. Press play to try again.
        </Text>
      )}
    </section>
  );
}

/** Why nothing can be heard, where nothing can. */
function silence(call: CallDetail): string {
  if (isRecorded(call)) return "This link shows the call without its audio.";
  if (call.audio_ms === 0) return "This call has no audio.";
  return "This call came as a transcript, without a recording. What proves a claim is marked in its words.";
}

export const LANE_PX = 44;

function Step({ player, by, name }: { player: Player; by: number; name: string }) {
  return (
    <Tooltip label={`${name} (${by < 0 ? "←" : "→"})`}>
      <ActionIcon variant="subtle" color="gray" size="lg" onClick={() => player.seek(player.now + by)}>
        <VisuallyHidden>{name}</VisuallyHidden>
        <span className={classes.step} aria-hidden="true">
          {by < 0 ? "−10" : "+10"}
        </span>
      </ActionIcon>
    </Tooltip>
  );
}

function Clock({ player, durationMs }: { player: Player; durationMs: number }) {
  const second = usePosition(player, (ms) => Math.floor(ms / 1000));
  return (
    <Text className={classes.time} size="sm">
      {clock(second * 1000)} <span className={classes.of}>/ {clock(durationMs)}</span>
    </Text>
  );
}

/** The position as a slider: what keyboard, thumb and screen reader use where the waveform is for the eye. */
function Scrubber({ player, durationMs }: { player: Player; durationMs: number }) {
  const at = usePosition(player, (ms) => Math.floor(ms / 250) * 250);
  return (
    <input
      type="range"
      className={classes.scrubber}
      min={0}
      max={durationMs}
      step={250}
      value={Math.min(at, durationMs)}
      onChange={(event) => player.seek(Number(event.currentTarget.value))}
      aria-label="Position in the call"
      aria-valuetext={`${spoken(at)} of ${spoken(durationMs)}`}
    />
  );
}
