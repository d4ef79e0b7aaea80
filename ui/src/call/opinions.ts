import type { Author, Moment } from "@/api/types";
import type { Label } from "@/coach/queries";

/** What one person says that a moment is. */
export interface Opinion {
  by: Author;
  at: string;
  says: "right" | "none" | "other";
  /** What it is instead, where it is another type. */
  type: string;
}

/** One opinion of each person: a correction is kept as two labels, that it is not the one and is the other. */
export function opinionsOf(moment: Pick<Moment, "moment_id" | "type">, labels: readonly Label[]): Opinion[] {
  const found = new Map<string, Opinion>();
  for (const label of labels) {
    if (label.moment_id !== moment.moment_id) continue;
    const key = `${label.by.member_id} ${label.by.name}`;
    const other = label.type !== moment.type;
    // That it is none of another type says nothing of this moment.
    if (other && !label.holds) continue;
    const before = found.get(key);
    if (before?.says === "other" && !other) continue;
    found.set(key, {
      by: label.by,
      at: label.at,
      says: other ? "other" : label.holds ? "right" : "none",
      type: label.type,
    });
  }
  return [...found.values()];
}
