import { useState } from "react";
import { whyNoted } from "@/live/words";
import { words } from "@/parts/format";
import type { Moment } from "../calls";
import type { Verdict } from "../phone/feedback";
import type { Evidence } from "../recording/messages";
import { usePhone } from "../watched";
import { PlayButton } from "./ReviewScreen";

const VERDICTS: [Verdict, string][] = [
  ["helpful", "Helpful"],
  ["not_now", "Not now"],
  ["wrong", "Wrong"],
];

interface Props {
  callId: string;
  moments: Moment[];
  playing: Evidence | null;
  play(evidence: Evidence): void;
}

/** What was nudged, to be judged again in peace; and what was only noted. */
export function MomentList({ callId, moments, playing, play }: Props) {
  const nudged = moments.filter((moment) => moment.tier === "nudge");
  const noted = moments.filter((moment) => moment.tier !== "nudge");
  return (
    <>
      {nudged.length > 0 && (
        <section aria-labelledby="nudges">
          <h2 id="nudges">Your nudges</h2>
          <ul className="claims">
            {nudged.map((moment) => (
              <li key={moment.moment_id}>
                <strong>{moment.nudge}</strong>
                {moment.evidence.map((evidence) => (
                  <PlayButton key={evidence.start_ts} evidence={evidence} player={{ playing, play }} />
                ))}
                <Judge callId={callId} moment={moment} />
              </li>
            ))}
          </ul>
        </section>
      )}
      {noted.length > 0 && (
        <details>
          <summary>{noted.length === 1 ? "One moment was noted" : `${noted.length} moments were noted`}</summary>
          <ul className="claims">
            {noted.map((moment) => (
              <li key={moment.moment_id}>
                <strong>{words(moment.type)}</strong> <span className="why">{whyNoted(moment.reason)}</span>
                {moment.evidence.map((evidence) => (
                  <PlayButton key={evidence.start_ts} evidence={evidence} player={{ playing, play }} />
                ))}
              </li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}

function Judge({ callId, moment }: { callId: string; moment: Moment }) {
  const { feedback } = usePhone();
  const [said, setSaid] = useState<string | undefined>(moment.feedback?.at(-1)?.verdict);
  return (
    <fieldset className="verdicts small">
      <legend className="hidden">Was this nudge right? {moment.nudge}</legend>
      {VERDICTS.map(([verdict, label]) => (
        <button
          key={verdict}
          type="button"
          aria-pressed={said === verdict}
          onClick={() => {
            feedback.give(callId, moment.moment_id, verdict);
            setSaid(verdict);
          }}
        >
          {label}
        </button>
      ))}
    </fieldset>
  );
}
