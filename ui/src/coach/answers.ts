/** What somebody answers to an item of the review queue, as labels that are kept and taken back. */

import type { QueueItem, QueueLabel } from "./queries";

export type Answer =
  /** It is a moment of the type that was asked about. */
  | { kind: "yes" }
  | { kind: "no" }
  /** It is a moment of another type, and none of the one that was asked about. */
  | { kind: "other"; type: string }
  /** Nothing is said. */
  | { kind: "skip" };

export function labelsFor(item: QueueItem, answer: Answer): QueueLabel[] {
  const { call_id, revision, utterance_no, type } = item;
  const place = { call_id, revision, utterance_no };
  switch (answer.kind) {
    case "skip":
      return [];
    case "yes":
    case "no":
      return [{ ...place, type, holds: answer.kind === "yes" }];
    case "other":
      return [
        { ...place, type, holds: false },
        { ...place, type: answer.type, holds: true },
      ];
  }
}

/** What takes the answer back. */
export function takenBack(item: QueueItem, answer: Answer): QueueLabel[] {
  return labelsFor(item, answer).map((label) => ({ ...label, holds: null }));
}

/** Where somebody is in the queue. `given` holds an answer for each item before `at`. */
export interface Course {
  at: number;
  given: readonly Answer[];
}

export const START: Course = { at: 0, given: [] };

export function onward({ at, given }: Course, answer: Answer): Course {
  return { at: at + 1, given: [...given.slice(0, at), answer] };
}

/** One step back; the answer that stood there is to be taken back. */
export function backward({ at, given }: Course): Course {
  return at === 0 ? START : { at: at - 1, given: given.slice(0, at - 1) };
}

export function answeredIn({ given }: Course): number {
  return given.filter((answer) => answer.kind !== "skip").length;
}

/** What a key answers; null where it means nothing here. */
export function keyed(key: string): "yes" | "no" | "other" | "skip" | "back" | "play" | null {
  switch (key.toLowerCase()) {
    case "a":
    case "y":
      return "yes";
    case "d":
    case "n":
      return "no";
    case "t":
      return "other";
    case "s":
      return "skip";
    case "b":
    case "backspace":
      return "back";
    case " ":
      return "play";
    default:
      return null;
  }
}
