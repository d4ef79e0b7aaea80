import classes from "./across.module.css";
import type { DealField } from "./queries";
import { FIELDS, known } from "./words";

/** How many of the fields have a value: a square for each, and the number. */
export function KnownMeter({ fields, failed = false }: { fields: readonly DealField[] | undefined; failed?: boolean }) {
  if (!fields) {
    if (failed) return <span className={classes.quiet}>–</span>;
    return <span className={classes.meterBone} role="status" aria-label="Being read" />;
  }
  const { count, of, missing } = known(fields);
  const about = missing.length === 0 ? "Nothing is missing" : `Missing: ${missing.join(", ")}`;
  return (
    <span className={classes.known} title={about}>
      <span className={classes.squares} aria-hidden="true">
        {fields.map(({ field, holds }) => (
          <span key={field} data-state={holds === null ? "none" : holds.score} title={FIELDS[field].title} />
        ))}
      </span>
      <span>
        {count} of {of}
        <span className={classes.hidden}>. {about}.</span>
      </span>
    </span>
  );
}
