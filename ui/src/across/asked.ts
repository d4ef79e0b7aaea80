/** A question and its filters as the page's address holds them, and back: a question can be sent on as a link. */

import type { Question } from "./queries";

/** Filters of a question that a person sets, by the names that `POST /v1/ask` gives them. */
export const FILTERS = ["from", "to", "rep_id", "customer", "deal", "role"] as const;
export type FilterName = (typeof FILTERS)[number];
export type Filters = Partial<Record<FilterName, string>>;

export const LONGEST = 500;
/** Earlier questions that an address keeps. */
const KEPT = 6;

export function filtersOf(search: URLSearchParams): Filters {
  const found: Filters = {};
  for (const name of FILTERS) {
    const value = search.get(name);
    if (value) found[name] = value;
  }
  return found;
}

/** The question that an address asks; null where it asks none. */
export function questionOf(search: URLSearchParams): Question | null {
  const question = (search.get("q") ?? "").trim().slice(0, LONGEST);
  if (!question) return null;
  const { role, ...others } = filtersOf(search);
  return { question, ...others, ...(role === "rep" || role === "customer" ? { role } : {}) };
}

/** The questions that were asked before this one, the latest first. */
export function earlier(search: URLSearchParams): string[] {
  const now = (search.get("q") ?? "").trim();
  return [...new Set(search.getAll("asked"))].filter((question) => question.trim() && question !== now).slice(0, KEPT);
}

/** The address of a question with these filters. What `before` asked is remembered in it. */
export function addressOf(question: string, filters: Filters, before?: URLSearchParams): string {
  const parameters = new URLSearchParams();
  const q = question.trim().slice(0, LONGEST);
  if (q) parameters.set("q", q);
  for (const name of FILTERS) {
    const value = filters[name];
    if (value) parameters.set(name, value);
  }
  if (before) {
    const last = (before.get("q") ?? "").trim();
    const known = [...new Set([last, ...before.getAll("asked")])].filter((one) => one.trim() && one !== q);
    for (const one of known.slice(0, KEPT)) parameters.append("asked", one.slice(0, LONGEST));
  }
  const text = parameters.toString();
  return text ? `/ask?${text}` : "/ask";
}
