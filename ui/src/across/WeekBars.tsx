import { useId } from "react";
import { plural } from "@/parts/format";
import classes from "./across.module.css";
import type { Bucket } from "./buckets";

const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", timeZone: "UTC" });

/** How often something was said over the weeks. A bar opens to what was said in it; the numbers stand in a table, too. */
export function WeekBars({
  about,
  bars,
  peak,
  chosen,
  open,
}: {
  /** What is counted, for a screen reader. */
  about: string;
  bars: readonly Bucket[];
  /** The highest bar of all charts of the page: they are compared with each other. */
  peak: number;
  /** The bar that is open, null for none. */
  chosen: Bucket | null;
  open: (bucket: Bucket) => void;
}) {
  const id = useId();
  const last = bars[bars.length - 1];
  return (
    <div className={classes.chart}>
      {/* biome-ignore lint/a11y/useSemanticElements: these are buttons of a drawing and no fields of a form */}
      <div className={classes.bars} role="group" aria-label={`${about}, by week`}>
        {bars.map((bar) => (
          <span key={bar.from.getTime()} className={classes.column}>
            {bar.count > 0 && (
              <button
                type="button"
                className={classes.barOf}
                onClick={() => open(bar)}
                aria-pressed={chosen !== null && bar.from.getTime() === chosen.from.getTime()}
                aria-label={`${nameOf(bar)}: ${bar.count}`}
                title={`${nameOf(bar)}: ${bar.count}`}
              >
                <span style={{ height: `${Math.max(8, (bar.count / Math.max(1, peak)) * 100)}%` }} />
              </button>
            )}
          </span>
        ))}
      </div>
      <div className={classes.axis} aria-hidden="true">
        <span>{bars[0] && DAY.format(bars[0].from)}</span>
        <span>peak {Math.max(0, ...bars.map((bar) => bar.count))}</span>
        <span>{last && DAY.format(last.from)}</span>
      </div>
      <details className={classes.numbers}>
        <summary id={id}>As a table</summary>
        <table aria-labelledby={id}>
          <thead>
            <tr>
              <th scope="col">{bars[0] && bars[0].weeks > 1 ? "Weeks from" : "Week from"}</th>
              <th scope="col">Said</th>
            </tr>
          </thead>
          <tbody>
            {bars.map((bar) => (
              <tr key={bar.from.getTime()}>
                <th scope="row">{DAY.format(bar.from)}</th>
                <td>
                  {bar.count === 0 ? (
                    "0"
                  ) : (
                    <button type="button" className={classes.link} onClick={() => open(bar)}>
                      {bar.count}
                      <span className={classes.hidden}> in the {nameOf(bar)}: open</span>
                    </button>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </div>
  );
}

export function nameOf(bar: Bucket): string {
  return bar.weeks === 1
    ? `week from ${DAY.format(bar.from)}`
    : `${plural(bar.weeks, "week")} from ${DAY.format(bar.from)}`;
}
