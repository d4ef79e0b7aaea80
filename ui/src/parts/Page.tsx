import { Box, Group, Title } from "@mantine/core";
import { type ReactNode, useEffect } from "react";

/** A page with its heading; the heading is also the window's title, where `heading` does not say another one. */
export function Page({
  title,
  heading = title,
  aside,
  children,
  wide = false,
}: {
  title: string;
  heading?: ReactNode;
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
          {heading}
        </Title>
        {aside}
      </Group>
      {children}
    </Box>
  );
}
