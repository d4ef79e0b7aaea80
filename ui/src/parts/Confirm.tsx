import { Button, Group, Modal, Stack, Text } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { messageOf } from "./states";

/** A question before something that cannot be undone. The safe answer has the focus. */
export function Confirm({
  opened,
  close,
  title,
  action,
  run,
  children,
}: {
  opened: boolean;
  close: () => void;
  title: string;
  action: string;
  run: () => Promise<void>;
  children: ReactNode;
}) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  async function running() {
    setBusy(true);
    setError(null);
    try {
      await run();
      close();
    } catch (reason) {
      setError(messageOf(reason));
    } finally {
      setBusy(false);
    }
  }
  return (
    <Modal opened={opened} onClose={close} title={title} closeButtonProps={{ "aria-label": "Close" }}>
      <Stack gap="md">
        <Text size="sm">{children}</Text>
        {error && (
          <Text size="sm" c="var(--ride-bad)" role="alert">
            {error}
          </Text>
        )}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={close} data-autofocus>
            Cancel
          </Button>
          <Button color="red" loading={busy} onClick={running}>
            {action}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
