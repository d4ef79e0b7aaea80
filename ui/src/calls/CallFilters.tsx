import { Button, Group, MultiSelect, NativeSelect, Paper, Select, SimpleGrid, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { useEffect, useState } from "react";
import { words } from "@/parts/format";
import { dayOf, type FilterName, type Filters, lastDay, midnight } from "./filters";
import { useMomentTypes, useReps } from "./reading";

/** The types of the taxonomy that ships; a tenant's own come from its calls. */
const SHIPPED = [
  "objection_raised",
  "price_asked",
  "competitor_mentioned",
  "commitment_offered",
  "buying_signal",
  "stall",
  "decision_process",
  "pain_stated",
  "risky_promise",
  "silence",
  "monologue",
  "interruption",
];

export function CallFilters({ filters }: { filters: Filters }) {
  const reps = useReps();
  const types = useMomentTypes();
  const known = [...new Set([...SHIPPED, ...(types.data ?? []), ...filters.moments])];
  const chosen = filters.get("rep_id");
  const choices = new Map((reps.data ?? []).map((rep) => [rep.rep_id, rep.name]));
  if (chosen && !choices.has(chosen)) choices.set(chosen, chosen);
  return (
    <Paper withBorder p="md" mb="md" role="group" aria-label="Filters">
      <SimpleGrid cols={{ base: 1, xs: 2, md: 4 }} spacing="sm">
        <Typed label="Title contains" name="q" filters={filters} maxLength={200} />
        {reps.data && (
          <Select
            label="Rep"
            placeholder="Everybody"
            data={[...choices].map(([value, label]) => ({ value, label }))}
            value={chosen || null}
            onChange={(value) => filters.set({ rep_id: value ?? "" })}
            searchable
            clearable
            nothingFoundMessage="Nobody of that name"
          />
        )}
        <NativeSelect
          label="State"
          value={filters.get("status")}
          onChange={(event) => filters.set({ status: event.currentTarget.value })}
          data={[
            { value: "", label: "Any" },
            { value: "live", label: "Running now" },
            { value: "ended", label: "Ended" },
          ]}
        />
        <NativeSelect
          label="Review"
          value={filters.get("review")}
          onChange={(event) => filters.set({ review: event.currentTarget.value })}
          data={[
            { value: "", label: "Any" },
            { value: "done", label: "Done" },
            { value: "running", label: "Being made" },
            { value: "failed", label: "Failed" },
            { value: "none", label: "None" },
          ]}
        />
        <MultiSelect
          label="With moments of these types"
          placeholder={filters.moments.length > 0 ? "" : "Any"}
          data={known.map((value) => ({ value, label: words(value) }))}
          value={filters.moments}
          onChange={(moment) => filters.set({ moment })}
          searchable
          clearable
          hidePickedOptions
        />
        <Group grow gap="xs" align="end" wrap="nowrap">
          <Typed label="Score from" name="score_min" filters={filters} type="number" min={0} max={100} />
          <Typed label="Score to" name="score_max" filters={filters} type="number" min={0} max={100} />
        </Group>
        <Group grow gap="xs" align="end" wrap="nowrap">
          <Typed label="Minutes from" name="duration_min_s" filters={filters} type="number" min={0} scale={60} />
          <Typed label="Minutes to" name="duration_max_s" filters={filters} type="number" min={0} scale={60} />
        </Group>
        <Group grow gap="xs" align="end" wrap="nowrap">
          <TextInput
            type="date"
            label="First day"
            value={dayOf(filters.get("from"))}
            onChange={(event) => filters.set({ from: midnight(event.currentTarget.value) })}
          />
          <TextInput
            type="date"
            label="Last day"
            value={lastDay(filters.get("to"))}
            onChange={(event) => filters.set({ to: midnight(event.currentTarget.value, 1) })}
          />
        </Group>
      </SimpleGrid>
      {filters.count > 0 && (
        <Group justify="flex-end" mt="sm">
          <Button variant="subtle" onClick={filters.clear}>
            Clear the filters
          </Button>
        </Group>
      )}
    </Paper>
  );
}

/** A field that asks the server when the typing pauses. `scale`: how many of the parameter's units are one shown. */
function Typed({
  label,
  name,
  filters,
  scale = 1,
  ...input
}: {
  label: string;
  name: FilterName;
  filters: Filters;
  scale?: number;
  type?: string;
  min?: number;
  max?: number;
  maxLength?: number;
}) {
  const held = filters.get(name);
  const [text, setText] = useState("");
  useEffect(() => setText(scale === 1 || held === "" ? held : String(Number(held) / scale)), [held, scale]);
  const send = useDebouncedCallback((value: string) => {
    const parameter = scale === 1 || value === "" ? value : String(Math.round(Number(value) * scale));
    filters.set({ [name]: parameter });
  }, 350);
  return (
    <TextInput
      label={label}
      value={text}
      onChange={(event) => {
        setText(event.currentTarget.value);
        send(event.currentTarget.value);
      }}
      {...input}
    />
  );
}
