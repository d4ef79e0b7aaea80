import { Alert, Anchor, Button, Card, Container, Group, Modal, Stack, Text, Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useRef } from "react";
import { Link, useLocation } from "wouter";
import { clock, plural } from "@/parts/format";
import { Icon } from "@/parts/Icon";
import { EmptyState, ErrorState, Loading, messageOf } from "@/parts/states";
import { type PlaylistItem, usePlaylist, useRemoveItem, useRemovePlaylist } from "./queries";
import classes from "./team.module.css";
import { useThrough } from "./through";

/** One playlist: heard through from the first moment to the last, or each by itself. */
export default function PlaylistPage({ playlistId }: { playlistId: string }) {
  const playlist = usePlaylist(playlistId);
  if (playlist.isPending) return <Loading />;
  if (playlist.isError) return <ErrorState error={playlist.error} retry={() => playlist.refetch()} />;
  const { name, items } = playlist.data;
  return (
    <Container size="md" py="md">
      <Stack>
        <Anchor component={Link} href="/playlists" size="sm">
          All playlists
        </Anchor>
        <Group justify="space-between" align="start">
          <Title order={1} size="h2" style={{ overflowWrap: "anywhere", minWidth: 0, flex: "1 1 16rem" }}>
            {name}
          </Title>
          <RemovePlaylist playlistId={playlistId} name={name} />
        </Group>
        {items.length === 0 ? (
          <EmptyState title="Nothing in here yet">
            Open a call and choose “Add to playlist” at a moment or a claim.
          </EmptyState>
        ) : (
          <Items playlistId={playlistId} items={items} />
        )}
      </Stack>
    </Container>
  );
}

function Items({ playlistId, items }: { playlistId: string; items: readonly PlaylistItem[] }) {
  const audio = useRef<HTMLAudioElement>(null);
  const { current, playing, failed, play, pause, handlers } = useThrough(audio, items);
  const removing = useRemoveItem(playlistId);
  return (
    <Stack>
      <Group>
        <Button
          leftSection={<Icon name={playing ? "pause" : "play"} />}
          onClick={() => (playing ? pause() : play(current ?? 0))}
        >
          {playing ? "Pause" : current === null ? "Play all" : "Go on"}
        </Button>
        <Text c="dimmed" role="status">
          {current === null ? plural(items.length, "moment") : `${current + 1} of ${items.length}`}
        </Text>
      </Group>
      <audio ref={audio} preload="none" {...handlers} />
      {failed && (
        <Alert color="red" role="alert" title="This moment cannot be played">
          Its recording may have been erased, or the server does not answer. Play another one, or try again.
        </Alert>
      )}
      {removing.isError && (
        <Alert color="red" role="alert">
          {messageOf(removing.error)}
        </Alert>
      )}
      <Stack component="ol" p={0} m={0} style={{ listStyle: "none" }}>
        {items.map((item, index) => (
          <Card
            key={item.item_id}
            component="li"
            withBorder
            className={classes.item ?? ""}
            aria-current={index === current ? "true" : undefined}
          >
            <Group justify="space-between" wrap="nowrap" align="start">
              <Stack gap={4} style={{ minWidth: 0 }}>
                <Text fw={600} style={{ overflowWrap: "anywhere" }}>
                  {item.title || "Call without a title"}
                </Text>
                {item.quote !== "" && <Text style={{ overflowWrap: "anywhere" }}>“{item.quote}”</Text>}
                {item.note !== null && item.note !== "" && (
                  <Text c="dimmed" style={{ overflowWrap: "anywhere" }}>
                    {item.note}
                  </Text>
                )}
                <Anchor component={Link} href={`/calls/${item.call_id}?t=${item.start_ts}`} size="sm">
                  {clock(item.start_ts)} to {clock(item.end_ts)}, in its call
                </Anchor>
              </Stack>
              <Group gap="xs" wrap="nowrap">
                <Button
                  variant="light"
                  size="xs"
                  aria-label={`Play moment ${index + 1}`}
                  onClick={() => (playing && index === current ? pause() : play(index))}
                >
                  <Icon name={playing && index === current ? "pause" : "play"} />
                </Button>
                <Button
                  variant="default"
                  size="xs"
                  aria-label={`Remove moment ${index + 1}`}
                  loading={removing.isPending && removing.variables === item.item_id}
                  onClick={() => removing.mutate(item.item_id)}
                >
                  <Icon name="trash" />
                </Button>
              </Group>
            </Group>
          </Card>
        ))}
      </Stack>
    </Stack>
  );
}

function RemovePlaylist({ playlistId, name }: { playlistId: string; name: string }) {
  const [asked, { open, close }] = useDisclosure(false);
  const [, navigate] = useLocation();
  const removing = useRemovePlaylist();
  return (
    <>
      <Button variant="default" onClick={open}>
        Remove the playlist
      </Button>
      <Modal opened={asked} onClose={close} title="Remove this playlist?">
        <Text style={{ overflowWrap: "anywhere" }}>
          “{name}” goes away for everybody. The calls in it stay as they are.
        </Text>
        {removing.isError && (
          <Alert color="red" mt="sm" role="alert">
            {messageOf(removing.error)}
          </Alert>
        )}
        <Group justify="end" mt="md">
          <Button variant="default" onClick={close}>
            Keep it
          </Button>
          <Button
            color="red"
            loading={removing.isPending}
            onClick={() => removing.mutate(playlistId, { onSuccess: () => navigate("/playlists") })}
          >
            Remove it
          </Button>
        </Group>
      </Modal>
    </>
  );
}
