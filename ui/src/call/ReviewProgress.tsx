import { Group, Loader, Stack, Text } from "@mantine/core";
import type { CallDetail } from "@/api/types";
import { EmptyState } from "@/parts/states";

/** The review is on its way; the page asks every two seconds and shows it when it is there. */
export function ReviewProgress({ call, small = false }: { call: CallDetail; small?: boolean }) {
  const queued = call.review?.status === "queued";
  const words = queued ? "Waiting for its turn" : "Listening again and writing it down";
  if (small) {
    return (
      <Group gap="xs" role="status">
        <Loader size="xs" />
        <Text size="sm">The review is being made again. Until it is done, this is the one before.</Text>
      </Group>
    );
  }
  return (
    <div role="status">
      <EmptyState title="The review is being made">
        <Stack align="center" gap="xs">
          <Loader type="bars" size="sm" />
          {words}. It usually takes less than half a minute and appears here by itself.
        </Stack>
      </EmptyState>
    </div>
  );
}
