/** Did the nudges help: seen, felt late, acted on, each with its interval; and what the hold-out says. */

import { Alert, Stack, Table, Text, Title } from "@mantine/core";
import { FiguresHead } from "@/parts/FiguresHead";
import { percent } from "@/parts/format";
import { type EffectFigures, type Rate, type TeamQuery, useEffects } from "./queries";
import classes from "./team.module.css";

export function EffectsTable({ query }: { query: TeamQuery }) {
  const effects = useEffects(query);
  if (effects.isError) {
    return (
      <Alert color="red" role="alert" title="What the nudges did cannot be read now">
        {effects.error.message}
      </Alert>
    );
  }
  if (effects.data === undefined || effects.data.types.length === 0) return null;
  const { all, types, hold_out: holdOut } = effects.data;
  return (
    <section aria-labelledby="effects">
      <Stack gap="xs">
        <Title order={2} size="h3" id="effects">
          Did the nudges help?
        </Title>
        <Text>{all.in_words}</Text>
        <Text c="dimmed" size="sm">
          Acted on: the rep did what the nudge asks for within a minute, by the words said. In brackets the 95% interval
          and how many it is counted over.{" "}
          {holdOut > 0
            ? `${percent(holdOut)} of the nudges are held out at random.`
            : "No nudges are held out: set hold_out in the taxonomy's policy to learn what reps do without them."}
        </Text>
        <Table.ScrollContainer
          minWidth={860}
          scrollAreaProps={{ viewportProps: { tabIndex: 0, "aria-label": "Did the nudges help?" } }}
        >
          <Table aria-labelledby="effects" striped>
            <FiguresHead
              row="Type"
              figures={["Shown", "Seen", "Felt late", "Acted on", "Acted on, held out", "Uplift"]}
            />
            <Table.Tbody>
              {types.map((of) => (
                <EffectsRow key={of.type} name={of.label} of={of} />
              ))}
              <EffectsRow name="All" of={all} />
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      </Stack>
    </section>
  );
}

function EffectsRow({ name, of }: { name: string; of: EffectFigures }) {
  return (
    <Table.Tr>
      <Table.Th scope="row">{name}</Table.Th>
      <Table.Td className={classes.number}>{of.shown}</Table.Td>
      {[of.seen, of.felt_late, of.acted_on, of.acted_on_held_out, of.uplift].map((rate, column) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the columns stay where they are
        <Table.Td key={column} className={classes.number}>
          <RateText rate={rate} />
        </Table.Td>
      ))}
    </Table.Tr>
  );
}

function RateText({ rate }: { rate: Rate }) {
  if (rate.value === null || rate.low === null || rate.high === null) return <>–</>;
  return (
    <>
      {percent(rate.value)}{" "}
      <Text span c="dimmed" size="xs">
        ({percent(rate.low)} to {percent(rate.high)}, {rate.n})
      </Text>
    </>
  );
}
