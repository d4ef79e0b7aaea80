import cards from "@/call/ClaimCard.module.css";
import { Confidence } from "@/call/ClaimParts";
import { date, plural } from "@/parts/format";
import classes from "./across.module.css";
import { OfCall } from "./Hearing";
import type { DealField, FieldEntry, SpeakerNamed } from "./queries";
import { Said } from "./Said";
import { EFFECTS, FIELDS } from "./words";

/** One field: the value that holds, in the customer's own words, and how it came to be. */
export function FieldCard({ known, speakers }: { known: DealField; speakers: readonly SpeakerNamed[] }) {
  const { title, ask } = FIELDS[known.field];
  const { holds, history } = known;
  const changed = history.some((entry) => entry.effect === "changed");
  const held = history.find((entry) => entry.call.call_id === holds?.call.call_id);
  const id = `field-${known.field}`;
  if (holds === null) {
    return (
      <article className={classes.field} data-unknown aria-labelledby={id}>
        <h3 id={id}>{title}</h3>
        <p className={classes.unknown}>Nobody has said it yet</p>
        <p className={classes.quiet}>{ask}</p>
      </article>
    );
  }
  return (
    <article className={`${classes.field} ${cards.line}`} aria-labelledby={id} data-field={known.field}>
      <div className={classes.fieldHead}>
        <h3 id={id}>{title}</h3>
        {holds.score === "partly" && <span className={classes.effect}>In part</span>}
        <Effect entry={holds} />
      </div>
      <Value entry={holds} speakers={speakers} whole />
      <div className={classes.sure}>
        <OfCall call={holds.call} revision={holds.revision} speakers={speakers}>
          <Confidence claim={holds} revision={holds.revision} />
        </OfCall>
        {holds.claim_id === null && (
          <span className={classes.quiet} title="The call's review has no section of this field">
            read in the call's words, not in its review
          </span>
        )}
      </div>
      {history.length > 1 && (
        <details className={classes.history} open={changed}>
          <summary>{plural(history.length, "call")} spoke of it</summary>
          <ol className={classes.timeline}>
            {history.map((entry) => (
              <li key={entry.call.call_id} data-effect={entry.effect} data-holds={entry === held || undefined}>
                <span className={classes.step}>
                  <b title={EFFECTS[entry.effect].about}>{EFFECTS[entry.effect].word}</b> {date(entry.call.started_at)}
                  {entry === held && <i>holds now</i>}
                </span>
                {entry !== held && <Value entry={entry} speakers={speakers} />}
              </li>
            ))}
          </ol>
        </details>
      )}
    </article>
  );
}

function Effect({ entry }: { entry: FieldEntry }) {
  return (
    <span className={classes.effect} data-effect={entry.effect} title={EFFECTS[entry.effect].about}>
      {EFFECTS[entry.effect].word} {date(entry.call.started_at)}
    </span>
  );
}

/** What one call says of the field: its first words are the value; further ones prove it as well. */
export function Value({
  entry,
  speakers,
  whole = false,
}: {
  entry: FieldEntry;
  speakers: readonly SpeakerNamed[];
  /** Whether the further ones can be opened. */
  whole?: boolean;
}) {
  const [first, ...others] = entry.evidence.map((evidence, at) => (
    <Said
      // biome-ignore lint/suspicious/noArrayIndexKey: evidence has no name of its own and never changes its order
      key={at}
      by={`value-${at}`}
      call={entry.call}
      evidence={evidence}
      revision={entry.revision}
      withCustomer={false}
      item={entry.claim_id ? { claim_id: entry.claim_id } : {}}
    />
  ));
  return (
    <OfCall call={entry.call} revision={entry.revision} speakers={speakers}>
      {first}
      {whole && others.length > 0 && (
        <details className={classes.more}>
          <summary>and {plural(others.length, "other place")} of this call</summary>
          {others}
        </details>
      )}
    </OfCall>
  );
}
