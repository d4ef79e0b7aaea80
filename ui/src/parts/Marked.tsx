import { useMemo } from "react";
import classes from "./Marked.module.css";
import { markedPieces } from "./marked";

/** A text in which the words that somebody looked for are marked. */
export function Marked({ text, sought }: { text: string; sought: string }) {
  const pieces = useMemo(() => markedPieces(text, sought), [text, sought]);
  return pieces.map((piece) =>
    piece.marked ? (
      <mark key={piece.at} className={classes.mark}>
        {piece.text}
      </mark>
    ) : (
      piece.text
    ),
  );
}
