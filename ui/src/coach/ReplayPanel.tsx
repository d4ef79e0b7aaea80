import { Alert, Anchor, Button, Card, Group, MultiSelect, Stack, Switch, Table, Text, Title } from "@mantine/core";
import { useState } from "react";
import { Link } from "wouter";
import { clock, percent, plural } from "@/parts/format";
import { pastCallOptions } from "@/parts/PastCallSelect";
import { PlayStretch } from "@/parts/snippets";
import { EmptyState, ErrorState, messageOf } from "@/parts/states";
import { usePastCalls } from "@/settings/documents/queries";
import classes from "./coach.module.css";
import { isEmpty } from "./policy";
import {
  type MomentType,
  type PolicyChange,
  type ReplayAnswer,
  type ReplayChange,
  type ReplayedCall,
  useReplay,
} from "./queries";
import { decisionWords, labelOf } from "./words";

/** So many of the newest calls are chosen at first. */
const AT_FIRST = 3;
const MOST = 20;

interface Props {
  change: PolicyChange;
  /** Whether the change can be sent. */
  ready: boolean;
  types: readonly MomentType[];
}

/** Calls that have been, decided again: what was delivered beside what would have been. */
export function ReplayPanel({ change, ready, types }: Props) {
  const calls = usePastCalls(false);
  const [chosen, setChosen] = useState<string[] | null>(null);
  const replay = useReplay();
  const ids = chosen ?? (calls.data ?? []).slice(0, AT_FIRST).map((call) => call.call_id);
  const stale = replay.variables !== undefined && JSON.stringify(replay.variables.change) !== JSON.stringify(change);
  return (
    <Card withBorder component="section" aria-labelledby="replay">
      <Stack>
        <div>
          <Title order={3} size="h5" id="replay">
            Try it on past calls
          </Title>
          <Text size="sm" c="dimmed">
            Each moment that was recorded is decided again, by the policy as it stands above. Nothing is stored.
          </Text>
        </div>
        {calls.isError && <ErrorState error={calls.error} retry={() => calls.refetch()} />}
        {calls.data?.length === 0 && (
          <EmptyState title="There is no call to try it on">
            As soon as a call has ended, it can be tried here.
          </EmptyState>
        )}
        {calls.data !== undefined && calls.data.length > 0 && (
          <Group align="end">
            <MultiSelect
              label="Calls"
              data={pastCallOptions(calls.data)}
              value={ids}
              maxValues={MOST}
              searchable
              hidePickedOptions
              onChange={setChosen}
              style={{ flex: "1 1 20rem", minWidth: 0 }}
            />
            <Button
              onClick={() => replay.mutate({ call_ids: ids, change })}
              disabled={ids.length === 0 || !ready}
              loading={replay.isPending}
            >
              Replay
            </Button>
          </Group>
        )}
        {replay.isError && (
          <Alert color="red" role="alert" title="They could not be replayed">
            {messageOf(replay.error)}
          </Alert>
        )}
        {replay.isSuccess && stale && (
          <Alert color="yellow" role="status">
            The policy above was changed after this was made: replay again.
          </Alert>
        )}
        {replay.isSuccess && (
          <Outcome answer={replay.data} types={types} unchanged={isEmpty(replay.variables.change)} />
        )}
      </Stack>
    </Card>
  );
}

