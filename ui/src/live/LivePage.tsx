import { Alert, Anchor, Badge, Card, Container, Group, SimpleGrid, Skeleton, Stack, Text, Title } from "@mantine/core";
import { Link } from "wouter";
import { clock, words } from "@/parts/format";
import { type LiveCall, useLiveCalls } from "./queries";

/** The calls that run now, with what happened last in each. */
export default function LivePage() {
  const calls = useLiveCalls();
  return (
    <Container size="xl" py="md">
      <Stack>
        <Group justify="space-between" align="baseline">
          <Title order={1} size="h2">
            Live
          </Title>
          {calls.data !== undefined && (
            <Text c="dimmed" role="status">
              {calls.data.length === 1 ? "1 call is running" : `${calls.data.length} calls are running`}
            </Text>
          )}
        </Group>
        {calls.isError && (
          <Alert color="red" title="The running calls cannot be read now" role="alert">
            {calls.error.message} This page keeps trying.
          </Alert>
        )}
        {calls.isPending && <Skeleton height={120} />}
        {calls.data?.length === 0 && (
          <Card withBorder padding="xl">
            <Text fw={600}>Nobody is on a call now.</Text>
            <Text c="dimmed">As soon as a rep starts one, it appears here by itself; you need not reload.</Text>
          </Card>
        )}
        <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }} component="ul" p={0} m={0} style={{ listStyle: "none" }}>
          {calls.data?.map((call) => (
            <RunningCall key={call.call_id} call={call} />
          ))}
        </SimpleGrid>
      </Stack>
    </Container>
  );
}

function RunningCall({ call }: { call: LiveCall }) {
  return (
    <Card component="li" withBorder>
      <Group justify="space-between" wrap="nowrap" align="start">
        <Stack gap={0} style={{ minWidth: 0 }}>
          <Anchor component={Link} href={`/live/${call.call_id}`} fw={600} style={{ overflowWrap: "anywhere" }}>
            {call.title || "Call without a title"}
          </Anchor>
          <Text size="sm" c="dimmed" style={{ overflowWrap: "anywhere" }}>
            {call.rep_name ?? call.rep_id}
          </Text>
        </Stack>
        <Badge variant="light" aria-label={`${clock(call.audio_ms)} heard so far`}>
          {clock(call.audio_ms)}
        </Badge>
      </Group>
      <Stack gap={6} mt="sm">
        {call.last_moments.length === 0 && (
          <Text size="sm" c="dimmed">
            No moments yet.
          </Text>
        )}
        {call.last_moments.map((moment) => (
          <div key={moment.moment_id}>
            <Text size="sm">
              <b>{words(moment.type)}</b> at {clock(moment.trigger_ts)}
            </Text>
            {moment.tier === "nudge" && moment.nudge !== null && (
              <Text size="sm" c="dimmed" style={{ overflowWrap: "anywhere" }}>
                Nudged: {moment.nudge}
              </Text>
            )}
          </div>
        ))}
      </Stack>
    </Card>
  );
}
