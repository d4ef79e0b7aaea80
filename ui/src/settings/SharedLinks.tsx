import { Alert, Badge, Button, Card, Group, Stack, Text, Title } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "wouter";
import { request } from "@/api/client";
import type { components } from "@/api/schema";
import { dateTime } from "@/parts/format";
import { EmptyState, ErrorState, Loading, messageOf } from "@/parts/states";
import classes from "./settings.module.css";

type Share = components["schemas"]["WorkingShare"];

const KEY = ["working-shares"];

/** Every link that opens a call for somebody without an account, with who made it: also of those who may not sign in. */
export function SharedLinks() {
  const shares = useQuery({
    queryKey: KEY,
    queryFn: ({ signal }) => request<{ shares: Share[] }>("GET", "/v1/shares", { signal }),
    select: (answer) => answer.shares,
  });
  return (
    <Stack component="section" aria-labelledby="shared-links">
      <Title order={3} size="h4" id="shared-links">
        Shared links
      </Title>
      <Text c="dimmed" size="sm">
        Calls that people without an account can open now. Such a link goes on when whoever made it is shut out: others
        rely on it. Revoke it here, or on the call.
      </Text>
      {shares.isPending && <Loading label="Loading the links" />}
      {shares.isError && <ErrorState error={shares.error} retry={() => shares.refetch()} />}
      {shares.data?.length === 0 && (
        <EmptyState title="No link works now">A manager makes one on a call’s page, with Share.</EmptyState>
      )}
      {shares.data !== undefined && shares.data.length > 0 && (
        <ul className={classes.list} aria-label="Shared links">
          {shares.data.map((share) => (
            <SharedLink key={share.share_id} share={share} />
          ))}
        </ul>
      )}
    </Stack>
  );
}

function SharedLink({ share }: { share: Share }) {
  const client = useQueryClient();
  const revoking = useMutation({
    mutationFn: () => request<void>("DELETE", `/v1/calls/${share.call_id}/shares/${share.share_id}`),
    onSuccess: () => client.invalidateQueries({ queryKey: KEY }),
  });
  const title = share.title.trim() || "Call without a title";
  return (
    <Card component="li" withBorder padding="sm">
      <Group justify="space-between" align="start">
        <Stack gap={2} style={{ minWidth: 0, flex: "1 1 14rem" }}>
          <Text fw={600} style={{ overflowWrap: "anywhere" }}>
            <Link href={`/calls/${share.call_id}`}>{title}</Link>
          </Text>
          <Group gap="xs">
            <Text size="sm" c="dimmed">
              {share.scope === "call" ? "Whole call" : "Review"}
              {share.audio ? " with audio" : ""}, by {share.by.name}, until {dateTime(share.expires_at)}
            </Text>
            {share.by_disabled && (
              <Badge color="gray" size="sm">
                Made by somebody who may not sign in
              </Badge>
            )}
          </Group>
        </Stack>
        <Button
          variant="default"
          size="compact-sm"
          aria-label={`Revoke the link to ${title}`}
          loading={revoking.isPending}
          onClick={() => revoking.mutate()}
        >
          Revoke
        </Button>
      </Group>
      {revoking.isError && (
        <Alert color="red" mt="sm" role="alert" title="The link still works">
          {messageOf(revoking.error)}
        </Alert>
      )}
    </Card>
  );
}
