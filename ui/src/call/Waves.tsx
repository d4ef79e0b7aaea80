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
  // The other colours are read from the page, which has them by its theme: they are drawn again with it.
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
        waveColor: mixed(resolve(lane.color), scheme === "dark" ? "#242424" : "#ffffff"),
        progressColor: resolve(lane.color),
      })),
    });
    // A jump in the picture leaves the stretch that was playing.
    waves.on("interaction", (seconds) => player.seek(seconds * 1000));
    return () => waves.destroy();
  }, [player, durationMs, lanes, scheme]);
  return <div ref={container} aria-hidden="true" />;
}

/** Halfway between two colours. The library tints what it has drawn, so what has been played needs an opaque ground. */
function mixed(color: string, ground: string): string {
  const parts = (hex: string) => [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
  const [a, b] = [parts(color), parts(ground)];
  const mix = a.map((part, at) => Math.round(part * 0.45 + (b[at] ?? 0) * 0.55));
  return `rgb(${mix.join(" ")})`;
}
