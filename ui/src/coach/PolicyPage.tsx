import {
  Alert,
  Anchor,
  Button,
  Card,
  Group,
  NumberInput,
  SegmentedControl,
  SimpleGrid,
  Stack,
  Switch,
  Table,
  Text,
  Title,
} from "@mantine/core";
import { type FormEvent, useState } from "react";
import { Link } from "wouter";
import { atLeast, useSession } from "@/app/session";
import { SnippetsProvider } from "@/parts/snippets";
import { ErrorState, Loading, messageOf } from "@/parts/states";
import { editorPage } from "@/settings/documents/queries";
import { changeOf, formOf, isEmpty, mistakesOf, type PolicyForm, type TypeForm } from "./policy";
import { type MomentType, type Taxonomy, useChangeTaxonomy, useTaxonomy } from "./queries";
import { ReplayPanel } from "./ReplayPanel";

/** How much a rep may be bothered, tried on past calls before it holds. */
export default function PolicyPage() {
  const taxonomy = useTaxonomy();
  if (taxonomy.isPending) return <Loading />;
  if (taxonomy.isError) return <ErrorState error={taxonomy.error} retry={() => taxonomy.refetch()} />;
  return (
    <SnippetsProvider>
      <Writing key={JSON.stringify(formOf(taxonomy.data))} taxonomy={taxonomy.data} />
    </SnippetsProvider>
  );
}

function Writing({ taxonomy }: { taxonomy: Taxonomy }) {
  const { member } = useSession();
  const admin = atLeast(member, "admin");
  const [form, setForm] = useState(() => formOf(taxonomy));
  const saving = useChangeTaxonomy();
  const change = changeOf(form, taxonomy);
  const mistakes = mistakesOf(form, taxonomy.types);
  const right = Object.keys(mistakes).length === 0;
  const dirty = !isEmpty(change);
  const set = (part: Partial<PolicyForm>) => setForm((before) => ({ ...before, ...part }));
  const setType = (id: string, part: Partial<TypeForm>) =>
    setForm((before) => ({
      ...before,
      types: before.types.map((one) => (one.id === id ? { ...one, ...part } : one)),
    }));

  const save = (event: FormEvent) => {
    event.preventDefault();
    if (admin && dirty && right) saving.mutate(change);
  };

  return (
    <Stack>
      <Title order={2}>Nudge policy</Title>
      <Text c="dimmed">
        What is found on a call is always noted for the review. Here you decide how much of it may interrupt the rep.{" "}
        {admin
          ? "Change what you like, try it below on calls that have been, and save it when it is right."
          : "An admin can change it; you can try changes on past calls below."}
      </Text>
      <form onSubmit={save}>
        <Stack>
          <Limits form={form} set={set} mistakes={mistakes} />
          <Types form={form} types={taxonomy.types} setType={setType} mistakes={mistakes} />
          {saving.isError && (
            <Alert color="red" role="alert" title="It was not saved">
              {messageOf(saving.error)}
            </Alert>
          )}
          <Group justify="space-between">
            <Text size="sm" c="dimmed" role="status">
              {!right
                ? "Correct what is marked first."
                : dirty
                  ? "Changed, and not saved yet."
                  : saving.isSuccess || taxonomy.version !== null
                    ? "This holds for new calls."
                    : "As shipped. This holds for new calls."}
            </Text>
            <Group gap="xs">
              {dirty && (
                <Button variant="default" onClick={() => setForm(formOf(taxonomy))}>
                  Back to what holds
                </Button>
              )}
              {admin && (
                <Button type="submit" disabled={!dirty || !right} loading={saving.isPending}>
                  Save the policy
                </Button>
              )}
            </Group>
          </Group>
          <Text size="sm" c="dimmed">
            It is kept in the taxonomy's document, which gets a new version: comments in it stay, and you can{" "}
            <Anchor component={Link} underline="always" href={editorPage("taxonomy", "default")}>
              look at it as text, or go back
            </Anchor>
            .
          </Text>
        </Stack>
      </form>
      <ReplayPanel change={change} ready={right} types={taxonomy.types} />
    </Stack>
  );
}

interface LimitsProps {
  form: PolicyForm;
  set: (part: Partial<PolicyForm>) => void;
  mistakes: Readonly<Record<string, string>>;
}

/** What a field holds is a number, or the text of one that is being typed. */
const numberOf = (value: string | number): number => (value === "" ? Number.NaN : Number(value));

