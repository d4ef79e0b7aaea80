/** What the server answers, until its own description says so and `schema.d.ts` holds it. */

export type Role = "rep" | "manager" | "admin";

export interface Member {
  member_id: string;
  email: string;
  name: string;
  role: Role;
  rep_id: string;
  created_at: string;
  disabled_at: string | null;
}

export interface Oidc {
  name: string;
}

export interface SignedOut {
  signed_in: false;
  setup_needed: boolean;
  oidc: Oidc | null;
}

export interface SignedIn {
  signed_in: true;
  csrf: string;
  member: Member;
  tenant: { slug: string; name: string };
  setup_needed: false;
  oidc: Oidc | null;
}

export type Session = SignedOut | SignedIn;
