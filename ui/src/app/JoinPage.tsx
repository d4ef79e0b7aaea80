import { PasswordInput, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { useLocation, useSearchParams } from "wouter";
import { ApiError, request } from "@/api/client";
import type { Session } from "@/api/types";
import { Form, field } from "@/parts/Form";
import { ErrorState, Loading } from "@/parts/states";
import { Gate } from "./Gate";
import { useEnter } from "./session";

interface Invitation {
  email: string;
  name: string;
  organisation: string;
}

/** An invitation is opened: choose a password, and be in. */
export default function JoinPage() {
  const [search] = useSearchParams();
  const invite = search.get("invite") ?? "";
  const enter = useEnter();
  const [, navigate] = useLocation();
  useEffect(() => {
    document.title = "Join · Ridealong";
  }, []);
  const invitation = useQuery({
    queryKey: ["invite", invite],
    queryFn: () => request<Invitation>("GET", "/v1/invites", { query: { invite } }),
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (invitation.isPending) return <Loading />;
  if (invitation.isError) {
    if (invitation.error instanceof ApiError && invitation.error.status === 404) {
      return (
        <Gate
          title="This invitation no longer works"
          lead="Each can be used once and lasts seven days. Ask the person who sent it for a new one."
        >
          {null}
        </Gate>
      );
    }
    return <ErrorState error={invitation.error} retry={() => invitation.refetch()} page />;
  }
  const { email, name, organisation } = invitation.data;
  return (
    <Gate title={`Welcome, ${name}`} lead={`Choose a password for ${organisation} on Ridealong.`}>
      <Form
        submit="Join"
        send={async (fields) => {
          const session = await request<Session>("POST", "/v1/invites", {
            body: { invite, password: field(fields, "password") },
          });
          enter(session);
          navigate("/calls", { replace: true });
        }}
      >
        <TextInput name="email" label="E-mail" value={email} autoComplete="username" readOnly />
        <PasswordInput
          name="password"
          label="Password"
          description="At least 12 characters. Four unrelated words are good."
          autoComplete="new-password"
          minLength={12}
          required
          autoFocus
        />
      </Form>
    </Gate>
  );
}
