/** Who is signed in on this phone, also without a network. */

import { ApiError, holdCsrf, request } from "@/api/client";
import type { Session } from "@/api/types";

export interface Rep {
  name: string;
  repId: string;
}

export type Who =
  | { state: "unknown" }
  /** `offline`: as it was when the server was last reached. */
  | { state: "in"; rep: Rep; offline: boolean }
  | { state: "out"; setupNeeded: boolean; oidc: string | null; expired: boolean }
  /** Nobody ever signed in here, and the server does not answer. */
  | { state: "unreachable" };

const KEY = "ridealong-rep-who";

export class SessionStore {
  private value: Who = { state: "unknown" };
  private readonly watchers = new Set<() => void>();

  get snapshot(): Who {
    return this.value;
  }

  watch(changed: () => void): () => void {
    this.watchers.add(changed);
    return () => this.watchers.delete(changed);
  }

  async look(): Promise<void> {
    try {
      this.take(await request<Session>("GET", "/v1/session"));
    } catch {
      const rep = remembered();
      this.show(rep ? { state: "in", rep, offline: true } : { state: "unreachable" });
    }
  }

  /** Raises ApiError with the server's words. */
  async signIn(email: string, password: string): Promise<void> {
    this.take(await request<Session>("POST", "/v1/session", { body: { email, password } }));
  }

  async signOut(): Promise<void> {
    await request("DELETE", "/v1/session").catch((error: unknown) => {
      // Signed out already is what was wanted.
      if (!(error instanceof ApiError) || error.status !== 401) throw error;
    });
    localStorage.removeItem(KEY);
    await this.look();
  }

  private take(session: Session): void {
    if (session.signed_in) {
      holdCsrf(session.csrf);
      const rep = { name: session.member.name, repId: session.member.rep_id };
      remember(rep);
      this.show({ state: "in", rep, offline: false });
    } else {
      const expired = remembered() !== null;
      this.show({ state: "out", setupNeeded: session.setup_needed, oidc: session.oidc?.name ?? null, expired });
    }
  }

  private show(who: Who): void {
    this.value = who;
    for (const changed of this.watchers) changed();
  }
}

function remember(rep: Rep): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(rep));
  } catch {
    // Then a call cannot be begun offline.
  }
}

function remembered(): Rep | null {
  try {
    const found = JSON.parse(localStorage.getItem(KEY) ?? "null");
    return typeof found?.repId === "string" && typeof found?.name === "string" ? found : null;
  } catch {
    return null;
  }
}
