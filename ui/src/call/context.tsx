/** What all parts of the page of one call share. */

import { createContext, useContext } from "react";
import type { CallDetail, Evidence, Utterance } from "@/api/types";
import type { Player } from "@/parts/player";
import type { People } from "./people";
import type { CallSource } from "./source";

/** The evidence that was last asked for: its words are marked in the transcript. */
export interface Shown {
  /** Which button asked. */
  by: string;
  index: number;
  quote: string;
}

export interface CallView {
  source: CallSource;
  call: CallDetail;
  people: People;
  player: Player;
  utterances: readonly Utterance[];
  shown: Shown | null;
  /** Play the evidence from its first millisecond, and show where it was said. Again: stop. */
  play: (by: string, evidence: Evidence, revision: number) => void;
  may: {
    /** Whether there is audio for this reader. */
    listen: boolean;
    /** Votes, comments: somebody signed in who may see the call. */
    talk: boolean;
    /** Names and roles of speakers. */
    correct: boolean;
    /** Playlists and share links. */
    share: boolean;
  };
}

const Context = createContext<CallView | null>(null);
export const CallViewProvider = Context.Provider;

export function useCallView(): CallView {
  const view = useContext(Context);
  if (view === null) throw new Error("this part stands outside of a call's page");
  return view;
}
