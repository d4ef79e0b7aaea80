import { Tabs } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import {
  type ComponentType,
  type ReactNode,
  useCallback,
  useDeferredValue,
  useEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import { useSearchParams } from "wouter";
import type { CallDetail, Comment, Evidence, Transcript, Utterance } from "@/api/types";
import { words } from "@/parts/format";
import { Held } from "@/parts/held";
import { PlayerElement } from "@/parts/PlayerElement";
import { useNewPlayer } from "@/parts/player";
import classes from "./CallPage.module.css";
import {
  type CallView,
  CallViewProvider,
  type PlaylistStretch,
  type SaidFault,
  SaidFaultProvider,
  SaidProvider,
  type Shown,
} from "./context";
import { Deck } from "./Deck";
import type { Pin } from "./MarkStrip";
import { MissedMoment } from "./MissedMoment";
import { PlaylistDialog } from "./PlaylistButton";
import { peopleOf } from "./people";
import { useMoments } from "./reading";
import { addressOf, type CallSource } from "./source";
import { TranscriptPane } from "./TranscriptPane";
import { useCallKeys } from "./useCallKeys";

interface RoomProps {
  source: CallSource;
  call: CallDetail;
  /** Null until it is there. */
  transcript: Transcript | null;
  /** Why it is not. */
  fault?: SaidFault | null;
  comments: readonly Comment[];
  may: CallView["may"];
  head: ReactNode;
  panes: readonly { id: string; label: string; Pane: ComponentType }[];
  /** Whether this reader may see what was said. */
  withTranscript?: boolean;
}

/** The room of one call: player on top, what is said about it on the left, what was said in it on the right. */
export function CallRoom({
  source,
  call,
  transcript,
  fault = null,
  comments,
  may,
  head,
  panes,
  withTranscript = true,
}: RoomProps) {
  const player = useNewPlayer();
  const narrow = useMediaQuery("(max-width: 62em)", undefined, { getInitialValueInEffect: false });
  const [shown] = useState(() => new Held<Shown | null>(null));
  const [missed] = useState(() => new Held<Utterance | null>(null));
  const [adding] = useState(() => new Held<PlaylistStretch | null>(null));
  const [search, setSearch] = useSearchParams();
  const { callId, share } = source;
  const { listen, talk, correct, share: sharing, teach } = may;

  useEffect(() => {
    if (listen) player.load(addressOf({ callId, share }, "/audio.wav"));
  }, [player, listen, callId, share]);

  // A link to a second of the call stands there; pressing play is the reader's.
  const asked = search.get("t");
  useEffect(() => {
    const ms = Number(asked);
    if (asked !== null && Number.isFinite(ms)) player.seek(ms);
  }, [player, asked]);

  const play = useCallback(
    (by: string, evidence: Evidence, ofRevision: number) => {
      const again = shown.get()?.by === by && !player.idle;
      if (again) {
        player.pause();
        return;
      }
      shown.set({ by, evidence, revision: ofRevision });
      if (listen) player.playRange(evidence.start_ts, evidence.end_ts);
    },
    [shown, player, listen],
  );

  const view = useMemo(
    () => ({
      source: { callId, share },
      call,
      people: peopleOf(call),
      player,
      shown,
      play,
      missed,
      adding,
      may: { listen, talk, correct, share: sharing, teach },
    }),
    [callId, share, call, player, shown, play, missed, adding, listen, talk, correct, sharing, teach],
  );

  const moments = useMoments(
    source,
    panes.some((pane) => pane.id === "moments"),
  );
  const pins = useMemo<Pin[]>(
    () => [
      ...call.gaps.map((gap) => ({
        id: `gap-${gap.at_ts}`,
        at_ts: gap.at_ts,
        kind: "gap" as const,
        label: "Audio is missing",
      })),
      ...(moments.data ?? []).map((moment) => ({
        id: moment.moment_id,
        at_ts: moment.evidence[0]?.start_ts ?? moment.trigger_ts,
        kind: moment.tier,
        label: `${words(moment.type)}${moment.tier === "nudge" ? " (nudged)" : ""}`,
      })),
      ...call.marks.map((mark) => ({
        id: mark.mark_id,
        at_ts: mark.at_ts,
        kind: "mark" as const,
        label: `Marked by ${mark.by.name}`,
      })),
      ...comments.map((comment) => ({
        id: comment.comment_id,
        at_ts: comment.at_ts,
        kind: "comment" as const,
        label: `${comment.by.name}: ${comment.text.slice(0, 60)}`,
      })),
    ],
    [call.gaps, call.marks, moments.data, comments],
  );

  // Nobody opens one of them before the page stands.
  const dialogs = useDeferredValue(true, false);
  // What is said about the call is painted first, and the page answers while the conversation is put into it.
  const said = useDeferredValue(transcript, null);
  useCallKeys({ player, utterances: said?.utterances ?? NOTHING_YET, listen, forget: () => shown.set(null) });

  const tabs = narrow && withTranscript ? [...panes.slice(0, 1), TRANSCRIPT, ...panes.slice(1)] : panes;
  const wanted = search.get("tab");
  const tab = tabs.find((one) => one.id === wanted)?.id ?? tabs[0]?.id ?? "review";
  // On a phone the tabs are wider than the screen: the one that is open has to be in sight.
  const tabList = useRef<HTMLDivElement>(null);
  useEffect(() => {
    tabList.current?.querySelector(`[id$="-tab-${tab}"]`)?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [tab]);
  return (
    <CallViewProvider value={view}>
      <SaidProvider value={said}>
        <SaidFaultProvider value={fault}>
          <PlayerElement player={player} />
          {dialogs && sharing && <PlaylistDialog />}
          {dialogs && teach && <MissedMoment />}
          <div className={classes.room}>
            {head}
            <div className={classes.deck}>
              <Deck pins={pins} />
            </div>
            <div className={classes.body} data-single={withTranscript ? undefined : true}>
              <Tabs
                value={tab}
                onChange={(value) =>
                  setSearch(
                    (before) => {
                      const after = new URLSearchParams(before);
                      after.set("tab", value ?? "review");
                      return after;
                    },
                    { replace: true },
                  )
                }
                keepMounted={false}
                className={classes.about}
              >
                <Tabs.List ref={tabList} className={classes.tabs}>
                  {tabs.map(({ id, label }) => (
                    <Tabs.Tab key={id} value={id}>
                      {label}
                    </Tabs.Tab>
                  ))}
                </Tabs.List>
                {tabs.map(({ id, Pane }) => (
                  <Tabs.Panel key={id} value={id} className={classes.panel}>
                    <Pane />
                  </Tabs.Panel>
                ))}
              </Tabs>
              {!narrow && withTranscript && (
                <div className={classes.said}>
                  <TranscriptPane />
                </div>
              )}
            </div>
          </div>
        </SaidFaultProvider>
      </SaidProvider>
    </CallViewProvider>
  );
}

const NOTHING_YET: readonly Utterance[] = [];
const TRANSCRIPT = { id: "transcript", label: "Transcript", Pane: TranscriptPane };
