/** What the page about confidence says of votes and errors. */

import { plural } from "@/parts/format";

/** What is missing before anything can be learned; null where it is enough. */
export function stillNeeded(known: {
  agreed: number;
  disagreed: number;
  needed: number;
  needed_of_each: number;
}): string | null {
  const { agreed, disagreed, needed, needed_of_each } = known;
  const lacking = [
    [needed - agreed - disagreed, "in all"],
    [needed_of_each - agreed, "held to be right"],
    [needed_of_each - disagreed, "held to be wrong"],
  ] as const;
  const said = lacking.filter(([count]) => count > 0).map(([count, what]) => `${count} more ${what}`);
  if (said.length === 0) return null;
  const list = said.length > 1 ? `${said.slice(0, -1).join(", ")} and ${said.at(-1)}` : said[0];
  return `It takes ${plural(needed, "claim")} that people voted on, at least ${needed_of_each} of each kind: ${list}.`;
}

/** The calibration error of a version beside what held before it. */
export function betterOrWorse({ error_before, error_after }: { error_before: number; error_after: number }): string {
  const [before, after] = [error_before, error_after].map((error) => error.toFixed(3));
  if (before === after) return `The calibration error (ECE) on them stays at ${after}.`;
  if (error_after < error_before) return `The calibration error (ECE) on them falls from ${before} to ${after}.`;
  return `The calibration error (ECE) on them rises from ${before} to ${after}: what held before did better.`;
}
