import type { ReactNode } from "react";
import cards from "@/call/ClaimCard.module.css";
import { Confidence, Doubts, nameOf, Statement, WEAK } from "@/call/ClaimParts";
import { plural } from "@/parts/format";
import { EmptyState } from "@/parts/states";
import classes from "./across.module.css";
import type { Filters } from "./asked";
import { OfCall } from "./Hearing";
import type { Answer, CitedCall, Sentence, SpeakerNamed } from "./queries";
import { Said } from "./Said";
import { answeredBy, type Restriction, restrictions } from "./words";

/** An answer: what was searched, and its sentences. Nothing found is an answer, too. */
export function AnswerView({
  answer,
  filters,
  reps,
  without,
}: {
  answer: Answer;
  filters: Filters;
  reps: readonly { rep_id: string; name: string }[];
  /** What to do with filters that may be in the way. */
  without?: ReactNode;
}) {
  const limits = restrictions(answer.scope, filters, new Map(reps.map((rep) => [rep.rep_id, rep.name])));
  const left = [
    answer.dropped_drafts > 0 && `${plural(answer.dropped_drafts, "sentence")} that nothing proved`,
    answer.removed_sentences > 0 && `${plural(answer.removed_sentences, "sentence")} that the words did not carry`,
  ].filter(Boolean);
  return (
    <section aria-label="Answer">
      <Searched calls={answer.calls} limits={limits} />
      {answer.found ? (
        <>
          <ol className={classes.sentences}>
            {answer.sentences.map((sentence, at) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: an answer's sentences never change their order
              <li key={at}>
                <SentenceCard sentence={sentence} speakers={answer.speakers} />
              </li>
            ))}
          </ol>
          <footer className={classes.under}>
            <p>{answeredBy(answer.answered_by)}.</p>
            {left.length > 0 && <p>Left out: {left.join(", ")}.</p>}
            {answer.unchecked_sentences > 0 && (
              <p>
                {plural(answer.unchecked_sentences, "sentence")} could not be read a second time in the time there was.
              </p>
            )}
            {answer.notes.map((note) => (
              <p key={note}>{note}</p>
            ))}
          </footer>
        </>
      ) : (
        <EmptyState
          title={answer.calls === 0 ? "There was no call to search" : "Nothing was found that answers this"}
          action={without}
        >
          {answer.calls === 0 ? (
            <p className={classes.about}>
              No ended call that you may hear lies in what is said above. Widen the dates or the names.
            </p>
          ) : (
            <p className={classes.about}>
              {answer.calls === 1 ? "One call was" : `${answer.calls} calls were`} searched by meaning and by words
              {answer.passages > 0
                ? `, and ${plural(answer.passages, "passage")} in them read closely: none comes near enough to be quoted.`
                : "."}{" "}
              Ask in other words, or about more calls.
            </p>
          )}
          {answer.notes.slice(1).map((note) => (
            <p key={note} className={classes.quiet}>
              {note}
            </p>
          ))}
        </EmptyState>
      )}
    </section>
  );
}

function Searched({ calls, limits }: { calls: number; limits: readonly Restriction[] }) {
  return (
    <div className={classes.searched} role="status">
      <b>{plural(calls, "call")} searched</b>
      {limits.length === 0 && <span className={classes.limit}>all that you may hear</span>}
      {limits.map(({ name, words, read }) => (
        <span key={name} className={classes.limit} data-read={read || undefined}>
          {words}
          {read && <small>read from the question</small>}
        </span>
      ))}
    </div>
  );
}

/** One sentence: it plays its strongest proof, and what proves it stands under it, call by call. */
function SentenceCard({ sentence, speakers }: { sentence: Sentence; speakers: readonly SpeakerNamed[] }) {
  const [first, ...others] = sentence.cited;
  if (!first) return null;
  const claim = { ...first, claim_id: null, statement: sentence.statement };
  const { confidence, confidence_words } = sentence;
  const sureness = { confidence, confidence_words };
  const shares = sentence.cited.reduce((sum, one) => sum + one.evidence.length, 0);
  return (
    <article className={cards.card} data-weak={confidence < WEAK || undefined}>
      <OfCall call={first.call} revision={first.revision} speakers={speakers}>
        <Statement claim={claim} revision={first.revision} size={16} />
        <Proof
          cited={first}
          by={`claim-${nameOf(claim)}`}
          // The statement is the quote itself then.
          quoted={!(shares === 1 && sentence.statement.includes(first.evidence[0]?.quote ?? "\u0000"))}
        />
        {others.map((cited) => (
          <OfCall key={cited.call.call_id} call={cited.call} revision={cited.revision} speakers={speakers}>
            <Proof cited={cited} by="proof" />
          </OfCall>
        ))}
        <div className={cards.foot}>
          <Confidence claim={{ ...first, ...sureness, through: null, searched: null }} revision={first.revision} />
        </div>
        <Doubts claim={first} revision={first.revision} />
      </OfCall>
    </article>
  );
}

function Proof({ cited, by, quoted = true }: { cited: CitedCall; by: string; quoted?: boolean }) {
  return (
    <ul className={classes.proof} aria-label="What proves it">
      {cited.evidence.map((evidence, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: evidence has no name of its own and never changes its order
        <li key={at}>
          <Said
            by={at === 0 ? by : `${by}-${at}`}
            call={cited.call}
            evidence={evidence}
            revision={cited.revision}
            quoted={quoted}
          />
        </li>
      ))}
    </ul>
  );
}
