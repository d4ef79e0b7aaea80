import { Alert, Anchor, Button, Card, Group, Select, Stack, Switch, Text, Title } from "@mantine/core";
import { useLocalStorage } from "@mantine/hooks";
import { useEffect, useRef, useState } from "react";
import { Link } from "wouter";
import { atLeast, useSession } from "@/app/session";
import { date, percent, plural } from "@/parts/format";
import { useSingleKeys } from "@/parts/singleKeys";
import { PlayStretch, SnippetsProvider, useSnippets } from "@/parts/snippets";
import { EmptyState, ErrorState, Loading, messageOf } from "@/parts/states";
import { type Answer, answeredIn, backward, keyed, labelsFor, onward, START, takenBack } from "./answers";
import classes from "./coach.module.css";
import { type MomentType, type QueueItem, useAnswerQueue, useQueue, useTaxonomy } from "./queries";
import { labelOf } from "./words";

const WHO: Record<QueueItem["role"], string> = { rep: "The rep", customer: "The customer", unknown: "Somebody" };

/** Where keys write or choose something they are left alone. */
const TYPING = "input, textarea, select, [contenteditable], [role=dialog] *, [role=listbox] *";

/** What would teach the classifier the most, one question after the other. */
export default function QueuePage() {
  const [round, setRound] = useState(0);
  const items = useQueue(round);
  const taxonomy = useTaxonomy();
  if (items.isPending || taxonomy.isPending) return <Loading />;
  if (items.isError) return <ErrorState error={items.error} retry={() => items.refetch()} />;
  if (taxonomy.isError) return <ErrorState error={taxonomy.error} retry={() => taxonomy.refetch()} />;
  return (
    <Stack>
      <Title order={2}>Review queue</Title>
      <Text c="dimmed">
        Moments of which the coach is unsure, the ones that it would learn most from first. Listen, say what they are,
        and your answers become examples, with your name.
      </Text>
      {items.data.length === 0 ? (
        <EmptyState title="Nothing to ask about">
          When calls come in with moments that the coach is unsure of, they are asked here. On a call's own page you can
          say of every moment whether it is right, and add one that was missed.
        </EmptyState>
      ) : (
        <SnippetsProvider>
          <Questions key={round} items={items.data} types={taxonomy.data.types} more={() => setRound(round + 1)} />
        </SnippetsProvider>
      )}
    </Stack>
  );
}

interface QuestionsProps {
  items: readonly QueueItem[];
  types: readonly MomentType[];
  more: () => void;
}

