import { ActionIcon, Anchor, Group, Paper, Stack, Text } from "@mantine/core";
import { useQueries } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useSearchParams } from "wouter";
import type { Hit } from "@/api/types";
import { clock, date, plural, words } from "@/parts/format";
import { Icon } from "@/parts/Icon";
import { Marked } from "@/parts/Marked";
import { Page } from "@/parts/Page";
import { PlayerElement } from "@/parts/PlayerElement";
import { useNewPlayer, usePlayerState } from "@/parts/player";
import { EmptyState, ErrorState, Loading } from "@/parts/states";
import { callQuery, useHits } from "./reading";

const KINDS: Record<Hit["kind"], string> = {
  utterance: "Said",
  moment: "Moment",
  finding: "Finding",
  coaching_moment: "Worth replaying",
};

/** What was said, in every call, by meaning and by words. A hit plays where it stands. */
export default function SearchPage() {
  const [search] = useSearchParams();
  const q = search.get("q") ?? "";
  const found = useHits(q);
  return (
    <Page title={q ? `Search: ${q}` : "Search"}>
      {!q.trim() && (
        <EmptyState title="Search what was said">
          Write what you look for in the field above: a topic, a sentence, or <q>exact words</q> in quotation marks.
          Meaning counts as much as words.
        </EmptyState>
      )}
      {found.isError && <ErrorState error={found.error} retry={() => found.refetch()} />}
      {found.isLoading && <Loading label="Searching" />}
      {found.data?.length === 0 && (
        <EmptyState title="Nothing found">
          Nobody said that, and nothing like it. Try fewer or other words; quotation marks ask for exact ones.
        </EmptyState>
      )}
      {found.data && found.data.length > 0 && <Hits hits={found.data} sought={q} />}
    </Page>
  );
}

function Hits({ hits, sought }: { hits: Hit[]; sought: string }) {
  const player = useNewPlayer();
  const { playing, failed } = usePlayerState(player);
  const [chosen, setChosen] = useState<Hit | null>(null);
  const ids = [...new Set(hits.map((hit) => hit.call_id))];
  const calls = useQueries({ queries: ids.map((id) => ({ ...callQuery(id), staleTime: 60_000 })) });
  const callOf = new Map(ids.map((id, at) => [id, calls[at]?.data]));
  function play(hit: Hit) {
    if (chosen === hit && playing) {
      player.pause();
      return;
    }
    setChosen(hit);
    player.load(`/v1/calls/${hit.call_id}/audio.wav`);
    player.playRange(hit.start_ts, hit.end_ts);
  }
  return (
    <>
      <PlayerElement player={player} />
      <Text c="dimmed" size="sm" mb="sm" role="status">
        {plural(hits.length, "place")} in {plural(ids.length, "call")}, the best first
      </Text>
      <Stack gap="xs" component="ol" p={0} m={0} style={{ listStyle: "none" }}>
        {hits.map((hit) => {
          const call = callOf.get(hit.call_id);
          const speaker = call?.speakers.find((one) => one.speaker_id === hit.speaker_id);
          const sounding = chosen === hit && playing;
          return (
            <Paper
              key={`${hit.kind}-${hit.id}-${hit.call_id}-${hit.utterance_no}`}
              component="li"
              withBorder
              p="sm"
              bg={chosen === hit ? "var(--ride-soft)" : undefined}
            >
              <Group wrap="nowrap" align="start" gap="sm">
                <ActionIcon
                  variant={sounding ? "filled" : "light"}
                  size="lg"
                  radius="xl"
                  onClick={() => play(hit)}
                  aria-label={`${sounding ? "Pause" : "Play"} from ${clock(hit.start_ts)}: ${hit.quote.slice(0, 80)}`}
                >
                  <Icon name={sounding ? "pause" : "play"} />
                </ActionIcon>
                <Stack gap={2} miw={0} flex={1}>
                  <Text style={{ overflowWrap: "anywhere" }}>
                    “<Marked text={hit.quote} sought={sought} />”
                  </Text>
                  {hit.kind !== "utterance" && hit.text !== hit.quote && (
                    <Text size="sm" style={{ overflowWrap: "anywhere" }}>
                      {hit.text}
                    </Text>
                  )}
                  <Text size="sm" c="dimmed" style={{ overflowWrap: "anywhere" }}>
                    {KINDS[hit.kind]}
                    {hit.type && hit.kind === "moment" ? `: ${words(hit.type)}` : ""}
                    {speaker ? ` · ${speaker.name ?? words(speaker.role)}` : ""} ·{" "}
                    <Anchor
                      component={Link}
                      href={`/calls/${hit.call_id}?t=${hit.start_ts}`}
                      size="sm"
                      underline="always"
                    >
                      {call ? call.title.trim() || "Call without a title" : "The call"} at {clock(hit.start_ts)}
                    </Anchor>
                    {call ? ` · ${call.rep_name} · ${date(call.started_at)}` : ""}
                  </Text>
                  {chosen === hit && failed && (
                    <Text size="sm" c="var(--ride-bad)" role="alert">
                      Nothing can be heard: the call came as a transcript, or its audio does not arrive. Read it in the
                      call.
                    </Text>
                  )}
                </Stack>
              </Group>
            </Paper>
          );
        })}
      </Stack>
    </>
  );
}
