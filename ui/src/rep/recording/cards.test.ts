import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Card, Cards } from "./cards";

let shown: (Card | null)[];
let gone: Card[];
let cards: Cards;

beforeEach(() => {
  vi.useFakeTimers();
  shown = [];
  gone = [];
  cards = new Cards(
    () => 10_000,
    (card) => shown.push(card),
    (card) => gone.push(card),
  );
});
afterEach(() => vi.useRealTimers());

const nudge = (id: string, text = "Ask what it costs them") =>
  ({ event: "nudge", moment_id: id, text, haptic: "single" }) as const;
const message = (seq: number) => ({ event: "message", seq, text: `word ${seq}`, from: "Mona" }) as const;

test("a card goes after its time, and is remembered", () => {
  cards.show(nudge("a"));
  vi.advanceTimersByTime(9_999);
  expect(shown.at(-1)?.id).toBe("a");
  vi.advanceTimersByTime(1);
  expect(shown.at(-1)).toBeNull();
  expect(gone.map((card) => card.id)).toEqual(["a"]);
});

test("an answered card is gone at once and not remembered", () => {
  const card = cards.show(nudge("a"));
  cards.dismiss(card);
  expect(shown.at(-1)).toBeNull();
  vi.advanceTimersByTime(60_000);
  expect(gone).toEqual([]);
});

test("a new nudge takes the place of the old one, with its whole time", () => {
  cards.show(nudge("a"));
  vi.advanceTimersByTime(6_000);
  cards.show(nudge("b"));
  vi.advanceTimersByTime(6_000);
  expect(shown.at(-1)?.id).toBe("b");
  expect(gone.map((card) => card.id)).toEqual(["a"]);
});

test("a message waits behind a nudge, and one that a nudge pushed aside comes back", () => {
  cards.show(nudge("a"));
  cards.show(message(1));
  expect(shown.at(-1)?.id).toBe("a");
  vi.advanceTimersByTime(10_000);
  expect(shown.at(-1)?.id).toBe("message-1");
  cards.show(nudge("b"));
  expect(shown.at(-1)?.id).toBe("b");
  vi.advanceTimersByTime(10_000);
  expect(shown.at(-1)?.id).toBe("message-1");
});

test("a nudge has twelve words at most", () => {
  const long = Array.from({ length: 20 }, (_, i) => `w${i}`).join(" ");
  expect(cards.show(nudge("a", long)).text).toBe("w0 w1 w2 w3 w4 w5 w6 w7 w8 w9 w10 w11 …");
});
