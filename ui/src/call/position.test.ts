import { expect, test } from "vitest";
import type { Utterance } from "@/api/types";
import { indexAt, indexOf, piecesOf, wordAt } from "./position";

function said(no: number, start_ts: number, text: string): Utterance {
  const words = text.split(" ").map((word, at) => ({
    text: word,
    start_ts: start_ts + at * 100,
    end_ts: start_ts + at * 100 + 110,
    estimated: false,
  }));
  return {
    no,
    speaker_id: 0,
    role: "rep",
    start_ts,
    end_ts: start_ts + 900,
    text,
    words,
    overlapped: false,
    speaker_confidence: 1,
  };
}

const call = [said(0, 0, "Hello there"), said(1, 1000, "How are you, how is it"), said(4, 2000, "Fine")];

test("the utterance at a time is the last one that has begun", () => {
  expect([0, 999, 1000, 1999, 2000, 99_000].map((ms) => indexAt(call, ms))).toEqual([0, 0, 1, 1, 2, 2]);
});

test("evidence of this revision is found by its number, of another by its time", () => {
  const evidence = { utterance_no: 4, speaker_id: 0, start_ts: 1100, end_ts: 1500, quote: "Fine" };
  expect(indexOf(call, evidence, true)).toBe(2);
  expect(indexOf(call, evidence, false)).toBe(1);
});

test("the pieces of an utterance are its whole text, each word once and in its order", () => {
  const utterance = said(0, 0, "How are you, how is it");
  const pieces = piecesOf(utterance);
  expect(pieces.map((piece) => piece.text).join("")).toBe(utterance.text);
  expect(pieces.filter((piece) => piece.word >= 0).map((piece) => piece.word)).toEqual([0, 1, 2, 3, 4, 5]);
});

test("words that are not in the text leave the text whole", () => {
  const utterance = { ...said(0, 0, "one two"), text: "one <b>three</b>" };
  expect(
    piecesOf(utterance)
      .map((piece) => piece.text)
      .join(""),
  ).toBe("one <b>three</b>");
});

test("of two words that overlap the later one sounds, and none between words", () => {
  const utterance = said(0, 1000, "How are you");
  expect(wordAt(utterance, 1105)).toBe(1);
  expect(wordAt(utterance, 999)).toBe(-1);
  expect(wordAt(utterance, 1500)).toBe(-1);
});
