/** What a page shows when it waits, has nothing, or could not. */

import { Button, Center, Loader, Stack, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";
import { ApiError } from "@/api/client";

export function Loading({ label = "Loading" }: { label?: string }) {
  return (
    <Center mih={240} role="status" aria-label={label}>
      <Loader type="dots" />
    </Center>
  );
}

/** Nothing is there, and that is no mistake: say why, and what to do next. */
export function EmptyState({ title, children, action }: { title: string; children: ReactNode; action?: ReactNode }) {
  return (
    <Center mih={240} p="lg">
      <Stack align="center" gap="xs" maw={460}>
        <Title order={2} size="h4" ta="center">
          {title}
        </Title>
        <Text c="dimmed" ta="center" component="div">
          {children}
        </Text>
        {action}
      </Stack>
    </Center>
  );
}

/** An error in the server's own words; ours only where it said none. */
export function ErrorState({ error, retry, page = false }: { error: unknown; retry?: () => void; page?: boolean }) {
  return (
    <Center mih={page ? "60vh" : 160} p="lg" role="alert">
      <Stack align="center" gap="xs" maw={480}>
        <Title order={2} size="h4" ta="center">
          {titleOf(error)}
        </Title>
        <Text c="dimmed" ta="center">
          {messageOf(error)}
        </Text>
        {retry && (
          <Button variant="default" onClick={retry}>
            Try again
          </Button>
        )}
      </Stack>
    </Center>
  );
}

function titleOf(error: unknown): string {
  if (!(error instanceof ApiError)) return "This page could not be shown";
  if (error.code === "unreachable") return "No connection to the server";
  if (error.status === 404) return "Not here";
  if (error.status === 401) return "You are signed out";
  if (error.status === 403) return "Not for your role";
  if (error.status === 501) return "This server cannot do that";
  return "That did not work";
}

/** One sentence for people about anything that was thrown. */
export function messageOf(error: unknown): string {
  if (!(error instanceof ApiError)) return "Something in the page broke. Load it again; if it stays, tell your admin.";
  const text = error.message;
  return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
}
