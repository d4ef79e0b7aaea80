/** What the team's pages ask the server. */

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { request } from "@/api/client";

/** A number with the calls behind it: `n` of them, and the address of their list. */
export interface Figure {
  value: number | null;
  n: number;
  calls_query: string;
}

export interface Figures {
  calls: Figure;
  talk_ratio: Figure;
  questions_per_call: Figure;
  score: Figure;
  moments: Record<string, Figure>;
  nudges: Figure;
  nudges_helpful: Figure;
  nudges_wrong: Figure;
}

export interface RepFigures extends Figures {
  rep_id: string;
  name: string | null;
}

export interface WeekFigures extends Figures {
  /** ISO week, for example `2026-W47`. */
  week: string;
}

export interface TeamAnswer {
  reps: RepFigures[];
  weeks: WeekFigures[];
}

export interface TeamQuery {
  from: string;
  to: string;
  rep_id?: string | undefined;
}

export function useTeam(query: TeamQuery) {
  return useQuery({
    queryKey: ["team", query],
    queryFn: ({ signal }) => request<TeamAnswer>("GET", "/v1/team", { query: { ...query, bucket: "week" }, signal }),
    placeholderData: (before) => before,
  });
}

export interface PlaylistRow {
  playlist_id: string;
  name: string;
  by: { member_id: string | null; name: string } | null;
  items: number;
}

export interface PlaylistItem {
  item_id: string;
  call_id: string;
  start_ts: number;
  end_ts: number;
  speaker_id: number | null;
  quote: string;
  title: string | null;
  note: string | null;
}

export interface Playlist {
  playlist_id: string;
  name: string;
  items: PlaylistItem[];
}

const LISTS = ["playlists"] as const;

export function usePlaylists() {
  return useQuery({
    queryKey: LISTS,
    queryFn: ({ signal }) => request<{ playlists: PlaylistRow[] }>("GET", "/v1/playlists", { signal }),
    select: (answer) => answer.playlists,
  });
}

export function usePlaylist(playlistId: string) {
  return useQuery({
    queryKey: [...LISTS, playlistId],
    queryFn: ({ signal }) => request<Playlist>("GET", `/v1/playlists/${encodeURIComponent(playlistId)}`, { signal }),
  });
}

/** One change of the playlists; their lists are read anew behind it. */
function usePlaylistChange<Argument, Answer>(change: (argument: Argument) => Promise<Answer>) {
  const client = useQueryClient();
  return useMutation({ mutationFn: change, onSuccess: () => client.invalidateQueries({ queryKey: LISTS }) });
}

export function useCreatePlaylist() {
  return usePlaylistChange((name: string) => request<PlaylistRow>("POST", "/v1/playlists", { body: { name } }));
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
