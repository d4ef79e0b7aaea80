import { Button, Card, Checkbox, Group, SegmentedControl, Select, Stack, TextInput, Title } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { NotDone } from "@/parts/NotDone";
import { type NewDestination, useMakeWebhook } from "../queries";
import { EVENTS, type EventName, type Kind } from "./words";

/** What is ticked at first: moments are many. */
const AT_FIRST: EventName[] = ["call.ended", "review.done"];

const KINDS: { value: Kind; label: string }[] = [
  { value: "webhook", label: "Program" },
  { value: "slack", label: "Slack" },
  { value: "email", label: "E-mail" },
];

const MAIL = [
  { value: "mailto:rep", label: "The rep whose call it is" },
  { value: "mailto:managers", label: "All managers and admins" },
  { value: "address", label: "One address" },
];

interface Props {
  audiences: readonly string[];
  made: (url: string, secret: string) => void;
}

/** A new destination: a program that is told what happened, or people who get the report. */
export function DestinationForm({ audiences, made }: Props) {
  const [kind, setKind] = useState<Kind>("webhook");
  const [url, setUrl] = useState("");
  const [mail, setMail] = useState("mailto:rep");
  const [events, setEvents] = useState<string[]>(AT_FIRST);
  const [audience, setAudience] = useState("manager");
  const making = useMakeWebhook();
  const typed = kind !== "email" || mail === "address";
  const ready = (!typed || url.trim() !== "") && (kind !== "webhook" || events.length > 0);

  const wanted = (): NewDestination => {
    const address = url.trim();
    if (kind === "webhook") return { url: address, events: events as EventName[], kind };
    const to = kind === "slack" ? address : mail === "address" ? `mailto:${address.toLowerCase()}` : mail;
    return { url: to, events: ["review.done"], kind, audience };
  };

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!ready) return;
    making.mutate(wanted(), {
      onSuccess: (answer) => {
        if (answer.secret !== "") made(answer.webhook.url, answer.secret);
        setUrl("");
      },
    });
  };

  return (
    <Card withBorder component="form" onSubmit={submit}>
      <Title order={3} size="h5" mb="xs">
        A new destination
      </Title>
      <Stack>
        <SegmentedControl
          aria-label="To whom"
          value={kind}
          onChange={(value) => {
            setKind(value as Kind);
            making.reset();
          }}
          data={KINDS}
        />
        {kind === "webhook" && (
          <>
            <TextInput
              label="Address"
              description="https:// of a service that you run; it gets a signed message without anything that was said"
              placeholder="https://crm.example.com/ridealong"
              type="url"
              value={url}
              maxLength={2000}
              onChange={(event) => setUrl(event.currentTarget.value)}
            />
            <Checkbox.Group label="Tell it when" value={events} onChange={setEvents}>
              <Group mt="xs">
                {Object.entries(EVENTS).map(([event, label]) => (
                  <Checkbox key={event} value={event} label={label} />
                ))}
              </Group>
            </Checkbox.Group>
          </>
        )}
        {kind === "slack" && (
          <TextInput
            label="Address of the incoming webhook"
            description="from Slack, or whatever speaks like it. It is a secret: it is kept encrypted, and only its host is shown"
            placeholder="https://hooks.slack.com/services/…"
            type="url"
            value={url}
            maxLength={2000}
            autoComplete="off"
            onChange={(event) => setUrl(event.currentTarget.value)}
          />
        )}
        {kind === "email" && (
          <Group align="end">
            <Select
              label="Who gets it"
              data={MAIL}
              value={mail}
              allowDeselect={false}
              onChange={(value) => {
                setMail(value ?? "mailto:rep");
                setAudience(value === "mailto:rep" ? "rep" : "manager");
              }}
              style={{ flex: "1 1 14rem" }}
            />
            {mail === "address" && (
              <TextInput
                label="E-mail address"
                type="email"
                value={url}
                maxLength={300}
                onChange={(event) => setUrl(event.currentTarget.value)}
                style={{ flex: "1 1 14rem" }}
              />
            )}
          </Group>
        )}
        {kind !== "webhook" && (
          <Select
            label="As which audience"
            description="it gets the report as that audience does, when a review is done"
            data={[...audiences]}
            value={audience}
            allowDeselect={false}
            onChange={(value) => setAudience(value ?? "manager")}
            maw={360}
          />
        )}
        <Group>
          <Button type="submit" disabled={!ready} loading={making.isPending}>
            Add it
          </Button>
        </Group>
      </Stack>
      <NotDone title="It was not added" error={making.error} />
    </Card>
  );
}
