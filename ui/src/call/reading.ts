/** What the page of one call reads and changes. */

import { type QueryClient, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { ApiError, request } from "@/api/client";
import type { components } from "@/api/schema";
import type {
  Artifact,
  CallDetail,
  Comment,
  Feedback,
  Moment,
  RoleName,
  Statistic,
  Transcript,
  Vote,
  Waveform,
} from "@/api/types";
import { addressOf, type CallSource } from "./source";

type Documents = components["schemas"]["DocumentsAnswer"];

function read<T>(source: CallSource, part: string, query: Record<string, string | number> = {}) {
  return ({ signal }: { signal: AbortSignal }) => request<T>("GET", addressOf(source, part, query), { signal });
}

const keyOf = (source: CallSource, what: string) => ["call", source.callId, what, source.share] as const;

const callOf = (source: CallSource) => ({ queryKey: ["call", source.callId], queryFn: read<CallDetail>(source, "") });

export function useCall(source: CallSource) {
  return useQuery({
    ...callOf(source),
    refetchInterval: (found) => {
      const call = found.state.data;
      return call && (call.status === "live" || isBusy(call)) ? 2000 : false;
    },
  });
}

/** Whether a review is on its way. */
export function isBusy(call: CallDetail): boolean {
  return call.review?.status === "queued" || call.review?.status === "running";
}

export function useTranscript(source: CallSource, enabled = true) {
  return useQuery({
    queryKey: keyOf(source, "transcript"),
    queryFn: read<Transcript>(source, "/transcript"),
    enabled,
    staleTime: 5 * 60_000,
  });
}

/** What was read of a call that turned out to run is read again when it has ended. */
export function useForgottenWhile(source: CallSource, live: boolean): void {
  const client = useQueryClient();
  const { callId, share } = source;
  useEffect(() => {
    if (!live) return;
    for (const what of ["transcript", "waveform", "moments"]) {
      client.removeQueries({ queryKey: keyOf({ callId, share }, what) });
    }
  }, [client, callId, share, live]);
}

const momentsOf = (source: CallSource) => ({
  queryKey: keyOf(source, "moments"),
  queryFn: read<{ moments: Moment[] }>(source, "/moments"),
});

export function useMoments(source: CallSource, enabled = true) {
  return useQuery({ ...momentsOf(source), select: (answer) => answer.moments, enabled });
}

/** The review; null while there is none. `state` is part of the key: a review that gets done is read at once. */
export function useArtifact(source: CallSource, state: string, enabled = true) {
  return useQuery({ ...artifactOf(source, state), enabled });
}

function artifactOf(source: CallSource, state: string) {
  return {
    queryKey: [...keyOf(source, "artifact"), state],
    queryFn: async ({ signal }: { signal: AbortSignal }): Promise<Artifact | null> => {
      try {
        return await request<Artifact>("GET", addressOf(source, "/artifact"), { signal });
      } catch (reason) {
        if (reason instanceof ApiError && NO_REVIEW.has(reason.code)) return null;
        throw reason;
      }
    },
    placeholderData: (before: Artifact | null | undefined) => before,
    staleTime: 60_000,
  };
}

const NO_REVIEW = new Set(["not_reviewed", "unknown_review", "review_not_finished"]);

export function useStatistics(source: CallSource, enabled = true) {
  return useQuery({
    queryKey: keyOf(source, "statistics"),
    queryFn: read<{ statistics: Statistic[] }>(source, "/statistics"),
    select: (answer) => answer.statistics,
    enabled,
  });
}

const waveformOf = (source: CallSource) => ({
  queryKey: keyOf(source, "waveform"),
  queryFn: read<Waveform>(source, "/waveform", { points: 2000 }),
  staleTime: 10 * 60_000,
});

export function useWaveform(source: CallSource, enabled = true) {
  return useQuery({ ...waveformOf(source), enabled });
}

/**
 * Has what the parts of the page show asked for together with the call itself, not one after the other: it takes a guess
 * that the call has ended. Whoever asks so hears nothing of the answers, and is not rendered again with each.
 */
export function useAskedAhead(source: CallSource, call: CallDetail | undefined): void {
  const enabled = call?.status !== "live";
  const quiet = { notifyOnChangeProps: [] };
  useQuery({ ...waveformOf(source), ...quiet, enabled });
  useQuery({ ...momentsOf(source), ...quiet, enabled });
  const state = call?.review?.status ?? "none";
  useQuery({ ...artifactOf(source, state), ...quiet, enabled: call?.status === "ended" });
}

/** Reads what the page shows first, the call and its review. What fails is asked for again by whoever shows it. */
export async function readFirst(client: QueryClient, source: CallSource): Promise<void> {
  await client.prefetchQuery(callOf(source));
  const call = client.getQueryData<CallDetail>(callOf(source).queryKey);
  if (call?.status === "ended") await client.prefetchQuery(artifactOf(source, call.review?.status ?? "none"));
}

export function useVotes(source: CallSource) {
  return useQuery({
    queryKey: keyOf(source, "votes"),
    queryFn: read<{ votes: Vote[] }>(source, "/votes"),
    select: (answer) => answer.votes,
    enabled: source.share === null,
  });
}

export function useVote(source: CallSource) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ claimId, verdict }: { claimId: string; verdict: Vote["verdict"] | null }) =>
      request<{ votes: Vote[] }>("POST", addressOf(source, `/claims/${claimId}/votes`), { body: { verdict } }),
    onSuccess: () => client.invalidateQueries({ queryKey: keyOf(source, "votes") }),
  });
}

