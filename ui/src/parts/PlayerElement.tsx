import { useEffect, useRef } from "react";
import type { Player } from "./player";

/** Keeps the audio element in the page. It has no picture: the controls around it are ours. */
export function PlayerElement({ player }: { player: Player }) {
  const host = useRef<HTMLDivElement>(null);
  useEffect(() => {
    host.current?.append(player.audio);
  }, [player]);
  return <div ref={host} hidden />;
}
