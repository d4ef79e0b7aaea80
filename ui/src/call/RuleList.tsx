import { Text } from "@mantine/core";
import type { Rule, Section } from "@/api/types";
import { words } from "@/parts/format";
import classes from "./ClaimCard.module.css";
import { ruleWords } from "./reviewWords";

const STATE: Record<Rule["state"], { word: string; answer: "yes" | "no" | "none" }> = {
  kept: { word: "Kept", answer: "yes" },
  broken: { word: "Broken", answer: "no" },
  not_assessed: { word: "Not assessed", answer: "none" },
  not_applicable: { word: "Not applicable", answer: "none" },
};

/** What became of the section's rules. The proof of one is the finding of its name below. */
export function RuleList({ section }: { section: Section }) {
  const { rules, base, score } = section;
  if (rules.length === 0) return null;
  const broken = rules.some((rule) => rule.state === "broken");
  return (
    <>
      <ul className={classes.rules} aria-label="Rules">
        {rules.map((rule) => (
          <li key={rule.rule_id}>
            <span className={classes.answer} data-answer={STATE[rule.state].answer}>
              {STATE[rule.state].word}
            </span>{" "}
            {words(rule.rule_id)} <span className={classes.about}>{ruleWords(rule)}</span>
          </li>
        ))}
      </ul>
      {broken && base !== null && score !== null && Math.round(base) !== Math.round(score) && (
        <Text size="sm" c="dimmed">
          {Math.round(base)} before the broken rules, {Math.round(score)} after.
        </Text>
      )}
    </>
  );
}
