import { useComputedColorScheme } from "@mantine/core";
import { useEffect, useRef } from "react";
import WaveSurfer from "wavesurfer.js";
import type { Player } from "@/parts/player";
import { LANE_PX } from "./Deck";

interface WaveLane {
  peaks: number[];
  color: string;
}

/** One drawn lane a speaker, from peaks that the server computed: no audio is loaded to draw it. */
export default function Waves({
  player,
  durationMs,
  lanes,
}: {
  player: Player;
  durationMs: number;
  lanes: readonly WaveLane[];
}) {
  const container = useRef<HTMLDivElement>(null);
  const scheme = useComputedColorScheme("light");
  // biome-ignore lint/correctness/useExhaustiveDependencies: the colours are read from the page, and change with the theme
  useEffect(() => {
    if (!container.current || lanes.length === 0) return;
    const style = getComputedStyle(document.documentElement);
    const resolve = (color: string) => style.getPropertyValue(color.replace(/^var\((.*)\)$/, "$1")).trim() || color;
    const waves = WaveSurfer.create({
      container: container.current,
      media: player.audio,
      peaks: lanes.map((lane) => lane.peaks),
      duration: durationMs / 1000,
      height: LANE_PX,
      barWidth: 2,
      barGap: 1,
      barRadius: 1,
      cursorWidth: 2,
      cursorColor: resolve("var(--ride-accent)"),
      hideScrollbar: true,
      dragToSeek: true,
      maxPeak: Math.max(0.05, ...lanes.flatMap((lane) => lane.peaks.map(Math.abs))),
      normalize: true,
      splitChannels: lanes.map((lane) => ({
        height: LANE_PX,
        waveColor: `${resolve(lane.color)}80`,
        progressColor: resolve(lane.color),
      })),
    });
    // A jump in the picture leaves the stretch that was playing.
    waves.on("interaction", (seconds) => player.seek(seconds * 1000));
    return () => waves.destroy();
  }, [player, durationMs, lanes, scheme]);
  return <div ref={container} aria-hidden="true" />;
}
