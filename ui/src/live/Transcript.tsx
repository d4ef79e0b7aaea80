import { Badge, Box, Button, Group, Text } from "@mantine/core";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { clock, words } from "@/parts/format";
import type { Feed, Row } from "./feed";
import classes from "./live.module.css";
import { speakerName, whyNoted } from "./words";

/** This near the end, in pixels, counts as at the end: then the list follows what is said. */
const NEAR_END = 80;

interface Props {
  feed: Feed;
  names: Readonly<Record<number, string>>;
}

/** What is said, as it is said. Only the rows in sight are in the document; at the end it follows by itself. */
export function Transcript({ feed, names }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const [following, setFollowing] = useState(true);
  const anchor = useRef<{ id: number; into: number } | null>(null);
  const { rows, forgotten } = feed;

  const list = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => 56,
    overscan: 10,
    getItemKey: (index) => rows[index]?.id ?? index,
  });

  useEffect(() => {
    if (following && rows.length > 0) list.scrollToIndex(rows.length - 1, { align: "end" });
  }, [following, rows, list]);

  // Rows that are forgotten at the top must not move what somebody reads further down.
  // biome-ignore lint/correctness/useExhaustiveDependencies: only when rows were forgotten
  useLayoutEffect(() => {
    if (forgotten === 0 || following || anchor.current === null) return;
    const index = rows.findIndex((row) => row.id === anchor.current?.id);
    const offset = list.getOffsetForIndex(Math.max(index, 0), "start");
    if (offset !== undefined) list.scrollToOffset(offset[0] + (index < 0 ? 0 : anchor.current.into));
  }, [forgotten]);

  const scrolled = () => {
    const box = scroller.current;
    if (box === null) return;
    setFollowing(box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_END);
    const first = list.getVirtualItems().find((item) => item.end > box.scrollTop);
    const row = first === undefined ? undefined : rows[first.index];
    anchor.current =
      first === undefined || row === undefined ? null : { id: row.id, into: box.scrollTop - first.start };
  };

  return (
    <div className={classes.transcript}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section ref={scroller} className={classes.scroller} onScroll={scrolled} tabIndex={0} aria-label="Transcript">
        {forgotten > 0 && (
          <Text size="sm" c="dimmed" p="xs">
            The first {forgotten} lines are no longer shown here. They are on the call's own page.
          </Text>
        )}
        {rows.length === 0 && (
          <Text c="dimmed" p="md">
            Nothing was said yet.
          </Text>
        )}
        <div style={{ height: list.getTotalSize(), position: "relative" }}>
          {list.getVirtualItems().map((item) => {
            const row = rows[item.index];
            if (row === undefined) return null;
            return (
              <div
                key={item.key}
                ref={list.measureElement}
                data-index={item.index}
                className={classes.row}
                style={{ transform: `translateY(${item.start}px)` }}
              >
                <RowView row={row} feed={feed} names={names} />
              </div>
            );
          })}
        </div>
      </section>
      <div className={classes.now}>
        {feed.partial !== null && feed.partial.text !== "" && (
          <Text size="sm" fs="italic" data-testid="partial">
            <b>{speakerName(feed.partial.speaker_id, feed.roles, names)}</b> {feed.partial.text}…
          </Text>
        )}
        {!following && (
          <Button size="xs" variant="light" className={classes.follow} onClick={() => setFollowing(true)}>
            Follow the call
          </Button>
        )}
      </div>
    </div>
  );
}

function RowView({ row, feed, names }: { row: Row; feed: Feed; names: Props["names"] }) {
  switch (row.kind) {
    case "utterance":
      return (
        <Box className={classes.utterance} data-role={row.speaker_id === null ? "unknown" : feed.roles[row.speaker_id]}>
          <Group gap="xs">
            <Text size="xs" fw={600}>
              {speakerName(row.speaker_id, feed.roles, names)}
            </Text>
            <Text size="xs" c="dimmed" className={classes.clock}>
              {clock(row.start_ts)}
            </Text>
          </Group>
          <Text>{row.text}</Text>
        </Box>
      );
    case "moment":
      return (
        <Box className={row.tier === "nudge" ? classes.nudge : classes.noted}>
          <Group gap="xs">
            <Badge variant={row.tier === "nudge" ? "filled" : "outline"} size="sm">
              {row.tier === "nudge" ? "Nudged" : "Noted"}
            </Badge>
            <Text size="sm" fw={600}>
              {words(row.type)}
            </Text>
            <Text size="xs" c="dimmed" className={classes.clock}>
              {clock(row.trigger_ts)}
            </Text>
          </Group>
          {row.tier === "nudge" ? (
            row.nudge !== null && <Text>{row.nudge}</Text>
          ) : (
            <Text size="sm" c="dimmed">
              {whyNoted(row.reason)}
            </Text>
          )}
        </Box>
      );
    case "message":
      return (
        <Box className={classes.message}>
          <Text size="xs" c="dimmed">
            {row.from === "" ? "Message to the rep" : `${row.from} to the rep`}
          </Text>
          <Text>{row.text}</Text>
        </Box>
      );
    case "notice":
      return (
        <Text size="sm" c="dimmed" className={classes.notice}>
          {row.text}
        </Text>
      );
  }
}