function Questions({ items, types, more }: QuestionsProps) {
  const { toggle, stop } = useSnippets();
  const [course, setCourse] = useState(START);
  const [choosing, setChoosing] = useState(false);
  const [byItself, setByItself] = useLocalStorage({ key: "ridealong-queue-plays", defaultValue: false });
  const [singleKeys] = useSingleKeys();
  const sending = useAnswerQueue();
  const question = useRef<HTMLHeadingElement>(null);
  const item = items[course.at];

  const arrive = (at: number) => {
    const next = items[at];
    setChoosing(false);
    stop();
    if (next !== undefined && byItself) toggle(next);
    // What is asked now is read out, and Tab goes on from there.
    requestAnimationFrame(() => question.current?.focus());
  };

  const answer = (given: Answer) => {
    if (item === undefined || sending.isPending) return;
    sending.mutate(labelsFor(item, given), {
      onSuccess: () => {
        setCourse(onward(course, given));
        arrive(course.at + 1);
      },
    });
  };

  const back = () => {
    const before = items[course.at - 1];
    const given = course.given[course.at - 1];
    if (before === undefined || given === undefined || sending.isPending) return;
    sending.mutate(takenBack(before, given), {
      onSuccess: () => {
        setCourse(backward(course));
        arrive(course.at - 1);
      },
    });
  };

  const press = (meant: ReturnType<typeof keyed>) => {
    if (meant === "back") back();
    else if (item === undefined) return;
    else if (meant === "play") toggle(item);
    else if (meant === "other") setChoosing(true);
    else if (meant !== null) answer({ kind: meant });
  };

  // The listener stays; what it does is of the last picture.
  const latest = useRef(press);
  latest.current = press;
  useEffect(() => {
    if (!singleKeys) return;
    const pressed = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      const target = event.target instanceof Element ? event.target : null;
      const meant = keyed(event.key);
      if (meant === null || target?.closest(TYPING)) return;
      // The space bar presses the button that has the focus.
      if (event.key === " " && target?.closest("button, a")) return;
      event.preventDefault();
      latest.current(meant);
    };
    document.addEventListener("keydown", pressed);
    return () => document.removeEventListener("keydown", pressed);
  }, [singleKeys]);

  const said = answeredIn(course);
  return (
    <Stack>
      <Group justify="space-between">
        <Text size="sm" role="status">
          {item === undefined
            ? `${plural(said, "answer")} given`
            : `Question ${course.at + 1} of ${items.length}, ${plural(said, "answer")} given`}
        </Text>
        <Group gap="md">
          <Switch
            size="sm"
            label="Play each by itself"
            checked={byItself}
            onChange={(event) => setByItself(event.currentTarget.checked)}
          />
          <Button
            variant="default"
            size="compact-sm"
            disabled={course.at === 0}
            aria-keyshortcuts={singleKeys ? "b" : undefined}
            onClick={back}
          >
            Back {singleKeys && <Key name="B" />}
          </Button>
        </Group>
      </Group>
      {sending.isError && (
        <Alert color="red" role="alert" title="Your answer was not kept">
          {messageOf(sending.error)}
        </Alert>
      )}
      {item === undefined ? (
        <Done said={said} more={more} heading={question} />
      ) : (
        <Card withBorder component="section" aria-label="The question">
          <Stack>
            <Said item={item} />
            <div className={classes.question}>
              <Title order={3} size="h4" ref={question} tabIndex={-1}>
                Is this “{labelOf(types, item.type)}”?
              </Title>
              <Text size="sm" c="dimmed">
                {types.find((one) => one.id === item.type)?.description} The coach is {percent(item.probability)} sure
                of it{item.moment_id === null && ", and recorded nothing here"}.
              </Text>
            </div>
            <Group gap="xs">
              <Button onClick={() => answer({ kind: "yes" })} loading={sending.isPending}>
                Yes, it is {singleKeys && <Key name="A" />}
              </Button>
              <Button variant="default" onClick={() => answer({ kind: "no" })} disabled={sending.isPending}>
                No, it is not {singleKeys && <Key name="D" />}
              </Button>
              <Button
                variant="default"
                aria-expanded={choosing}
                onClick={() => setChoosing(!choosing)}
                disabled={sending.isPending}
              >
                It is another type {singleKeys && <Key name="T" />}
              </Button>
              <Button variant="subtle" onClick={() => answer({ kind: "skip" })} disabled={sending.isPending}>
                Skip {singleKeys && <Key name="S" />}
              </Button>
            </Group>
            {choosing && (
              <Select
                label="What it is instead"
                placeholder="Choose a type"
                data={types
                  .filter((one) => one.kind === "content" && one.id !== item.type)
                  .map((one) => ({ value: one.id, label: one.label }))}
                searchable
                data-autofocus
                autoFocus
                onChange={(type) => type !== null && answer({ kind: "other", type })}
                maw={360}
              />
            )}
          </Stack>
        </Card>
      )}
    </Stack>
  );
}

function Said({ item }: { item: QueueItem }) {
  return (
    <Stack gap={6}>
      <Group gap="xs">
        <Text size="sm" fw={600} c={`var(--ride-${item.role === "unknown" ? "other" : item.role})`}>
          {WHO[item.role]}
        </Text>
        <Anchor
          component={Link}
          href={`/calls/${item.call_id}?t=${item.start_ts}`}
          size="sm"
          style={{ overflowWrap: "anywhere" }}
        >
          {item.title || "Call without a title"}, {date(item.started_at)}
        </Anchor>
      </Group>
      {item.before.map((text, place) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the turns before stay as they are
        <div key={place} className={classes.before}>
          {text}
        </div>
      ))}
      <Group gap="xs" wrap="nowrap" align="start">
        <PlayStretch stretch={item} about={item.text} />
        <Text size="lg" className={classes.said ?? ""}>
          {item.text}
        </Text>
      </Group>
    </Stack>
  );
}

function Key({ name }: { name: string }) {
  return (
    <span className={classes.key} aria-hidden="true">
      {name}
    </span>
  );
}

function Done({
  said,
  more,
  heading,
}: {
  said: number;
  more: () => void;
  heading: React.RefObject<HTMLHeadingElement | null>;
}) {
  const { member } = useSession();
  return (
    <Card withBorder component="section" aria-label="The end of the queue">
      <Title order={3} size="h4" ref={heading} tabIndex={-1}>
        {said === 0 ? "That was all of them" : `Thank you: ${plural(said, "example")} more`}
      </Title>
      <Text c="dimmed" mb="sm">
        {said === 0
          ? "What you skipped is asked again another time."
          : atLeast(member, "admin")
            ? "The coach learns from them with the next training."
            : "The coach learns from them when an admin trains it next."}
      </Text>
      <Group>
        <Button onClick={more}>More questions</Button>
        <Button variant="default" component={Link} href="/settings/taxonomy?tab=training">
          {atLeast(member, "admin") ? "Train with them" : "See what it learned"}
        </Button>
      </Group>
    </Card>
  );
}
