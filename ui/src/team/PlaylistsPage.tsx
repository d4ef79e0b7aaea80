import { Alert, Anchor, Button, Container, Group, Stack, Table, Text, TextInput, Title } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { Link } from "wouter";
import { plural } from "@/parts/format";
import { EmptyState, ErrorState, Loading, messageOf } from "@/parts/states";
import { useCreatePlaylist, usePlaylists } from "./queries";

/** Collections of moments worth hearing again: for a team meeting, for somebody new. */
export default function PlaylistsPage() {
  const playlists = usePlaylists();
  return (
    <Container size="md" py="md">
      <Stack>
        <Title order={1} size="h2">
          Playlists
        </Title>
        <Text c="dimmed">Moments from calls, gathered to be heard one after the other.</Text>
        <NewPlaylist />
        {playlists.isPending && <Loading />}
        {playlists.isError && <ErrorState error={playlists.error} retry={() => playlists.refetch()} />}
        {playlists.data?.length === 0 && (
          <EmptyState title="No playlists yet">
            Make one here, then open a call and choose “Add to playlist” at a moment or a claim.
          </EmptyState>
        )}
        {playlists.data !== undefined && playlists.data.length > 0 && (
          <Table aria-label="Playlists">
            <Table.Thead>
              <Table.Tr>
                <Table.Th scope="col">Name</Table.Th>
                <Table.Th scope="col">Moments</Table.Th>
                <Table.Th scope="col">Made by</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {playlists.data.map((playlist) => (
                <Table.Tr key={playlist.playlist_id}>
                  <Table.Th scope="row" style={{ overflowWrap: "anywhere" }}>
                    <Anchor component={Link} href={`/playlists/${playlist.playlist_id}`}>
                      {playlist.name}
                    </Anchor>
                  </Table.Th>
                  <Table.Td>{plural(playlist.items, "moment")}</Table.Td>
                  <Table.Td style={{ overflowWrap: "anywhere" }}>{playlist.by?.name ?? "–"}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        )}
      </Stack>
    </Container>
  );
}

function NewPlaylist() {
  const [name, setName] = useState("");
  const creating = useCreatePlaylist();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (name.trim() !== "") creating.mutate(name.trim(), { onSuccess: () => setName("") });
  };
  return (
    <form onSubmit={submit}>
      <Group align="end">
        <TextInput
          label="New playlist"
          placeholder="Good answers to the price question"
          value={name}
          maxLength={200}
          autoComplete="off"
          onChange={(event) => setName(event.currentTarget.value)}
          style={{ flex: "1 1 16rem" }}
        />
        <Button type="submit" disabled={name.trim() === ""} loading={creating.isPending}>
          Make it
        </Button>
      </Group>
      {creating.isError && (
        <Alert color="red" mt="xs" role="alert">
          {messageOf(creating.error)}
        </Alert>
      )}
    </form>
  );
}
