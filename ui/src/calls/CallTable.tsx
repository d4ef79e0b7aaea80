import { Group, Table, Text, UnstyledButton } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import type { ReactNode } from "react";
import { Link } from "wouter";
import { dealAddress } from "@/across/deals";
import type { CallRow } from "@/api/types";
import { clock, dateTime, plural, spoken, words } from "@/parts/format";
import { Score } from "@/parts/Score";
import classes from "./CallTable.module.css";
import type { Filters, Sort } from "./filters";

/** The calls of the page: a table where there is room, one block a call on a phone. */
export function CallTable({ rows, filters }: { rows: readonly CallRow[]; filters: Filters }) {
  const narrow = useMediaQuery("(max-width: 48em)", undefined, { getInitialValueInEffect: false });
  if (narrow) {
    return (
      <ul className={classes.blocks}>
        {rows.map((call) => (
          <li key={call.call_id} className={classes.block}>
            <Group justify="space-between" wrap="nowrap" align="start">
              <Title call={call} />
              <Score score={call.score} />
            </Group>
            <WithWhom call={call} />
            <Text size="sm" c="dimmed">
              {call.rep_name} · {dateTime(call.started_at)} · {clock(call.audio_ms)}
            </Text>
            <State call={call} />
            <Moments counts={call.moment_counts} />
          </li>
        ))}
      </ul>
    );
  }
  return (
    <Table.ScrollContainer minWidth={760}>
      <Table highlightOnHover verticalSpacing="sm">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Call</Table.Th>
            <Table.Th>Rep</Table.Th>
            <Sorted by="started_at" filters={filters}>
              Date
            </Sorted>
            <Sorted by="duration" filters={filters}>
              Length
            </Sorted>
            <Sorted by="score" filters={filters}>
              Score
            </Sorted>
            <Table.Th>Moments</Table.Th>
            <Table.Th>Nudges</Table.Th>
            <Table.Th>Comments</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map((call) => (
            <Table.Tr key={call.call_id}>
              <Table.Td maw={380}>
                <Title call={call} />
                <WithWhom call={call} />
                <State call={call} />
              </Table.Td>
              <Table.Td maw={180}>
                <Text size="sm" truncate>
                  {call.rep_name}
                </Text>
              </Table.Td>
              <Table.Td className={classes.number}>{dateTime(call.started_at)}</Table.Td>
              <Table.Td className={classes.number}>
                <span title={spoken(call.audio_ms)}>{clock(call.audio_ms)}</span>
              </Table.Td>
              <Table.Td>
                <Score score={call.score} />
              </Table.Td>
              <Table.Td>
                <Moments counts={call.moment_counts} />
              </Table.Td>
              <Table.Td className={classes.number}>{call.nudges || <Nothing />}</Table.Td>
              <Table.Td className={classes.number}>{call.comments || <Nothing />}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function Nothing() {
  return <span className={classes.nothing}>0</span>;
}

function Title({ call }: { call: CallRow }) {
  const live = call.status === "live";
  return (
    <Link href={live ? `/live/${call.call_id}` : `/calls/${call.call_id}`} className={classes.title}>
      {call.title.trim() || "Call without a title"}
    </Link>
  );
}

/** The customer and the deal, which lead to all that is known of them; and how far it was. */
function WithWhom({ call }: { call: CallRow }) {
  const { customer, deal, stage } = call.context;
  if (!customer) return null;
  return (
    <Text size="xs" c="dimmed" className={classes.whom}>
      <Link href={dealAddress(customer, deal)}>{deal ? `${customer} · ${deal}` : customer}</Link>
      {stage && ` · ${words(stage)}`}
    </Text>
  );
}

function State({ call }: { call: CallRow }) {
  if (call.status === "live") {
    return (
      <Text size="xs" fw={600} c="var(--ride-bad)">
        ● Running now
      </Text>
    );
  }
  switch (call.review?.status) {
    case "finished":
      return null;
    case "failed":
      return (
        <Text size="xs" c="var(--ride-bad)">
          The review failed
        </Text>
      );
    case "queued":
    case "running":
      return (
        <Text size="xs" c="var(--ride-warn)">
          The review is being made
        </Text>
      );
    default:
      return (
        <Text size="xs" c="dimmed">
          No review
        </Text>
      );
  }
}

const SHOWN = 3;

function Moments({ counts }: { counts: Record<string, number> }) {
  const all = Object.entries(counts).sort((a, b) => b[1] - a[1]);
  if (all.length === 0) return <Nothing />;
  const rest = all.slice(SHOWN).reduce((sum, [, count]) => sum + count, 0);
  return (
    <Group gap={4} maw={420}>
      {all.slice(0, SHOWN).map(([type, count]) => (
        <span key={type} className={classes.moment}>
          {words(type)} {count > 1 && <b>{count}</b>}
        </span>
      ))}
      {rest > 0 && <span className={classes.more}>{plural(rest, "more", "more")}</span>}
    </Group>
  );
}

function Sorted({ by, filters, children }: { by: Sort; filters: Filters; children: ReactNode }) {
  const active = filters.sort === by;
  const direction = filters.order === "asc" ? "ascending" : "descending";
  return (
    <Table.Th aria-sort={active ? direction : "none"}>
      <UnstyledButton className={classes.sort} onClick={() => filters.sortBy(by)}>
        {children}
        <span aria-hidden="true">{active ? (filters.order === "asc" ? " ↑" : " ↓") : ""}</span>
      </UnstyledButton>
    </Table.Th>
  );
}
