import { Alert, Anchor, Button, Group, NumberInput, SegmentedControl, Stack, Text } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { Link } from "wouter";
import { dateTime, plural } from "@/parts/format";
import { ErrorState, Loading, messageOf } from "@/parts/states";
import classes from "./delivery.module.css";
import { useDeliveries, useReplayEvents } from "./queries";
import { attemptWords, type Delivery, type Destination, EVENTS, onlyThis, STATUSES } from "./words";

/** What was sent to one destination or is still to be sent, with every attempt; and how it is sent again. */
export function DeliveryLog({ destination }: { destination: Destination }) {
  const [status, setStatus] = useState<Delivery["status"] | "all">("all");
  const log = useDeliveries(destination.webhook_id, status === "all" ? null : status);
  const again = useReplayEvents(destination.webhook_id);
  return (
    <Stack gap="sm" mt="sm" role="region" aria-label={`The log of ${destination.url}`}>
      <SegmentedControl
        size="xs"
        aria-label="Which messages"
        value={status}
        onChange={(value) => setStatus(value as Delivery["status"] | "all")}
        data={[
          { value: "all", label: "All" },
          ...Object.entries(STATUSES).map(([value, { label }]) => ({ value, label })),
        ]}
      />
      {!destination.active && (
        <Text size="sm" c="var(--ride-warn)">
          It is switched off, by somebody or because its address answered 410: nothing is sent until it is on again.
        </Text>
      )}
      {log.isPending && <Loading />}
      {log.isError && <ErrorState error={log.error} retry={() => log.refetch()} />}
      {log.data?.length === 0 && (
        <Text size="sm" c="dimmed">
          {status === "all" ? "Nothing was sent here in the last 30 days." : "None of these."}
        </Text>
      )}
      {again.isError && (
        <Alert color="red" role="alert" title="Nothing was sent again">
          {messageOf(again.error)}
        </Alert>
      )}
      {again.isSuccess && (
        <Text size="sm" role="status">
          {again.data.queued === 0
            ? "Nothing is sent again: the destination is switched off, or what was meant still waits."
            : `${plural(again.data.queued, "message")} will be sent again.`}
        </Text>
      )}
      <ul className={classes.log} aria-label="Messages">
        {(log.data ?? []).map((one) => (
          <Line
            key={one.delivery_id}
            delivery={one}
            destination={destination}
            busy={again.isPending || !destination.active}
            sendAgain={(position) => again.mutate(onlyThis(position))}
          />
        ))}
      </ul>
      <FromCursor
        busy={again.isPending}
        off={!destination.active}
        send={(after, until) => again.mutate({ after, until })}
      />
    </Stack>
  );
}

interface LineProps {
  delivery: Delivery;
  destination: Destination;
  busy: boolean;
  sendAgain: (position: number) => void;
}

function Line({ delivery, destination, busy, sendAgain }: LineProps) {
  const last = delivery.attempts.at(-1);
  const { position } = delivery;
  return (
    <li className={classes.line}>
      <Group justify="space-between" align="start" gap="xs">
        <div className={classes.about}>
          <Text size="sm">
            <span className={classes.status} data-status={delivery.status} title={STATUSES[delivery.status].about}>
              {STATUSES[delivery.status].label}
            </span>{" "}
            <Anchor component={Link} href={`/calls/${delivery.call_id}`} size="sm" underline="always">
              {EVENTS[delivery.event]}
            </Anchor>{" "}
            <Text span size="sm" c="dimmed">
              {dateTime(delivery.happened_at)}
              {delivery.recipient !== "" && ` for ${delivery.recipient}`}
              {position !== null && `, position ${position}`}
            </Text>
          </Text>
          <Text size="sm" c="dimmed">
            {last === undefined ? "Not tried yet" : `Last ${attemptWords(last, destination.kind)}`}
            {delivery.due_at !== null && `; tried ${last === undefined ? "" : "again "}${dateTime(delivery.due_at)}`}
          </Text>
          {delivery.attempts.length > 1 && (
            <details className={classes.attempts}>
              <summary>{plural(delivery.attempts.length, "attempt")}</summary>
              <ol>
                {delivery.attempts.map((attempt) => (
                  <li key={attempt.tried_at}>
                    {dateTime(attempt.tried_at)}: {attemptWords(attempt, destination.kind)}, {attempt.duration_ms} ms
                  </li>
                ))}
              </ol>
            </details>
          )}
        </div>
        {position !== null && delivery.status !== "waiting" && (
          <Button
            size="compact-sm"
            variant="default"
            disabled={busy}
            aria-label={`Send again: ${EVENTS[delivery.event]}, position ${position}`}
            onClick={() => sendAgain(position)}
          >
            Send again
          </Button>
        )}
      </Group>
    </li>
  );
}

interface CursorProps {
  busy: boolean;
  /** Nothing can be sent now. */
  off: boolean;
  send: (after: number, until: number | null) => void;
}

/** Everything behind a position once more: what somebody needs whose program was away, or lost what it had. */
function FromCursor({ busy, off, send }: CursorProps) {
  const [after, setAfter] = useState<string | number>("");
  const [until, setUntil] = useState<string | number>("");
  const ready = typeof after === "number" && (until === "" || (typeof until === "number" && until >= after));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (typeof after === "number" && ready) send(after, typeof until === "number" ? until : null);
  };
  return (
    <details className={classes.attempts}>
      <summary>Send everything again from a position</summary>
      <Text size="sm" c="dimmed" my="xs">
        Every event has a position, counted up and never given twice; the feed at /v1/events is read by it too. What
        happened behind the first position is sent once more, up to and with the second, or to the newest. Each message
        keeps its id, so that a program that has seen it knows; what still waits is not doubled.
      </Text>
      <form onSubmit={submit}>
        <Group align="end" gap="xs">
          <NumberInput
            label="Behind position"
            placeholder="0: from the beginning"
            min={0}
            allowDecimal={false}
            value={after}
            onChange={setAfter}
          />
          <NumberInput
            label="Up to position"
            placeholder="the newest"
            min={0}
            allowDecimal={false}
            value={until}
            onChange={setUntil}
          />
          <Button type="submit" variant="default" disabled={!ready || off} loading={busy}>
            Send them again
          </Button>
        </Group>
      </form>
    </details>
  );
}