function Outcome({
  answer,
  types,
  unchanged,
}: {
  answer: ReplayAnswer;
  types: readonly MomentType[];
  unchanged: boolean;
}) {
  const { total } = answer;
  return (
    <Stack role="region" aria-label="What would have been delivered">
      <div className={classes.sides}>
        <Side name="What was delivered" nudges={total.was.nudges} rate={total.was.per_10_minutes} />
        <Side name="What would have been" nudges={total.would.nudges} rate={total.would.per_10_minutes} />
      </div>
      {unchanged && (
        <Text size="sm">
          Nothing is changed above: this is the policy that holds now, on calls that were begun under an earlier one.
        </Text>
      )}
      <Table.ScrollContainer
        minWidth={420}
        scrollAreaProps={{ viewportProps: { tabIndex: 0, "aria-label": "Nudges by type" } }}
      >
        <Table aria-label="Nudges by type" striped>
          <Table.Thead>
            <Table.Tr>
              <Table.Th scope="col">Type</Table.Th>
              <Table.Th scope="col" className={classes.number}>
                Moments
              </Table.Th>
              <Table.Th scope="col" className={classes.number}>
                Nudged
              </Table.Th>
              <Table.Th scope="col" className={classes.number}>
                Would be nudged
              </Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {Object.entries(total.types).map(([id, of]) => (
              <Table.Tr key={id}>
                <Table.Th scope="row">{labelOf(types, id)}</Table.Th>
                <Table.Td className={classes.number}>{of.moments}</Table.Td>
                <Table.Td className={classes.number}>{of.was}</Table.Td>
                <Table.Td className={classes.number}>{of.would}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      {answer.calls.map((call) => (
        <OneCall key={call.call_id} call={call} types={types} />
      ))}
      {answer.notes.map((note) => (
        <Text key={note} size="sm" c="dimmed">
          {note.replaceAll("`", "")}
        </Text>
      ))}
    </Stack>
  );
}

function Side({ name, nudges, rate }: { name: string; nudges: number; rate: number | null }) {
  return (
    <div className={classes.side}>
      <Text size="sm" c="dimmed">
        {name}
      </Text>
      <Text fw={600} size="lg">
        {plural(nudges, "nudge")}
      </Text>
      <Text size="sm">{rate === null ? "no audio to count over" : `${rate} in 10 minutes`}</Text>
    </div>
  );
}

const nudged = (decision: ReplayChange["would"]): boolean => decision?.tier === "nudge";

function OneCall({ call, types }: { call: ReplayedCall; types: readonly MomentType[] }) {
  const [all, setAll] = useState(false);
  const rows = [...call.changes, ...call.kept].sort((a, b) => a.decided_ts - b.decided_ts);
  const delivered = rows.filter((row) => nudged(row.was) || nudged(row.would));
  const shown = all ? rows : delivered;
  return (
    <section aria-label={call.title || "Call without a title"}>
      <Group justify="space-between">
        <Title order={4} size="h6" style={{ overflowWrap: "anywhere" }}>
          <Anchor component={Link} underline="always" href={`/calls/${call.call_id}?tab=moments`} inherit>
            {call.title || "Call without a title"}
          </Anchor>
        </Title>
        <Text size="sm" c="dimmed">
          {clock(call.audio_ms)}, {plural(call.moments, "moment")}, {plural(call.was.nudges, "nudge")} then,{" "}
          {call.would.nudges} now
        </Text>
      </Group>
      {shown.length === 0 ? (
        <Text size="sm" c="dimmed">
          Nothing was delivered, and nothing would be.
        </Text>
      ) : (
        <ul className={classes.moments}>
          {shown.map((row) => (
            <Row key={row.moment_id} row={row} callId={call.call_id} label={labelOf(types, row.type)} />
          ))}
        </ul>
      )}
      {rows.length > delivered.length && (
        <Switch
          size="xs"
          mt="xs"
          label={`Also ${plural(rows.length - delivered.length, "moment")} that would be noted for another reason`}
          checked={all}
          onChange={(event) => setAll(event.currentTarget.checked)}
        />
      )}
    </section>
  );
}

function Row({ row, callId, label }: { row: ReplayChange; callId: string; label: string }) {
  const first = row.evidence[0];
  return (
    <li className={classes.moment}>
      <div className={classes.said}>
        <Group gap="xs" wrap="nowrap" align="start">
          {first !== undefined && (
            <PlayStretch
              stretch={{ call_id: callId, start_ts: first.start_ts, end_ts: first.end_ts }}
              about={`${label}: ${first.quote}`}
            />
          )}
          <div className={classes.said}>
            <Text size="sm">
              <b>{label}</b>{" "}
              <Text span size="sm" c="dimmed">
                {percent(row.confidence)} sure
              </Text>
            </Text>
            {first !== undefined && <Text size="sm">“{first.quote}”</Text>}
            {row.nudge !== "" && (
              <Text size="sm" c="dimmed">
                → {row.nudge}
              </Text>
            )}
          </div>
        </Group>
      </div>
      <Fate name="Was" decision={row.was} />
      <Fate name="Would be" decision={row.would} />
    </li>
  );
}

function Fate({ name, decision }: { name: string; decision: ReplayChange["would"] }) {
  return (
    <div className={classes.fate} data-nudged={nudged(decision) || undefined}>
      {name} <b>{decisionWords(decision)}</b>
    </div>
  );
}
