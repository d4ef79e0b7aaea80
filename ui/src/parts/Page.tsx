import { Box, Group, Title } from "@mantine/core";
import { type ReactNode, useEffect } from "react";

/** A page with its heading; the heading is also the window's title. */
export function Page({
  title,
  aside,
  children,
  wide = false,
}: {
  title: string;
  aside?: ReactNode;
  children: ReactNode;
  wide?: boolean;
}) {
  useEffect(() => {
    document.title = `${title} · Ridealong`;
  }, [title]);
  return (
    <Box p={{ base: "sm", sm: "lg" }} maw={wide ? 1600 : 1200} mx="auto">
      <Group justify="space-between" align="center" mb="md" gap="sm">
        <Title order={1} size="h2">
          {title}
        </Title>
        {aside}
      </Group>
      {children}
    </Box>
  );
}
