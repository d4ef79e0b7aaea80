import { type MouseEvent, memo, type ReactNode, useEffect, useMemo, useRef } from "react";
import type { CallDetail, Utterance } from "@/api/types";
import { clock, spoken } from "@/parts/format";
import { useCallView } from "./context";
import { type Piece, piecesOf, wordAt } from "./position";
import classes from "./UtteranceRow.module.css";

interface RowProps {
  utterance: Utterance;
  /** It sounds now, or the audio stands in it. */
  active: boolean;
  /** What of it is evidence that is being shown. */
  quote: string | null;
  /** What of it was looked for. */
  sought: string | null;
  gaps: CallDetail["gaps"];
}

/** What one speaker said in one go. A word that is clicked plays from there; the word that sounds is marked. */
export const UtteranceRow = memo(function UtteranceRow({ utterance, active, quote, sought, gaps }: RowProps) {
  const { player, people, may, missed } = useCallView();
  const text = useRef<HTMLParagraphElement>(null);
  const pieces = useMemo(() => piecesOf(utterance), [utterance]);
  const person = people(utterance.speaker_id);

  // The mark moves with every frame: that is done in the page itself, without rendering anything again.
  useEffect(() => {
    const host = text.current;
    if (!active || !host) return;
    let marked: Element | null = null;
    let last = -2;
    const forget = player.onFrame((ms) => {
      const number = wordAt(utterance, ms);
      if (number === last) return;
      last = number;
      marked?.removeAttribute("data-now");
      marked = number < 0 ? null : host.querySelector(`[data-word="${number}"]`);
      marked?.setAttribute("data-now", "");
    });
    return () => {
      forget();
      marked?.removeAttribute("data-now");
    };
  }, [active, player, utterance]);

  function seek(event: MouseEvent) {
    if (!may.listen || window.getSelection()?.isCollapsed === false) return;
    const word = (event.target as Element).closest("[data-word]")?.getAttribute("data-word");
    const at = word === null || word === undefined ? undefined : utterance.words[Number(word)];
    if (at) player.playFrom(at.start_ts);
  }
  const marks = [...rangeOf(utterance.text, quote, classes.quote), ...rangeOf(utterance.text, sought, classes.sought)];
  return (
    <div className={classes.row} data-active={active || undefined} data-shown={quote === null ? undefined : ""}>
      {gaps.map((gap) => (
        <p key={gap.at_ts} className={classes.gap}>
          About {spoken(gap.duration_ms)} of audio never arrived here ({gap.reason.replaceAll("_", " ")}).
        </p>
      ))}
      <div className={classes.head}>
        <span className={classes.dot} style={{ background: person.color }} aria-hidden="true" />
        <span className={classes.who}>{person.label}</span>
        {may.listen ? (
          <button
            type="button"
            className={classes.time}
            onClick={() => player.playFrom(utterance.start_ts)}
            aria-label={`Play from ${clock(utterance.start_ts)}`}
          >
            {clock(utterance.start_ts)}
          </button>
        ) : (
          <span className={classes.time}>{clock(utterance.start_ts)}</span>
        )}
        {utterance.overlapped && <span className={classes.note}>spoken over</span>}
        {utterance.speaker_id !== null && utterance.speaker_confidence < 0.6 && (
          <span className={classes.note}>speaker not certain</span>
        )}
        {may.teach && utterance.speaker_id !== null && (
          <button
            type="button"
            className={classes.missed}
            onClick={() => missed.set(utterance)}
            aria-label={`Add a moment that was missed at ${clock(utterance.start_ts)}`}
            title="Add a moment that was missed here"
            aria-haspopup="dialog"
          >
            + Moment
          </button>
        )}
      </div>
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: the time above is the button for the keyboard */}
      <p ref={text} className={classes.text} onClick={seek}>
        {pieces.map((piece) => shownPiece(piece, marks))}
      </p>
    </div>
  );
});

interface Range {
  from: number;
  to: number;
  className: string | undefined;
}

function rangeOf(text: string, part: string | null, className: string | undefined): Range[] {
  if (!part) return [];
  let from = text.indexOf(part);
  if (from < 0) from = text.toLocaleLowerCase().indexOf(part.toLocaleLowerCase());
  return from < 0 ? [] : [{ from, to: from + part.length, className }];
}

function shownPiece(piece: Piece, marks: readonly Range[]): ReactNode {
  const end = piece.at + piece.text.length;
  const className = marks
    .filter((mark) => piece.at < mark.to && end > mark.from)
    .map((mark) => mark.className)
    .join(" ");
  if (piece.word < 0)
    return className ? (
      <span key={piece.at} className={className}>
        {piece.text}
      </span>
    ) : (
      piece.text
    );
  return (
    <span key={piece.at} data-word={piece.word} className={`${classes.word} ${className}`}>
      {piece.text}
    </span>
  );
}
