/** What was searched and what a value did, in words. */

import { date, plural, words } from "@/parts/format";
import type { Filters } from "./asked";
import type { CallNamed, DealField, FieldEntry, Scope } from "./queries";

/** One restriction of a question. `read`: it was read out of the question's words, nobody chose it. */
export interface Restriction {
  name: string;
  words: string;
  read: boolean;
}

/** How the server understood what is asked about. An exclusive end is said by the last day that lies in it. */
export function restrictions(scope: Scope, filters: Filters, repNames: ReadonlyMap<string, string>): Restriction[] {
  const found: Restriction[] = [];
  const span = spanWords(scope.started_from, scope.started_to);
  if (span) found.push({ name: "time", words: span, read: !filters.from && !filters.to });
  if (scope.role) found.push({ name: "role", words: `words of the ${scope.role}`, read: !filters.role });
  if (scope.customer) found.push({ name: "customer", words: `calls with ${scope.customer}`, read: !filters.customer });
  if (scope.deal) found.push({ name: "deal", words: `about ${scope.deal}`, read: !filters.deal });
  if (scope.rep_id)
    found.push({ name: "rep", words: `calls of ${repNames.get(scope.rep_id) ?? scope.rep_id}`, read: !filters.rep_id });
  if (scope.moments.length > 0)
    found.push({ name: "moments", words: `moments: ${scope.moments.map(words).join(", ")}`, read: true });
  return found;
}

export function spanWords(from: string | null, to: string | null): string {
  const last = to === null ? null : new Date(new Date(to).getTime() - 1).toISOString();
  if (from && last) return date(from) === date(last) ? date(from) : `${date(from)} to ${date(last)}`;
  if (from) return `since ${date(from)}`;
  if (last) return `until ${date(last)}`;
  return "";
}

/** Who wrote the answer. */
export function answeredBy(name: string): string {
  if (name.startsWith("local")) return "Quotes, brought together on this server without a model";
  const model = /\((.+)\)/.exec(name)?.[1];
  return `Written by ${model ?? name}; every sentence was held against the words it cites`;
}

export function titleOf(call: Pick<CallNamed, "title">): string {
  return call.title.trim() || "Call without a title";
}

export const FIELDS: Record<DealField["field"], { title: string; ask: string }> = {
  metrics: { title: "Metrics", ask: "What is it worth to them, in their numbers?" },
  economic_buyer: { title: "Economic buyer", ask: "Who can say yes to the money?" },
  decision_criteria: { title: "Decision criteria", ask: "What will they judge the offers by?" },
  decision_process: { title: "Decision process", ask: "Which steps lead to a decision, and when?" },
  paper_process: { title: "Paper process", ask: "What do contract, legal and procurement need?" },
  pain: { title: "Pain", ask: "What hurts, and what does it cost to leave it?" },
  champion: { title: "Champion", ask: "Who wants this to happen, and speaks for it inside?" },
  competition: { title: "Competition", ask: "What else do they look at, doing nothing among it?" },
};

export const EFFECTS: Record<FieldEntry["effect"], { word: string; about: string }> = {
  set: { word: "Set", about: "The first call that said anything of it" },
  changed: { word: "Changed", about: "Something else was said: it holds from here on" },
  confirmed: { word: "Confirmed", about: "Said again in much the same words" },
  weaker: { word: "In part", about: "Showed it in part only; what was said before still holds" },
};

/** How much of a deal is known: fields with a value, and which have none. */
export function known(fields: readonly DealField[]): { count: number; of: number; missing: string[] } {
  const missing = fields.filter((field) => field.holds === null).map((field) => FIELDS[field.field].title);
  return { count: fields.length - missing.length, of: fields.length, missing };
}

/** Every time that a value was replaced, the latest first: what it was and what it became. */
export function changes(
  fields: readonly DealField[],
): { field: DealField["field"]; from: FieldEntry; to: FieldEntry }[] {
  return fields
    .flatMap(({ field, history }) => {
      const holders = history.filter((entry) => entry.effect === "set" || entry.effect === "changed");
      return holders.flatMap((to, at) => {
        const from = holders[at - 1];
        return from ? [{ field, from, to }] : [];
      });
    })
    .sort((a, b) => b.to.call.started_at.localeCompare(a.to.call.started_at));
}

const DAY_MS = 86_400_000;

/** `3 days ago`, by the reader's own days. */
export function ago(iso: string, now: Date): string {
  const midnight = (at: Date) => new Date(at.getFullYear(), at.getMonth(), at.getDate()).getTime();
  const days = Math.round((midnight(now) - midnight(new Date(iso))) / DAY_MS);
  if (days <= 0) return "today";
  if (days === 1) return "yesterday";
  if (days < 60) return `${days} days ago`;
  return `${plural(Math.round(days / 30.4), "month")} ago`;
}
