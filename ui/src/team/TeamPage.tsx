import { Anchor, Card, Container, Group, Select, SimpleGrid, Skeleton, Stack, Table, Text, Title } from "@mantine/core";
import { useMemo, useState } from "react";
import { Link } from "wouter";
import { FiguresHead } from "@/parts/FiguresHead";
import { percent, words } from "@/parts/format";
import { ErrorState } from "@/parts/states";
import { EffectsTable } from "./EffectsTable";
import { type Figure, type RepFigures, useTeam, type WeekFigures } from "./queries";
import { firstMonday, mondayOf, mondays } from "./scale";
import { TakeAlong } from "./TakeAlong";
import { type Point, TrendChart } from "./TrendChart";
import classes from "./team.module.css";

const SPANS = [
  { value: "4", label: "4 weeks" },
  { value: "8", label: "8 weeks" },
  { value: "13", label: "A quarter" },
  { value: "26", label: "Half a year" },
];

const whole = (value: number) => String(Math.round(value));
const tenth = (value: number) => (Number.isInteger(value) ? String(value) : value.toFixed(1));

/** How the team's calls went over the weeks, and each rep's beside it. */
export default function TeamPage() {
  const [weeks, setWeeks] = useState("8");
  const [rep, setRep] = useState<string | null>(null);
  const [moment, setMoment] = useState<string | null>(null);
  const span = useMemo(() => {
    const now = new Date();
    const tomorrow = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate() + 1));
    return { from: firstMonday(now, Number(weeks)).toISOString(), to: tomorrow.toISOString() };
  }, [weeks]);
  const days = useMemo(() => mondays(new Date(span.from), Number(weeks)), [span, weeks]);
  // All reps, also while the charts show one: the table compares them and the filter lists them.
  const everybody = useTeam(span);
  const team = useTeam({ ...span, rep_id: rep ?? undefined });
  const reps = everybody.data?.reps ?? [];
  const types = useMemo(
    () => [...new Set((team.data?.weeks ?? []).flatMap((week) => Object.keys(week.moments)))].sort(),
    [team.data],
  );
  const shownType = moment !== null && types.includes(moment) ? moment : types[0];

  return (
    <Container size="xl" py="md">
      <Stack>
        <Title order={1} size="h2">
          Team
        </Title>
        <Group align="end">
          <Select
            label="Time"
            data={SPANS}
            value={weeks}
            allowDeselect={false}
            onChange={(value) => setWeeks(value ?? "8")}
          />
          <Select
            label="Trends of"
            placeholder="The whole team"
            data={reps.map((one) => ({ value: one.rep_id, label: one.name ?? one.rep_id }))}
            value={rep}
            clearable
            searchable
            nothingFoundMessage="Nobody of that name had calls"
            onChange={setRep}
          />
        </Group>
        {team.isError && <ErrorState error={team.error} retry={() => team.refetch()} />}
        {team.isPending && <Skeleton height={300} />}
        {team.data !== undefined && everybody.data !== undefined && reps.length === 0 && (
          <Card withBorder padding="xl">
            <Text fw={600}>No calls in these weeks.</Text>
            <Text c="dimmed">Numbers appear with the first recorded call; try a longer time above.</Text>
          </Card>
        )}
        {team.data !== undefined && reps.length > 0 && (
          <>
            <Title order={2} size="h3">
              Trends
            </Title>
            <SimpleGrid cols={{ base: 1, md: 2 }}>
              <TrendChart
                title="Score"
                about="Mean score of the reviewed calls, of 100."
                points={pointsOf(days, team.data.weeks, (week) => week.score)}
                show={whole}
                atLeast={100}
              />
              <TrendChart
                title="Talk ratio"
                about="How much of the talking the rep did."
                points={pointsOf(days, team.data.weeks, (week) => week.talk_ratio)}
                show={percent}
                atLeast={1}
              />
              <TrendChart
                title="Questions per call"
                about="How many questions the rep asked in a call."
                points={pointsOf(days, team.data.weeks, (week) => week.questions_per_call)}
                show={tenth}
                atLeast={1}
              />
              <TrendChart
                title="Nudges found helpful"
                about="Of all the nudges that a rep judged, how many were helpful."
                points={pointsOf(days, team.data.weeks, uptake)}
                show={percent}
                atLeast={1}
              />
              {shownType !== undefined && (
                <Stack gap="xs">
                  <Select
                    label="Moments of the type"
                    data={types.map((type) => ({ value: type, label: words(type) }))}
                    value={shownType}
                    allowDeselect={false}
                    onChange={setMoment}
                  />
                  <TrendChart
                    title={words(shownType)}
                    about="How often it happened, nudged or noted."
                    points={pointsOf(days, team.data.weeks, (week) => week.moments[shownType])}
                    show={tenth}
                    atLeast={1}
                  />
                </Stack>
              )}
            </SimpleGrid>
            <RepTable reps={reps} />
            <EffectsTable query={{ ...span, rep_id: rep ?? undefined }} />
            <MomentTable reps={reps} />
            <TakeAlong from={span.from} to={span.to} />
          </>
        )}
      </Stack>
    </Container>
  );
}