export function useFeedback(source: CallSource) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ momentId, verdict }: { momentId: string; verdict: Feedback["verdict"] }) =>
      request<{ feedback: Feedback[] }>("POST", addressOf(source, `/moments/${momentId}/feedback`), {
        body: { verdict },
      }),
    onSuccess: () => client.invalidateQueries({ queryKey: keyOf(source, "moments") }),
  });
}

export function useComments(source: CallSource) {
  return useQuery({
    queryKey: keyOf(source, "comments"),
    queryFn: read<{ comments: Comment[] }>(source, "/comments"),
    select: (answer) => answer.comments,
    enabled: source.share === null,
  });
}

export function useCommenting(source: CallSource) {
  const client = useQueryClient();
  const settled = () => client.invalidateQueries({ queryKey: keyOf(source, "comments") });
  const add = useMutation({
    mutationFn: (comment: { at_ts: number; text: string; reply_to?: string }) =>
      request<Comment>("POST", addressOf(source, "/comments"), { body: comment }),
    onSuccess: settled,
  });
  const remove = useMutation({
    mutationFn: (commentId: string) => request<void>("DELETE", addressOf(source, `/comments/${commentId}`)),
    onSuccess: settled,
  });
  return { add, remove };
}

export function useStateContext(source: CallSource) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (context: Partial<CallDetail["context"]>) =>
      request<CallDetail>("PUT", addressOf(source, "/context"), { body: context }),
    onSuccess: () =>
      Promise.all([
        client.invalidateQueries({ queryKey: ["call", source.callId] }),
        client.invalidateQueries({ queryKey: ["calls"] }),
        client.invalidateQueries({ queryKey: ["deals"] }),
      ]),
  });
}

/** Everything that follows from who is who. */
function forgetRoles(client: QueryClient, source: CallSource) {
  return Promise.all([
    client.invalidateQueries({ queryKey: ["call", source.callId] }),
    client.invalidateQueries({ queryKey: ["calls"] }),
  ]);
}

export function useCorrectSpeaker(source: CallSource) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ speakerId, ...change }: { speakerId: number; name?: string | null; role?: RoleName }) =>
      request<CallDetail>("PUT", addressOf(source, `/speakers/${speakerId}`), { body: change }),
    onSuccess: () => forgetRoles(client, source),
  });
}

/** The templates that make a report which a browser shows, by name. */
export function useReportTemplates(enabled: boolean) {
  return useQuery({
    queryKey: ["documents"],
    queryFn: ({ signal }) => request<Documents>("GET", "/v1/documents", { signal }),
    select: ({ documents }) =>
      documents.flatMap(({ kind, name }) => (kind === "template" && name.endsWith(".html") ? [name.slice(0, -5)] : [])),
    staleTime: 60_000,
    enabled,
  });
}

export function useReviewAgain(source: CallSource) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => request<unknown>("POST", addressOf(source, "/review")),
    onSuccess: () => client.invalidateQueries({ queryKey: ["call", source.callId] }),
  });
}
