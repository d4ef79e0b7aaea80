import { Button, Card, Group, List, Stack, Table, Text, Title } from "@mantine/core";
import { Link } from "wouter";
import { percent, plural } from "@/parts/format";
import { EmptyState, ErrorState, Loading } from "@/parts/states";
import classes from "./coach.module.css";
import { type FeedbackReport, type MomentType, useFeedbackReport } from "./queries";
import { LeftOutList } from "./VersionReport";
import { labelOf, points, SOURCES, type TrainingReport } from "./words";

/** What people taught, and what the latest version made of it. */
export function FeedbackPane({ types }: { types: readonly MomentType[] }) {
  const feedback = useFeedbackReport();
  if (feedback.isPending) return <Loading />;
  if (feedback.isError) return <ErrorState error={feedback.error} retry={() => feedback.refetch()} />;
  if (feedback.data.labels === 0) {
    return (
      <EmptyState
        title="Nobody has said anything of a moment yet"
        action={
          <Button component={Link} href="/settings/queue">
            To the review queue
          </Button>
        }
      >
        Reps say helpful, not now or wrong to a nudge; managers agree, correct and add moments on a call's page, or
        answer the review queue. All of it teaches the coach.
      </EmptyState>
    );
  }
  return <Told report={feedback.data} types={types} />;
}

function Told({ report, types }: { report: FeedbackReport; types: readonly MomentType[] }) {
  const changed = report.changed as TrainingReport | null;
  return (
    <Stack>
      <Text>
        {plural(report.labels, "statement")} in all
        {report.version === null
          ? ", and no training has used them yet."
          : report.since_version === 0
            ? `; version ${report.version} has seen them all.`
            : `; ${report.since_version} are newer than version ${report.version}: train to use them.`}
      </Text>
      <div className={classes.sides}>
        <Card withBorder component="section" aria-labelledby="by-source">
          <Title order={3} size="h5" id="by-source">
            Where they come from
          </Title>
          <List size="sm">
            {Object.entries(report.by_source).map(([source, count]) => (
              <List.Item key={source}>
                {count} {SOURCES[source] ?? source}
              </List.Item>
            ))}
          </List>
        </Card>
        <Card withBorder component="section" aria-labelledby="by-person">
          <Title order={3} size="h5" id="by-person">
            Who said them
          </Title>
          <List size="sm">
            {report.by_person.map((one) => (
              <List.Item key={`${one.member_id} ${one.name}`} className={classes.words ?? ""}>
                {one.name}: {one.labels}
              </List.Item>
            ))}
          </List>
        </Card>
      </div>
      <Table aria-label="By type" striped>
        <Table.Thead>
          <Table.Tr>
            <Table.Th scope="col">Type</Table.Th>
            <Table.Th scope="col" className={classes.number}>
              It is one
            </Table.Th>
            <Table.Th scope="col" className={classes.number}>
              It is none
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {Object.entries(report.by_type).map(([id, of]) => (
            <Table.Tr key={id}>
              <Table.Th scope="row">{labelOf(types, id)}</Table.Th>
              <Table.Td className={classes.number}>{of.holds}</Table.Td>
              <Table.Td className={classes.number}>{of.holds_not}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {changed !== null && report.version !== null && <Changed changed={changed} version={report.version} />}
    </Stack>
  );
}

function Changed({ changed, version }: { changed: TrainingReport; version: number }) {
  const { own_calls: own, changes, guard } = changed;
  return (
    <Card withBorder component="section" aria-labelledby="changed">
      <Group justify="space-between">
        <Title order={3} size="h5" id="changed">
          What version {version} made of it
        </Title>
        <Button size="compact-sm" variant="subtle" component={Link} href="/settings/taxonomy?tab=training">
          Its report
        </Button>
      </Group>
      <List size="sm">
        {changed.outcome !== undefined && <List.Item>{changed.outcome}</List.Item>}
        {own != null && (
          <List.Item>
            It meets {percent(own.candidate)} of {plural(own.labelled, "labelled utterance")} of your own calls; what
            judged before met {percent(own.running)} ({points(own.difference)}).
          </List.Item>
        )}
        {changes !== undefined && (
          <List.Item>
            In your past calls it finds {plural(changes.added, "moment")} more, and {changes.removed} no longer.
          </List.Item>
        )}
        {guard !== undefined && guard.types > 0 && (
          <List.Item>On the calls that ship with labels: {points(guard.difference)} of macro-F1.</List.Item>
        )}
      </List>
      <LeftOutList title="Left out" people={changed.left_out ?? []} />
      <LeftOutList title="Believed on an admin's word" people={changed.trusted ?? []} />
    </Card>
  );
}
