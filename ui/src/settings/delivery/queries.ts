/** What the pages of delivery ask the server beside the destinations themselves. */

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { request } from "@/api/client";
import type { components } from "@/api/schema";
import { type Preview, readText } from "../documents/queries";
import type { AudienceTemplate, Delivery, Form } from "./words";

type Schemas = components["schemas"];

/** So often the log is read again while something in it waits. */
const AGAIN_MS = 5000;

export function useDeliveries(webhookId: string, status: Delivery["status"] | null) {
  return useQuery({
    queryKey: ["webhooks", webhookId, "deliveries", status],
    queryFn: ({ signal }) =>
      request<Schemas["Deliveries"]>("GET", `/v1/webhooks/${encodeURIComponent(webhookId)}/deliveries`, {
        query: { status, limit: 50 },
        signal,
      }),
    select: (answer) => answer.deliveries,
    refetchInterval: (found) =>
      found.state.data?.deliveries.some((one) => one.status === "waiting") ? AGAIN_MS : false,
  });
}

export function useReplayEvents(webhookId: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: { after: number; until: number | null }) =>
      request<Schemas["Replayed"]>("POST", `/v1/webhooks/${encodeURIComponent(webhookId)}/replay`, { body }),
    onSuccess: () => client.invalidateQueries({ queryKey: ["webhooks"] }),
  });
}

export function useAudiences() {
  return useQuery({
    queryKey: ["audiences"],
    queryFn: ({ signal }) => request<Schemas["AudienceTemplates"]>("GET", "/v1/settings/audiences", { signal }),
    select: (answer) => answer.audiences,
  });
}

export function useSaveAudiences() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (audiences: readonly AudienceTemplate[]) =>
      request<Schemas["AudienceTemplates"]>("PUT", "/v1/settings/audiences", { body: { audiences } }),
    onSuccess: () => client.invalidateQueries({ queryKey: ["audiences"] }),
  });
}

/** A call's report by a template as it holds, in its form. */
export function useReport() {
  return useMutation({
    mutationFn: async ({ template, form, call_id }: { template: string; form: Form; call_id: string }) => {
      const name = `${template}.${form}`;
      const text = await readText("template", name);
      return request<Preview>("POST", `/v1/documents/template/${encodeURIComponent(name)}/preview`, {
        body: { text, call_id },
      });
    },
  });
}
