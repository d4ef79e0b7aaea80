import { useEffect, useRef } from "react";
import type { Utterance } from "@/api/types";
import type { Player } from "@/parts/player";
import { singleKeysOn } from "@/parts/singleKeys";
import { STEP_MS } from "./Deck";
import { indexAt } from "./position";

/** Where keys write or choose something they are left alone. */
const TYPING = "input:not([type=range]), textarea, select, [contenteditable], [role=dialog] *, [role=menu] *";
/** Where the arrows or the space bar have a meaning of their own. */
const OWN_KEYS = "button, a, input, summary, [role=tab], [role=radio], [role=option]";

/** The page's keys: space, arrows, j and k. */
export function useCallKeys({
  player,
  utterances,
  listen,
  forget,
}: {
  player: Player;
  utterances: readonly Utterance[];
  listen: boolean;
  forget: () => void;
}): void {
  const latest = useRef(forget);
  latest.current = forget;
  useEffect(() => {
    function go(by: number) {
      const next = utterances[indexAt(utterances, player.now) + by];
      if (next) player.playFrom(next.start_ts);
    }
    function pressed(event: KeyboardEvent) {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      const target = event.target instanceof Element ? event.target : null;
      if (target?.closest(TYPING)) return;
      if (event.key === "Escape") {
        latest.current();
        return;
      }
      if (!listen) return;
      const own = target?.closest(OWN_KEYS) !== null && target !== null;
      if (event.key === " " && !own) player.toggle();
      else if (event.key === "ArrowLeft" && !target?.closest("[role=tab], input")) player.seek(player.now - STEP_MS);
      else if (event.key === "ArrowRight" && !target?.closest("[role=tab], input")) player.seek(player.now + STEP_MS);
      else if (event.key === "ArrowDown" && !own && target === document.body) go(1);
      else if (event.key === "ArrowUp" && !own && target === document.body) go(-1);
      else if (event.key === "j" && singleKeysOn()) go(1);
      else if (event.key === "k" && singleKeysOn()) go(-1);
      else return;
      event.preventDefault();
    }
    document.addEventListener("keydown", pressed);
    return () => document.removeEventListener("keydown", pressed);
  }, [player, utterances, listen]);
}