function Limits({ form, set, mistakes }: LimitsProps) {
  return (
    <Card withBorder component="section" aria-labelledby="limits">
      <Title order={3} size="h5" id="limits" mb="xs">
        Budget and quiet
      </Title>
      <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }}>
        <NumberInput
          label="At most so many nudges"
          description="in the time beside it; 0 keeps the coach silent"
          min={0}
          max={1000}
          allowDecimal={false}
          value={form.max_nudges}
          error={mistakes.max_nudges}
          onChange={(value) => set({ max_nudges: numberOf(value) })}
        />
        <NumberInput
          label="In so many minutes"
          description="counted back from each moment"
          min={0.1}
          max={1440}
          value={form.window_minutes}
          error={mistakes.window_minutes}
          onChange={(value) => set({ window_minutes: numberOf(value) })}
        />
        <NumberInput
          label="Not later than (seconds)"
          description="after what it is about; later, it is noted"
          min={0.1}
          max={60}
          value={form.max_lateness_s}
          error={mistakes.max_lateness_s}
          onChange={(value) => set({ max_lateness_s: numberOf(value) })}
        />
        <NumberInput
          label="Quiet at the start (seconds)"
          description="no nudge while the call begins"
          min={0}
          max={86_400}
          value={form.quiet_first_s}
          error={mistakes.quiet_first_s}
          onChange={(value) => set({ quiet_first_s: numberOf(value) })}
        />
        <NumberInput
          label="Hold-out (percent)"
          description="kept back by lot, to measure whether nudges help"
          min={0}
          max={50}
          value={form.hold_out}
          error={mistakes.hold_out}
          onChange={(value) => set({ hold_out: numberOf(value) })}
        />
        <Switch
          mt="lg"
          label="Quiet while the rep speaks"
          description="types about the rep's own speaking excepted"
          checked={form.while_rep_speaks}
          onChange={(event) => set({ while_rep_speaks: event.currentTarget.checked })}
        />
        <Switch
          mt="lg"
          label="Quiet while the customer thinks"
          description="no nudge about a silence behind the rep's own words"
          checked={form.while_customer_thinks}
          onChange={(event) => set({ while_customer_thinks: event.currentTarget.checked })}
        />
      </SimpleGrid>
    </Card>
  );
}

interface TypesProps {
  form: PolicyForm;
  types: readonly MomentType[];
  setType: (id: string, part: Partial<TypeForm>) => void;
  mistakes: Readonly<Record<string, string>>;
}

function Types({ form, types, setType, mistakes }: TypesProps) {
  return (
    <Card withBorder component="section" aria-labelledby="types">
      <Title order={3} size="h5" id="types">
        By type
      </Title>
      <Text size="sm" c="dimmed" mb="xs">
        A type that is only noted never interrupts. A nudge needs to be at least so sure, and the same type waits its
        cool-down before it may nudge again.
      </Text>
      <Table.ScrollContainer
        minWidth={620}
        scrollAreaProps={{ viewportProps: { tabIndex: 0, "aria-label": "Policy by type" } }}
      >
        <Table aria-labelledby="types" verticalSpacing="xs">
          <Table.Thead>
            <Table.Tr>
              <Table.Th scope="col">Type</Table.Th>
              <Table.Th scope="col">It is</Table.Th>
              <Table.Th scope="col">Sure (percent)</Table.Th>
              <Table.Th scope="col">Cool-down (seconds)</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {form.types.map((one) => {
              const known = types.find(({ id }) => id === one.id);
              const label = known?.label ?? one.id;
              return (
                <Table.Tr key={one.id}>
                  <Table.Th scope="row" style={{ overflowWrap: "anywhere" }}>
                    {label}
                  </Table.Th>
                  <Table.Td>
                    <SegmentedControl
                      size="xs"
                      aria-label={`${label} is`}
                      value={one.tier}
                      data={[
                        { value: "nudge", label: "nudged", disabled: known?.nudges.length === 0 },
                        { value: "noted", label: "noted" },
                      ]}
                      onChange={(tier) => setType(one.id, { tier: tier as TypeForm["tier"] })}
                    />
                  </Table.Td>
                  <Table.Td>
                    <NumberInput
                      size="xs"
                      w={110}
                      aria-label={`${label}: at least so sure, percent`}
                      min={0}
                      max={100}
                      value={one.floor}
                      error={mistakes[`${one.id}.floor`]}
                      disabled={known?.kind === "timing"}
                      onChange={(value) => setType(one.id, { floor: numberOf(value) })}
                    />
                  </Table.Td>
                  <Table.Td>
                    <NumberInput
                      size="xs"
                      w={110}
                      aria-label={`${label}: cool-down, seconds`}
                      min={0}
                      max={86_400}
                      value={one.cool_down_s}
                      error={mistakes[`${one.id}.cool_down_s`]}
                      onChange={(value) => setType(one.id, { cool_down_s: numberOf(value) })}
                    />
                  </Table.Td>
                </Table.Tr>
              );
            })}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Card>
  );
}
