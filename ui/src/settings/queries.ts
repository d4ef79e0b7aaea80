/** What the settings ask the server. */

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { request } from "@/api/client";
import type { Member, Role } from "@/api/types";

/** A change of something in the settings; what was read of it before is read anew. */
function useChange<Argument, Answer>(key: string, change: (argument: Argument) => Promise<Answer>) {
  const client = useQueryClient();
  return useMutation({ mutationFn: change, onSuccess: () => client.invalidateQueries({ queryKey: [key] }) });
}

// Members

export function useMembers() {
  return useQuery({
    queryKey: ["members"],
    queryFn: ({ signal }) => request<{ members: Member[] }>("GET", "/v1/members", { signal }),
    select: (answer) => answer.members,
  });
}

/** Who may change settings; only managers and admins may read the list. */
export function useAdmins(enabled: boolean) {
  return useQuery({
    queryKey: ["members"],
    queryFn: ({ signal }) => request<{ members: Member[] }>("GET", "/v1/members", { signal }),
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
  return useChange("members", (body: NewMember) =>
    request<{ member: Member; invite: string }>("POST", "/v1/members", { body }),
  );
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
    request<{ invite: string }>("POST", `/v1/members/${encodeURIComponent(memberId)}/invite`),
  );
}

// Consent, retention, defaults

export interface Consent {
  region: string;
  text: string;
}

export interface TenantSettings {
  retention_days: number | null;
  default_rubric: string;
  default_template: string;
  consents: Consent[];
}

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

export type Scope = "capture" | "read" | "admin";

export interface ApiKey {
  token_id: string;
  label: string;
  scopes: Scope[];
  created_at: string;
  expires_at: string | null;
  revoked_at: string | null;
}

export function useApiKeys() {
  return useQuery({
    queryKey: ["api-keys"],
    queryFn: ({ signal }) => request<{ api_keys: ApiKey[] }>("GET", "/v1/api-keys", { signal }),
    select: (answer) => answer.api_keys,
  });
}

export function useMakeApiKey() {
  return useChange("api-keys", (body: { label: string; scopes: Scope[]; expires_days?: number }) =>
    request<{ token: string; api_key: ApiKey }>("POST", "/v1/api-keys", { body }),
  );
}

export function useRevokeApiKey() {
  return useChange("api-keys", (tokenId: string) =>
    request<void>("DELETE", `/v1/api-keys/${encodeURIComponent(tokenId)}`),
  );
}

// Webhooks

export const WEBHOOK_EVENTS = ["call.ended", "review.done"] as const;
export type WebhookEvent = (typeof WEBHOOK_EVENTS)[number];

export interface Webhook {
  webhook_id: string;
  url: string;
  events: WebhookEvent[];
  active: boolean;
  last_status: number | null;
  last_at: string | null;
}

export function useWebhooks() {
  return useQuery({
    queryKey: ["webhooks"],
    queryFn: ({ signal }) => request<{ webhooks: Webhook[] }>("GET", "/v1/webhooks", { signal }),
    select: (answer) => answer.webhooks,
  });
}

export function useMakeWebhook() {
  return useChange("webhooks", (body: { url: string; events: WebhookEvent[] }) =>
    request<{ secret: string; webhook: Webhook }>("POST", "/v1/webhooks", { body }),
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

export interface Account {
  url: string | null;
  key_set: boolean;
  key_set_at: string | null;
  key_ends_with: string | null;
  key_readable: boolean;
}

export interface ModelsAnswer {
  live_model: string | null;
  review_models: string[] | null;
  verify_model: string | null;
  vendors: Record<string, Account>;
  in_use: { live_model: string | null; review_models: string[]; verify_models: string[] };
  warnings: string[];
}

export interface ModelsChange {
  live_model?: string | null;
  review_models?: string[] | null;
  verify_model?: string | null;
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
