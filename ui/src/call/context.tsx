/** What all parts of the page of one call share, and what a claim needs wherever it stands. */

import { createContext, type ReactNode, useContext, useSyncExternalStore } from "react";
import type { CallDetail, Evidence, Transcript, Utterance } from "@/api/types";
import { type Held, useHeld } from "@/parts/held";
import type { Player } from "@/parts/player";
import type { People } from "./people";
import type { CallSource } from "./source";

/** The evidence that was last asked for: its words are marked in the transcript. */
export interface Shown {
  /** Which button asked. */
  by: string;
  evidence: Evidence;
  /** In which transcript the evidence counts its utterances. */
  revision: number;
}

/** What is put into a playlist. */
export interface PlaylistStretch {
  start_ts: number;
  end_ts: number;
  moment_id?: string;
  claim_id?: string;
}

/** What is needed to show and play a claim of one call, on its page or among those of others. */
export interface ClaimView {
  source: CallSource;
  people: People;
  player: Player;
  shown: Held<Shown | null>;
  /** Play the evidence from its first millisecond, and show where it was said. Again: stop. */
  play: (by: string, evidence: Evidence, revision: number) => void;
  /** What a playlist is being chosen for. */
  adding: Held<PlaylistStretch | null>;
  may: {
    /** Whether there is audio for this reader. */
    listen: boolean;
    /** Votes, comments: somebody signed in who may see the call. */
    talk: boolean;
    /** Names and roles of speakers. */
    correct: boolean;
    /** Playlists and share links. */
    share: boolean;
    /** Say what moments are, and add those that were missed: examples that the coach learns from. */
    teach: boolean;
  };
}

export interface CallView extends ClaimView {
  call: CallDetail;
  /** The utterance to which a missed moment is being added. */
  missed: Held<Utterance | null>;
}

const ClaimContext = createContext<ClaimView | null>(null);
const CallContext = createContext<CallView | null>(null);
export const ClaimViewProvider = ClaimContext.Provider;

export function CallViewProvider({ value, children }: { value: CallView; children: ReactNode }) {
  return (
    <CallContext.Provider value={value}>
      <ClaimViewProvider value={value}>{children}</ClaimViewProvider>
    </CallContext.Provider>
  );
}

/** What was said, by itself: when it arrives, what stands in the page already is not rendered again. */
const Said = createContext<Transcript | null>(null);
export const SaidProvider = Said.Provider;

/** Why the transcript is not there, and how it is asked for again; null where nothing went wrong. */
export interface SaidFault {
  error: Error;
  retry: () => void;
}

const NotSaid = createContext<SaidFault | null>(null);
export const SaidFaultProvider = NotSaid.Provider;
export const useSaidFault = (): SaidFault | null => useContext(NotSaid);

/** The transcript; null until it is there, or where this reader may not see it. */
export const useSaid = (): Transcript | null => useContext(Said);

export function useCallView(): CallView {
  const view = useContext(CallContext);
  if (view === null) throw new Error("this part stands outside of a call's page");
  return view;
}

export function useClaimView(): ClaimView {
  const view = useContext(ClaimContext);
  if (view === null) throw new Error("this claim stands outside of its call");
  return view;
}

/** Whether what is shown was asked for by a button of that name, or of one that begins with it. */
export function useIsShown(name: string): boolean {
  return useHeld(
    useClaimView().shown,
    (shown) => shown !== null && (shown.by === name || shown.by.startsWith(`${name}-`)),
  );
}

/** Whether this very button's stretch sounds now. */
export function useSounds(name: string): boolean {
  const { shown, player } = useClaimView();
  const asked = useHeld(shown, (value) => value?.by === name);
  const playing = useSyncExternalStore(player.subscribe, () => asked && player.snapshot().playing);
  return asked && playing;
}
