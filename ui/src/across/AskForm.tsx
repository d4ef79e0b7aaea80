import { Button, NativeSelect, Select, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { type FormEvent, useMemo, useState } from "react";
import { dayOf, lastDay, midnight } from "@/calls/filters";
import { useReps } from "@/calls/reading";
import { Icon } from "@/parts/Icon";
import classes from "./across.module.css";
import { type Filters, LONGEST } from "./asked";
import { useDeals } from "./queries";

/** The question and what it is asked about. What is not chosen here is read out of the question. */
export function AskForm({
  question,
  filters,
  busy,
  ask,
}: {
  question: string;
  filters: Filters;
  busy: boolean;
  ask: (question: string, filters: Filters) => void;
}) {
  const [text, setText] = useState(question);
  const [chosen, setChosen] = useState(filters);
  const count = Object.values(chosen).filter(Boolean).length;
  const [opened, { toggle }] = useDisclosure(count > 0);
  const reps = useReps();
  const deals = useDeals();
  const customers = useMemo(
    () => namesOf([...(deals.data ?? []).map((deal) => deal.customer), chosen.customer ?? ""]),
    [deals.data, chosen.customer],
  );
  const dealNames = useMemo(
    () =>
      namesOf([
        ...(deals.data ?? []).filter((one) => same(one.customer, chosen.customer)).map((one) => one.deal),
        chosen.deal ?? "",
      ]),
    [deals.data, chosen.customer, chosen.deal],
  );
  const choose = (changes: Filters) => setChosen((before) => ({ ...before, ...changes }));
  const repChoices = new Map((reps.data ?? []).map((rep) => [rep.rep_id, rep.name]));
  if (chosen.rep_id && !repChoices.has(chosen.rep_id)) repChoices.set(chosen.rep_id, chosen.rep_id);
  function submit(event: FormEvent) {
    event.preventDefault();
    if (text.trim()) ask(text, chosen);
  }
  return (
    <search>
      <form onSubmit={submit} className={classes.form}>
        <div className={classes.ask}>
          <TextInput
            aria-label="Your question"
            placeholder="What did customers say about onboarding this month?"
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
            size="md"
            maxLength={LONGEST}
            leftSection={<Icon name="search" size={18} />}
            autoFocus={!question}
            className={classes.question ?? ""}
          />
          <Button
            size="md"
            variant={count > 0 ? "light" : "default"}
            onClick={toggle}
            aria-expanded={opened}
            aria-controls="ask-filters"
          >
            {count > 0 ? `Filters (${count})` : "Filters"}
          </Button>
          <Button size="md" type="submit" loading={busy}>
            Ask
          </Button>
        </div>
        <fieldset id="ask-filters" hidden={!opened} className={classes.filters} aria-label="Filters">
          <TextInput
            type="date"
            label="First day"
            value={dayOf(chosen.from ?? "")}
            onChange={(event) => choose({ from: midnight(event.currentTarget.value) })}
          />
          <TextInput
            type="date"
            label="Last day"
            value={lastDay(chosen.to ?? "")}
            onChange={(event) => choose({ to: midnight(event.currentTarget.value, 1) })}
          />
          <NativeSelect
            label="Who said it"
            value={chosen.role ?? ""}
            onChange={(event) => choose({ role: event.currentTarget.value })}
            data={[
              { value: "", label: "Anybody" },
              { value: "customer", label: "The customer" },
              { value: "rep", label: "The rep" },
            ]}
          />
          {reps.data && (
            <Select
              label="Rep"
              placeholder="Everybody"
              data={[...repChoices].map(([value, label]) => ({ value, label }))}
              value={chosen.rep_id || null}
              onChange={(value) => choose({ rep_id: value ?? "" })}
              searchable
              clearable
              nothingFoundMessage="Nobody of that name"
            />
          )}
          <Select
            label="Customer"
            placeholder="All"
            data={customers}
            value={chosen.customer || null}
            onChange={(value) => choose({ customer: value ?? "", deal: "" })}
            searchable
            clearable
            nothingFoundMessage="No call names this customer"
          />
          {dealNames.length > 0 && (
            <Select
              label="Deal"
              placeholder="All of them"
              data={dealNames}
              value={chosen.deal || null}
              onChange={(value) => choose({ deal: value ?? "" })}
              searchable
              clearable
            />
          )}
          {count > 0 && (
            <Button variant="subtle" onClick={() => setChosen({})} className={classes.clear ?? ""}>
              Clear the filters
            </Button>
          )}
        </fieldset>
      </form>
    </search>
  );
}

function same(one: string, other: string | undefined): boolean {
  return one.toLowerCase() === (other ?? "").toLowerCase();
}

/** Each name once, whatever its capitals. */
function namesOf(names: readonly string[]): string[] {
  return [...new Map(names.filter(Boolean).map((name) => [name.toLowerCase(), name])).values()].sort((a, b) =>
    a.localeCompare(b),
  );
}
