import { Button, Select, Tabs } from "@mantine/core";
import { useMemo, useState } from "react";
import { useSearchParams } from "wouter";
import { useReps } from "@/calls/reading";
import { plural } from "@/parts/format";
import { Page } from "@/parts/Page";
import { EmptyState, ErrorState, Loading } from "@/parts/states";
import { firstMonday } from "@/team/scale";
import classes from "./across.module.css";
import { buckets, firstWeek } from "./buckets";
import { type Counted, CountedCard } from "./CountedCard";
import { Hearing } from "./Hearing";
import { type Competitor, type SpeakerNamed, type Theme, useDeals, useThemes } from "./queries";

const SPANS = [
  { value: "4", label: "4 weeks" },
  { value: "8", label: "8 weeks" },
  { value: "13", label: "A quarter" },
  { value: "26", label: "Half a year" },
  { value: "all", label: "All the time" },
];
const KINDS = [
  { kind: "objection", label: "Objections" },
  { kind: "pain", label: "Problems" },
  { kind: "feature_request", label: "Wishes" },
  { kind: "competitor", label: "Competitors" },
] as const;
type Kind = (typeof KINDS)[number]["kind"];

/** What customers keep saying: brought together by what it is about, counted, and each count opens to what was said. */
export default function ThemesPage() {
  const [search, setSearch] = useSearchParams();
  const set = (name: string, value: string) =>
    setSearch(
      (before) => {
        const after = new URLSearchParams(before);
        value ? after.set(name, value) : after.delete(name);
        return after;
      },
      { replace: true },
    );
  const weeks = SPANS.some(({ value }) => value === search.get("weeks")) ? (search.get("weeks") ?? "13") : "13";
  const [rep, customer] = [search.get("rep_id") ?? "", search.get("customer") ?? ""];
  const [now] = useState(() => new Date());
  const from = useMemo(
    () => (weeks === "all" ? undefined : firstMonday(now, Number(weeks)).toISOString()),
    [weeks, now],
  );
  const found = useThemes({ from, rep_id: rep || undefined, customer: customer || undefined });
  const reps = useReps();
  const deals = useDeals();
  const customers = [
    ...new Map((deals.data ?? []).map((deal) => [deal.customer.toLowerCase(), deal.customer])).values(),
  ];
  if (customer && !customers.includes(customer)) customers.push(customer);
  const repChoices = new Map((reps.data ?? []).map((one) => [one.rep_id, one.name]));
  if (rep && !repChoices.has(rep)) repChoices.set(rep, rep);
  return (
    <Page title="Themes" wide>
      <search className={classes.narrow}>
        <Select
          label="Time"
          data={SPANS}
          value={weeks}
          allowDeselect={false}
          onChange={(value) => set("weeks", value === "13" ? "" : (value ?? ""))}
        />
        {reps.data && (
          <Select
            label="Rep"
            placeholder="Everybody"
            data={[...repChoices].map(([value, label]) => ({ value, label }))}
            value={rep || null}
            onChange={(value) => set("rep_id", value ?? "")}
            searchable
            clearable
            nothingFoundMessage="Nobody of that name"
          />
        )}
        {customers.length > 0 && (
          <Select
            label="Customer"
            placeholder="All"
            data={customers.sort((a, b) => a.localeCompare(b))}
            value={customer || null}
            onChange={(value) => set("customer", value ?? "")}
            searchable
            clearable
            nothingFoundMessage="No call names this customer"
          />
        )}
      </search>
      {found.isPending && <Loading label="Bringing together what was said" />}
      {found.isError && <ErrorState error={found.error} retry={() => found.refetch()} />}
      {found.data && (
        <Hearing>
          <Shown
            key={`${weeks} ${rep} ${customer}`}
            kind={KINDS.find(({ kind }) => kind === search.get("kind"))?.kind ?? null}
            choose={(kind) => set("kind", kind)}
            answer={found.data}
            first={from ? new Date(from) : null}
            last={now}
          />
        </Hearing>
      )}
    </Page>
  );
}

