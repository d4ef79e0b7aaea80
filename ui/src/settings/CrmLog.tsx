import { Alert, Button, Card, Group, Stack, Text, TextInput, Title } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { Link } from "wouter";
import { dateTime } from "@/parts/format";
import { ErrorState, Loading, messageOf } from "@/parts/states";
import { type CrmCall, useCrmCalls, usePushCall } from "./connections";
import classes from "./settings.module.css";

const STATUS: Record<CrmCall["status"], string> = {
  linked: "Its deal is known; nothing was written yet",
  waiting: "Waits to be written",
  written: "Written",
  partly: "Written in part",
  dead: "Not written",
};

const BAD: readonly CrmCall["status"][] = ["partly", "dead"];

/** What was written of the newest calls, why not, and how it is done again. */
export function CrmLog() {
  const calls = useCrmCalls();
  return (
    <Stack gap="xs" mt="lg">
      <Title order={4} size="h6">
        What was written
      </Title>
      {calls.isPending && <Loading />}
      {calls.isError && <ErrorState error={calls.error} retry={() => calls.refetch()} />}
      {calls.data?.length === 0 && (
        <Text size="sm" c="dimmed">
          No call yet. The next review that gets done stands here with what became of it.
        </Text>
      )}
      {calls.data !== undefined && calls.data.length > 0 && (
        <ul className={classes.list} aria-label="Calls in the CRM">
          {calls.data.map((call) => (
            <CallLine key={call.call_id} call={call} />
          ))}
        </ul>
      )}
    </Stack>
  );
}

function CallLine({ call }: { call: CrmCall }) {
  const last = call.attempts.at(-1);
  const bad = BAD.includes(call.status);
  return (
    <Card component="li" withBorder padding="sm">
      <Stack gap={4} style={{ overflowWrap: "anywhere" }}>
        <Link href={`/calls/${call.call_id}`}>{call.title.trim() || "Call without a title"}</Link>
        <Text size="sm" c={bad ? "var(--ride-bad)" : undefined}>
          {STATUS[call.status]}
          {last !== undefined && last.reason !== "" && `: ${last.reason}`}
          {last !== undefined && last.missing.length > 0 && ` (${last.missing.join(", ")})`}
        </Text>
        <Text size="sm" c="dimmed">
          {[
            call.deal_id === "" ? "No deal" : `Deal ${call.deal_id}`,
            last && `${last.written.length} properties, ${NOTE[last.note]}`,
            last && dateTime(last.tried_at),
            call.status === "waiting" && call.due_at !== null && `next try ${dateTime(call.due_at)}`,
          ]
            .filter(Boolean)
            .join(" · ")}
        </Text>
        {last !== undefined && last.kept.length > 0 && (
          <Text size="sm" c="dimmed">
            Somebody wrote these by hand, and they stayed: {last.kept.join(", ")}
          </Text>
        )}
      </Stack>
      <Again call={call} />
    </Card>
  );
}

const NOTE: Record<CrmCall["attempts"][number]["note"], string> = {
  untouched: "note as it was",
  made: "a new note",
  rewritten: "its note again",
};

/** Write it now; where no deal was found, somebody says which it is. */
function Again({ call }: { call: CrmCall }) {
  const pushing = usePushCall();
  const [dealId, setDealId] = useState("");
  const asks = call.status === "dead" || call.deal_id === "";
  const name = call.title.trim() || "the call";
  const submit = (event: FormEvent) => {
    event.preventDefault();
    pushing.mutate({ callId: call.call_id, dealId: dealId.trim() }, { onSuccess: () => setDealId("") });
  };
  return (
    <form onSubmit={submit}>
      <Group mt="xs" align="end" gap="xs">
        {asks && (
          <TextInput
            size="xs"
            label="Id of the deal"
            aria-label={`Id of the deal of ${name}`}
            placeholder={call.deal_id || "as in the deal's address"}
            value={dealId}
            maxLength={64}
            autoComplete="off"
            onChange={(event) => setDealId(event.currentTarget.value)}
          />
        )}
        <Button
          type="submit"
          size="xs"
          variant="default"
          loading={pushing.isPending}
          disabled={asks && call.deal_id === "" && dealId.trim() === ""}
          aria-label={`${call.status === "written" ? "Write it again" : "Write it now"}: ${name}`}
        >
          {call.status === "written" ? "Write it again" : "Write it now"}
        </Button>
      </Group>
      {pushing.isError && (
        <Alert color="red" mt="xs" role="alert">
          {messageOf(pushing.error)}
        </Alert>
      )}
    </form>
  );
}
