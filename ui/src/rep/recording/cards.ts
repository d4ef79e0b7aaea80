/** What is shown to the rep now: one card at a time, gone after some seconds. */

export interface Card {
  id: string;
  kind: "nudge" | "message";
  text: string;
  /** Who sent a message; empty for a nudge. */
  from: string;
  momentId: string | null;
  /** What the phone does to be felt. */
  haptic: "single" | "double" | "message";
}

type Shown =
  | { event: "nudge"; moment_id: string; text: string; haptic: string }
  | { event: "message"; seq: number; text: string; from: string };

/** A card is read at a glance, so more words would not be read. */
const NUDGE_WORDS = 12;
/** A message waits for its turn behind a nudge; this many at most, the oldest give way. */
const WAITING = 3;

export class Cards {
  private now: Card | null = null;
  private readonly waiting: Card[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** `lastingMs`: how long a card stays. `gone`: it went, and was not answered. */
  constructor(
    private readonly lastingMs: () => number,
    private readonly changed: (card: Card | null) => void,
    private readonly gone: (card: Card) => void,
  ) {}

  /** A nudge takes the place of whatever is shown: it is about what was just said. A message that was shown comes back. */
  show(event: Shown): Card {
    const card = cardOf(event);
    if (this.now) {
      if (card.kind === "message") {
        this.waiting.push(card);
        while (this.waiting.length > WAITING) this.waiting.shift();
        return card;
      }
      if (this.now.kind === "message") this.waiting.unshift(this.now);
      else this.gone(this.now);
    }
    this.put(card);
    return card;
  }

  /** The person answered it or put it away. */
  dismiss(card: Card): void {
    if (this.now?.id === card.id) this.next();
  }

  clear(): void {
    this.waiting.length = 0;
    this.put(null);
  }

  private next(): void {
    this.put(this.waiting.shift() ?? null);
  }

  private put(card: Card | null): void {
    clearTimeout(this.timer);
    this.now = card;
    this.changed(card);
    if (!card) return;
    // A person's words deserve longer than a hint.
    const lasting = this.lastingMs() * (card.kind === "message" ? 1.5 : 1);
    this.timer = setTimeout(() => {
      this.gone(card);
      this.next();
    }, lasting);
  }
}

function cardOf(event: Shown): Card {
  if (event.event === "message") {
    return {
      id: `message-${event.seq}`,
      kind: "message",
      text: event.text,
      from: event.from,
      momentId: null,
      haptic: "message",
    };
  }
  const words = event.text.trim().split(/\s+/);
  return {
    id: event.moment_id,
    kind: "nudge",
    text: words.length > NUDGE_WORDS ? `${words.slice(0, NUDGE_WORDS).join(" ")} …` : event.text.trim(),
    from: "",
    momentId: event.moment_id,
    haptic: event.haptic === "double" ? "double" : "single",
  };
}
