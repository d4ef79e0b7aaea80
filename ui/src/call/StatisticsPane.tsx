import { SimpleGrid, Stack, Text, Title, Tooltip, VisuallyHidden } from "@mantine/core";
import type { Statistic } from "@/api/types";
import { clock } from "@/parts/format";
import { ErrorState, Loading } from "@/parts/states";
import { useCallView } from "./context";
import { useStatistics } from "./reading";
import classes from "./StatisticsPane.module.css";

/** The numbers of the call; each says on hover and focus how it is counted. */
export function StatisticsPane() {
  const { source, people } = useCallView();
  const statistics = useStatistics(source);
  if (statistics.isPending) return <Loading label="Loading the statistics" />;
  if (statistics.isError) return <ErrorState error={statistics.error} retry={() => statistics.refetch()} />;
  const ofCall = statistics.data.filter((one) => one.speaker_id === null);
  const speakers = [...new Set(statistics.data.flatMap((one) => (one.speaker_id === null ? [] : [one.speaker_id])))];
  const perSpeaker = new Map<string, Statistic[]>();
  for (const one of statistics.data) {
    if (one.speaker_id !== null) perSpeaker.set(one.id, [...(perSpeaker.get(one.id) ?? []), one]);
  }
  const share = perSpeaker.get("share_of_speech") ?? [];
  return (
    <Stack gap="lg" p="md">
      {share.length > 0 && <TalkBar share={share} />}
      <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
        {ofCall.map((one) => (
          <Figure key={one.id} figure={one} />
        ))}
      </SimpleGrid>
      {speakers.length > 0 && (
        <Stack gap="sm" component="section" aria-labelledby="per-speaker">
          <Title order={2} size="h5" id="per-speaker">
            Each speaker
          </Title>
          {[...perSpeaker].map(([id, those]) => {
            const most = Math.max(...those.map((one) => one.value ?? 0), Number.EPSILON);
            return (
              <div key={id} className={classes.group}>
                <Formula figure={those[0]}>
                  <span className={classes.name}>{those[0]?.name}</span>
                </Formula>
                {those.map((one) => {
                  const person = people(one.speaker_id);
                  return (
                    <div key={one.speaker_id} className={classes.bar}>
                      <span className={classes.who}>{person.label}</span>
                      <span className={classes.track} aria-hidden="true">
                        <span style={{ width: `${((one.value ?? 0) / most) * 100}%`, background: person.color }} />
                      </span>
                      <span className={classes.value} title={one.absent ?? undefined}>
                        {written(one)}
                      </span>
                    </div>
                  );
                })}
              </div>
            );
          })}
        </Stack>
      )}
    </Stack>
  );
}

/** Who spoke how much, as one bar. */
function TalkBar({ share }: { share: readonly Statistic[] }) {
  const { people } = useCallView();
  return (
    <div className={classes.talk}>
      <Formula figure={share[0]}>
        <span className={classes.name}>Who spoke how much</span>
      </Formula>
      <div className={classes.parts} aria-hidden="true">
        {share.map((one) => (
          <span
            key={one.speaker_id}
            style={{ width: `${(one.value ?? 0) * 100}%`, background: people(one.speaker_id).color }}
          />
        ))}
      </div>
      <ul className={classes.legend}>
        {share.map((one) => (
          <li key={one.speaker_id}>
            <span className={classes.dot} style={{ background: people(one.speaker_id).color }} aria-hidden="true" />
            {people(one.speaker_id).label}: {written(one)}
          </li>
        ))}
      </ul>
    </div>
  );
}

function Figure({ figure }: { figure: Statistic }) {
  const { player, may } = useCallView();
  const { start_ts: start, end_ts: end } = figure;
  return (
    <div className={classes.figure}>
      <Formula figure={figure}>
        <span className={classes.name}>{figure.name}</span>
      </Formula>
      <span className={classes.big}>{written(figure)}</span>
      {figure.unit === "share" && figure.value !== null && (
        <span className={classes.track} aria-hidden="true">
          <span style={{ width: `${figure.value * 100}%` }} />
        </span>
      )}
      {figure.value === null && figure.absent && (
        <Text size="xs" c="dimmed">
          {figure.absent}
        </Text>
      )}
      {start !== null && start !== undefined && end !== null && end !== undefined && may.listen && (
        <button type="button" className={classes.hear} onClick={() => player.playRange(start, end)}>
          Hear it at {clock(start)}
        </button>
      )}
    </div>
  );
}

function Formula({ figure, children }: { figure: Statistic | undefined; children: React.ReactNode }) {
  if (!figure) return children;
  const from = figure.source ? ` (${figure.source})` : "";
  return (
    <Tooltip
      label={`${figure.formula}${from}`}
      multiline
      w={320}
      events={{ hover: true, focus: true, touch: true }}
      withArrow
    >
      <button type="button" className={classes.formula}>
        {children}
        <VisuallyHidden>: {figure.formula}</VisuallyHidden>
      </button>
    </Tooltip>
  );
}

function written({ value, unit }: Statistic): string {
  if (value === null) return "not known";
  const short = (digits: number) => value.toFixed(digits).replace(/\.0+$/, "");
  switch (unit) {
    case "ms":
      return value < 60_000 ? `${(value / 1000).toFixed(1)} s` : `${clock(value)} min`;
    case "share":
      return `${Math.round(value * 100)} %`;
    case "per_min":
      return `${short(1)} a minute`;
    case "per_30_min":
      return `${short(1)} in 30 minutes`;
    case "per_100_words":
      return `${short(1)} in 100 words`;
    case "wpm":
      return `${Math.round(value)} words a minute`;
    default:
      return short(2);
  }
}
