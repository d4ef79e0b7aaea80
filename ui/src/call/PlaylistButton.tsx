import { Button, Modal, Stack, Text, TextInput } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { request } from "@/api/client";
import type { Playlist } from "@/api/types";
import { Form, field } from "@/parts/Form";
import { useHeld } from "@/parts/held";
import { Icon } from "@/parts/Icon";
import { ErrorState, Loading, messageOf } from "@/parts/states";
import classes from "./ClaimCard.module.css";
import { type PlaylistStretch, useClaimView } from "./context";

/** Put a stretch of the call into a playlist: one dialog for all the buttons of the page. */
export function PlaylistButton({ item }: { item: PlaylistStretch }) {
  const { adding } = useClaimView();
  return (
    <button
      type="button"
      className={classes.tool}
      onClick={() => adding.set(item)}
      aria-label="Add to a playlist"
      title="Add to a playlist"
      aria-haspopup="dialog"
    >
      <Icon name="list" size={16} />
    </button>
  );
}

export function PlaylistDialog() {
  const { adding } = useClaimView();
  const item = useHeld(adding, (value) => value);
  const close = () => adding.set(null);
  return (
    <Modal
      opened={item !== null}
      onClose={close}
      title="Add to a playlist"
      size="sm"
      closeButtonProps={{ "aria-label": "Close" }}
    >
      {item && <Choice item={item} done={close} />}
    </Modal>
  );
}

function Choice({ item, done }: { item: PlaylistStretch; done: () => void }) {
  const { source } = useClaimView();
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
