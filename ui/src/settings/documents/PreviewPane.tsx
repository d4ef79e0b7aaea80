import { Alert, Badge, Button, Card, Code, Group, Stack, Text, Title } from "@mantine/core";
import { useState } from "react";
import { whyNoted } from "@/live/words";
import { clock, percent, words } from "@/parts/format";
import { PastCallSelect } from "@/parts/PastCallSelect";
import { EmptyState, ErrorState, Loading, messageOf } from "@/parts/states";
import classes from "./documents.module.css";
import {
  type Kind,
  type Mistake,
  type Preview,
  type PreviewArtifact,
  type PreviewEvidence,
  type PreviewMoment,
  usePastCalls,
  usePreview,
} from "./queries";

interface Props {
  kind: Kind;
  name: string;
  text: string;
  mistake: Mistake | null;
}

const ABOUT: Record<Kind, string> = {
  template: "The call's own review, laid out by the text as it stands in the editor. Its links do not play in here.",
  rubric: "The call scored by the text as it stands in the editor, by this machine's own reviewer. Nothing is stored.",
  taxonomy: "Which moments the text as it stands in the editor would have found on the call. Nothing is stored.",
};

/** The text as it is now, tried on a call that has been. */
export function PreviewPane({ kind, name, text, mistake }: Props) {
  const calls = usePastCalls(kind === "template");
  const [chosen, setChosen] = useState<string | null>(null);
  const preview = usePreview(kind, name);
  if (calls.isPending) return <Loading />;
  if (calls.isError) return <ErrorState error={calls.error} retry={() => calls.refetch()} />;
  const callId = chosen ?? calls.data[0]?.call_id ?? null;
  if (callId === null) {
    return (
      <EmptyState title="There is no call to try it on">
        {kind === "template" ? "As soon as a call has been reviewed" : "As soon as a call has ended"}, it can be tried
        here.
      </EmptyState>
    );
  }
  const stale = preview.variables !== undefined && preview.variables.text !== text;
  return (
    <Stack>
      <Text c="dimmed" size="sm">
        {ABOUT[kind]}
      </Text>
      <Group align="end">
        <PastCallSelect calls={calls.data} value={callId} onChange={setChosen} />
        <Button
          onClick={() => preview.mutate({ text, call_id: callId })}
          loading={preview.isPending}
          disabled={mistake !== null}
        >
          Try it
        </Button>
      </Group>
      {mistake !== null && (
        <Alert color="red">
          There is a mistake{mistake.line !== null && ` in line ${mistake.line}`}: correct it first.
        </Alert>
      )}
      {preview.isError && (
        <Alert color="red" role="alert" title="It could not be tried">
          {messageOf(preview.error)}
        </Alert>
      )}
      {preview.isSuccess && stale && (
        <Alert color="yellow" role="status">
          The text was changed after this was made: try it again.
        </Alert>
      )}
      {preview.isSuccess && <PreviewShown preview={preview.data} />}
    </Stack>
  );
}

/** What the server made of a call, in whatever form it is. */
export function PreviewShown({ preview }: { preview: Preview }) {
  const page = preview.html ?? preview.email?.html;
  if (page != null) {
    // Nothing in it may run, ask anybody or know this page, whatever the template says.
    return (
      <Stack gap="xs">
        {preview.email != null && <Text fw={600}>{preview.email.subject}</Text>}
        <iframe sandbox="" srcDoc={page} title="The review as the template shows it" className={classes.frame} />
      </Stack>
    );
  }
  const written = preview.md ?? preview.txt ?? preview.slack ?? preview.json_text;
  if (written != null) {
    return (
      <Code block className={classes.markdown ?? ""} tabIndex={0} aria-label="The review as the template shows it">
        {written}
      </Code>
    );
  }
  if (preview.artifact != null) return <ArtifactShown artifact={preview.artifact} />;
  if (preview.moments != null) return <MomentsShown moments={preview.moments} />;
  return <Text>The server showed nothing for it.</Text>;
}

function ArtifactShown({ artifact }: { artifact: PreviewArtifact }) {
  return (
    <Stack role="region" aria-label="The review that the rubric makes">
      <Text size="lg" fw={600}>
        {artifact.score === null ? "Nothing could be scored" : `${Math.round(artifact.score)} of 100`}
      </Text>
      {artifact.sections.map((section) => (
        <Card key={section.section_id} withBorder>
          <Group justify="space-between">
            <Title order={3} size="h5">
              {section.title}
            </Title>
            <Text>{section.score === null ? "not assessed" : `${Math.round(section.score)} of 100`}</Text>
          </Group>
          {section.findings.length === 0 && <Text c="dimmed">Nothing in the call speaks for or against it.</Text>}
          {section.findings.map((finding) => (
            <div key={finding.criterion_id}>
              <Group gap="xs" mt="xs">
                <Badge variant="outline" size="sm">
                  {finding.score}
                </Badge>
                <Text size="sm" c="dimmed">
                  {percent(finding.confidence)} sure
                </Text>
              </Group>
              <Text style={{ overflowWrap: "anywhere" }}>{finding.statement}</Text>
              <Quotes evidence={finding.evidence} />
            </div>
          ))}
        </Card>
      ))}
    </Stack>
  );
}

function MomentsShown({ moments }: { moments: readonly PreviewMoment[] }) {
  const nudges = moments.filter((moment) => moment.tier === "nudge").length;
  return (
    <Stack role="region" aria-label="The moments that it finds">
      <Text fw={600}>
        {moments.length === 0
          ? "It finds nothing in this call."
          : `${moments.length} moments, ${nudges} of them nudged`}
      </Text>
      {moments.map((moment) => (
        <Card key={`${moment.type} ${moment.trigger_ts}`} withBorder padding="sm">
          <Group gap="xs">
            <Badge variant={moment.tier === "nudge" ? "filled" : "outline"} size="sm">
              {moment.tier === "nudge" ? "Nudged" : "Noted"}
            </Badge>
            <Text fw={600}>{words(moment.type)}</Text>
            <Text size="sm" c="dimmed">
              {clock(moment.trigger_ts)}, {percent(moment.confidence)} sure
            </Text>
          </Group>
          {moment.tier === "nudge" ? (
            moment.nudge !== null && <Text style={{ overflowWrap: "anywhere" }}>{moment.nudge}</Text>
          ) : (
            <Text size="sm" c="dimmed">
              {whyNoted(moment.reason)}
            </Text>
          )}
          <Quotes evidence={moment.evidence} />
        </Card>
      ))}
    </Stack>
  );
}

function Quotes({ evidence }: { evidence: readonly PreviewEvidence[] }) {
  return evidence.map((piece) => (
    <Text key={`${piece.start_ts} ${piece.quote}`} size="sm" c="dimmed" style={{ overflowWrap: "anywhere" }}>
      {clock(piece.start_ts)} “{piece.quote}”
    </Text>
  ));
}
