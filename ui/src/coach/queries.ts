/** What the coach's pages ask the server: the taxonomy in its parts, its classifier, labels and replays. */

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { request } from "@/api/client";
import type { components } from "@/api/schema";

type Schemas = components["schemas"];

// The taxonomy in its parts

export type Taxonomy = Schemas["TaxonomyShown"];
export type MomentType = Schemas["TypeShown"];
export type Example = Schemas["ExampleShown"];
export type Tracker = Schemas["TrackerShown"];
export type Policy = Schemas["PolicyShown"];

export function useTaxonomy(enabled = true) {
  return useQuery({
    // Below "documents": a document that is saved as text changes it too.
    queryKey: ["documents", "taxonomy", "parts"],
    queryFn: ({ signal }) => request<Taxonomy>("GET", "/v1/taxonomy", { signal }),
    enabled,
  });
}

export interface PolicyChange {
  policy?: Partial<Omit<Policy, "quiet">> & { quiet?: Partial<Policy["quiet"]> };
  types?: { id: string; tier?: MomentType["tier"]; floor?: number; cool_down_s?: number }[];
}

export interface TaxonomyChange extends PolicyChange {
  types?: ({ id: string; examples?: Example[]; not_examples?: Example[] } & Partial<
    Pick<MomentType, "tier" | "floor" | "cool_down_s">
  >)[];
  trackers?: Tracker[];
}

export function useChangeTaxonomy() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: TaxonomyChange) => request<Taxonomy>("PATCH", "/v1/taxonomy", { body }),
    onSuccess: async (answer) => {
      await client.invalidateQueries({ queryKey: ["documents"] });
      await client.invalidateQueries({ queryKey: ["taxonomy"] });
      client.setQueryData(["documents", "taxonomy", "parts"], answer);
    },
  });
}

// Its classifier

export type Version = Schemas["TaxonomyVersion"];
export type Versions = Schemas["TaxonomyVersions"];
export type Then = Schemas["TrainingWanted"]["then"];

/** So often a training is asked how it goes. */
const ASK_MS = 1000;

export function useTrained() {
  return useQuery({
    queryKey: ["taxonomy", "versions"],
    queryFn: ({ signal }) => request<Versions>("GET", "/v1/taxonomy/versions", { signal }),
    refetchInterval: (found) =>
      found.state.data?.versions.some((version) => version.state === "training") ? ASK_MS : false,
  });
}

function useTaught<Argument, Answer>(send: (argument: Argument) => Promise<Answer>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: send,
    onSuccess: () => client.invalidateQueries({ queryKey: ["taxonomy"] }),
  });
}

export function useTrain() {
  return useTaught((body: { then: Then; trust_feedback: boolean }) =>
    request<Version>("POST", "/v1/taxonomy/versions", { body }),
  );
}

export function useMove() {
  return useTaught(({ version, to }: { version: number; to: "promote" | "shadow" | "retire" }) =>
    request<Version>("POST", `/v1/taxonomy/versions/${version}/${to}`),
  );
}

export type ShadowAnswer = Schemas["ShadowAnswer"];

export function useShadow(version: number) {
  return useQuery({
    queryKey: ["taxonomy", "shadow", version],
    queryFn: ({ signal }) => request<ShadowAnswer>("GET", `/v1/taxonomy/versions/${version}/shadow`, { signal }),
  });
}

export type ChangedPlace = Schemas["ChangedPlace"];

export function useChanges(version: number) {
  return useQuery({
    queryKey: ["taxonomy", "changes", version],
    queryFn: ({ signal }) =>
      request<Schemas["ChangesAnswer"]>("GET", `/v1/taxonomy/versions/${version}/changes`, { signal }),
    select: (answer) => answer.places,
  });
}

export type FeedbackReport = Schemas["FeedbackReport"];

export function useFeedbackReport() {
  return useQuery({
    queryKey: ["taxonomy", "feedback"],
    queryFn: ({ signal }) => request<FeedbackReport>("GET", "/v1/taxonomy/feedback", { signal }),
  });
}

// The review queue

export type QueueItem = Schemas["QueueItem"];

/** Read once: items must not move while somebody answers them. `reading` tells one round of questions from the next. */
export function useQueue(round: number) {
  return useQuery({
    queryKey: ["review-queue", round],
    queryFn: ({ signal }) =>
      request<Schemas["QueueAnswer"]>("GET", "/v1/taxonomy/queue", { query: { limit: 30 }, signal }),
    select: (answer) => answer.items,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });
}

export interface QueueLabel {
  call_id: string;
  revision: number;
  utterance_no: number;
  type: string;
  /** Null takes it back. */
  holds: boolean | null;
}

export function useAnswerQueue() {
  return useTaught(async (labels: readonly QueueLabel[]) => {
    for (const body of labels) await request<void>("POST", "/v1/taxonomy/queue", { body });
  });
}

// What is said of a call's moments

export type Label = Schemas["Label"];

export function useLabels(callId: string, enabled: boolean) {
  return useQuery({
    queryKey: ["call", callId, "labels"],
    queryFn: ({ signal }) =>
      request<Schemas["LabelsAnswer"]>("GET", `/v1/calls/${encodeURIComponent(callId)}/labels`, { signal }),
    select: (answer) => answer.labels,
    enabled,
  });
}

function useOfCall<Argument>(callId: string, send: (argument: Argument) => Promise<unknown>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: send,
    onSuccess: () =>
      Promise.all([
        client.invalidateQueries({ queryKey: ["call", callId, "labels"] }),
        client.invalidateQueries({ queryKey: ["call", callId, "moments"] }),
        client.invalidateQueries({ queryKey: ["taxonomy"] }),
      ]),
  });
}

/** Say what a moment is: its own type, another one, none (null); undefined takes back what one said. */
export function useLabelMoment(callId: string) {
  return useOfCall(callId, ({ momentId, type }: { momentId: string; type: string | null | undefined }) => {
    const place = `/v1/calls/${encodeURIComponent(callId)}/moments/${encodeURIComponent(momentId)}/label`;
    return type === undefined ? request<void>("DELETE", place) : request("PUT", place, { body: { type } });
  });
}

export function useAddMoment(callId: string) {
  return useOfCall(callId, (body: { type: string; utterance_no: number; quote: string }) =>
    request("POST", `/v1/calls/${encodeURIComponent(callId)}/moments`, { body }),
  );
}

// A policy on past calls

export type ReplayAnswer = Schemas["ReplayAnswer"];
export type ReplayedCall = ReplayAnswer["calls"][number];
export type ReplayChange = ReplayedCall["changes"][number];
export type ReplayFigures = ReplayAnswer["total"];

export function useReplay() {
  return useMutation({
    mutationFn: ({ call_ids, change }: { call_ids: readonly string[]; change: PolicyChange }) =>
      request<ReplayAnswer>("POST", "/v1/policy/replay", {
        // YAML is what the route takes, and JSON is YAML.
        body: { call_ids, policy: JSON.stringify(change) },
      }),
  });
}
