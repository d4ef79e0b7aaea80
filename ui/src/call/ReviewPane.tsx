import { Alert, Button, Group, List, Stack, Text, Title } from "@mantine/core";
import { memo, useDeferredValue, useMemo } from "react";
import type { Artifact, CallDetail, Section, Vote } from "@/api/types";
import { plural, words } from "@/parts/format";
import { Score } from "@/parts/Score";
import { EmptyState, ErrorState, Loading, messageOf } from "@/parts/states";
import { ClaimCard } from "./ClaimCard";
import classes from "./ClaimCard.module.css";
import { nameOf, SaidOfAll } from "./ClaimParts";
import { useCallView } from "./context";
import { FollowUpDraft } from "./FollowUpDraft";
import { Outline } from "./Outline";
import { Part } from "./Part";
import { ReviewProgress } from "./ReviewProgress";
import { RuleList } from "./RuleList";
import { isBusy, useArtifact, useReviewAgain, useVotes } from "./reading";
import { checksLine, claimsOf, firstOf, sharedDoubts } from "./reviewWords";
import { Coaching, Gaps, NextActions } from "./WhatMatters";

const NO_VOTES: readonly Vote[] = [];
const ANSWER = { yes: "Yes", partly: "Partly", no: "No" } as const;
const OF_A_RULE = { yes: "Kept", partly: "Partly", no: "Broken" } as const;

/** The artifact: scores, findings and what is worth replaying; or why there is none, and what to do. */
export const ReviewPane = memo(function ReviewPane() {
  const { source, call, may } = useCallView();
  const artifact = useArtifact(source, call.review?.status ?? "none");
  const votes = useVotes(source);
  const again = useReviewAgain(source);
  if (artifact.isPending) return <Loading label="Loading the review" />;
  if (artifact.isError) return <ErrorState error={artifact.error} retry={() => artifact.refetch()} />;
  const retry = may.correct ? (
    <Button variant="default" loading={again.isPending} onClick={() => again.mutate()}>
      Review it again
    </Button>
  ) : null;
  const found = artifact.data;
  if (!found) {
    if (isBusy(call)) return <ReviewProgress call={call} />;
    if (call.review?.status === "failed") {
      return (
        <EmptyState title="The review failed" action={retry}>
          {call.review.failure ?? "The server gave no reason."} The recording and the transcript are safe.
        </EmptyState>
      );
    }
    return (
      <EmptyState title="Not reviewed" action={call.status === "ended" ? retry : null}>
        {call.status === "live" ? "The review is made as soon as the call ends." : "No review was asked for this call."}
      </EmptyState>
    );
  }
  return (
    <Stack gap="lg" p="md">
      {isBusy(call) && <ReviewProgress call={call} small />}
      {call.review_outdated && !isBusy(call) && (
        <Alert color="yellow" title="This review is outdated">
          <Stack gap="xs" align="start">
            {call.outdated_by.map((reason) => OUTDATED[reason]).join(" ")} The scores below do not know of it yet.
            {retry}
          </Stack>
        </Alert>
      )}
      {again.isError && <Alert color="red">{messageOf(again.error)}</Alert>}
      <Claims artifact={found} votes={votes.data ?? NO_VOTES} />
    </Stack>
  );
});

const OUTDATED: Record<CallDetail["outdated_by"][number], string> = {
  transcript: "There is a newer transcript of the call.",
  speakers: "Somebody corrected who is who since.",
  context: "The type of the call or the stage of its deal was changed since.",
  rubric: "Calls are reviewed with another rubric now.",
};

/** An hour's call has more than a hundred claims: those in sight first, and the others while they are read. */
const Claims = memo(function Claims({ artifact, votes }: { artifact: Artifact; votes: readonly Vote[] }) {
  const shown = useDeferredValue(Number.POSITIVE_INFINITY, FIRST_CLAIMS);
  const doubts = useMemo(() => sharedDoubts(claimsOf(artifact)), [artifact]);
  // What somebody needs who has ten minutes before they talk about the call comes first.
  const parts = [
    { claims: artifact.coaching_moments.length, part: <Coaching key="coaching" artifact={artifact} votes={votes} /> },
    { claims: artifact.next_actions.length, part: <NextActions key="next" artifact={artifact} votes={votes} /> },
    { claims: artifact.gaps.length, part: <Gaps key="gaps" artifact={artifact} votes={votes} /> },
    { claims: artifact.outline.length, part: <Outline key="outline" artifact={artifact} votes={votes} /> },
    { claims: 0, part: <FollowUpDraft key="follow-up" artifact={artifact} votes={votes} /> },
    ...artifact.sections.map((section) => ({
      claims: section.findings.length,
      part: <SectionPart key={section.section_id} section={section} revision={artifact.revision} votes={votes} />,
    })),
    { claims: 0, part: <Fine key="fine" artifact={artifact} /> },
  ];
  return (
    <SaidOfAll value={doubts}>
      <Head artifact={artifact} doubts={doubts} />
      {firstOf(parts, shown).map(({ part }) => part)}
    </SaidOfAll>
  );
});

