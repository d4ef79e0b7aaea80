import { Button, NativeSelect, Select, Table, TextInput, UnstyledButton } from "@mantine/core";
import { useQueries } from "@tanstack/react-query";
import { useDeferredValue, useState } from "react";
import { Link, useSearchParams } from "wouter";
import { date, plural, words } from "@/parts/format";
import { Page } from "@/parts/Page";
import { EmptyState, ErrorState, Loading } from "@/parts/states";
import classes from "./across.module.css";
import { customersWithOneDeal, dealAddress, type Order, sorted, stagesOf } from "./deals";
import { KnownMeter } from "./KnownMeter";
import { type DealListed, dealQuery, useDeals } from "./queries";
import { ago } from "./words";

const AT_ONCE = 25;
/** Days without a call after which a deal is called quiet. */
const QUIET_DAYS = 21;

/** The customers' deals: when they were last spoken to, and how much of each is known. */
export default function DealsPage() {
  const found = useDeals();
  const [search, setSearch] = useSearchParams();
  const [most, setMost] = useState(AT_ONCE);
  const set = (changes: Record<string, string>) => {
    setMost(AT_ONCE);
    setSearch(
      (before) => {
        const after = new URLSearchParams(before);
        for (const [name, value] of Object.entries(changes)) value ? after.set(name, value) : after.delete(name);
        return after;
      },
      { replace: true },
    );
  };
  const q = search.get("q") ?? "";
  const [stage, rep] = [search.get("stage") ?? "", search.get("rep_id") ?? ""];
  const order: Order =
    search.get("sort") === "calls" || search.get("sort") === "customer" ? (search.get("sort") as Order) : "last";
  const wanted = useDeferredValue(q.trim().toLowerCase());
  const all = found.data ?? [];
  const rows = sorted(
    all.filter(
      (deal) =>
        (!wanted || `${deal.customer} ${deal.deal}`.toLowerCase().includes(wanted)) &&
        (!stage || deal.stage === stage) &&
        (!rep || deal.rep_id === rep),
    ),
    order,
  );
  const reps = new Map(all.map((deal) => [deal.rep_id, deal.rep_name]));
  const shown = rows.slice(0, most);
  return (
    <Page
      title="Deals"
      wide
      aside={
        <span className={classes.quiet} role="status">
          {found.data ? plural(rows.length, "deal") : ""}
        </span>
      }
    >
      {found.isPending && <Loading label="Loading the deals" />}
      {found.isError && <ErrorState error={found.error} retry={() => found.refetch()} />}
      {found.data && all.length === 0 && (
        <EmptyState title="No call names its customer yet">
          Calls are brought together by their customer and deal. The CRM or the calendar can say both, whoever records
          can, and on a call’s page More → Customer and deal does.
        </EmptyState>
      )}
      {all.length > 0 && (
        <>
          <search className={classes.narrow}>
            <TextInput
              label="Customer or deal"
              type="search"
              value={q}
              maxLength={300}
              onChange={(event) => set({ q: event.currentTarget.value })}
            />
            {stagesOf(all).length > 0 && (
              <NativeSelect
                label="Stage"
                value={stage}
                onChange={(event) => set({ stage: event.currentTarget.value })}
                data={[{ value: "", label: "Any" }, ...stagesOf(all).map((value) => ({ value, label: words(value) }))]}
              />
            )}
            {reps.size > 1 && (
              <Select
                label="Rep"
                placeholder="Everybody"
                data={[...reps].map(([value, label]) => ({ value, label }))}
                value={rep || null}
                onChange={(value) => set({ rep_id: value ?? "" })}
                searchable
                clearable
              />
            )}
          </search>
          {rows.length === 0 ? (
            <EmptyState
              title="No deal matches"
              action={
                <Button variant="default" onClick={() => set({ q: "", stage: "", rep_id: "" })}>
                  Show all deals
                </Button>
              }
            >
              Nothing of that name or stage is among the {all.length} that you may see.
            </EmptyState>
          ) : (
            <DealTable
              deals={shown}
              order={order}
              sortBy={(sort) => set({ sort: sort === "last" ? "" : sort })}
              withRep={reps.size > 1}
            />
          )}
          {rows.length > most && (
            <Button variant="default" mt="md" onClick={() => setMost(most + AT_ONCE)}>
              Show more ({shown.length} of {rows.length})
            </Button>
          )}
        </>
      )}
    </Page>
  );
}

