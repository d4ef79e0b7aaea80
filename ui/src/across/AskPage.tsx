import { Button } from "@mantine/core";
import { useMemo } from "react";
import { Link, useLocation, useSearchParams } from "wouter";
import { useReps } from "@/calls/reading";
import { Page } from "@/parts/Page";
import { EmptyState, ErrorState } from "@/parts/states";
import { AnswerView } from "./AnswerView";
import { AskForm } from "./AskForm";
import classes from "./across.module.css";
import { addressOf, earlier, filtersOf, questionOf } from "./asked";
import { Hearing } from "./Hearing";
import { useAnswer } from "./queries";

const EXAMPLES = [
  "What did customers say about the price this month?",
  "Which objections came up in the last 30 days?",
  "Which competitors were named?",
  "What did customers say about onboarding?",
  "When do they want to decide?",
];

/** A question over many calls, and an answer whose every sentence can be heard. */
export default function AskPage() {
  const [search] = useSearchParams();
  const [, navigate] = useLocation();
  // The same object while the address is the same: the question is its query's key.
  const question = useMemo(() => questionOf(search), [search]);
  const filters = useMemo(() => filtersOf(search), [search]);
  const before = earlier(search);
  const reps = useReps();
  const found = useAnswer(question);
  const filtered = Object.keys(filters).length > 0;
  return (
    <Page title={question ? question.question : "Ask"} heading="Ask your calls">
      <AskForm
        key={search.toString()}
        question={question?.question ?? search.get("q") ?? ""}
        filters={filters}
        busy={found.isFetching}
        ask={(text, chosen) => navigate(addressOf(text, chosen, search))}
      />
      {!question && (
        <EmptyState title="Ask what was said, over all calls you may hear">
          <p className={classes.about}>
            The answer is made of sentences that can be heard: press one, and the call plays where it was said. Times,
            names, whose words and kinds of moments may stand in the question itself.
          </p>
          <ul className={classes.examples}>
            {EXAMPLES.map((example) => (
              <li key={example}>
                <Link href={addressOf(example, filters, search)} className={classes.example}>
                  {example}
                </Link>
              </li>
            ))}
          </ul>
        </EmptyState>
      )}
      <Hearing>
        {question && found.isFetching && <Searching />}
        {question && found.isError && !found.isFetching && (
          <ErrorState error={found.error} retry={() => found.refetch()} />
        )}
        {question && found.data && !found.isFetching && (
          <AnswerView
            answer={found.data}
            filters={filters}
            reps={reps.data ?? []}
            without={
              filtered ? (
                <Button component={Link} href={addressOf(question.question, {}, search)} variant="default">
                  Ask without the filters
                </Button>
              ) : undefined
            }
          />
        )}
      </Hearing>
      {before.length > 0 && (
        <nav className={classes.earlier} aria-label="Asked before">
          <h2>Asked before</h2>
          <ul>
            {before.map((text) => (
              <li key={text}>
                <Link href={addressOf(text, filters, search)}>{text}</Link>
              </li>
            ))}
          </ul>
        </nav>
      )}
    </Page>
  );
}

function Searching() {
  return (
    <div className={classes.searching} role="status">
      <p>Reading what was said …</p>
      <p className={classes.quiet}>A few seconds; with a model that writes the answer up to half a minute.</p>
      {[92, 78, 85].map((width) => (
        <span key={width} className={classes.bone} style={{ width: `${width}%` }} aria-hidden="true" />
      ))}
    </div>
  );
}
