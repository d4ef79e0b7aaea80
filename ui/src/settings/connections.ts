/** What the page of connections asks the server: CRM, calendars, mail. */

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { request } from "@/api/client";
import type { components } from "@/api/schema";

type Schemas = components["schemas"];
export type Crm = Schemas["CrmSettings"];
export type CrmCall = Schemas["CrmCall"];
export type MappedValue = Schemas["MappedValue"];
export type CrmMapping = Schemas["CrmMappingRead"];
export type CheckedCrm = Schemas["CheckedCrm"];
export type CalendarReading = Schemas["CalendarReading"];
export type MailAccount = Schemas["MailAccount"];
export type CalendarFeed = Schemas["CalendarFeed"];

function useChange<Argument, Answer>(key: string, change: (argument: Argument) => Promise<Answer>) {
  const client = useQueryClient();
  return useMutation({ mutationFn: change, onSuccess: () => client.invalidateQueries({ queryKey: [key] }) });
}

export function useCrm() {
  return useQuery({
    queryKey: ["crm"],
    queryFn: ({ signal }) => request<Schemas["CrmOfTenant"]>("GET", "/v1/crm", { signal }),
    select: (answer) => answer.crm,
  });
}

/** `secret` left out stays as it is. */
export interface NewCrm {
  vendor: Crm["vendor"];
  url: string;
  client_id: string;
  secret?: string;
  write_back: boolean;
  mapping: string;
}

export function useSaveCrm() {
  return useChange("crm", (body: NewCrm) => request<Crm>("PUT", "/v1/crm", { body }));
}

export function useDropCrm() {
  return useChange("crm", () => request<void>("DELETE", "/v1/crm"));
}

export function useCheckCrm() {
  return useMutation({ mutationFn: () => request<Schemas["CheckedCrm"]>("POST", "/v1/crm/check") });
}

/** What a mapping that is being written comes to. Raises ApiError `bad_document` with the line of a mistake. */
export function readMapping(vendor: Crm["vendor"], mapping: string): Promise<CrmMapping> {
  return request<CrmMapping>("POST", "/v1/crm/mapping/check", { body: { vendor, mapping } });
}

/** Have a call's review written; with `dealId` it is said first which deal the call belongs to. */
export function usePushCall() {
  return useChange("crm", async ({ callId, dealId }: { callId: string; dealId: string }) => {
    const address = `/v1/calls/${encodeURIComponent(callId)}/crm`;
    if (dealId !== "") await request<void>("PUT", address, { body: { deal_id: dealId } });
    await request<void>("POST", `${address}/push`);
  });
}

/** The newest calls with what was written of them. */
export function useCrmCalls() {
  return useQuery({
    queryKey: ["crm", "calls"],
    queryFn: ({ signal }) => request<Schemas["CrmCalls"]>("GET", "/v1/crm/calls?limit=20", { signal }),
    select: (answer) => answer.calls,
    // What waits is written within seconds: whoever looks on sees it arrive.
    refetchInterval: (found) => (found.state.data?.calls.some((call) => call.status === "waiting") ? 3000 : false),
  });
}

export function useMail() {
  return useQuery({
    queryKey: ["mail"],
    queryFn: ({ signal }) => request<Schemas["MailOfTenant"]>("GET", "/v1/mail", { signal }),
  });
}

export interface NewMail {
  host: string;
  port: number | null;
  security: MailAccount["security"];
  user: string;
  password?: string;
  sender: string;
}

export function useSaveMail() {
  return useChange("mail", (body: NewMail) => request<MailAccount>("PUT", "/v1/mail", { body }));
}

export function useDropMail() {
  return useChange("mail", () => request<void>("DELETE", "/v1/mail"));
}

export function useCheckMail() {
  return useMutation({ mutationFn: () => request<Schemas["CheckedMail"]>("POST", "/v1/mail/check") });
}

export function useTestMail() {
  return useMutation({ mutationFn: () => request<Schemas["TestedMail"]>("POST", "/v1/mail/test") });
}

export function useCalendars() {
  return useQuery({
    queryKey: ["calendars"],
    queryFn: ({ signal }) => request<Schemas["Calendars"]>("GET", "/v1/calendars", { signal }),
  });
}

export function useSaveReading() {
  return useChange("calendars", (body: CalendarReading) =>
    request<CalendarReading>("PUT", "/v1/calendars/reading", { body }),
  );
}

export interface NewFeed {
  label: string;
  url: string;
  rep_id: string;
}

export function useAddFeed() {
  return useChange("calendars", (body: NewFeed) => request<CalendarFeed>("POST", "/v1/calendars/feeds", { body }));
}

export function useRemoveFeed() {
  return useChange("calendars", (feedId: string) =>
    request<void>("DELETE", `/v1/calendars/feeds/${encodeURIComponent(feedId)}`),
  );
}
