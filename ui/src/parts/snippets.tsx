/** Stretches of several calls that play where they stand in a page, one at a time. */

import { Button, Text } from "@mantine/core";
import { createContext, type ReactNode, useContext, useMemo, useState } from "react";
import { clock } from "./format";
import { Held, useHeld } from "./held";
import { Icon } from "./Icon";
import { PlayerElement } from "./PlayerElement";
import { useNewPlayer, usePlayerState } from "./player";

export interface Stretch {
  call_id: string;
  /** Milliseconds of call audio. */
  start_ts: number;
  end_ts: number;
}

interface Snippets {
  /** Play the stretch from its first millisecond to its last. The one that sounds: stop. */
  toggle: (stretch: Stretch) => void;
  stop: () => void;
  /** Which stretch was asked for last, and what became of it. */
  asked: string | null;
  playing: boolean;
  failed: boolean;
}

const Context = createContext<Snippets | null>(null);

function keyOf({ call_id, start_ts, end_ts }: Stretch): string {
  return `${call_id} ${start_ts} ${end_ts}`;
}

/** One audio element for everything below. */
export function SnippetsProvider({ children }: { children: ReactNode }) {
  const player = useNewPlayer();
  const [held] = useState(() => new Held<string | null>(null));
  const asked = useHeld(held, (value) => value);
  const { playing, failed } = usePlayerState(player);
  const snippets = useMemo<Snippets>(
    () => ({
      toggle(stretch) {
        if (held.get() === keyOf(stretch) && !player.idle) {
          player.pause();
          return;
        }
        held.set(keyOf(stretch));
        player.load(`/v1/calls/${encodeURIComponent(stretch.call_id)}/audio.wav`);
        player.playRange(stretch.start_ts, stretch.end_ts);
      },
      stop: () => player.pause(),
      asked,
      playing,
      failed,
    }),
    [player, held, asked, playing, failed],
  );
  return (
    <Context.Provider value={snippets}>
      <PlayerElement player={player} />
      {children}
    </Context.Provider>
  );
}

export function useSnippets(): Snippets {
  const snippets = useContext(Context);
  if (snippets === null) throw new Error("this stands outside of SnippetsProvider");
  return snippets;
}

/** The button that plays a stretch; its time is its label. */
export function PlayStretch({
  stretch,
  about,
  size = "compact-sm",
}: {
  stretch: Stretch;
  about: string;
  size?: string;
}) {
  const { toggle, asked, playing, failed } = useSnippets();
  const mine = asked === keyOf(stretch);
  const sounds = mine && playing;
  return (
    <>
      <Button
        variant="light"
        size={size}
        leftSection={<Icon name={sounds ? "pause" : "play"} size={14} />}
        aria-pressed={sounds}
        aria-label={`${sounds ? "Stop" : "Play"} ${clock(stretch.start_ts)}, ${about}`}
        data-start={stretch.start_ts}
        onClick={() => toggle(stretch)}
        style={{ flex: "none" }}
      >
        {clock(stretch.start_ts)}
      </Button>
      {mine && failed && (
        <Text size="sm" c="var(--ride-bad)" role="alert">
          There is no recording of this call to play.
        </Text>
      )}
    </>
  );
}
