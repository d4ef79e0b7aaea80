/** What the list of calls is asked for. The page's address holds the API's own parameters, so that it can be sent on. */

import { useSearchParams } from "wouter";

/** Query parameters of `GET /v1/calls` that a person sets. */
export const FILTERS = [
  "q",
  "rep_id",
  "status",
  "review",
  "moment",
  "score_min",
  "score_max",
  "duration_min_s",
  "duration_max_s",
  "from",
  "to",
] as const;

export type FilterName = (typeof FILTERS)[number];
export type Sort = "started_at" | "score" | "duration";

export interface Filters {
  get: (name: FilterName) => string;
  moments: string[];
  sort: Sort;
  order: "asc" | "desc";
  /** How many are set, sorting apart. */
  count: number;
  set: (changes: Partial<Record<FilterName, string | string[]>>) => void;
  sortBy: (sort: Sort) => void;
  clear: () => void;
  query: Record<string, string | string[]>;
}

const SORTS: readonly string[] = ["started_at", "score", "duration"];

/** What an address asks for, completed with how the list is sorted where it does not say. */
export function queryOf(
  search: URLSearchParams,
): Record<string, string | string[]> & { sort: Sort; order: "asc" | "desc" } {
  const asked = search.get("sort") ?? "";
  const sort = (SORTS.includes(asked) ? asked : "started_at") as Sort;
  const order = search.get("order") === "asc" ? "asc" : "desc";
  const query: ReturnType<typeof queryOf> = { sort, order };
  for (const name of FILTERS) {
    const values = search.getAll(name).filter((value) => value !== "");
    if (values.length > 0) query[name] = name === "moment" ? values : (values[0] ?? "");
  }
  return query;
}

export function useFilters(): Filters {
  const [search, setSearch] = useSearchParams();
  const query = queryOf(search);
  const { sort, order } = query;
  return {
    get: (name) => search.get(name) ?? "",
    moments: search.getAll("moment"),
    sort,
    order,
    count: Object.keys(query).length - 2,
    query,
    set: (changes) =>
      setSearch(
        (before) => {
          const after = new URLSearchParams(before);
          for (const [name, value] of Object.entries(changes)) {
            after.delete(name);
            for (const one of Array.isArray(value) ? value : [value]) if (one) after.append(name, one);
          }
          return after;
        },
        { replace: true },
      ),
    sortBy: (by) =>
      setSearch(
        (before) => {
          const after = new URLSearchParams(before);
          after.set("sort", by);
          after.set("order", by === sort && order === "desc" ? "asc" : "desc");
          return after;
        },
        { replace: true },
      ),
    clear: () => setSearch({}, { replace: true }),
  };
}

/** `2026-11-25` of an ISO time, in the reader's own zone. */
export function dayOf(iso: string): string {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return "";
  const two = (value: number) => String(value).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

/** Midnight at the beginning of a day of the reader's zone, or of the day after. */
export function midnight(day: string, after = 0): string {
  const [year, month, date] = day.split("-").map(Number);
  if (!year || !month || !date) return "";
  return new Date(year, month - 1, date + after).toISOString();
}

/** The day before an exclusive end, as it is shown. */
export function lastDay(iso: string): string {
  const at = new Date(iso);
  return Number.isNaN(at.getTime()) ? "" : dayOf(new Date(at.getTime() - 1).toISOString());
}
