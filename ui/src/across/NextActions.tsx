import { Link } from "wouter";
import cards from "@/call/ClaimCard.module.css";
import { nameOf, Statement } from "@/call/ClaimParts";
import { clock, date } from "@/parts/format";
import classes from "./across.module.css";
import { OfCall } from "./Hearing";
import type { AgreedAction, Deal } from "./queries";
import { titleOf } from "./words";

const WHO: Record<AgreedAction["who"], string> = {
  rep: "We",
  customer: "The customer",
  both: "Both",
  unknown: "Somebody",
};

/** What was agreed: of the last call that agreed on anything, and what earlier ones left. */
export function NextActions({ deal }: { deal: Deal }) {
  const newest = deal.next_actions[0]?.call.call_id;
  const now = deal.next_actions.filter((action) => action.call.call_id === newest);
  const before = deal.next_actions.filter((action) => action.call.call_id !== newest);
  return (
    <section aria-labelledby="actions">
      <h2 id="actions">Open next actions</h2>
      {now.length === 0 ? (
        <p className={classes.about}>No review of these calls found anything that was agreed.</p>
      ) : (
        <List actions={now} deal={deal} />
      )}
      {before.length > 0 && (
        <details className={classes.history}>
          <summary>{before.length} from earlier calls</summary>
          <p className={classes.quiet}>Nothing tells whether these were done: a later call may.</p>
          <List actions={before} deal={deal} />
        </details>
      )}
    </section>
  );
}

function List({ actions, deal }: { actions: readonly AgreedAction[]; deal: Deal }) {
  return (
    <ul className={cards.lines}>
      {actions.map((action) => (
        <li key={`${action.call.call_id}-${nameOf(action)}`}>
          <OfCall call={action.call} revision={action.revision} speakers={deal.speakers}>
            <div className={cards.line}>
              <Statement
                claim={action}
                revision={action.revision}
                size={14}
                label={
                  <span className={cards.label}>
                    <b>{WHO[action.who]}</b>
                    {action.due === null ? "no date said" : <q>{action.due}</q>}
                  </span>
                }
              />
              <p className={classes.source}>
                <Link href={`/calls/${action.call.call_id}?t=${action.evidence[0]?.start_ts ?? 0}`}>
                  {titleOf(action.call)} at {clock(action.evidence[0]?.start_ts ?? 0)}
                </Link>{" "}
                · {date(action.call.started_at)}
              </p>
            </div>
          </OfCall>
        </li>
      ))}
    </ul>
  );
}
