/** A nudge policy as a form holds it, and what of it differs from the one that holds. */

import type { MomentType, Policy, PolicyChange, Taxonomy } from "./queries";

export interface TypeForm {
  id: string;
  tier: MomentType["tier"];
  /** Percent. */
  floor: number;
  cool_down_s: number;
}

export interface PolicyForm {
  max_nudges: number;
  window_minutes: number;
  max_lateness_s: number;
  quiet_first_s: number;
  while_rep_speaks: boolean;
  while_customer_thinks: boolean;
  /** Percent. */
  hold_out: number;
  types: TypeForm[];
}

const percent = (share: number): number => Math.round(share * 1000) / 10;
const share = (percents: number): number => Math.round(percents * 10) / 1000;

export function formOf({ policy, types }: Taxonomy): PolicyForm {
  return {
    max_nudges: policy.max_nudges,
    window_minutes: policy.window_s / 60,
    max_lateness_s: policy.max_lateness_s,
    quiet_first_s: policy.quiet.first_s,
    while_rep_speaks: policy.quiet.while_rep_speaks,
    while_customer_thinks: policy.quiet.while_customer_thinks,
    hold_out: percent(policy.hold_out),
    types: types.map(({ id, tier, floor, cool_down_s }) => ({ id, tier, floor: percent(floor), cool_down_s })),
  };
}

/** What of the form is not as the taxonomy has it; what is left out stays. */
export function changeOf(form: PolicyForm, taxonomy: Taxonomy): PolicyChange {
  const before = formOf(taxonomy);
  const policy: Partial<Policy> = {};
  const quiet: Partial<Policy["quiet"]> = {};
  if (form.max_nudges !== before.max_nudges) policy.max_nudges = form.max_nudges;
  if (form.window_minutes !== before.window_minutes) policy.window_s = Math.round(form.window_minutes * 60);
  if (form.max_lateness_s !== before.max_lateness_s) policy.max_lateness_s = form.max_lateness_s;
  if (form.hold_out !== before.hold_out) policy.hold_out = share(form.hold_out);
  if (form.quiet_first_s !== before.quiet_first_s) quiet.first_s = form.quiet_first_s;
  if (form.while_rep_speaks !== before.while_rep_speaks) quiet.while_rep_speaks = form.while_rep_speaks;
  if (form.while_customer_thinks !== before.while_customer_thinks) {
    quiet.while_customer_thinks = form.while_customer_thinks;
  }
  const types = form.types.flatMap((one) => {
    const was = before.types.find(({ id }) => id === one.id);
    if (was === undefined) return [];
    const change = {
      ...(one.tier === was.tier ? {} : { tier: one.tier }),
      ...(one.floor === was.floor ? {} : { floor: share(one.floor) }),
      ...(one.cool_down_s === was.cool_down_s ? {} : { cool_down_s: one.cool_down_s }),
    };
    return Object.keys(change).length > 0 ? [{ id: one.id, ...change }] : [];
  });
  const quietly = Object.keys(quiet).length > 0;
  return {
    ...(Object.keys(policy).length > 0 || quietly ? { policy: { ...policy, ...(quietly ? { quiet } : {}) } } : {}),
    ...(types.length > 0 ? { types } : {}),
  };
}

export function isEmpty(change: PolicyChange): boolean {
  return change.policy === undefined && change.types === undefined;
}

/** What cannot be kept, by where it stands; empty where all of it can. */
export function mistakesOf(form: PolicyForm, types: readonly MomentType[]): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  const within = (where: string, value: unknown, least: number, most: number) => {
    if (typeof value !== "number" || !Number.isFinite(value) || value < least || value > most) {
      found[where] = `From ${least} to ${most}`;
    }
  };
  within("max_nudges", form.max_nudges, 0, 1000);
  within("window_minutes", form.window_minutes, 0.1, 1440);
  within("max_lateness_s", form.max_lateness_s, 0.1, 60);
  within("quiet_first_s", form.quiet_first_s, 0, 86_400);
  within("hold_out", form.hold_out, 0, 50);
  for (const one of form.types) {
    const known = types.find(({ id }) => id === one.id);
    const least = known === undefined || known.kind === "timing" ? 0 : percent(known.detect);
    within(`${one.id}.floor`, one.floor, least, 100);
    within(`${one.id}.cool_down_s`, one.cool_down_s, 0, 86_400);
  }
  return found;
}
