/** What the pages over many calls ask the server. */

import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { request } from "@/api/client";
import type { components } from "@/api/schema";

type Schemas = components["schemas"];

export type CallNamed = Schemas["CallNamed"];
export type CitedCall = Schemas["CitedCall"];
export type SpeakerNamed = Schemas["SpeakerNamed"];
export type Answer = Schemas["AnswerShown"];
export type Sentence = Schemas["SentenceShown"];
export type Scope = Schemas["ScopeShown"];
export type DealListed = Schemas["DealListed"];
export type Deal = Schemas["DealShown"];
export type DealField = Schemas["FieldShown"];
export type FieldEntry = Schemas["FieldEntryShown"];
export type AgreedAction = Schemas["AgreedActionShown"];
export type Theme = Schemas["ThemeShown"];
export type Competitor = Schemas["CompetitorShown"];
export type ThemeMoment = Schemas["ThemeMomentShown"];
export type WeekCounted = Schemas["WeekCounted"];

/** The body of a question; what is left out is read out of its words. */
export type Question = { question: string } & Partial<
  Record<"from" | "to" | "rep_id" | "customer" | "deal", string>
> & {
    role?: "rep" | "customer";
  };

/** Answers stay as they are while the page is open: asked again they may cost a model's time. */
export function useAnswer(question: Question | null) {
  return useQuery({
    queryKey: ["ask", question],
    queryFn: ({ signal }) => request<Answer>("POST", "/v1/ask", { body: question, signal }),
    enabled: question !== null,
    staleTime: 10 * 60_000,
    retry: false,
  });
}

export function useDeals() {
  return useQuery({
    queryKey: ["deals"],
    queryFn: ({ signal }) => request<Schemas["DealsAnswer"]>("GET", "/v1/deals", { signal }),
    select: ({ deals }) => deals,
    staleTime: 60_000,
  });
}

/** `deal` empty: all calls of the customer. */
export function dealQuery(customer: string, deal: string) {
  return {
    queryKey: ["deals", customer, deal],
    queryFn: ({ signal }: { signal: AbortSignal }) =>
      request<Deal>("GET", `/v1/deals/${encodeURIComponent(customer)}`, { query: { deal }, signal }),
    staleTime: 5 * 60_000,
  };
}

export interface ThemesQuery {
  from?: string | undefined;
  to?: string | undefined;
  rep_id?: string | undefined;
  customer?: string | undefined;
}

/** Moments of each theme that come with the list; the others come when its count is opened. */
export const AT_FIRST = 3;

export function useThemes(query: ThemesQuery) {
  return useQuery({
    queryKey: ["themes", query],
    queryFn: ({ signal }) =>
      request<Schemas["ThemesAnswer"]>("GET", "/v1/themes", { query: { ...query, moments: AT_FIRST }, signal }),
    placeholderData: (before) => before,
    staleTime: 60_000,
  });
}

const AT_ONCE = 20;

/** The moments that a count stands for, some at a time. */
export function useMomentsBehind(ids: readonly string[]) {
  return useInfiniteQuery({
    queryKey: ["theme-moments", ids],
    queryFn: ({ pageParam, signal }) =>
      request<Schemas["ThemeMomentsAnswer"]>("GET", "/v1/themes/moments", {
        query: { moment_id: ids.slice(pageParam, pageParam + AT_ONCE) },
        signal,
      }),
    initialPageParam: 0,
    getNextPageParam: (_, __, from) => (from + AT_ONCE < ids.length ? from + AT_ONCE : null),
    enabled: ids.length > 0,
    staleTime: 60_000,
  });
}