const FIRST_CLAIMS = 10;

function Head({ artifact, doubts }: { artifact: Artifact; doubts: ReadonlySet<string> }) {
  return (
    <Group justify="space-between" align="end" gap="sm" wrap="nowrap">
      <div>
        <Title order={2} size="h4">
          {artifact.rubric.title}
        </Title>
        <Text size="xs" c="dimmed">
          Reviewed by {/^local(-|$)/.test(artifact.reviewer) ? "this server alone" : artifact.reviewer}
        </Text>
        {doubts.size > 0 && (
          <Text size="xs" c="dimmed">
            Of every statement: {[...doubts].join("; ")}.
          </Text>
        )}
      </div>
      {artifact.score === null ? (
        <Text size="sm" c="dimmed">
          No score: the call holds nothing to assess
        </Text>
      ) : (
        <Score score={artifact.score} large />
      )}
    </Group>
  );
}

function SectionPart({ section, revision, votes }: { section: Section; revision: number; votes: readonly Vote[] }) {
  return (
    <Part
      id={`section-${section.section_id}`}
      title={section.title}
      beside={
        section.score === null ? (
          <Text size="sm" c="dimmed">
            Not assessed
          </Text>
        ) : (
          <Score score={section.score} />
        )
      }
    >
      <RuleList section={section} />
      {section.findings.map((finding) => (
        <ClaimCard
          key={nameOf(finding)}
          claim={finding}
          revision={revision}
          label={
            // No components of the library here: an hour's call has a hundred of these.
            <span className={classes.criterion}>
              <span className={classes.answer} data-answer={finding.score}>
                {(finding.points === null ? OF_A_RULE : ANSWER)[finding.score]}
              </span>
              <span>{words(finding.criterion_id)}</span>
            </span>
          }
          votes={votes}
        />
      ))}
      {section.not_assessed.length > 0 && (
        <Text size="sm" c="dimmed">
          No evidence either way, so no score: {section.not_assessed.map(words).join(", ").toLowerCase()}.
        </Text>
      )}
      {section.not_applicable.map((left) => (
        <Text key={left.criterion_id} size="sm" c="dimmed">
          Not applicable: {words(left.criterion_id).toLowerCase()} ({left.reason}).
        </Text>
      ))}
    </Part>
  );
}

/** What the review could not do, said plainly. */
function Fine({ artifact }: { artifact: Artifact }) {
  const checks = checksLine(artifact.checks);
  const said = [
    ...artifact.missing_sections.map((name) => `“${words(name)}” could not be scored and is no part of the score.`),
    ...artifact.warnings.map((warning) => warning.charAt(0).toUpperCase() + warning.slice(1)),
    ...(checks ? [checks] : counted(artifact)),
    artifact.unchecked_claims > 0
      ? `The second reading did not reach ${plural(artifact.unchecked_claims, "statement")}.`
      : "",
  ].filter(Boolean);
  if (said.length === 0) return null;
  return (
    <Stack gap={4} component="section" aria-label="About this review">
      <Text size="sm" fw={600}>
        About this review
      </Text>
      <List size="sm" c="dimmed">
        {said.map((line) => (
          <List.Item key={line}>{line}</List.Item>
        ))}
      </List>
    </Stack>
  );
}

/** What became of its statements, for a review that was made before the reasons were kept. */
function counted({ dropped_drafts, removed_claims, lowered_claims }: Artifact): string[] {
  return [
    dropped_drafts > 0
      ? `${plural(dropped_drafts, "statement was", "statements were")} dropped because nothing said proved them.`
      : "",
    removed_claims > 0
      ? `A second reading removed ${plural(removed_claims, "statement")} that the words did not bear out.`
      : "",
    lowered_claims > 0 ? `A second reading made ${plural(lowered_claims, "statement")} less certain.` : "",
  ];
}
