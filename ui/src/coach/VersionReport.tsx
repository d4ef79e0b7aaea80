import { Alert, List, Stack, Table, Text, Title } from "@mantine/core";
import { FiguresHead } from "@/parts/FiguresHead";
import { percent, plural } from "@/parts/format";
import { PlayStretch } from "@/parts/snippets";
import { ErrorState, Loading } from "@/parts/states";
import classes from "./coach.module.css";
import { type ChangedPlace, type MomentType, useChanges, type Version } from "./queries";
import {
  inHundred,
  type LeftOut,
  labelOf,
  points,
  reportOf,
  SOURCES,
  type TrainingReport,
  type TypeReport,
} from "./words";

/** What a training says of itself, by what it had not seen. */
export function VersionReport({ version, types }: { version: Version; types: readonly MomentType[] }) {
  const report = reportOf(version);
  return (
    <Stack mt="sm" role="region" aria-label={`The report of version ${version.version}`}>
      <Verdict report={report} />
      <TypesTable told={report.types ?? []} types={types} version={version.version} />
      <Confused report={report} types={types} />
      <Compared report={report} />
      <Learned report={report} />
      <Changes report={report} version={version.version} types={types} />
    </Stack>
  );
}

function Verdict({ report: { verdict } }: { report: TrainingReport }) {
  if (verdict === undefined) return null;
  if (verdict.not_worse) {
    return (
      <Text>
        <b>It was not worse</b> than what judged when it was trained.
      </Text>
    );
  }
  return (
    <Alert color="yellow" role="note">
      <b>It may be worse than what judged when it was trained</b>
      <List size="sm">
        {verdict.reasons.map((reason) => (
          <List.Item key={reason}>{reason}</List.Item>
        ))}
      </List>
    </Alert>
  );
}

interface TableProps {
  told: readonly TypeReport[];
  types: readonly MomentType[];
  version: number;
}

