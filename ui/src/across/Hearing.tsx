/** One sound for a page that cites many calls: which words play, and of whom. */

import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from "react";
import type { Evidence } from "@/api/types";
import { atLeast, useSession } from "@/app/session";
import { type ClaimView, ClaimViewProvider, type PlaylistStretch, type Shown } from "@/call/context";
import { PlaylistDialog } from "@/call/PlaylistButton";
import { COLORS, labelOf, type People, stranger } from "@/call/people";
import { Held, useHeld } from "@/parts/held";
import { PlayerElement } from "@/parts/PlayerElement";
import { type Player, useNewPlayer } from "@/parts/player";
import { NowPlaying } from "./NowPlaying";
import type { CallNamed, SpeakerNamed } from "./queries";

/** What sounds, or did last. */
export interface Sounding {
  call: CallNamed;
  evidence: Evidence;
  who: string;
  /** Where the part that asked for it remembers which of its buttons it was. */
  shown: Held<Shown | null>;
}

interface HearingView {
  player: Player;
  sounding: Held<Sounding | null>;
  /** Whose stretch is being put into a playlist. */
  adding: Held<ClaimView | null>;
  mayShare: boolean;
}

const Context = createContext<HearingView | null>(null);

function useHearing(): HearingView {
  const hearing = useContext(Context);
  if (hearing === null) throw new Error("this claim stands on a page without sound");
  return hearing;
}

export function Hearing({ children }: { children: ReactNode }) {
  const player = useNewPlayer();
  const { member } = useSession();
  const [sounding] = useState(() => new Held<Sounding | null>(null));
  const [adding] = useState(() => new Held<ClaimView | null>(null));
  const mayShare = atLeast(member, "manager");
  const hearing = useMemo(() => ({ player, sounding, adding, mayShare }), [player, sounding, adding, mayShare]);
  const whose = useHeld(adding, (view) => view);
  return (
    <Context.Provider value={hearing}>
      <PlayerElement player={player} />
      {children}
      <NowPlaying player={player} sounding={sounding} />
      {whose && (
        <ClaimViewProvider value={whose}>
          <PlaylistDialog />
        </ClaimViewProvider>
      )}
    </Context.Provider>
  );
}

/** Everything in it is about one call, and plays there. */
export function OfCall({
  call,
  revision,
  speakers,
  children,
}: {
  call: CallNamed;
  revision: number;
  speakers: readonly SpeakerNamed[];
  children: ReactNode;
}) {
  const { player, sounding, adding: whose, mayShare } = useHearing();
  const [shown] = useState(() => new Held<Shown | null>(null));
  const [adding] = useState(() => new Held<PlaylistStretch | null>(null));
  const view = useMemo<ClaimView>(() => {
    const people = peopleIn(call, revision, speakers);
    return {
      source: { callId: call.call_id, share: null },
      people,
      player,
      shown,
      adding,
      may: { listen: true, talk: false, correct: false, share: mayShare, teach: false },
      play: (by, evidence, cited) => {
        if (shown.get()?.by === by && !player.idle) {
          player.pause();
          return;
        }
        const last = sounding.get();
        if (last && last.shown !== shown) last.shown.set(null);
        shown.set({ by, evidence, revision: cited });
        sounding.set({ call, evidence, who: people(evidence.speaker_id).label, shown });
        player.load(`/v1/calls/${call.call_id}/audio.wav`);
        player.playRange(evidence.start_ts, evidence.end_ts);
      },
    };
  }, [call, revision, speakers, player, sounding, shown, adding, mayShare]);
  useEffect(() => adding.subscribe(() => whose.set(adding.get() ? view : null)), [adding, whose, view]);
  return <ClaimViewProvider value={view}>{children}</ClaimViewProvider>;
}

function peopleIn(call: CallNamed, revision: number, speakers: readonly SpeakerNamed[]): People {
  const here = speakers.filter((one) => one.call_id === call.call_id && one.revision === revision);
  return (speakerId) => {
    const speaker = here.find((one) => one.speaker_id === speakerId);
    if (!speaker) return stranger(speakerId ?? 0);
    return {
      speaker: null,
      label: labelOf(speaker, here, call.rep_name),
      role: speaker.role,
      color: COLORS[speaker.role],
    };
  };
}
