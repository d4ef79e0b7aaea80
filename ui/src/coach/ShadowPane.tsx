import { Stack, Table, Text } from "@mantine/core";
import { FiguresHead } from "@/parts/FiguresHead";
import { percent, plural } from "@/parts/format";
import { PlayStretch } from "@/parts/snippets";
import { ErrorState, Loading } from "@/parts/states";
import classes from "./coach.module.css";
import { type MomentType, useShadow } from "./queries";
import { decisionWords, labelOf } from "./words";

const SHOWN = 50;

/** What a version found beside the one that judged. */
export function ShadowPane({ version, types }: { version: number; types: readonly MomentType[] }) {
  const shadow = useShadow(version);
  if (shadow.isPending) return <Loading />;
  if (shadow.isError) return <ErrorState error={shadow.error} retry={() => shadow.refetch()} />;
  const { calls, moments, types: counts } = shadow.data;
  return (
    <Stack mt="sm" role="region" aria-label={`What version ${version} found in shadow`}>
      {calls === 0 ? (
        <Text size="sm" c="dimmed">
          It has not run beside a call yet. Put it in shadow, and it hears the calls that begin from then on.
        </Text>
      ) : (
        <Text size="sm">
          It ran beside {plural(calls, "call")} and found {plural(moments.length, "moment")}, none of which was shown.
        </Text>
      )}
      {counts.length > 0 && (
        <Table.ScrollContainer
          minWidth={620}
          scrollAreaProps={{ viewportProps: { tabIndex: 0, "aria-label": "The shadow beside what judged" } }}
        >
          <Table aria-label="The shadow beside what judged" striped>
            <FiguresHead
              row="Type"
              figures={["Both found", "Only what judged", "Only the shadow", "Nudged", "Would nudge"]}
            />
            <Table.Tbody>
              {counts.map((one) => (
                <Table.Tr key={one.type}>
                  <Table.Th scope="row">{labelOf(types, one.type)}</Table.Th>
                  {[one.both, one.live_only, one.shadow_only, one.live_nudged, one.shadow_would_nudge].map(
                    (count, column) => (
                      // biome-ignore lint/suspicious/noArrayIndexKey: the columns stay where they are
                      <Table.Td key={column} className={classes.number}>
                        {count}
                      </Table.Td>
                    ),
                  )}
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
      {moments.length > 0 && (
        <ul className={classes.moments} aria-label="What it found">
          {moments.slice(0, SHOWN).map((one) => (
            <li key={`${one.call_id} ${one.utterance_no} ${one.type}`} className={classes.changed}>
              <PlayStretch stretch={one} about={one.quote} />
              <Text size="sm" className={classes.words ?? ""}>
                <b>{labelOf(types, one.type)}</b> “{one.quote}”{" "}
                <Text span size="sm" c="dimmed">
                  {percent(one.confidence)} sure, would have been {decisionWords({ tier: one.tier, reason: one.would })}
                </Text>
              </Text>
            </li>
          ))}
        </ul>
      )}
      {moments.length > SHOWN && (
        <Text size="sm" c="dimmed">
          The first {SHOWN} are shown.
        </Text>
      )}
    </Stack>
  );
}