function TypesTable({ told, types, version }: TableProps) {
  const shown = told.filter((one) => one.trained || one.new || one.positives + one.negatives > 0);
  const untouched = told.length - shown.length;
  return (
    <div>
      <Title order={4} size="h6" id={`types-${version}`}>
        By type, judged by fits that had not seen the example
      </Title>
      {shown.length > 0 && (
        <Table.ScrollContainer
          minWidth={680}
          scrollAreaProps={{ viewportProps: { tabIndex: 0, "aria-label": "Figures by type" } }}
        >
          <Table aria-labelledby={`types-${version}`} striped>
            <FiguresHead
              row="Type"
              figures={["Examples", "Found again", "False alarms", "F1 to expect"]}
              last="Remarks"
            />
            <Table.Tbody>
              {shown.map((one) => (
                <Table.Tr key={one.type}>
                  <Table.Th scope="row">{labelOf(types, one.type)}</Table.Th>
                  <Table.Td className={classes.number}>
                    {one.positives} and {one.negatives} not
                  </Table.Td>
                  <Table.Td className={classes.number}>
                    {one.recall === undefined ? "–" : <Ranged {...one.recall} />}
                  </Table.Td>
                  <Table.Td className={classes.number}>
                    {one.false_alarms === undefined ? "–" : inHundred(one.false_alarms)}
                  </Table.Td>
                  <Table.Td className={classes.number}>
                    {one.expected_f1 === undefined ? (
                      "–"
                    ) : (
                      <Ranged value={one.expected_f1} low={one.expected_f1_low ?? 0} high={one.expected_f1_high ?? 1} />
                    )}
                  </Table.Td>
                  <Table.Td>
                    {one.thin === null ? (one.trained ? "" : "not learned") : `Too thin: ${one.thin}`}
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
      <Text size="sm" c="dimmed">
        Found again: of its examples, by a fit without them. False alarms: other talk in shipped calls that is taken for
        it. F1 to expect where the type is one utterance in 25. In brackets the 95% interval.
        {untouched > 0 &&
          ` ${plural(untouched, "type")} ${untouched === 1 ? "was" : "were"} taught nothing and ${untouched === 1 ? "stays" : "stay"} as shipped.`}
      </Text>
    </div>
  );
}

function Ranged({ value, low, high }: { value: number; low: number; high: number }) {
  return (
    <>
      {percent(value)}{" "}
      <Text span c="dimmed" size="xs">
        ({percent(low)} to {percent(high)})
      </Text>
    </>
  );
}

function Confused({ report, types }: { report: TrainingReport; types: readonly MomentType[] }) {
  const confused = report.confused ?? [];
  if (confused.length === 0) return null;
  return (
    <div>
      <Title order={4} size="h6">
        Taken for one another
      </Title>
      <List size="sm">
        {confused.map((pair) => (
          <List.Item key={`${pair.type} ${pair.taken_for}`} className={classes.words ?? ""}>
            <b>{labelOf(types, pair.type)}</b> is taken for <b>{labelOf(types, pair.taken_for)}</b> in{" "}
            {plural(pair.count, "example")}
            {pair.examples.map((one) => ("text" in one ? `: “${one.text}”` : "")).join("")}
          </List.Item>
        ))}
      </List>
      <Text size="sm" c="dimmed">
        Tell them apart: give the first more examples, and put those that are not among what is not.
      </Text>
    </div>
  );
}

function Compared({ report: { guard, own_calls: own } }: { report: TrainingReport }) {
  return (
    <div>
      <Title order={4} size="h6">
        Compared with what judged when it was trained
      </Title>
      <List size="sm">
        {guard?.types === 0 && (
          <List.Item>Your taxonomy has none of the shipped types, so the shipped calls say nothing of it.</List.Item>
        )}
        {guard !== undefined && guard.types > 0 && (
          <List.Item>
            On {plural(guard.calls, "call")} that ship with labels, macro-F1 goes from {guard.running.toFixed(2)} to{" "}
            {guard.candidate.toFixed(2)}: {points(guard.difference)} (95% interval {points(guard.low)} to{" "}
            {points(guard.high)}); as shipped it is {guard.shipped.toFixed(2)}.
          </List.Item>
        )}
        <List.Item>
          {own == null
            ? "None of your own calls has labelled utterances yet: answer the review queue, and it is compared on them."
            : `Of ${plural(own.labelled, "labelled utterance")} in ${plural(own.calls, "call")} of your own it meets ${percent(own.candidate)}, what judged before ${percent(own.running)}: ${points(own.difference)} (95% interval ${points(own.low)} to ${points(own.high)}).`}
        </List.Item>
      </List>
    </div>
  );
}

function Learned({ report }: { report: TrainingReport }) {
  const sources = Object.entries(report.examples ?? {});
  return (
    <div>
      <Title order={4} size="h6">
        Learned from
      </Title>
      <Text size="sm">
        {sources.map(([source, count]) => `${count} ${SOURCES[source] ?? source}`).join(", ") || "–"}
      </Text>
      <LeftOutList title="Left out" people={report.left_out ?? []} />
      <LeftOutList title="Believed on an admin's word" people={report.trusted ?? []} />
    </div>
  );
}

export function LeftOutList({ title, people }: { title: string; people: readonly LeftOut[] }) {
  if (people.length === 0) return null;
  return (
    <Alert color="yellow" role="note" mt="xs">
      <b>{title}</b>
      <List size="sm">
        {people.map((one) => (
          <List.Item key={`${one.by} ${one.reason}`} className={classes.words ?? ""}>
            {plural(one.statements, "statement")} {one.by_name ? `of ${one.by_name}` : "of everybody"}: {one.reason}
          </List.Item>
        ))}
      </List>
    </Alert>
  );
}

function Changes({
  report,
  version,
  types,
}: {
  report: TrainingReport;
  version: number;
  types: readonly MomentType[];
}) {
  const places = useChanges(version);
  const { changes } = report;
  if (changes === undefined) return null;
  return (
    <div>
      <Title order={4} size="h6">
        On your own past calls
      </Title>
      <Text size="sm">
        In {plural(changes.utterances, "utterance")} of your latest calls it finds {plural(changes.added, "moment")}{" "}
        that were not found, and no longer finds {changes.removed}.
      </Text>
      {places.isPending && <Loading />}
      {places.isError && <ErrorState error={places.error} retry={() => places.refetch()} />}
      {places.data !== undefined && places.data.length > 0 && (
        <ul className={classes.moments} aria-label="What it finds otherwise in past calls">
          {places.data.map((place) => (
            <ChangedRow key={`${place.call_id} ${place.utterance_no} ${place.type}`} place={place} types={types} />
          ))}
        </ul>
      )}
    </div>
  );
}

function ChangedRow({ place, types }: { place: ChangedPlace; types: readonly MomentType[] }) {
  const label = labelOf(types, place.type);
  return (
    <li className={classes.changed}>
      <PlayStretch stretch={place} about={place.text} />
      <Text size="sm" className={classes.words ?? ""}>
        <b>{place.change === "added" ? `New: ${label}` : `No longer: ${label}`}</b> “{place.text}”{" "}
        <Text span size="sm" c="dimmed">
          {place.title || "Call without a title"}
        </Text>
      </Text>
    </li>
  );
}
