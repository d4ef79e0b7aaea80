/** What the rep reads of the server: the consent wordings, the own calls, and their reviews. */

import { request } from "@/api/client";
import type { Evidence } from "./recording/messages";

export interface Consent {
  region: string;
  text: string;
}

export interface CallRow {
  call_id: string;
  title: string;
  status: "live" | "ended";
  started_at: string;
  audio_ms: number;
  score?: number | null;
  nudges?: number;
  review?: { status: string; failure: string | null } | null;
}

export interface Claim {
  statement: string;
  confidence: number;
  evidence: Evidence[];
}

export interface Artifact {
  title: string;
  score: number | null;
  speakers: { speaker_id: number; role: string }[];
  sections: {
    section_id: string;
    title: string;
    score: number;
    confidence: number;
    findings: (Claim & { criterion_id: string; score: "yes" | "partly" | "no" })[];
    not_assessed: string[];
  }[];
  coaching_moments: (Claim & { title: string; advice: string })[];
  missing_sections: string[];
  warnings: string[];
}

export interface Moment {
  moment_id: string;
  type: string;
  tier: "nudge" | "noted";
  reason: string;
  nudge: string | null;
  trigger_ts: number;
  evidence: Evidence[];
  feedback?: { verdict: string }[];
}

const CONSENTS = "ridealong-rep-consents";

/** For a tenant that has written none: plain, and true of every call. */
const PLAIN: Consent = {
  region: "",
  text: "This conversation is recorded and written down, so that I can keep my promises and get better at my work. Is that all right with you?",
};

/** The tenant's wordings; without a network those of the last time. Never empty. */
export async function consents(): Promise<Consent[]> {
  try {
    const { consents: found } = await request<{ consents: Consent[] }>("GET", "/v1/consents");
    localStorage.setItem(CONSENTS, JSON.stringify(found));
    return found.length > 0 ? found : [PLAIN];
  } catch {
    return keptConsents();
  }
}

export function keptConsents(): Consent[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(CONSENTS) ?? "[]");
    return Array.isArray(kept) && kept.length > 0 ? (kept as Consent[]) : [PLAIN];
  } catch {
    return [PLAIN];
  }
}

/** The rep's own: whoever else uses this page sees no more here either. */
export async function calls(repId: string, before: string | null): Promise<{ calls: CallRow[]; next: string | null }> {
  return await request("GET", "/v1/calls", { query: { limit: 20, before, rep_id: repId } });
}

const path = (callId: string) => `/v1/calls/${encodeURIComponent(callId)}`;

export async function call(callId: string): Promise<CallRow> {
  return await request("GET", path(callId));
}

export async function artifact(callId: string): Promise<Artifact> {
  return await request("GET", `${path(callId)}/artifact`);
}

export async function moments(callId: string): Promise<Moment[]> {
  return (await request<{ moments: Moment[] }>("GET", `${path(callId)}/moments`)).moments;
}

export const audioUrl = (callId: string) => `${path(callId)}/audio.wav`;
