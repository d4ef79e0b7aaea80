import { Button, Card, Group, Stack, TagsInput, Text, TextInput, Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { type FormEvent, useState } from "react";
import { Confirm } from "@/parts/Confirm";
import { dateTime } from "@/parts/format";
import { NotDone } from "@/parts/NotDone";
import { ErrorState, Loading } from "@/parts/states";
import { State } from "./ConnectionState";
import {
  type CalendarFeed,
  type CalendarReading,
  useAddFeed,
  useCalendars,
  useRemoveFeed,
  useSaveReading,
} from "./connections";
import { RemoveRow, useRows } from "./rows";
import classes from "./settings.module.css";

/** The calendars that say what a call was, and how what stands in them is read. */
export function CalendarsCard() {
  const calendars = useCalendars();
  const saving = useSaveReading();
  return (
    <Card withBorder component="section" aria-labelledby="calendars">
      <Title order={3} size="h5" id="calendars" mb="xs">
        Calendars
      </Title>
      {calendars.isPending && <Loading />}
      {calendars.isError && <ErrorState error={calendars.error} retry={() => calendars.refetch()} />}
      {calendars.data !== undefined && (
        <>
          <Told feeds={calendars.data.feeds} />
          {calendars.data.feeds.length > 0 && (
            <ul className={classes.list} aria-label="Calendars that are read">
              {calendars.data.feeds.map((feed) => (
                <FeedLine key={feed.feed_id} feed={feed} />
              ))}
            </ul>
          )}
          <AddFeed />
          <ReadingForm key={JSON.stringify(calendars.data.reading)} stored={calendars.data.reading} saving={saving} />
        </>
      )}
    </Card>
  );
}

function Told({ feeds }: { feeds: readonly CalendarFeed[] }) {
  const faulty = feeds.filter((feed) => feed.last_fault !== "").length;
  if (feeds.length === 0) {
    return (
      <State state="off">No calendar is read. Invitations that are sent here by the API count all the same.</State>
    );
  }
  if (faulty > 0) {
    return (
      <State state="bad">
        {faulty} of {feeds.length} could not be read when it was needed last.
      </State>
    );
  }
  return <State state="on">Read when a call needs it, before its review.</State>;
}

function AddFeed() {
  const adding = useAddFeed();
  const [label, setLabel] = useState("");
  const [url, setUrl] = useState("");
  const [repId, setRepId] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    adding.mutate(
      { label: label.trim(), url: url.trim(), rep_id: repId.trim() },
      {
        onSuccess: () => {
          setLabel("");
          setUrl("");
          setRepId("");
        },
      },
    );
  };
  return (
    <form onSubmit={submit}>
      <Stack mt="sm">
        <TextInput
          label="Name of the calendar"
          value={label}
          maxLength={100}
          autoComplete="off"
          onChange={(event) => setLabel(event.currentTarget.value)}
        />
        <TextInput
          label="Its iCalendar address"
          description="Whoever knows it reads the calendar: it is kept encrypted, and only its host is shown."
          placeholder="https://calendar.example.com/ana/basic.ics"
          autoComplete="off"
          value={url}
          maxLength={2000}
          onChange={(event) => setUrl(event.currentTarget.value)}
        />
        <TextInput
          label="Rep id"
          description="Whose calendar it is. Empty: of several reps, told apart by their addresses."
          value={repId}
          maxLength={300}
          autoComplete="off"
          onChange={(event) => setRepId(event.currentTarget.value)}
        />
        <Group>
          <Button type="submit" loading={adding.isPending} disabled={label.trim() === "" || url.trim() === ""}>
            Add the calendar
          </Button>
        </Group>
      </Stack>
      <NotDone title="It was not added" error={adding.error} />
    </form>
  );
}