function Shown({
  answer,
  kind,
  choose,
  first,
  last,
}: {
  answer: NonNullable<ReturnType<typeof useThemes>["data"]>;
  kind: Kind | null;
  choose: (kind: Kind) => void;
  first: Date | null;
  last: Date;
}) {
  const { themes, competitors, counted, more, speakers } = answer;
  if (counted === 0)
    return (
      <EmptyState title="Nothing to bring together yet">
        In this time no call has an objection, a problem, a wish or an alternative that was named. Choose a longer time,
        or fewer filters.
      </EmptyState>
    );
  const of: Record<Kind, Counted[]> = { objection: [], pain: [], feature_request: [], competitor: [] };
  for (const theme of themes) of[theme.kind].push(themeCounted(theme));
  of.competitor = competitors.map(competitorCounted);
  const there = KINDS.filter((one) => of[one.kind].length > 0);
  const open = there.some((one) => one.kind === kind) ? kind : (there[0]?.kind ?? "objection");
  // Where no beginning was asked for, the charts of one page begin together.
  const begin = first ?? firstWeek([...themes, ...competitors]) ?? last;
  return (
    <Tabs value={open} onChange={(value) => choose((value ?? "objection") as Kind)} keepMounted={false}>
      <Tabs.List>
        {there.map(({ kind: value, label }) => (
          <Tabs.Tab key={value} value={value}>
            {label} <span className={classes.quiet}>{of[value].reduce((sum, one) => sum + one.count, 0)}</span>
          </Tabs.Tab>
        ))}
      </Tabs.List>
      <p className={classes.read} role="status">
        {plural(counted, "moment")} read{more ? ", the newest; there are older ones" : ""}.
        {open === "competitor" && " A mention of two names counts for both."}
      </p>
      {there.map(({ kind: value }) => (
        <Tabs.Panel key={value} value={value}>
          <Cards all={of[value]} speakers={speakers} first={begin} last={last} />
        </Tabs.Panel>
      ))}
    </Tabs>
  );
}

const AT_ONCE = 24;

/** What was said more than once stands in sight, what was said once behind it. */
function Cards({
  all,
  speakers,
  first,
  last,
}: {
  all: readonly Counted[];
  speakers: readonly SpeakerNamed[];
  first: Date;
  last: Date;
}) {
  const [most, setMost] = useState(AT_ONCE);
  const cards = useMemo(
    () => all.map((counted) => ({ counted, bars: buckets(counted.weeks, first, last) })),
    [all, first, last],
  );
  const peak = Math.max(1, ...cards.flatMap(({ bars }) => bars.map((bar) => bar.count)));
  const often = cards.filter(({ counted }) => counted.count > 1);
  const once = cards.filter(({ counted }) => counted.count === 1);
  const grid = (some: typeof cards) => (
    <div className={classes.themes}>
      {some.map(({ counted, bars }) => (
        <CountedCard key={counted.id} counted={counted} bars={bars} peak={peak} speakers={speakers} />
      ))}
    </div>
  );
  const shown = often.length > 0 ? often : once;
  return (
    <>
      {grid(shown.slice(0, most))}
      {shown.length > most && (
        <Button variant="default" mt="md" onClick={() => setMost(most + AT_ONCE)}>
          Show more ({most} of {shown.length})
        </Button>
      )}
      {often.length > 0 && once.length > 0 && (
        <details className={classes.once}>
          <summary>{plural(once.length, "other")} said once</summary>
          {grid(once.slice(0, 100))}
        </details>
      )}
    </>
  );
}

function themeCounted(theme: Theme): Counted {
  return {
    ...theme,
    id: theme.moment_ids[0] ?? theme.name,
    about:
      theme.customers > 0
        ? `${plural(theme.calls, "call")}, ${plural(theme.customers, "customer")}`
        : plural(theme.calls, "call"),
  };
}

function competitorCounted(competitor: Competitor): Counted {
  return {
    ...competitor,
    id: competitor.name || "unnamed",
    name: competitor.name || "No name was heard",
    about: plural(competitor.calls, "call"),
  };
}
