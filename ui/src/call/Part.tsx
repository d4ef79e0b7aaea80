import { Group, Stack, Title } from "@mantine/core";
import type { ReactNode } from "react";

/** A part of the review with its title, and what belongs beside that. */
export function Part({
  id,
  title,
  beside,
  children,
}: {
  id: string;
  title: string;
  beside?: ReactNode;
  children: ReactNode;
}) {
  return (
    <Stack gap="xs" component="section" aria-labelledby={id}>
      <Group justify="space-between" wrap="nowrap">
        <Title order={3} size="h5" id={id}>
          {title}
        </Title>
        {beside}
      </Group>
      {children}
    </Stack>
  );
}
