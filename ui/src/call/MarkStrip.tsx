import { type MouseEvent, useState } from "react";
import { clock } from "@/parts/format";
import { useCallView } from "./context";
import classes from "./MarkStrip.module.css";

/** Something that happened at a time of the call. */
export interface Pin {
  id: string;
  at_ts: number;
  kind: "nudge" | "noted" | "mark" | "comment" | "gap";
  label: string;
}

const NEAR_PX = 12;

/**
 * The marks above the waveform, for eye and mouse. Each also stands in a list of the page (moments, comments) with a
 * button of its own, so the strip itself is no stop for the keyboard.
 */
export function MarkStrip({ pins, durationMs }: { pins: readonly Pin[]; durationMs: number }) {
  const { player } = useCallView();
  const [near, setNear] = useState<Pin | null>(null);
  function nearest(event: MouseEvent<HTMLDivElement>): Pin | null {
    const box = event.currentTarget.getBoundingClientRect();
    const x = event.clientX - box.left;
    let found: Pin | null = null;
    let distance = NEAR_PX;
    for (const pin of pins) {
      const away = Math.abs((pin.at_ts / durationMs) * box.width - x);
      if (away < distance) {
        found = pin;
        distance = away;
      }
    }
    return found;
  }
  return (
    <div
      className={classes.strip}
      aria-hidden="true"
      onMouseMove={(event) => setNear(nearest(event))}
      onMouseLeave={() => setNear(null)}
      onClick={(event) => {
        const pin = nearest(event);
        if (pin) player.playFrom(pin.at_ts);
      }}
      data-near={near ? true : undefined}
    >
      {pins.map((pin) => (
        <span
          key={pin.id}
          className={classes.pin}
          data-kind={pin.kind}
          data-near={near === pin || undefined}
          style={{ left: `${(pin.at_ts / Math.max(1, durationMs)) * 100}%` }}
        />
      ))}
      {near && (
        <span
          className={classes.label}
          style={{ left: `clamp(90px, ${(near.at_ts / durationMs) * 100}%, calc(100% - 90px))` }}
        >
          {clock(near.at_ts)} {near.label}
        </span>
      )}
    </div>
  );
}
