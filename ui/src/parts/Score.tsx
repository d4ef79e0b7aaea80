import { Text } from "@mantine/core";
import classes from "./Score.module.css";

function grade(score: number): string {
  return score >= 70 ? "good" : score >= 40 ? "middling" : "low";
}

/** A score of 100 as a number with a bar; the number says it, the colour only repeats it. */
export function Score({ score, large = false }: { score: number | null; large?: boolean }) {
  if (score === null) {
    return (
      <Text component="span" size="sm" c="dimmed">
        –<span className={classes.hidden}>no score</span>
      </Text>
    );
  }
  return (
    <span className={classes.score} data-grade={grade(score)} data-large={large || undefined}>
      <b>{Math.round(score)}</b>
      {large && <span className={classes.of}>of 100</span>}
      <span className={classes.track} aria-hidden="true">
        <span className={classes.bar} style={{ width: `${Math.max(2, score)}%` }} />
      </span>
    </span>
  );
}
