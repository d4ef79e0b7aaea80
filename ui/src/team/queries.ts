/** What the team's pages ask the server. */

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { request } from "@/api/client";
import type { components } from "@/api/schema";

type Schemas = components["schemas"];

/** A number with the calls behind it: `n` of them, and the query of their list. */
export type Figure = Schemas["Figure"];
export type RepFigures = Schemas["RepFigures"];
export type WeekFigures = Schemas["WeekFigures"];

export interface TeamQuery {
  from: string;
  to: string;
  rep_id?: string | undefined;
}

export function useTeam(query: TeamQuery) {
  return useQuery({
    queryKey: ["team", query],
    queryFn: ({ signal }) =>
      request<Schemas["TeamAnswer"]>("GET", "/v1/team", { query: { ...query, bucket: "week" }, signal }),
    placeholderData: (before) => before,
  });
}

export type EffectFigures = Schemas["EffectFigures"];
export type Rate = Schemas["Rate"];

export function useEffects(query: TeamQuery) {
  return useQuery({
    queryKey: ["team", "effects", query],
    queryFn: ({ signal }) =>
      request<Schemas["EffectsAnswer"]>("GET", "/v1/team/effects", { query: { ...query }, signal }),
    placeholderData: (before) => before,
  });
}

export type PlaylistItem = Schemas["PlaylistItem"];

const LISTS = ["playlists"] as const;

export function usePlaylists() {
  return useQuery({
    queryKey: LISTS,
    queryFn: ({ signal }) => request<Schemas["PlaylistsAnswer"]>("GET", "/v1/playlists", { signal }),
    select: (answer) => answer.playlists,
  });
}

export function usePlaylist(playlistId: string) {
  return useQuery({
    queryKey: [...LISTS, playlistId],
    queryFn: ({ signal }) =>
      request<Schemas["PlaylistShown"]>("GET", `/v1/playlists/${encodeURIComponent(playlistId)}`, { signal }),
  });
}

/** One change of the playlists; their lists are read anew behind it. */
function usePlaylistChange<Argument, Answer>(change: (argument: Argument) => Promise<Answer>) {
  const client = useQueryClient();
  return useMutation({ mutationFn: change, onSuccess: () => client.invalidateQueries({ queryKey: LISTS }) });
}

export function useCreatePlaylist() {
  return usePlaylistChange((name: string) => request<Schemas["Playlist"]>("POST", "/v1/playlists", { body: { name } }));
}

export function useRemovePlaylist() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (playlistId: string) => request<void>("DELETE", `/v1/playlists/${encodeURIComponent(playlistId)}`),
    // The list alone: the playlist itself is gone.
    onSuccess: () => client.invalidateQueries({ queryKey: LISTS, exact: true }),
  });
}

export function useRemoveItem(playlistId: string) {
  return usePlaylistChange((itemId: string) =>
    request<void>("DELETE", `/v1/playlists/${encodeURIComponent(playlistId)}/items/${encodeURIComponent(itemId)}`),
  );
}
