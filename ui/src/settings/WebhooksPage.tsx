import { Alert, Anchor, Badge, Button, Card, Group, Stack, Switch, Text, Title } from "@mantine/core";
import { useState } from "react";
import { Link } from "wouter";
import { dateTime } from "@/parts/format";
import { EmptyState, ErrorState, Loading, messageOf } from "@/parts/states";
import { DeliveryLog } from "./delivery/DeliveryLog";
import { DestinationForm } from "./delivery/DestinationForm";
import { useAudiences } from "./delivery/queries";
import { audiencesOf, inOneLine, reaches } from "./delivery/words";
import { Once } from "./Once";
import { useChangeWebhook, useRemoveWebhook, useWebhooks, type Webhook } from "./queries";
import classes from "./settings.module.css";

const KINDS: Record<Webhook["kind"], string> = { webhook: "Program", slack: "Slack", email: "E-mail" };

/** Who is told when something happens, how it went, and how it is sent again. */
export default function WebhooksPage() {
  const webhooks = useWebhooks();
  const audiences = useAudiences();
  const [secret, setSecret] = useState<{ url: string; secret: string } | null>(null);
  return (
    <Stack>
      <Title order={2}>Delivery</Title>
      <Text c="dimmed">
        Programs are told what happened by signed webhooks; people get the report of a review by e-mail or in Slack.
        When nobody answers, it is tried again for 32 hours. What a report looks like is decided by{" "}
        <Anchor component={Link} underline="always" href="/settings/audiences">
          audience
        </Anchor>
        .
      </Text>
      {secret !== null && (
        <Once
          title={`The signing secret for ${secret.url}`}
          about="Your service proves with it that a message came from here. It is not shown again."
          secret={secret.secret}
          done={() => setSecret(null)}
        />
      )}
      <DestinationForm
        audiences={audiencesOf(audiences.data ?? [], webhooks.data ?? [])}
        made={(url, made) => setSecret({ url, secret: made })}
      />
      {webhooks.isPending && <Loading />}
      {webhooks.isError && <ErrorState error={webhooks.error} retry={() => webhooks.refetch()} />}
      {webhooks.data?.length === 0 && (
        <EmptyState title="Nobody is told yet">
          Add the address of your service, of Slack or of people above.
        </EmptyState>
      )}
      {webhooks.data !== undefined && webhooks.data.length > 0 && (
        <ul className={classes.list} aria-label="Destinations">
          {webhooks.data.map((webhook) => (
            <WebhookCard key={webhook.webhook_id} webhook={webhook} />
          ))}
        </ul>
      )}
    </Stack>
  );
}

function WebhookCard({ webhook }: { webhook: Webhook }) {
  const changing = useChangeWebhook();
  const removing = useRemoveWebhook();
  const [log, setLog] = useState(false);
  const failure = changing.error ?? removing.error;
  const fine = webhook.last_status !== null && webhook.last_status >= 200 && webhook.last_status < 300;
  return (
    <Card component="li" withBorder>
      <Group justify="space-between" align="start">
        <Stack gap={2} style={{ minWidth: 0, flex: "1 1 14rem" }}>
          <Group gap="xs">
            <Text fw={600} style={{ overflowWrap: "anywhere" }}>
              {reaches(webhook)}
            </Text>
            <Badge variant="outline" size="sm">
              {KINDS[webhook.kind]}
            </Badge>
          </Group>
          <Text size="sm" c="dimmed" style={{ overflowWrap: "anywhere" }}>
            {inOneLine(webhook.events)}
            {webhook.kind !== "webhook" && `: the report as “${webhook.audience}” gets it`}
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
      <Group mt="xs">
        <Button
          size="compact-sm"
          variant="subtle"
          aria-expanded={log}
          aria-label={`${log ? "Hide the log" : "What was sent"}: ${webhook.url}`}
          onClick={() => setLog(!log)}
        >
          {log ? "Hide the log" : "What was sent"}
        </Button>
      </Group>
      {log && <DeliveryLog destination={webhook} />}
    </Card>
  );
}
