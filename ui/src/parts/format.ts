/** Numbers, times and dates as people read them. */

/** A position in the call or a duration, `3:07` or `1:02:09`. */
export function clock(ms: number): string {
  const whole = Math.max(0, Math.floor(ms / 1000));
  const [hours, minutes, seconds] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (value: number) => String(value).padStart(2, "0");
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
}

/** A duration in words for screen readers, `3 min 7 s`. */
export function spoken(ms: number): string {
  const whole = Math.max(0, Math.round(ms / 1000));
  const minutes = Math.floor(whole / 60);
  return minutes > 0 ? `${minutes} min ${whole % 60} s` : `${whole} s`;
}

const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const DAY_TIME = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

export function date(iso: string): string {
  return DAY.format(new Date(iso));
}

export function dateTime(iso: string): string {
  return DAY_TIME.format(new Date(iso));
}

export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** `buying_signal` → `Buying signal`. */
export function words(name: string): string {
  const text = name.replaceAll(/[_-]+/g, " ").trim();
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