function DealTable({
  deals,
  order,
  sortBy,
  withRep,
}: {
  deals: readonly DealListed[];
  order: Order;
  sortBy: (order: Order) => void;
  withRep: boolean;
}) {
  const [now] = useState(() => new Date());
  const read = useRead(deals);
  const alone = customersWithOneDeal(deals);
  const head = (label: string, by: Order, number = false) => (
    <Table.Th
      scope="col"
      aria-sort={order === by ? (by === "customer" ? "ascending" : "descending") : "none"}
      className={number ? classes.number : undefined}
      visibleFrom={by === "customer" ? undefined : "sm"}
    >
      <UnstyledButton className={classes.sort} onClick={() => sortBy(by)}>
        {label}
        <span aria-hidden="true">{order === by ? (by === "customer" ? " ↑" : " ↓") : ""}</span>
      </UnstyledButton>
    </Table.Th>
  );
  return (
    <Table highlightOnHover verticalSpacing="sm" className={classes.deals ?? ""}>
      <Table.Thead>
        <Table.Tr>
          {head("Customer and deal", "customer")}
          <Table.Th scope="col" visibleFrom="sm">
            Stage
          </Table.Th>
          {withRep && (
            <Table.Th scope="col" visibleFrom="md">
              Rep
            </Table.Th>
          )}
          {head("Calls", "calls", true)}
          {head("Last call", "last")}
          <Table.Th scope="col">Known</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {deals.map((deal, at) => {
          const quiet = (now.getTime() - new Date(deal.last_call_at).getTime()) / 86_400_000 > QUIET_DAYS;
          const last = (
            <span className={quiet ? classes.late : undefined} title={date(deal.last_call_at)}>
              {ago(deal.last_call_at, now)}
            </span>
          );
          return (
            <Table.Tr key={`${deal.customer}\u0000${deal.deal}`}>
              <Table.Td>
                <Link href={dealAddress(deal.customer, deal.deal)} className={classes.deal}>
                  {deal.customer}
                  <small>
                    {deal.deal ||
                      (alone.has(deal.customer.toLowerCase()) ? "No deal is named" : "All calls of this customer")}
                  </small>
                </Link>
                <span className={classes.under}>
                  {deal.stage && <>{words(deal.stage)} · </>}
                  {plural(deal.calls, "call")} · {last}
                </span>
              </Table.Td>
              <Table.Td visibleFrom="sm">
                {deal.stage ? <span className={classes.stage}>{words(deal.stage)}</span> : "–"}
              </Table.Td>
              {withRep && <Table.Td visibleFrom="md">{deal.rep_name}</Table.Td>}
              <Table.Td className={classes.number} visibleFrom="sm">
                {deal.calls}
              </Table.Td>
              <Table.Td visibleFrom="sm">{last}</Table.Td>
              <Table.Td>
                <KnownMeter fields={read[at]?.data?.fields} failed={read[at]?.isError ?? false} />
              </Table.Td>
            </Table.Tr>
          );
        })}
      </Table.Tbody>
    </Table>
  );
}

/**
 * What is known of each deal, read one after the other: a deal whose reviews have no such sections is read in its
 * calls' words, and twenty at once would take the server from the calls that run. Opened, a deal is then there at once.
 */
function useRead(deals: readonly DealListed[]) {
  const [asked, setAsked] = useState(1);
  const read = useQueries({
    queries: deals.map((deal, at) => ({ ...dealQuery(deal.customer, deal.deal), enabled: at < asked, retry: false })),
  });
  const done = read.findIndex((one) => one.isPending);
  const next = (done === -1 ? deals.length : done) + 1;
  if (next > asked) setAsked(next);
  return read;
}
