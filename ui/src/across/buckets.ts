/** Weeks as bars: as few as can be hit with a finger, so a long time is brought together by several weeks. */

import { mondayOf } from "@/team/scale";
import type { WeekCounted } from "./queries";

const WEEK_MS = 7 * 86_400_000;
/** Bars of a chart at most: on a phone each is then 24 px wide. */
export const MOST = 13;

export interface Bucket {
  /** The Monday on which it begins, midnight UTC. */
  from: Date;
  /** How many weeks it holds. */
  weeks: number;
  count: number;
  ids: string[];
}

/** The Monday, midnight UTC, of the week of `at`. */
export function monday(at: Date): Date {
  const midnight = Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate());
  return new Date(midnight - ((at.getUTCDay() + 6) % 7) * 86_400_000);
}

/** From the week of `first` to that of `last`, with the empty ones between; the last bucket ends with `last`. */
export function buckets(counted: readonly WeekCounted[], first: Date, last: Date): Bucket[] {
  const [begin, end] = [monday(first).getTime(), monday(last).getTime()];
  const weeks = Math.max(1, Math.round((end - begin) / WEEK_MS) + 1);
  const wide = Math.max(1, Math.ceil(weeks / MOST));
  const number = Math.ceil(weeks / wide);
  // What is newest is whole: where weeks are left over, the first bar begins before what was asked for.
  const start = end - (number * wide - 1) * WEEK_MS;
  const made: Bucket[] = Array.from({ length: number }, (_, at) => ({
    from: new Date(start + at * wide * WEEK_MS),
    weeks: wide,
    count: 0,
    ids: [],
  }));
  for (const { week, count, moment_ids } of counted) {
    const at = mondayOf(week);
    const bucket = at && made[Math.floor((at.getTime() - start) / (wide * WEEK_MS))];
    if (!bucket) continue;
    bucket.count += count;
    bucket.ids.push(...moment_ids);
  }
  return made;
}

/** The first week that any of these counts. */
export function firstWeek(all: readonly { weeks: readonly WeekCounted[] }[]): Date | null {
  const known = all.flatMap(({ weeks }) =>
    weeks.map(({ week }) => mondayOf(week)?.getTime() ?? Number.POSITIVE_INFINITY),
  );
  const least = Math.min(...known);
  return Number.isFinite(least) ? new Date(least) : null;
}
