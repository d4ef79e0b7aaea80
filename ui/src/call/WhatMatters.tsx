/** What a review is opened for: what to replay, what happens next, and what does not fit together. */

import { Group, Text } from "@mantine/core";
import type { Artifact, NextAction, Vote } from "@/api/types";
import { words } from "@/parts/format";
import { ClaimCard } from "./ClaimCard";
import classes from "./ClaimCard.module.css";
import { ClaimLine } from "./ClaimLine";
import { nameOf } from "./ClaimParts";
import { Part } from "./Part";

interface Props {
  artifact: Artifact;
  votes: readonly Vote[];
}

export function Coaching({ artifact, votes }: Props) {
  if (artifact.coaching_moments.length === 0) return null;
  return (
    <Part id="worth-replaying" title="Worth replaying">
      {artifact.coaching_moments.map((moment) => (
        <ClaimCard
          key={nameOf(moment)}
          claim={moment}
          revision={artifact.revision}
          label={<Text fw={600}>{moment.title}</Text>}
          advice={moment.advice}
          why={moment.why}
          votes={votes}
        />
      ))}
    </Part>
  );
}

const WHO: Record<NextAction["who"], string> = {
  rep: "Rep",
  customer: "Customer",
  both: "Both",
  unknown: "Nobody named",
};

export function NextActions({ artifact, votes }: Props) {
  if (artifact.next_actions.length === 0) return null;
  return (
    <Part id="next-actions" title="What happens next">
      <ul className={classes.lines}>
        {artifact.next_actions.map((action) => (
          <li key={nameOf(action)}>
            <ClaimLine
              claim={action}
              revision={artifact.revision}
              votes={votes}
              label={
                <>
                  <b>{WHO[action.who]}</b> {action.due === null ? "no date said" : <q>{action.due}</q>}
                </>
              }
            />
          </li>
        ))}
      </ul>
    </Part>
  );
}

const FITS_NOT = { contradiction: "Contradiction", gap: "Left open" } as const;

export function Gaps({ artifact, votes }: Props) {
  if (artifact.gaps.length === 0) return null;
  const titleOf = (id: string) => artifact.sections.find((one) => one.section_id === id)?.title ?? words(id);
  return (
    <Part id="gaps" title="What does not fit together">
      {artifact.gaps.map((gap) => (
        <ClaimCard
          key={nameOf(gap)}
          claim={gap}
          revision={artifact.revision}
          label={
            <>
              <Group gap={6}>
                <span className={classes.answer} data-answer={gap.gap === "contradiction" ? "no" : "partly"}>
                  {FITS_NOT[gap.gap]}
                </span>
                <Text size="xs" c="dimmed">
                  {gap.sections.map(titleOf).join(", ")}
                </Text>
              </Group>
              <Text fw={600}>{gap.title}</Text>
            </>
          }
          votes={votes}
        />
      ))}
    </Part>
  );
}
