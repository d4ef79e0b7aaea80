import { expect, test } from "vitest";
import { EMPTY, FORGET_ROWS, MOST_ROWS, take } from "./feed";

const said = (seq: number, text = `line ${seq}`) => ({
  event: "utterance",
  no: seq,
  speaker_id: seq % 2,
  role: seq % 2 === 0 ? "rep" : "customer",
  start_ts: seq * 1000,
  end_ts: seq * 1000 + 900,
  text,
  seq,
});

const nudge = { event: "nudge", seq: 3, moment_id: "a", type: "price_asked", text: "Give a clear range", evidence: [] };
const moment = { ...nudge, event: "moment", tier: "nudge", reason: "delivered", nudge: "Give a clear range" };

test("a nudge and the moment it belongs to are one row", () => {
  const feed = take(EMPTY, [said(1), said(2), nudge, moment]);
  expect(feed.rows.map((row) => row.kind)).toEqual(["utterance", "utterance", "moment"]);
  expect(feed.moments).toHaveLength(1);
  expect(feed.seq).toBe(3);
});

test("what comes again after a reconnection is not shown twice", () => {
  const before = take(EMPTY, [said(1), said(2), nudge, moment]);
  const after = take(before, [said(1), said(2), moment, said(4)]);
  expect(after.rows).toHaveLength(4);
  expect(after.seq).toBe(4);
});

test("a partial is replaced by the words it became, and moves no number on", () => {
  const partial = { event: "partial", speaker_id: 0, text: "we al", end_ts: 1500, seq: 1 };
  const hearing = take(take(EMPTY, [said(1)]), [partial]);
  expect(hearing.partial?.text).toBe("we al");
  expect(hearing.seq).toBe(1);
  expect(take(hearing, [said(2)]).partial).toBeNull();
});

test("memory stays bounded however long a call runs", () => {
  let feed = EMPTY;
  const total = MOST_ROWS * 3;
  for (let seq = 1; seq <= total; seq += 100) {
    feed = take(
      feed,
      Array.from({ length: 100 }, (_, more) => said(seq + more)),
    );
    expect(feed.rows.length).toBeLessThanOrEqual(MOST_ROWS);
  }
  expect(feed.rows.length).toBeGreaterThan(MOST_ROWS - FORGET_ROWS - 100);
  expect(feed.rows.length + feed.forgotten).toBe(total);
  expect(feed.rows.at(-1)).toMatchObject({ text: `line ${total}` });
});

test("what a newer server sends is passed over", () => {
  const feed = take(EMPTY, [null, 7, [], { event: "applause", seq: 1 }, { type: "greeting" }, said(2)]);
  expect(feed.rows).toHaveLength(1);
  expect(feed.seq).toBe(2);
});

test("lost events, gaps and pauses are said", () => {
  const feed = take(EMPTY, [
    { type: "missed", count: 3, after: 0 },
    { event: "gap", at_ts: 0, duration_ms: 2300, reason: "paused", seq: 4 },
    { event: "gap", at_ts: 0, duration_ms: 2300, reason: "call waiting", seq: 5 },
  ]);
  expect(feed.rows.map((row) => "text" in row && row.text)).toEqual([
    "3 events were lost on the way here. The call itself lost nothing.",
    "The rep paused for 2.3 s.",
    "2.3 s of sound never arrived (call waiting).",
  ]);
});
