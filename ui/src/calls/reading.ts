/** What the pages about many calls ask the server. */

import { infiniteQueryOptions, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { request } from "@/api/client";
import type { CallDetail, CallPage, Hit, Member } from "@/api/types";
import { atLeast, useSession } from "@/app/session";

const PAGE = 50;

export const callsOf = (query: Record<string, string | string[]>) =>
  infiniteQueryOptions({
    queryKey: ["calls", query],
    queryFn: ({ pageParam, signal }) =>
      request<CallPage>("GET", "/v1/calls", { query: { ...query, limit: PAGE, before: pageParam }, signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
  });

export function useCalls(query: Record<string, string | string[]>) {
  return useInfiniteQuery({
    ...callsOf(query),
    placeholderData: (before) => before,
    // A running call ends and a review gets done while somebody looks at the list.
    refetchInterval: (found) =>
      found.state.data?.pages.some((page) =>
        page.calls.some((call) => call.status === "live" || isBusy(call.review?.status)),
      )
        ? 5000
        : false,
  });
}

function isBusy(status: string | undefined): boolean {
  return status === "queued" || status === "running";
}

/** The people whose calls one can choose from; nobody for a rep, who has only the own ones. */
export function useReps() {
  const { member } = useSession();
  return useQuery({
    queryKey: ["members"],
    queryFn: () => request<{ members: Member[] }>("GET", "/v1/members"),
    enabled: atLeast(member, "manager"),
    select: ({ members }) => members.map(({ rep_id, name }) => ({ rep_id, name })),
    staleTime: 5 * 60_000,
  });
}

/** The types of moments that the calls have, the tenant's own among them. */
export function useMomentTypes() {
  return useQuery({
    queryKey: ["moment-types"],
    queryFn: ({ signal }) => request<{ types: string[] }>("GET", "/v1/moment-types", { signal }),
    select: ({ types }) => types,
    staleTime: 5 * 60_000,
  });
}

export function useHits(q: string) {
  return useQuery({
    queryKey: ["search", q],
    queryFn: ({ signal }) => request<{ hits: Hit[] }>("GET", "/v1/search", { query: { q, limit: 40 }, signal }),
    enabled: q.trim() !== "",
    select: ({ hits }) => hits,
    staleTime: 60_000,
  });
}

export function callQuery(callId: string) {
  return {
    queryKey: ["call", callId],
    queryFn: ({ signal }: { signal: AbortSignal }) => request<CallDetail>("GET", `/v1/calls/${callId}`, { signal }),
  };
}
