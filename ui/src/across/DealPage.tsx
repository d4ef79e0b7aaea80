import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useSearchParams } from "wouter";
import { date, plural, words } from "@/parts/format";
import { Icon } from "@/parts/Icon";
import { Page } from "@/parts/Page";
import { EmptyState, ErrorState, Loading } from "@/parts/states";
import classes from "./across.module.css";
import { addressOf } from "./asked";
import { dealAddress } from "./deals";
import { FieldCard } from "./FieldCard";
import { Hearing } from "./Hearing";
import { KnownMeter } from "./KnownMeter";
import { NextActions } from "./NextActions";
import { type Deal, dealQuery, useDeals } from "./queries";
import { WhatChanged } from "./WhatChanged";
import { FIELDS, titleOf } from "./words";

/** One deal over all of its calls: what is known, who said it, what changed, and what is to be done. */
export default function DealPage() {
  const [search] = useSearchParams();
  const [customer, deal] = [search.get("customer") ?? "", search.get("deal") ?? ""];
  const found = useQuery({ ...dealQuery(customer, deal), enabled: customer !== "" });
  if (!customer)
    return (
      <Page title="Deal">
        <EmptyState title="No deal is named" action={<Link href="/deals">To the deals</Link>}>
          This address says neither customer nor deal.
        </EmptyState>
      </Page>
    );
  return (
    <Page
      title={deal ? `${customer}: ${deal}` : customer}
      wide
      heading={
        <span className={classes.dealName}>
          <Link href="/deals" className={classes.back}>
            <Icon name="back" size={16} /> Deals
          </Link>
          <span>
            {found.data?.customer || customer}
            {deal && <small>{found.data?.deal || deal}</small>}
          </span>
        </span>
      }
      aside={
        <Button component={Link} href={addressOf("", { customer, ...(deal ? { deal } : {}) })} variant="default">
          Ask about this deal
        </Button>
      }
    >
      {found.isPending && <Reading />}
      {found.isError && <ErrorState error={found.error} retry={() => found.refetch()} />}
      {found.data && (
        <Hearing>
          <Shown deal={found.data} />
        </Hearing>
      )}
    </Page>
  );
}

function Reading() {
  return (
    <>
      <Loading label="Reading the deal" />
      <p className={classes.about}>Reading the calls of this deal. The first time that may take a while.</p>
    </>
  );
}

function Shown({ deal }: { deal: Deal }) {
  const first = deal.calls[0];
  const last = deal.calls[deal.calls.length - 1];
  const reps = [...new Set(deal.calls.map((call) => call.rep_name))];
  return (
    <>
      <div className={classes.facts}>
        {deal.stage && <span className={classes.stage}>{words(deal.stage)}</span>}
        <span>{plural(deal.calls.length, "call")}</span>
        {first && last && (
          <span>
            {first === last ? date(first.started_at) : `${date(first.started_at)} to ${date(last.started_at)}`}
          </span>
        )}
        {reps.length > 0 && <span>{reps.join(", ")}</span>}
        <KnownMeter fields={deal.fields} />
        <Others customer={deal.customer} deal={deal.deal} />
      </div>
      {deal.notes.map((note) => (
        <p key={note} className={classes.quiet}>
          {note}
        </p>
      ))}
      <div className={classes.dealBody}>
        <section aria-labelledby="fields" className={classes.fieldsPart}>
          <h2 id="fields">What is known</h2>
          <div className={classes.fields}>
            {/* Two columns of their own: where one card is opened, no other one moves to the other side. */}
            {[deal.fields.slice(0, 4), deal.fields.slice(4)].map((column) => (
              <div key={column[0]?.field}>
                {column.map((field) => (
                  <FieldCard key={field.field} known={field} speakers={deal.speakers} />
                ))}
              </div>
            ))}
          </div>
        </section>
        <div className={classes.side}>
          <NextActions deal={deal} />
          <WhatChanged deal={deal} />
          <Calls deal={deal} />
        </div>
      </div>
    </>
  );
}

/** The customer's other deals. */
function Others({ customer, deal }: { customer: string; deal: string }) {
  const deals = useDeals();
  const others = (deals.data ?? []).filter(
    (one) => one.customer.toLowerCase() === customer.toLowerCase() && one.deal.toLowerCase() !== deal.toLowerCase(),
  );
  if (others.length === 0) return null;
  return (
    <span className={classes.others}>
      Also:{" "}
      {others.slice(0, 4).map((one) => (
        <Link key={one.deal} href={dealAddress(one.customer, one.deal)}>
          {one.deal || "all calls of this customer"}
        </Link>
      ))}
    </span>
  );
}

/** The calls, the newest first, each with what it said of the fields. */
function Calls({ deal }: { deal: Deal }) {
  const told = (callId: string) =>
    deal.fields.flatMap(({ field, history }) =>
      history
        .filter((entry) => entry.call.call_id === callId && (entry.effect === "set" || entry.effect === "changed"))
        .map((entry) => ({ field, effect: entry.effect })),
    );
  return (
    <section aria-labelledby="calls">
      <h2 id="calls">Calls</h2>
      <ol className={classes.calls}>
        {deal.calls.toReversed().map((call) => (
          <li key={call.call_id}>
            <Link href={`/calls/${call.call_id}`}>{titleOf(call)}</Link>
            <span className={classes.quiet}>
              {date(call.started_at)} · {call.rep_name}
            </span>
            {told(call.call_id).length > 0 && (
              <span className={classes.told}>
                {told(call.call_id).map(({ field, effect }) => (
                  <span key={field} className={classes.effect} data-effect={effect}>
                    {FIELDS[field].title} {effect}
                  </span>
                ))}
              </span>
            )}
          </li>
        ))}
      </ol>
    </section>
  );
}
