import { Alert, Button, Divider, PasswordInput, TextInput } from "@mantine/core";
import { useEffect } from "react";
import { useSearch } from "wouter";
import { request, withQuery } from "@/api/client";
import type { Oidc, Session } from "@/api/types";
import { Form, field } from "@/parts/Form";
import { Gate } from "./Gate";
import { useEnter } from "./session";

/** Why somebody is here again who wanted in by another way (`?error=`). */
const REFUSED: Record<string, string> = {
  oidc_refused: "Your company's account was not let in here. Ask an admin to add you; the server's log says why.",
  unavailable: "Your company's sign-in does not answer at the moment. Try again, or use a password.",
  used_link: "This link was used already, or is too old. Start the demo again for a new one.",
};

/** Sign in, then go on to the page that was asked for. */
export default function SignInPage({ oidc, next }: { oidc: Oidc | null; next: string }) {
  const enter = useEnter();
  const refused = REFUSED[new URLSearchParams(useSearch()).get("error") ?? ""];
  useEffect(() => {
    document.title = "Sign in · Ridealong";
  }, []);
  return (
    <Gate title="Sign in" lead="Your calls, their reviews, and the words behind every claim.">
      {refused && (
        <Alert color="red" role="alert" variant="light">
          {refused}
        </Alert>
      )}
      {oidc && (
        <>
          <Button component="a" href={withQuery("/v1/oidc/start", { next })} variant="default" fullWidth>
            Continue with {oidc.name}
          </Button>
          <Divider label="or with a password" />
        </>
      )}
      <Form
        submit="Sign in"
        send={async (fields) =>
          enter(
            await request<Session>("POST", "/v1/session", {
              body: { email: field(fields, "email"), password: field(fields, "password") },
            }),
          )
        }
      >
        <TextInput name="email" type="email" label="E-mail" autoComplete="username" required autoFocus={!oidc} />
        <PasswordInput name="password" label="Password" autoComplete="current-password" required />
      </Form>
    </Gate>
  );
}
