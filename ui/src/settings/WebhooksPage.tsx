import { Alert, Button, Card, Checkbox, Group, Stack, Switch, Text, TextInput, Title } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { dateTime } from "@/parts/format";
import { EmptyState, ErrorState, Loading, messageOf } from "@/parts/states";
import { Once } from "./Once";
import {
  useChangeWebhook,
  useMakeWebhook,
  useRemoveWebhook,
  useWebhooks,
  WEBHOOK_EVENTS,
  type Webhook,
  type WebhookEvent,
} from "./queries";
import classes from "./settings.module.css";

const WORDS: Record<WebhookEvent, string> = {
  "call.ended": "A call has ended",
  "review.done": "A review is done",
  "moment.found": "A moment was found",
};

/** What is ticked at first: moments are many. */
const AT_FIRST: WebhookEvent[] = ["call.ended", "review.done"];

/** Addresses that are told when something happens. */
export default function WebhooksPage() {
  const webhooks = useWebhooks();
  const [secret, setSecret] = useState<{ url: string; secret: string } | null>(null);
  return (
    <Stack>
      <Title order={2}>Webhooks</Title>
      <Text c="dimmed">
        The server sends a signed message to your own service when something happens, and tries again when nobody
        answers.
      </Text>
      {secret !== null && (
        <Once
          title={`The signing secret for ${secret.url}`}
          about="Your service proves with it that a message came from here. It is not shown again."
          secret={secret.secret}
          done={() => setSecret(null)}
        />
      )}
      <WebhookForm made={(url, made) => setSecret({ url, secret: made })} />
      {webhooks.isPending && <Loading />}
      {webhooks.isError && <ErrorState error={webhooks.error} retry={() => webhooks.refetch()} />}
      {webhooks.data?.length === 0 && (
        <EmptyState title="Nobody is told yet">Add the address of your service above.</EmptyState>
      )}
      {webhooks.data !== undefined && webhooks.data.length > 0 && (
        <ul className={classes.list} aria-label="Webhooks">
          {webhooks.data.map((webhook) => (
            <WebhookCard key={webhook.webhook_id} webhook={webhook} />
          ))}
        </ul>
      )}
    </Stack>
  );
}

function WebhookForm({ made }: { made: (url: string, secret: string) => void }) {
  const [url, setUrl] = useState("");
  const [events, setEvents] = useState<string[]>(AT_FIRST);
  const making = useMakeWebhook();
  const ready = url.trim() !== "" && events.length > 0;

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!ready) return;
    making.mutate(
      { url: url.trim(), events: events as WebhookEvent[] },
      {
        onSuccess: (answer) => {
          made(answer.webhook.url, answer.secret);
          setUrl("");
        },
      },
    );
  };

  return (
    <Card withBorder component="form" onSubmit={submit}>
      <Title order={3} size="h5" mb="xs">
        A new webhook
      </Title>
      <Stack>
        <TextInput
          label="Address"
          description="https:// of a service that you run"
          placeholder="https://crm.example.com/ridealong"
          type="url"
          value={url}
          maxLength={2000}
          onChange={(event) => setUrl(event.currentTarget.value)}
        />
        <Checkbox.Group label="Tell it when" value={events} onChange={setEvents}>
          <Group mt="xs">
            {WEBHOOK_EVENTS.map((event) => (
              <Checkbox key={event} value={event} label={WORDS[event]} />
            ))}
          </Group>
        </Checkbox.Group>
        <Group>
          <Button type="submit" disabled={!ready} loading={making.isPending}>
            Add it
          </Button>
        </Group>
      </Stack>
      {making.isError && (
        <Alert color="red" mt="sm" role="alert" title="It was not added">
          {messageOf(making.error)}
        </Alert>
      )}
    </Card>
  );
}

function WebhookCard({ webhook }: { webhook: Webhook }) {
  const changing = useChangeWebhook();
  const removing = useRemoveWebhook();
  const failure = changing.error ?? removing.error;
  const fine = webhook.last_status !== null && webhook.last_status >= 200 && webhook.last_status < 300;
  return (
    <Card component="li" withBorder>
      <Group justify="space-between" align="start">
        <Stack gap={2} style={{ minWidth: 0, flex: "1 1 14rem" }}>
          <Text fw={600} style={{ overflowWrap: "anywhere" }}>
            {webhook.url}
          </Text>
          <Text size="sm" c="dimmed">
            {webhook.events.map((event) => WORDS[event] ?? event).join(", ")}
          </Text>
          <Group gap="xs">
            {webhook.last_at === null ? (
              <Text size="sm" c="dimmed">
                Nothing was sent yet.
              </Text>
            ) : (
              <>
                <Text size="sm" fw={600} c={fine ? "var(--ride-good)" : "var(--ride-bad)"}>
                  {webhook.last_status === null ? "No answer" : `Answered ${webhook.last_status}`}
                </Text>
                <Text size="sm" c="dimmed">
                  {dateTime(webhook.last_at)}
                </Text>
              </>
            )}
          </Group>
        </Stack>
        <Group>
          <Switch
            label="On"
            aria-label={`${webhook.url} is on`}
            checked={webhook.active}
            disabled={changing.isPending}
            onChange={(event) =>
              changing.mutate({ webhook_id: webhook.webhook_id, active: event.currentTarget.checked })
            }
          />
          <Button
            variant="default"
            aria-label={`Remove ${webhook.url}`}
            loading={removing.isPending}
            onClick={() => removing.mutate(webhook.webhook_id)}
          >
            Remove
          </Button>
        </Group>
      </Group>
      {failure !== null && (
        <Alert color="red" mt="sm" role="alert">
          {messageOf(failure)}
        </Alert>
      )}
    </Card>
  );
}
