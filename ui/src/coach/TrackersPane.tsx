import { Alert, Button, Card, Group, Select, Stack, TagsInput, Text, Textarea, TextInput, Title } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { atLeast, useSession } from "@/app/session";
import { EmptyState, messageOf } from "@/parts/states";
import settings from "@/settings/settings.module.css";
import classes from "./coach.module.css";
import { type MomentType, type Taxonomy, type Tracker, useChangeTaxonomy } from "./queries";
import { labelOf, saysAnswers, shownFor } from "./words";

const NONE: Tracker = { name: "", type: "competitor_mentioned", phrases: [], answer: "" };

/** Names and phrases that the tenant listens for, and what the rep is told to answer. */
export function TrackersPane({ taxonomy }: { taxonomy: Taxonomy }) {
  const { member } = useSession();
  const admin = atLeast(member, "admin");
  const { trackers, types } = taxonomy;
  const [editing, setEditing] = useState<string | null>(null);
  const saving = useChangeTaxonomy();
  const keep = (wanted: readonly Tracker[], done: () => void) =>
    saving.mutate({ trackers: [...wanted] }, { onSuccess: done });

  return (
    <Stack>
      <Text size="sm" c="dimmed">
        A tracker finds a name or a phrase wherever it is said, as whole words, and makes a moment of its type. With an
        answer it is a battle card: the answer stands in the nudge. They hold from the next call on, without training.
      </Text>
      {saving.isError && (
        <Alert color="red" role="alert" title="Nothing was changed">
          {messageOf(saving.error)}
        </Alert>
      )}
      {trackers.length === 0 && (
        <EmptyState title="No battle cards yet">
          Write one for the competitor that your reps hear most often, or for an objection that has a good answer.
        </EmptyState>
      )}
      <ul className={settings.list} aria-label="Battle cards and trackers">
        {trackers.map((tracker) => (
          <Card key={tracker.name} component="li" withBorder>
            {editing === tracker.name ? (
              <TrackerForm
                given={tracker}
                others={trackers.filter((one) => one !== tracker)}
                types={types}
                busy={saving.isPending}
                cancel={() => setEditing(null)}
                keep={(wanted) =>
                  keep(
                    trackers.map((one) => (one === tracker ? wanted : one)),
                    () => setEditing(null),
                  )
                }
              />
            ) : (
              <Shown
                tracker={tracker}
                types={types}
                edit={admin ? () => setEditing(tracker.name) : null}
                remove={() =>
                  keep(
                    trackers.filter((one) => one !== tracker),
                    () => undefined,
                  )
                }
              />
            )}
          </Card>
        ))}
      </ul>
      {admin && editing === null && (
        <Card withBorder>
          <Title order={3} size="h5" mb="xs">
            A new one
          </Title>
          <TrackerForm
            key={trackers.length}
            given={NONE}
            others={trackers}
            types={types}
            busy={saving.isPending}
            cancel={null}
            keep={(wanted) => keep([...trackers, wanted], () => undefined)}
          />
        </Card>
      )}
    </Stack>
  );
}

interface ShownProps {
  tracker: Tracker;
  types: readonly MomentType[];
  edit: (() => void) | null;
  remove: () => void;
}

function Shown({ tracker, types, edit, remove }: ShownProps) {
  return (
    <Group justify="space-between" align="start">
      <Stack gap={2} style={{ minWidth: 0, flex: "1 1 16rem" }}>
        <Text fw={600} className={classes.words ?? ""}>
          {tracker.name}
        </Text>
        <Text size="sm" c="dimmed" className={classes.words ?? ""}>
          {labelOf(types, tracker.type)}, when somebody says {tracker.phrases.map((one) => `“${one}”`).join(", ")}
        </Text>
        <WhatIsShown tracker={tracker} types={types} />
      </Stack>
      {edit !== null && (
        <Group gap="xs">
          <Button variant="default" aria-label={`Change ${tracker.name}`} onClick={edit}>
            Change
          </Button>
          <Button variant="default" aria-label={`Remove ${tracker.name}`} onClick={remove}>
            Remove
          </Button>
        </Group>
      )}
    </Group>
  );
}

function WhatIsShown({ tracker, types }: { tracker: Tracker; types: readonly MomentType[] }) {
  const type = types.find((one) => one.id === tracker.type);
  const shown = shownFor(type, tracker);
  return (
    <>
      {type?.tier === "nudge" && shown !== null && (
        <Text size="sm" className={classes.words ?? ""}>
          The rep sees, for example: “{shown}”
        </Text>
      )}
      {tracker.answer.trim() !== "" && !saysAnswers(type) && (
        <Text size="sm" c="var(--ride-warn)">
          No nudge of “{labelOf(types, tracker.type)}” has a place for the answer: write one with {"{answer}"} in it, in
          the document's text, or nobody sees it.
        </Text>
      )}
    </>
  );
}

interface FormProps {
  given: Tracker;
  others: readonly Tracker[];
  types: readonly MomentType[];
  busy: boolean;
  keep: (wanted: Tracker) => void;
  cancel: (() => void) | null;
}

function TrackerForm({ given, others, types, busy, keep, cancel }: FormProps) {
  const content = types.filter((one) => one.kind === "content");
  const [tracker, setTracker] = useState<Tracker>(() =>
    content.some((one) => one.id === given.type) ? given : { ...given, type: content[0]?.id ?? "" },
  );
  const set = (part: Partial<Tracker>) => setTracker((before) => ({ ...before, ...part }));
  const name = tracker.name.trim();
  const taken = others.some((one) => one.name.toLocaleLowerCase() === name.toLocaleLowerCase());
  const long = name.split(/\s+/).length > 3;
  const ready = name !== "" && !taken && !long && tracker.phrases.length > 0;

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (ready) keep({ ...tracker, name, answer: tracker.answer.trim() });
  };

  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <Group align="start">
          <TextInput
            label="Name"
            description="as a nudge writes it, at most three words"
            value={tracker.name}
            maxLength={200}
            autoComplete="off"
            error={taken ? "There is one of that name" : long ? "At most three words" : undefined}
            onChange={(event) => set({ name: event.currentTarget.value })}
            style={{ flex: "1 1 14rem" }}
          />
          <Select
            label="It is a"
            description="the type of the moment"
            data={content.map((one) => ({ value: one.id, label: one.label }))}
            value={tracker.type}
            allowDeselect={false}
            onChange={(type) => set({ type: type ?? tracker.type })}
            style={{ flex: "1 1 14rem" }}
          />
        </Group>
        <TagsInput
          label="Said as"
          description="words as people say them; Enter after each"
          value={tracker.phrases}
          acceptValueOnBlur
          maxTags={100}
          onChange={(phrases) => set({ phrases })}
        />
        <Textarea
          label="The answer"
          description="what the rep should say; may stay empty"
          value={tracker.answer}
          maxLength={200}
          autosize
          minRows={1}
          onChange={(event) => set({ answer: event.currentTarget.value.replaceAll("\n", " ") })}
        />
        {name !== "" && <WhatIsShown tracker={{ ...tracker, name }} types={types} />}
        <Group gap="xs">
          <Button type="submit" disabled={!ready} loading={busy}>
            {cancel === null ? "Add it" : "Keep it"}
          </Button>
          {cancel !== null && (
            <Button variant="default" onClick={cancel}>
              Cancel
            </Button>
          )}
        </Group>
      </Stack>
    </form>
  );
}
