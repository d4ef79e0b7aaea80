/** The arithmetic of the charts and their weeks. */

/** The least round number (1, 2, 2.5 or 5 times a power of ten) that is not below `value`. */
export function nice(value: number): number {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 2.5, 5, 10].find((candidate) => candidate * power >= value * (1 - 1e-9)) ?? 10;
  return step * power;
}

export interface Part {
  index: number;
  value: number;
}

/** The runs of known values: a week without calls is a hole in the line, not a zero. */
export function segments(values: readonly (number | null)[]): Part[][] {
  const found: Part[][] = [];
  let run: Part[] = [];
  values.forEach((value, index) => {
    if (value === null) {
      if (run.length > 0) found.push(run);
      run = [];
    } else {
      run.push({ index, value });
    }
  });
  if (run.length > 0) found.push(run);
  return found;
}

const DAY_MS = 86_400_000;

/** The Monday of an ISO week such as `2026-W47`, at midnight UTC; null for anything else. */
export function mondayOf(week: string): Date | null {
  const parts = /^(\d{4})-W(\d{2})$/.exec(week);
  if (parts === null) return null;
  // The fourth of January always lies in week 1.
  const fourth = new Date(Date.UTC(Number(parts[1]), 0, 4));
  const first = fourth.getTime() - ((fourth.getUTCDay() + 6) % 7) * DAY_MS;
  return new Date(first + (Number(parts[2]) - 1) * 7 * DAY_MS);
}

/** Every Monday from `first` on, `weeks` of them: a week in which nobody called is part of the picture too. */
export function mondays(first: Date, weeks: number): Date[] {
  return Array.from({ length: weeks }, (_, week) => new Date(first.getTime() + week * 7 * DAY_MS));
}

/** The Monday of the week in which `now` lies, `weeks` - 1 weeks earlier, at midnight UTC. */
export function firstMonday(now: Date, weeks: number): Date {
  const midnight = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate());
  return new Date(midnight - ((now.getUTCDay() + 6) % 7) * DAY_MS - (weeks - 1) * 7 * DAY_MS);
}
