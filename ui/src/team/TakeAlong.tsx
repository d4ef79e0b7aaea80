import { Anchor, Card, Group, Text, Title } from "@mantine/core";

const KINDS = [
  { kind: "findings", label: "Findings", about: "what each review says of each criterion" },
  { kind: "moments", label: "Moments", about: "objections, price questions and the rest" },
] as const;

/** The rows behind the numbers as files, of the calls that began in these days. `from` and `to` are ISO 8601. */
export function TakeAlong({ from, to }: { from: string; to: string }) {
  // The span ends with the first moment that does not count any more; a file's last day counts.
  const last = new Date(Date.parse(to) - 1).toISOString().slice(0, 10);
  const days = `from=${from.slice(0, 10)}&to=${last}`;
  return (
    <Card withBorder component="section" aria-labelledby="take-along">
      <Title order={2} size="h5" id="take-along">
        Take them along
      </Title>
      <Text size="sm" c="dimmed" mb="xs">
        One row each, with call, rep, time and quote, of all reps' calls in these weeks. CSV opens in a spreadsheet.
      </Text>
      {KINDS.map(({ kind, label, about }) => (
        <Group key={kind} gap="xs">
          <Text size="sm">
            {label}: {about}
          </Text>
          {(["csv", "parquet"] as const).map((form) => (
            <Anchor
              key={form}
              size="sm"
              display="inline-block"
              lh="24px"
              underline="always"
              href={`/v1/exports/${kind}?format=${form}&${days}`}
              download
              aria-label={`${label} as ${form === "csv" ? "CSV" : "Parquet"}`}
            >
              {form === "csv" ? "CSV" : "Parquet"}
            </Anchor>
          ))}
        </Group>
      ))}
    </Card>
  );
}