function callsAddress(figure: Figure): string {
  return `/calls${figure.calls_query.startsWith("?") ? figure.calls_query : ""}`;
}

function pointsOf(
  days: readonly Date[],
  weeks: readonly WeekFigures[],
  pick: (week: WeekFigures) => Figure | undefined,
): Point[] {
  const known = new Map(weeks.map((week) => [mondayOf(week.week)?.getTime(), week]));
  return days.map((monday) => {
    const week = known.get(monday.getTime());
    const figure = week === undefined ? undefined : pick(week);
    return {
      label: DAY.format(monday),
      value: figure?.value ?? null,
      n: figure?.n ?? 0,
      href: figure === undefined ? "/calls" : callsAddress(figure),
    };
  });
}

const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", timeZone: "UTC" });

/** Helpful of those that were judged; null where nobody judged any. */
function uptake(figures: WeekFigures): Figure {
  const helpful = figures.nudges_helpful.value ?? 0;
  const judged = helpful + (figures.nudges_wrong.value ?? 0);
  return { ...figures.nudges_helpful, value: judged === 0 ? null : helpful / judged };
}

function RepTable({ reps }: { reps: readonly RepFigures[] }) {
  return (
    <section aria-labelledby="reps">
      <Title order={2} size="h3" id="reps" mb="xs">
        Reps
      </Title>
      <Table.ScrollContainer minWidth={720} scrollAreaProps={{ viewportProps: { tabIndex: 0, "aria-label": "Reps" } }}>
        <Table aria-labelledby="reps" striped>
          <FiguresHead
            row="Rep"
            figures={["Calls", "Score", "Talk ratio", "Questions per call", "Nudges", "Helpful", "Wrong"]}
          />
          <Table.Tbody>
            {reps.map((rep) => (
              <Table.Tr key={rep.rep_id}>
                <Table.Th scope="row" style={{ overflowWrap: "anywhere" }}>
                  {rep.name ?? rep.rep_id}
                </Table.Th>
                <NumberCell figure={rep.calls} show={whole} />
                <NumberCell figure={rep.score} show={whole} />
                <NumberCell figure={rep.talk_ratio} show={percent} />
                <NumberCell figure={rep.questions_per_call} show={tenth} />
                <NumberCell figure={rep.nudges} show={whole} />
                <NumberCell figure={rep.nudges_helpful} show={whole} />
                <NumberCell figure={rep.nudges_wrong} show={whole} />
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </section>
  );
}

function MomentTable({ reps }: { reps: readonly RepFigures[] }) {
  const types = [...new Set(reps.flatMap((rep) => Object.keys(rep.moments)))].sort();
  if (types.length === 0) return null;
  return (
    <section aria-labelledby="moments">
      <Title order={2} size="h3" id="moments" mb="xs">
        Moments
      </Title>
      <Table.ScrollContainer
        minWidth={120 + types.length * 110}
        scrollAreaProps={{ viewportProps: { tabIndex: 0, "aria-label": "Moments" } }}
      >
        <Table aria-labelledby="moments" striped>
          <Table.Thead>
            <Table.Tr>
              <Table.Th scope="col">Rep</Table.Th>
              {types.map((type) => (
                <Table.Th scope="col" key={type} className={classes.number}>
                  {words(type)}
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {reps.map((rep) => (
              <Table.Tr key={rep.rep_id}>
                <Table.Th scope="row" style={{ overflowWrap: "anywhere" }}>
                  {rep.name ?? rep.rep_id}
                </Table.Th>
                {types.map((type) => (
                  <NumberCell key={type} figure={rep.moments[type]} show={whole} />
                ))}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </section>
  );
}

function NumberCell({ figure, show }: { figure: Figure | undefined; show: (value: number) => string }) {
  if (figure === undefined || figure.value === null) return <Table.Td className={classes.number}>–</Table.Td>;
  return (
    <Table.Td className={classes.number}>
      {figure.n === 0 ? (
        show(figure.value)
      ) : (
        <Anchor component={Link} href={callsAddress(figure)}>
          {show(figure.value)}
        </Anchor>
      )}
    </Table.Td>
  );
}
