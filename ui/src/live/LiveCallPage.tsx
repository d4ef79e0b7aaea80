import {
  Alert,
  Anchor,
  Badge,
  Button,
  Card,
  Container,
  Group,
  Stack,
  Text,
  Title,
  VisuallyHidden,
} from "@mantine/core";
import { useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { Link } from "wouter";
import { clock, words } from "@/parts/format";
import classes from "./live.module.css";
import { MessageForm } from "./MessageForm";
import { useCallHead } from "./queries";
import { Transcript } from "./Transcript";
import { type Connection, Watching } from "./watching";

/** One running call, followed as it happens. */
export default function LiveCallPage({ callId }: { callId: string }) {
  const head = useCallHead(callId);
  const watching = useMemo(() => new Watching(callId), [callId]);
  const { feed, connection } = useSyncExternalStore(watching.subscribe, watching.current);

  useEffect(() => {
    watching.open();
    return () => watching.close();
  }, [watching]);

  const names = useMemo(() => {
    const found: Record<number, string> = {};
    for (const speaker of head.data?.speakers ?? []) if (speaker.name) found[speaker.speaker_id] = speaker.name;
    return found;
  }, [head.data]);

  const ended = feed.ended || connection.state === "over";
  const nudges = feed.moments.filter((moment) => moment.tier === "nudge");
  const last = nudges.at(-1);

  return (
    <Container size="xl" py="md">
      <Stack gap="sm">
        <Anchor component={Link} href="/live" size="sm">
          All running calls
        </Anchor>
        <Group justify="space-between" align="start">
          <Stack gap={0} style={{ minWidth: 0, flex: "1 1 16rem" }}>
            <Title order={1} size="h2" style={{ overflowWrap: "anywhere" }}>
              {head.data?.title || "Running call"}
            </Title>
            <Text c="dimmed" style={{ overflowWrap: "anywhere" }}>
              {head.data?.rep_name ?? head.data?.rep_id ?? ""}
            </Text>
          </Stack>
          <Group gap="xs">
            <Badge variant="light" size="lg" aria-label={`${clock(feed.heard_ms)} heard so far`}>
              {clock(feed.heard_ms)}
            </Badge>
            <ConnectionBadge connection={connection} ended={ended} />
          </Group>
        </Group>
        {head.isError && connection.state !== "refused" && (
          <Alert color="red" role="alert" title="This call cannot be read">
            {head.error.message}
          </Alert>
        )}
        <ConnectionNotice connection={connection} ended={ended} callId={callId} tryNow={watching.tryNow} />
        <VisuallyHidden role="status">{last === undefined ? "" : `Nudge: ${last.nudge ?? ""}`}</VisuallyHidden>
        <div className={classes.call}>
          <Transcript feed={feed} names={names} />
          <Stack>
            <Card withBorder>
              <Title order={2} size="h4" mb="xs">
                Send the rep a message
              </Title>
              <MessageForm callId={callId} over={ended} />
            </Card>
            <Card withBorder>
              <Title order={2} size="h4" mb="xs">
                Moments
              </Title>
              {feed.moments.length === 0 && <Text c="dimmed">None yet.</Text>}
              {feed.moments.length > 0 && (
                // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
                <section className={classes.moments} tabIndex={0} aria-label="Moments of this call, newest first">
                  {feed.moments.toReversed().map((moment) => (
                    <div key={moment.moment_id}>
                      <Text size="sm">
                        <b>{words(moment.type)}</b> at {clock(moment.trigger_ts)},{" "}
                        {moment.tier === "nudge" ? "nudged" : "noted"}
                      </Text>
                      {moment.quote !== "" && (
                        <Text size="sm" c="dimmed" style={{ overflowWrap: "anywhere" }}>
                          “{moment.quote}”
                        </Text>
                      )}
                    </div>
                  ))}
                </section>
              )}
            </Card>
          </Stack>
        </div>
      </Stack>
    </Container>
  );
}

function ConnectionBadge({ connection, ended }: { connection: Connection; ended: boolean }) {
  if (ended) return <Badge color="gray">Ended</Badge>;
  switch (connection.state) {
    case "open":
      return <Badge>Live</Badge>;
    case "refused":
      return <Badge color="red">Not followed</Badge>;
    default:
      return (
        <Badge color="gray" variant="outline">
          Connecting
        </Badge>
      );
  }
}

interface NoticeProps {
  connection: Connection;
  ended: boolean;
  callId: string;
  tryNow: () => void;
}

function ConnectionNotice({ connection, ended, callId, tryNow }: NoticeProps) {
  const [late, setLate] = useState(false);
  const waiting = connection.state === "waiting";
  useEffect(() => {
    // A break of a second is nobody's business.
    if (!waiting) {
      setLate(false);
      return;
    }
    const timer = window.setTimeout(() => setLate(true), 300);
    return () => window.clearTimeout(timer);
  }, [waiting]);

  if (ended) {
    return (
      <Alert title="The call has ended" role="status">
        <Anchor component={Link} href={`/calls/${callId}`}>
          Open the call
        </Anchor>{" "}
        to hear it; its review appears there when it is done.
      </Alert>
    );
  }
  if (connection.state === "refused") {
    return (
      <Alert color="red" title="This call cannot be followed" role="alert">
        {connection.message}
      </Alert>
    );
  }
  if (waiting && late) {
    return (
      <Alert color="yellow" title="The connection is broken" role="status">
        <Group>
          <Text size="sm">The call goes on. What is said meanwhile is shown as soon as the server answers again.</Text>
          <Button size="xs" variant="default" onClick={tryNow}>
            Try now
          </Button>
        </Group>
      </Alert>
    );
  }
  return null;
}
