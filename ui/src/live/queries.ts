/** What the live pages ask the server. */

import { useMutation, useQuery } from "@tanstack/react-query";
import { request } from "@/api/client";
import type { Role } from "./feed";

export interface LastMoment {
  moment_id: string;
  type: string;
  tier: "nudge" | "noted";
  nudge: string | null;
  trigger_ts: number;
}

export interface LiveCall {
  call_id: string;
  title: string | null;
  rep_id: string;
  rep_name: string | null;
  started_at: string;
  audio_ms: number;
  last_moments: LastMoment[];
}

/** A call as far as its live page needs it. */
export interface CallHead {
  call_id: string;
  title: string | null;
  rep_id: string;
  rep_name: string | null;
  status: "live" | "ended";
  speakers: { speaker_id: number; role: Role; name?: string | null }[];
}

const EVERY_MS = 2000;

export function useLiveCalls() {
  return useQuery({
    queryKey: ["live"],
    queryFn: ({ signal }) => request<{ calls: LiveCall[] }>("GET", "/v1/live", { signal }),
    select: (answer) => answer.calls,
    refetchInterval: EVERY_MS,
    staleTime: 0,
  });
}

export function useCallHead(callId: string) {
  return useQuery({
    queryKey: ["call", callId, "head"],
    queryFn: ({ signal }) => request<CallHead>("GET", `/v1/calls/${encodeURIComponent(callId)}`, { signal }),
  });
}

export const MOST_MESSAGE = 140;

export function useSendMessage(callId: string) {
  return useMutation({
    mutationFn: (text: string) =>
      request<unknown>("POST", `/v1/calls/${encodeURIComponent(callId)}/messages`, { body: { text } }),
  });
}
