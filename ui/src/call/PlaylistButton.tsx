import { ActionIcon, Button, Popover, Stack, Text, TextInput, Tooltip } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { notifications } from "@mantine/notifications";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { request } from "@/api/client";
import type { Playlist } from "@/api/types";
import { Form, field } from "@/parts/Form";
import { Icon } from "@/parts/Icon";
import { ErrorState, Loading, messageOf } from "@/parts/states";
import { useCallView } from "./context";

interface Item {
  start_ts: number;
  end_ts: number;
  moment_id?: string;
  claim_id?: string;
}

/** Put a stretch of the call into a playlist, an old or a new one. */
export function PlaylistButton({ item }: { item: Item }) {
  const [opened, { toggle, close }] = useDisclosure(false);
  return (
    <Popover opened={opened} onChange={close} position="bottom-end" width={280} withArrow trapFocus returnFocus>
      <Popover.Target>
        <Tooltip label="Add to a playlist" disabled={opened}>
          <ActionIcon
            variant="subtle"
            color="gray"
            size={28}
            onClick={toggle}
            aria-label="Add to a playlist"
            aria-expanded={opened}
          >
            <Icon name="list" size={16} />
          </ActionIcon>
        </Tooltip>
      </Popover.Target>
      <Popover.Dropdown>{opened && <Choice item={item} done={close} />}</Popover.Dropdown>
    </Popover>
  );
}

function Choice({ item, done }: { item: Item; done: () => void }) {
  const { source } = useCallView();
  const client = useQueryClient();
  const playlists = useQuery({
    queryKey: ["playlists"],
    queryFn: () => request<{ playlists: Playlist[] }>("GET", "/v1/playlists"),
    select: (answer) => answer.playlists,
  });
  const add = useMutation({
    mutationFn: ({ playlist_id }: Pick<Playlist, "playlist_id" | "name">) =>
      request<unknown>("POST", `/v1/playlists/${playlist_id}/items`, { body: { call_id: source.callId, ...item } }),
    onSuccess: async (_, { name }) => {
      notifications.show({ message: `Added to “${name}”.` });
      await client.invalidateQueries({ queryKey: ["playlists"] });
      done();
    },
  });
  if (playlists.isPending) return <Loading label="Loading the playlists" />;
  if (playlists.isError) return <ErrorState error={playlists.error} retry={() => playlists.refetch()} />;
  return (
    <Stack gap="xs">
      <Text size="sm" fw={600}>
        Add to a playlist
      </Text>
      {playlists.data.map((playlist) => (
        <Button
          key={playlist.playlist_id}
          variant="default"
          justify="flex-start"
          loading={add.isPending && add.variables.playlist_id === playlist.playlist_id}
          onClick={() => add.mutate(playlist)}
        >
          {playlist.name}
        </Button>
      ))}
      <Form
        submit="Add to a new one"
        send={async (fields) => {
          const name = field(fields, "name").trim();
          const made = await request<{ playlist_id: string }>("POST", "/v1/playlists", { body: { name } });
          await add.mutateAsync({ playlist_id: made.playlist_id, name });
        }}
      >
        <TextInput name="name" label="New playlist" placeholder="Good discovery questions" maxLength={200} required />
      </Form>
      {add.isError && (
        <Text size="sm" c="var(--ride-bad)" role="alert">
          {messageOf(add.error)}
        </Text>
      )}
    </Stack>
  );
}
