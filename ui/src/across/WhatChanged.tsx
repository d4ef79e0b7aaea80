import cards from "@/call/ClaimCard.module.css";
import { nameOf } from "@/call/ClaimParts";
import { date } from "@/parts/format";
import classes from "./across.module.css";
import { Value } from "./FieldCard";
import { OfCall } from "./Hearing";
import type { Deal } from "./queries";
import { Said } from "./Said";
import { changes, FIELDS } from "./words";

/** Values that a later call replaced, and what does not fit together within a call. */
export function WhatChanged({ deal }: { deal: Deal }) {
  const found = changes(deal.fields);
  if (found.length === 0 && deal.contradictions.length === 0) return null;
  return (
    <section aria-labelledby="changed">
      <h2 id="changed">What changed, and what does not fit</h2>
      <ul className={cards.lines}>
        {found.map(({ field, from, to }) => (
          <li key={`${field}-${to.call.call_id}`} className={classes.change}>
            <p className={classes.step}>
              <b>{FIELDS[field].title}</b> changed on {date(to.call.started_at)}
            </p>
            <p className={classes.old}>
              <span className={classes.hidden}>Before: </span>“{from.value}”
            </p>
            <Value entry={to} speakers={deal.speakers} />
          </li>
        ))}
        {deal.contradictions.map((one) => (
          <li key={`${one.call.call_id}-${nameOf(one)}`} className={classes.change}>
            <p className={classes.step}>
              <b>{one.title}</b> {date(one.call.started_at)}
            </p>
            <p>{one.statement}</p>
            <OfCall call={one.call} revision={one.revision} speakers={deal.speakers}>
              {one.evidence.map((evidence, at) => (
                <Said
                  // biome-ignore lint/suspicious/noArrayIndexKey: evidence has no name and never changes its order
                  key={at}
                  by={`side-${at}`}
                  call={one.call}
                  evidence={evidence}
                  revision={one.revision}
                  withCustomer={false}
                />
              ))}
            </OfCall>
          </li>
        ))}
      </ul>
    </section>
  );
}
