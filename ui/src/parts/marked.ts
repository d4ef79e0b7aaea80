/** Which parts of a text somebody looked for. A hit that was found by its meaning alone has none, and stays as it is. */

export interface MarkedPiece {
  text: string;
  /** Where it begins. */
  at: number;
  marked: boolean;
}

const WORD = /[\p{L}\p{N}]+/gu;
/** What is too short to tell one sentence from another. */
const SHORTEST = 3;
/** What may be left of a word's end, so that `price` is found in `prices` and `priced`. */
const LONGEST_ENDING = 3;

/** `text` in pieces, in order and complete. Words count whatever their case, with the endings that words have. */
export function markedPieces(text: string, sought: string): MarkedPiece[] {
  const wanted = new Set((sought.match(WORD) ?? []).map(plain).filter((word) => word.length >= SHORTEST));
  const pieces: MarkedPiece[] = [];
  let done = 0;
  const put = (end: number, marked: boolean) => {
    if (end > done) pieces.push({ text: text.slice(done, end), at: done, marked });
    done = end;
  };
  if (wanted.size > 0) {
    for (const found of text.matchAll(WORD)) {
      if (!isWanted(plain(found[0]), wanted)) continue;
      put(found.index, false);
      put(found.index + found[0].length, true);
    }
  }
  put(text.length, false);
  return pieces;
}

function plain(word: string): string {
  return word.toLocaleLowerCase();
}

function isWanted(word: string, wanted: ReadonlySet<string>): boolean {
  if (wanted.has(word)) return true;
  for (const one of wanted) {
    if (one.length > SHORTEST && word.startsWith(one) && word.length - one.length <= LONGEST_ENDING) return true;
  }
  return false;
}
