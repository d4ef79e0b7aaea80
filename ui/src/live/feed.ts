/**
 * What a running call has told so far, as rows for the screen. Pure: no socket, no clock, no DOM.
 *
 * The memory is bounded: of the oldest rows only their number is kept, however long the call runs.
 */

export const MOST_ROWS = 2000;
/** Forgotten this many at a time, so that the array is not copied for every row. */
export const FORGET_ROWS = 500;
const MOST_MOMENTS = 200;

export type Role = "rep" | "customer" | "unknown";

export interface UtteranceRow {
  kind: "utterance";
  id: number;
  no: number;
  speaker_id: number | null;
  start_ts: number;
  end_ts: number;
  text: string;
}

export interface MomentRow {
  kind: "moment";
  id: number;
  moment_id: string;
  type: string;
  tier: "nudge" | "noted";
  reason: string;
  nudge: string | null;
  trigger_ts: number;
  quote: string;
  speaker_id: number | null;
}

export interface MessageRow {
  kind: "message";
  id: number;
  text: string;
  from: string;
}

export interface NoticeRow {
  kind: "notice";
  id: number;
  text: string;
}

export type Row = UtteranceRow | MomentRow | MessageRow | NoticeRow;

export interface Partial {
  speaker_id: number | null;
  text: string;
}

export interface Feed {
  rows: readonly Row[];
  /** Rows that were forgotten, the oldest first. */
  forgotten: number;
  moments: readonly MomentRow[];
  partial: Partial | null;
  roles: Readonly<Record<number, Role>>;
  /** The highest number of an event that was seen: where to go on after a broken connection. */
  seq: number;
  heard_ms: number;
  ended: boolean;
  reviewed: boolean;
  /** Rows and moments get ascending numbers of their own: events of an ended call have no `seq`. */
  next: number;
}

export const EMPTY: Feed = {
  rows: [],
  forgotten: 0,
  moments: [],
  partial: null,
  roles: {},
  seq: 0,
  heard_ms: 0,
  ended: false,
  reviewed: false,
  next: 1,
};

/** The feed after these messages of the watching socket. What is not known is passed over, as the protocol asks. */
export function take(feed: Feed, messages: readonly unknown[]): Feed {
  const rows: Row[] = [];
  const moments: MomentRow[] = [];
  let { partial, roles, seq, heard_ms, ended, reviewed, next } = feed;
  const known = new Set(feed.moments.map((moment) => moment.moment_id));

  for (const message of messages) {
    if (!isRecord(message)) continue;
    if (message.type === "missed") {
      rows.push({ kind: "notice", id: next++, text: missedText(number(message.count)) });
      continue;
    }
    const number_of = typeof message.seq === "number" ? message.seq : null;
    const kind = text(message.event);
    // A nudge comes a second time as its moment, a partial has the number of the event before it.
    if (number_of !== null && kind !== "partial" && kind !== "nudge") {
      if (number_of <= seq) continue;
      seq = number_of;
    }
    switch (kind) {
      case "partial":
        partial = { speaker_id: speaker(message.speaker_id), text: text(message.text) };
        heard_ms = Math.max(heard_ms, number(message.end_ts));
        break;
      case "utterance": {
        const said: UtteranceRow = {
          kind: "utterance",
          id: next++,
          no: number(message.no),
          speaker_id: speaker(message.speaker_id),
          start_ts: number(message.start_ts),
          end_ts: number(message.end_ts),
          text: text(message.text),
        };
        rows.push(said);
        partial = null;
        heard_ms = Math.max(heard_ms, said.end_ts);
        if (said.speaker_id !== null && roles[said.speaker_id] === undefined) {
          roles = { ...roles, [said.speaker_id]: role(message.role) };
        }
        break;
      }
      case "role":
        if (typeof message.speaker_id === "number") {
          roles = { ...roles, [message.speaker_id]: role(message.role) };
        }
        break;
      case "nudge":
      case "moment": {
        const moment = momentOf(message, kind, next);
        if (known.has(moment.moment_id)) break;
        next++;
        known.add(moment.moment_id);
        moments.push(moment);
        rows.push(moment);
        break;
      }
      case "message":
        rows.push({ kind: "message", id: next++, text: text(message.text), from: text(message.from) });
        break;
      case "mark":
        rows.push({ kind: "notice", id: next++, text: "The rep marked this moment as important." });
        break;
      case "gap":
        rows.push({ kind: "notice", id: next++, text: gapText(number(message.duration_ms), text(message.reason)) });
        break;
      case "warning":
        rows.push({ kind: "notice", id: next++, text: text(message.message) });
        break;
      case "ended":
        ended = true;
        partial = null;
        heard_ms = Math.max(heard_ms, number(message.audio_ms));
        break;
      case "artifact":
        reviewed = true;
        break;
    }
  }
  const kept = bounded(feed.rows, rows);
  return {
    rows: kept.rows,
    forgotten: feed.forgotten + kept.dropped,
    moments: moments.length === 0 ? feed.moments : [...feed.moments, ...moments].slice(-MOST_MOMENTS),
    partial,
    roles,
    seq,
    heard_ms,
    ended,
    reviewed,
    next,
  };
}

function bounded(old: readonly Row[], added: Row[]): { rows: readonly Row[]; dropped: number } {
  if (added.length === 0) return { rows: old, dropped: 0 };
  const rows = [...old, ...added];
  if (rows.length <= MOST_ROWS) return { rows, dropped: 0 };
  const dropped = Math.max(rows.length - MOST_ROWS, FORGET_ROWS);
  return { rows: rows.slice(dropped), dropped };
}

function momentOf(message: Record<string, unknown>, kind: string, id: number): MomentRow {
  const evidence = Array.isArray(message.evidence) ? message.evidence.filter(isRecord) : [];
  const first = evidence[0] ?? {};
  const shown = kind === "nudge" ? message.text : message.nudge;
  return {
    kind: "moment",
    id,
    moment_id: text(message.moment_id) || `without-id-${id}`,
    type: text(message.type),
    tier: kind === "nudge" || message.tier === "nudge" ? "nudge" : "noted",
    reason: kind === "nudge" ? "delivered" : text(message.reason),
    nudge: typeof shown === "string" && shown !== "" ? shown : null,
    trigger_ts: typeof message.trigger_ts === "number" ? message.trigger_ts : number(first.end_ts),
    quote: text(first.quote),
    speaker_id: speaker(first.speaker_id),
  };
}

function missedText(count: number): string {
  return `${count === 1 ? "One event was" : `${count} events were`} lost on the way here. The call itself lost nothing.`;
}

function gapText(duration_ms: number, reason: string): string {
  const seconds = (duration_ms / 1000).toFixed(1);
  return reason === "paused" ? `The rep paused for ${seconds} s.` : `${seconds} s of sound never arrived (${reason}).`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function number(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}

function speaker(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}

function role(value: unknown): Role {
  return value === "rep" || value === "customer" ? value : "unknown";
}
