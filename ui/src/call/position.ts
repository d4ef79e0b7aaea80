/** Finding one's place in a transcript. */

import type { Evidence, Utterance } from "@/api/types";

/** The index of the last utterance that begins at or before `ms`; 0 before the first. */
export function indexAt(utterances: readonly Utterance[], ms: number): number {
  let low = 0;
  let high = utterances.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((utterances[middle]?.start_ts ?? 0) <= ms) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Where the evidence stands: by number in its own revision, by time in another. */
export function indexOf(utterances: readonly Utterance[], evidence: Evidence, sameRevision: boolean): number {
  if (sameRevision) {
    const at = utterances.findIndex((utterance) => utterance.no === evidence.utterance_no);
    if (at >= 0) return at;
  }
  return indexAt(utterances, evidence.start_ts);
}

/** A piece of an utterance's text: a word with its times, or what stands between words. */
export interface Piece {
  text: string;
  /** Offset in the utterance's text. */
  at: number;
  /** The word's number in the utterance, -1 for what is none. */
  word: number;
}

/** The text cut into its words, whole: joined again it is the text. Words that are not in it are left out. */
export function piecesOf(utterance: Utterance): Piece[] {
  const { text, words } = utterance;
  const pieces: Piece[] = [];
  let done = 0;
  words.forEach((word, number) => {
    const at = text.indexOf(word.text, done);
    if (at < 0 || word.text === "") return;
    if (at > done) pieces.push({ text: text.slice(done, at), at: done, word: -1 });
    pieces.push({ text: word.text, at, word: number });
    done = at + word.text.length;
  });
  if (done < text.length) pieces.push({ text: text.slice(done), at: done, word: -1 });
  return pieces;
}

/** The word that sounds at `ms`, -1 between words. Words may overlap by some milliseconds: the later one counts. */
export function wordAt(utterance: Utterance, ms: number): number {
  let found = -1;
  for (let number = 0; number < utterance.words.length; number++) {
    const word = utterance.words[number];
    if (!word || word.start_ts > ms) break;
    if (ms < word.end_ts) found = number;
  }
  return found;
}
