/** The frame of the pages before sign-in: one card, one task. */

import { Box, Center, Paper, Stack, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";
import { ThemeButton } from "./Shell";

export function Gate({ title, lead, children }: { title: string; lead: ReactNode; children: ReactNode }) {
  return (
    <Center component="main" mih="100vh" p="md" bg="var(--ride-panel)">
      <Box pos="absolute" top={12} right={12}>
        <ThemeButton />
      </Box>
      <Paper withBorder shadow="sm" radius="lg" p="xl" w="100%" maw={420}>
        <Stack gap="md">
          <Stack gap={6}>
            <img src="/icon.svg" alt="Ridealong" width={40} height={40} />
            <Title order={1} size="h2">
              {title}
            </Title>
            <Text c="dimmed" size="sm" component="div">
              {lead}
            </Text>
          </Stack>
          {children}
        </Stack>
      </Paper>
    </Center>
  );
}