function FeedLine({ feed }: { feed: CalendarFeed }) {
  const removing = useRemoveFeed();
  const [asking, ask] = useDisclosure(false);
  return (
    <Card component="li" withBorder padding="sm">
      <Group justify="space-between" align="start">
        <div style={{ minWidth: 0, flex: "1 1 14rem", overflowWrap: "anywhere" }}>
          <Text fw={600}>{feed.label}</Text>
          <Text size="sm" c="dimmed">
            {[feed.host, feed.rep_id, feed.last_at === null ? "not read yet" : `read ${dateTime(feed.last_at)}`]
              .filter(Boolean)
              .join(" · ")}
          </Text>
          {feed.last_fault !== "" && (
            <Text size="sm" c="var(--ride-bad)">
              It could not be read: {feed.last_fault}
            </Text>
          )}
        </div>
        <Button variant="default" size="xs" aria-label={`Remove ${feed.label}`} onClick={ask.open}>
          Remove
        </Button>
      </Group>
      <Confirm
        opened={asking}
        close={ask.close}
        title="Remove this calendar?"
        action="Remove it"
        run={() => removing.mutateAsync(feed.feed_id)}
      >
        Its address is forgotten. What it said of calls stays.
      </Confirm>
    </Card>
  );
}

interface CallType {
  callType: string;
  words: string[];
}

/** Whose addresses are one's own, and what a meeting's title says of the call. */
function ReadingForm({
  stored,
  saving,
}: {
  stored: CalendarReading;
  /** It outlives the form, which begins anew with what was saved. */
  saving: ReturnType<typeof useSaveReading>;
}) {
  const [domains, setDomains] = useState<string[]>(stored.own_domains ?? []);
  const types = useRows<CallType>(() =>
    (stored.call_types ?? []).map((one) => ({ callType: one.call_type, words: one.words })),
  );
  const wanted: CalendarReading = {
    own_domains: domains.map((one) => one.trim().toLowerCase().replace(/^@/, "")),
    call_types: types.rows.map((one) => ({ call_type: one.callType.trim(), words: one.words })),
  };
  const dirty = JSON.stringify(wanted) !== JSON.stringify(stored);
  const complete = types.rows.every((one) => one.callType.trim() !== "" && one.words.length > 0);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    saving.mutate(wanted);
  };
  return (
    <form onSubmit={submit}>
      <Stack mt="lg">
        <Title order={4} size="h6">
          How meetings are read
        </Title>
        <TagsInput
          label="Domains of your own people"
          description="Beside those of members. Who has another one is the customer. Press Enter behind each."
          placeholder={domains.length === 0 ? "acme.example" : ""}
          value={domains}
          maxTags={50}
          onChange={setDomains}
        />
        {types.rows.map((one, at) => (
          <Card key={one.id} component="fieldset" withBorder m={0} padding="sm">
            <legend>Type of call {at + 1}</legend>
            <TextInput
              label="Type"
              description="As rubrics write it: small letters, digits and underscores."
              placeholder="demo"
              value={one.callType}
              maxLength={64}
              autoComplete="off"
              error={
                /^([a-z0-9][a-z0-9_]*)?$/.test(one.callType.trim()) ? null : "Small letters, digits and underscores"
              }
              onChange={(event) => types.change(one.id, { callType: event.currentTarget.value })}
            />
            <TagsInput
              mt="xs"
              label="Words of the title"
              description="One of them is enough. Press Enter behind each."
              value={one.words}
              maxTags={50}
              onChange={(words) => types.change(one.id, { words })}
            />
            <RemoveRow what={`the type ${one.callType || at + 1}`} remove={() => types.remove(one.id)} />
          </Card>
        ))}
        <Group>
          <Button variant="default" onClick={() => types.add({ callType: "", words: [] })}>
            Add a type of call
          </Button>
          <Button type="submit" loading={saving.isPending} disabled={!dirty || !complete}>
            Save how meetings are read
          </Button>
          <Text size="sm" c="dimmed" role="status">
            {!complete
              ? "Each type needs a name and words."
              : dirty
                ? "Not saved yet"
                : saving.isSuccess
                  ? "Saved."
                  : ""}
          </Text>
        </Group>
      </Stack>
      <NotDone title="It was not saved" error={saving.error} />
    </form>
  );
}
