/** Who is signed in. */

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext } from "react";
import { holdCsrf, request } from "@/api/client";
import type { Member, Role, Session, SignedIn } from "@/api/types";

const KEY = ["session"] as const;
const Context = createContext<SignedIn | null>(null);

async function readSession(): Promise<Session> {
  const session = await request<Session>("GET", "/v1/session");
  if (session.signed_in) holdCsrf(session.csrf);
  return session;
}

export const sessionQuery = { queryKey: KEY, queryFn: readSession, staleTime: 5 * 60_000 };

export function useSessionQuery() {
  return useQuery(sessionQuery);
}

/** Take what signing in answered; everything that was read for somebody else is forgotten. */
export function useEnter(): (session: Session) => void {
  const client = useQueryClient();
  return (session) => {
    if (session.signed_in) holdCsrf(session.csrf);
    client.removeQueries({ predicate: (query) => query.queryKey[0] !== KEY[0] });
    client.setQueryData(KEY, session);
  };
}

export function useLeave(): () => Promise<void> {
  const client = useQueryClient();
  return async () => {
    await request("DELETE", "/v1/session");
    client.clear();
    await client.fetchQuery({ queryKey: KEY, queryFn: readSession });
  };
}

export function SessionProvider({ session, children }: { session: SignedIn; children: ReactNode }) {
  return <Context.Provider value={session}>{children}</Context.Provider>;
}

/** The session of a signed-in page. */
export function useSession(): SignedIn {
  const session = useContext(Context);
  if (session === null) throw new Error("this page stands outside of SessionProvider");
  return session;
}

const RANK: Record<Role, number> = { rep: 0, manager: 1, admin: 2 };

/** Whether `member` may do what `role` may. */
export function atLeast(member: Pick<Member, "role">, role: Role): boolean {
  return RANK[member.role] >= RANK[role];
}
