import { Button, TextInput } from "@mantine/core";
import { useVirtualizer } from "@tanstack/react-virtual";
import { memo, useEffect, useMemo, useRef, useState } from "react";
import type { CallDetail, Transcript } from "@/api/types";
import { plural } from "@/parts/format";
import { useHeld } from "@/parts/held";
import { Icon } from "@/parts/Icon";
import { usePlayerState, usePosition } from "@/parts/player";
import { EmptyState, ErrorState, Loading } from "@/parts/states";
import { useCallView, useSaid, useSaidFault } from "./context";
import { indexAt, indexOf } from "./position";
import classes from "./TranscriptPane.module.css";
import { UtteranceRow } from "./UtteranceRow";

const NO_GAPS: CallDetail["gaps"] = [];

/** The whole conversation. What is said about the call does not wait for it. */
export const TranscriptPane = memo(function TranscriptPane() {
  const said = useSaid();
  const fault = useSaidFault();
  if (said === null && fault !== null) return <ErrorState error={fault.error} retry={fault.retry} />;
  return said === null ? <Loading label="Loading the transcript" /> : <Conversation said={said} />;
});

/** Only what is in sight is in the page; it follows the audio until somebody scrolls away. */
function Conversation({ said: { utterances, revision } }: { said: Transcript }) {
  const { call, player, shown: held } = useCallView();
  const asked = useHeld(held, (value) => value);
  const shown = useMemo(
    () =>
      asked && {
        index: indexOf(utterances, asked.evidence, asked.revision === revision),
        quote: asked.evidence.quote,
      },
    [asked, utterances, revision],
  );
  const scroller = useRef<HTMLDivElement>(null);
  const [follow, setFollow] = useState(true);
  const [sought, setSought] = useState("");
  const { playing } = usePlayerState(player);
  const active = usePosition(player, (ms) => indexAt(utterances, ms));
  const started = usePosition(player, (ms) => ms > 0);
  const rows = useVirtualizer({
    count: utterances.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => 46 + Math.ceil((utterances[index]?.text.length ?? 0) / 62) * 24,
    getItemKey: (index) => utterances[index]?.no ?? index,
    overscan: 6,
  });

  useEffect(() => {
    if (follow && (playing || started)) rows.scrollToIndex(active, { align: "center" });
  }, [active, follow, playing, started, rows]);

  // Evidence that is asked for is brought into sight, wherever one had scrolled to.
  useEffect(() => {
    if (!shown) return;
    setFollow(true);
    rows.scrollToIndex(shown.index, { align: "center" });
  }, [shown, rows]);

  const found = useMemo(() => {
    const text = sought.trim().toLocaleLowerCase();
    if (!text) return [];
    return utterances.flatMap((one, index) => (one.text.toLocaleLowerCase().includes(text) ? [index] : []));
  }, [sought, utterances]);
  const [place, setPlace] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another search begins at its first hit
  useEffect(() => setPlace(0), [sought]);
  useEffect(() => {
    const index = found[place];
    if (index === undefined) return;
    setFollow(false);
    rows.scrollToIndex(index, { align: "center" });
  }, [found, place, rows]);

  const gaps = useMemo(() => {
    const before = new Map<number, CallDetail["gaps"]>();
    for (const gap of call.gaps) {
      const index = utterances.findIndex((utterance) => utterance.end_ts > gap.at_ts);
      if (index >= 0) before.set(index, [...(before.get(index) ?? []), gap]);
    }
    return before;
  }, [call.gaps, utterances]);

  if (utterances.length === 0) {
    return (
      <EmptyState title="Nothing was heard">
        {call.audio_ms === 0
          ? "No audio arrived on this call."
          : "There is audio, but no words were recognised in it. Play it to hear why."}
      </EmptyState>
    );
  }
  return (
    <div className={classes.pane}>
      <div className={classes.bar}>
        <TextInput
          type="search"
          size="xs"
          aria-label="Find in this transcript"
          placeholder="Find in this transcript"
          leftSection={<Icon name="search" size={14} />}
          value={sought}
          onChange={(event) => setSought(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter" && found.length > 0) {
              setPlace((before) => (before + (event.shiftKey ? found.length - 1 : 1)) % found.length);
            }
            if (event.key === "Escape") setSought("");
          }}
          flex={1}
        />
        <span className={classes.count} role="status">
          {sought.trim() === ""
            ? ""
            : found.length === 0
              ? "Not said"
              : `${place + 1} of ${plural(found.length, "place")}`}
        </span>
      </div>
      <section
        ref={scroller}
        className={classes.scroller}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable to scroll it by keyboard
        tabIndex={0}
        aria-label="Transcript"
        onWheel={() => setFollow(false)}
        onTouchMove={() => setFollow(false)}
      >
        <div className={classes.all} style={{ height: rows.getTotalSize() }}>
          {rows.getVirtualItems().map((row) => {
            const utterance = utterances[row.index];
            if (!utterance) return null;
            return (
              <div
                key={row.key}
                ref={rows.measureElement}
                data-index={row.index}
                className={classes.row}
                style={{ transform: `translateY(${row.start}px)` }}
              >
                <UtteranceRow
                  utterance={utterance}
                  active={started && row.index === active}
                  quote={shown?.index === row.index ? shown.quote : null}
                  sought={found[place] === row.index ? sought.trim() : null}
                  gaps={gaps.get(row.index) ?? NO_GAPS}
                />
              </div>
            );
          })}
        </div>
      </section>
      {!follow && playing && (
        <Button className={classes.follow} size="xs" radius="xl" onClick={() => setFollow(true)}>
          Follow the audio
        </Button>
      )}
    </div>
  );
}
