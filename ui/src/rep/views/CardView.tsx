import type { Verdict } from "../phone/feedback";
import { buzz } from "../phone/signals";
import type { Capture } from "../recording/capture";
import type { Card } from "../recording/cards";
import { usePhone } from "../watched";

const VERDICTS: [Verdict, string][] = [
  ["helpful", "Helpful"],
  ["not_now", "Not now"],
  ["wrong", "Wrong"],
];

/** One card: read in a glance, answered in a tap. */
export function CardView({ card, capture }: { card: Card; capture: Capture }) {
  const { feedback, settings } = usePhone();

  function answer(verdict: Verdict): void {
    buzz("tick", settings.snapshot);
    const { callId } = capture.snapshot;
    if (callId && card.momentId) feedback.give(callId, card.momentId, verdict);
    capture.dismiss(card);
  }

  return (
    <article className={`card ${card.kind}`}>
      <div role="alert">
        {card.kind === "message" && <p className="from">{card.from || "Your manager"}</p>}
        <p className={card.text.length > 80 ? "words long" : "words"}>{card.text}</p>
      </div>
      {card.momentId ? (
        <div className="verdicts">
          {VERDICTS.map(([verdict, label]) => (
            <button key={verdict} type="button" onClick={() => answer(verdict)}>
              {label}
            </button>
          ))}
        </div>
      ) : (
        <div className="verdicts">
          <button type="button" onClick={() => capture.dismiss(card)}>
            Got it
          </button>
        </div>
      )}
    </article>
  );
}

/** What went by, small: for the moment at the next red light. */
export function EarlierCards({ cards }: { cards: Card[] }) {
  return (
    <section className="earlier" aria-labelledby="earlier">
      <h2 id="earlier">Before</h2>
      <ul>
        {cards.toReversed().map((card) => (
          <li key={card.id}>{card.kind === "message" ? `${card.from}: ${card.text}` : card.text}</li>
        ))}
      </ul>
    </section>
  );
}
