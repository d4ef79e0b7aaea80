/** What the live pages ask the server. */

import { useMutation, useQuery } from "@tanstack/react-query";
import { request } from "@/api/client";
import type { components } from "@/api/schema";

type Schemas = components["schemas"];

export type LiveCall = Schemas["LiveCallShown"];

const EVERY_MS = 2000;

export function useLiveCalls() {
  return useQuery({
    queryKey: ["live"],
    queryFn: ({ signal }) => request<Schemas["LiveAnswer"]>("GET", "/v1/live", { signal }),
    select: (answer) => answer.calls,
    refetchInterval: EVERY_MS,
    staleTime: 0,
  });
}

export function useCallHead(callId: string) {
  return useQuery({
    queryKey: ["call", callId, "head"],
    queryFn: ({ signal }) =>
      request<Schemas["CallDetail"]>("GET", `/v1/calls/${encodeURIComponent(callId)}`, { signal }),
  });
}

export const MOST_MESSAGE = 140;

export function useSendMessage(callId: string) {
  return useMutation({
    mutationFn: (text: string) =>
      request<Schemas["MessageSent"]>("POST", `/v1/calls/${encodeURIComponent(callId)}/messages`, { body: { text } }),
  });
}
