/** What the rep thought of a nudge, kept until the server has it. */

import { ApiError, request } from "@/api/client";

export type Verdict = "helpful" | "not_now" | "wrong";

interface Kept {
  callId: string;
  momentId: string;
  verdict: Verdict;
  tries: number;
}

const KEY = "ridealong-rep-feedback";
const AGAIN_MS = 5_000;
/** The moment may still be on its way into the database when the rep has answered it already. */
const TRIES = 20;

export class Feedback {
  private kept: Kept[] = read();
  private sending = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  give(callId: string, momentId: string, verdict: Verdict): void {
    // The last word counts.
    this.kept = [...this.kept.filter((k) => k.momentId !== momentId), { callId, momentId, verdict, tries: 0 }];
    this.store();
    void this.send();
  }

  /** The network is back, or the person signed in. */
  async send(): Promise<void> {
    if (this.sending) return;
    this.sending = true;
    clearTimeout(this.timer);
    try {
      for (const kept of [...this.kept]) {
        const { callId, momentId, verdict } = kept;
        const path = `/v1/calls/${encodeURIComponent(callId)}/moments/${encodeURIComponent(momentId)}/feedback`;
        try {
          await request("POST", path, { body: { verdict } });
        } catch (error) {
          if (!(error instanceof ApiError) || error.status === 0 || error.status === 401) break;
          kept.tries += 1;
          if (kept.tries < TRIES && (error.status === 404 || error.retry)) continue;
        }
        this.kept = this.kept.filter((k) => k !== kept);
      }
    } finally {
      this.sending = false;
      this.store();
    }
    if (this.kept.length > 0) this.timer = setTimeout(() => void this.send(), AGAIN_MS);
  }

  private store(): void {
    try {
      localStorage.setItem(KEY, JSON.stringify(this.kept.slice(-200)));
    } catch {
      // It is sent as long as the page is open.
    }
  }
}

function read(): Kept[] {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(found) ? (found as Kept[]).filter((k) => typeof k?.momentId === "string") : [];
  } catch {
    return [];
  }
}
