import { useId, useState } from "react";
import { plural } from "@/parts/format";
import classes from "./across.module.css";
import type { Bucket } from "./buckets";
import { MomentList, MomentsBehind } from "./Moments";
import type { SpeakerNamed, ThemeMoment, WeekCounted } from "./queries";
import { nameOf, WeekBars } from "./WeekBars";

/** A theme or a competitor: something that was said so often, in these weeks. */
export interface Counted {
  id: string;
  name: string;
  count: number;
  /** In how many calls, and of how many customers. */
  about: string;
  weeks: WeekCounted[];
  /** The most central ones, which stand in sight. */
  moments: ThemeMoment[];
  moment_ids: string[];
}

export function CountedCard({
  counted,
  bars,
  peak,
  speakers,
}: {
  counted: Counted;
  bars: readonly Bucket[];
  /** The highest bar of all cards beside it. */
  peak: number;
  speakers: readonly SpeakerNamed[];
}) {
  const heading = useId();
  const list = useId();
  const [opened, setOpened] = useState<"all" | Bucket | null>(null);
  const bar = opened === "all" ? null : opened;
  const central = counted.moments.slice(0, 1);
  return (
    <article className={classes.theme} aria-labelledby={heading} data-theme={counted.id}>
      <div className={classes.themeHead}>
        <div>
          <h2 id={heading}>{counted.name}</h2>
          <p className={classes.quiet}>{counted.about}</p>
        </div>
        <button
          type="button"
          className={classes.count}
          onClick={() => setOpened(opened === "all" ? null : "all")}
          aria-expanded={opened === "all"}
          aria-controls={list}
        >
          <b>{counted.count}</b> {counted.count === 1 ? "time" : "times"}
          <span className={classes.hidden}>
            {opened === "all" ? ": close" : ": open"} what was said of {counted.name}
          </span>
        </button>
      </div>
      <WeekBars
        about={`How often “${counted.name}” was said`}
        bars={bars}
        peak={peak}
        chosen={bar}
        open={(one) => setOpened(bar?.from.getTime() === one.from.getTime() ? null : one)}
      />
      <div id={list}>
        {opened === null && <MomentList moments={central} speakers={speakers} />}
        {opened === "all" && <MomentsBehind ids={counted.moment_ids} />}
        {bar && (
          <>
            <p className={classes.step}>
              <b>{plural(bar.count, "moment")}</b> in the {nameOf(bar)}
            </p>
            <MomentsBehind ids={bar.ids} />
          </>
        )}
      </div>
    </article>
  );
}
