/** What the settings ask the server. */

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { request } from "@/api/client";
import type { components } from "@/api/schema";
import type { Member, Role } from "@/api/types";

type Schemas = components["schemas"];

/** A change of something in the settings; what was read of it before is read anew. */
function useChange<Argument, Answer>(key: string, change: (argument: Argument) => Promise<Answer>) {
  const client = useQueryClient();
  return useMutation({ mutationFn: change, onSuccess: () => client.invalidateQueries({ queryKey: [key] }) });
}

// Members

export function useMembers() {
  return useQuery({
    queryKey: ["members"],
    queryFn: ({ signal }) => request<Schemas["Members"]>("GET", "/v1/members", { signal }),
    select: (answer) => answer.members,
  });
}

/** Who may change settings; only managers and admins may read the list. */
export function useAdmins(enabled: boolean) {
  return useQuery({
    queryKey: ["members"],
    queryFn: ({ signal }) => request<Schemas["Members"]>("GET", "/v1/members", { signal }),
    select: (answer) => answer.members.filter((one) => one.role === "admin" && one.disabled_at === null),
    enabled,
  });
}

export interface NewMember {
  email: string;
  name: string;
  role: Role;
}

export function useInvite() {
  return useChange("members", (body: NewMember) => request<Schemas["MemberAdded"]>("POST", "/v1/members", { body }));
}

export interface MemberChange {
  member_id: string;
  name?: string;
  role?: Role;
  disabled?: boolean;
}

export function useChangeMember() {
  return useChange("members", ({ member_id, ...body }: MemberChange) =>
    request<Member>("PATCH", `/v1/members/${encodeURIComponent(member_id)}`, { body }),
  );
}

export function useInviteAgain() {
  return useChange("members", (memberId: string) =>
    request<Schemas["Invite"]>("POST", `/v1/members/${encodeURIComponent(memberId)}/invite`),
  );
}

// Consent, retention, defaults

export type Consent = Schemas["Consent"];
export type TenantSettings = Schemas["TenantSettings"];

export function useTenantSettings() {
  return useQuery({
    queryKey: ["settings"],
    queryFn: ({ signal }) => request<TenantSettings>("GET", "/v1/settings", { signal }),
  });
}

export function useSaveSettings() {
  return useChange("settings", (body: TenantSettings) => request<TenantSettings>("PUT", "/v1/settings", { body }));
}

// API keys

export type Scope = Schemas["NewApiKey"]["scopes"][number];

export type ApiKey = Schemas["ApiKey"];

export function useApiKeys() {
  return useQuery({
    queryKey: ["api-keys"],
    queryFn: ({ signal }) => request<Schemas["ApiKeys"]>("GET", "/v1/api-keys", { signal }),
    select: (answer) => answer.api_keys,
  });
}

export function useMakeApiKey() {
  return useChange("api-keys", (body: { label: string; scopes: Scope[]; expires_days?: number; own: boolean }) =>
    request<Schemas["ApiKeyAdded"]>("POST", "/v1/api-keys", { body }),
  );
}

export function useRevokeApiKey() {
  return useChange("api-keys", (tokenId: string) =>
    request<void>("DELETE", `/v1/api-keys/${encodeURIComponent(tokenId)}`),
  );
}

// Webhooks

export type Webhook = Schemas["Webhook"];

export function useWebhooks() {
  return useQuery({
    queryKey: ["webhooks"],
    queryFn: ({ signal }) => request<Schemas["Webhooks"]>("GET", "/v1/webhooks", { signal }),
    select: (answer) => answer.webhooks,
  });
}

export type NewDestination = Pick<Schemas["NewWebhook"], "url" | "events" | "kind"> & { audience?: string };

export function useMakeWebhook() {
  return useChange("webhooks", (body: NewDestination) =>
    request<Schemas["WebhookAdded"]>("POST", "/v1/webhooks", { body }),
  );
}

export function useChangeWebhook() {
  return useChange("webhooks", ({ webhook_id, ...body }: { webhook_id: string; active?: boolean }) =>
    request<Webhook>("PATCH", `/v1/webhooks/${encodeURIComponent(webhook_id)}`, { body }),
  );
}

export function useRemoveWebhook() {
  return useChange("webhooks", (webhookId: string) =>
    request<void>("DELETE", `/v1/webhooks/${encodeURIComponent(webhookId)}`),
  );
}

// Models and keys with vendors

export type Account = Schemas["VendorAccount"];
export type ModelsAnswer = Schemas["ModelsAnswer"];

export interface ModelsChange {
  live_model?: string | null;
  review_models?: string[] | null;
  verify_model?: string | null;
  tokens_per_day?: number | null;
  live_tokens_per_day?: number | null;
  vendors?: Record<string, { key?: string | null; url?: string | null } | null>;
}

export function useModels() {
  return useQuery({
    queryKey: ["models"],
    queryFn: ({ signal }) => request<ModelsAnswer>("GET", "/v1/models", { signal }),
  });
}

export function useSaveModels() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: ModelsChange) => request<ModelsAnswer>("PUT", "/v1/models", { body }),
    onSuccess: (answer) => client.setQueryData(["models"], answer),
  });
}
