import { Anchor, PasswordInput, Text, TextInput } from "@mantine/core";
import { useEffect } from "react";
import { Link, useLocation, useSearchParams } from "wouter";
import { request } from "@/api/client";
import type { Session } from "@/api/types";
import { Form, field } from "@/parts/Form";
import { Gate } from "./Gate";
import { useEnter } from "./session";

/** The first person on a new server becomes its admin. */
export default function SetupPage({ needed }: { needed: boolean }) {
  const enter = useEnter();
  const [, navigate] = useLocation();
  const [search] = useSearchParams();
  useEffect(() => {
    document.title = "Set up · Ridealong";
  }, []);
  if (!needed) {
    return (
      <Gate
        title="Already set up"
        lead="Somebody has set this server up. Ask your admin for an invitation, or sign in."
      >
        <Anchor component={Link} href="/calls">
          To the sign-in page
        </Anchor>
      </Gate>
    );
  }
  return (
    <Gate
      title="Set up Ridealong"
      lead="You become the admin of this server. The set-up code stands in the terminal where the server was started."
    >
      <Form
        submit="Set up and sign in"
        send={async (fields) => {
          const session = await request<Session>("POST", "/v1/setup", {
            body: {
              setup_code: field(fields, "setup_code").trim(),
              organisation: field(fields, "organisation").trim(),
              name: field(fields, "name").trim(),
              email: field(fields, "email").trim(),
              password: field(fields, "password"),
            },
          });
          enter(session);
          navigate("/calls", { replace: true });
        }}
      >
        <TextInput
          name="setup_code"
          label="Set-up code"
          defaultValue={search.get("code") ?? ""}
          autoComplete="off"
          required
        />
        <TextInput name="organisation" label="Organisation" autoComplete="organization" maxLength={200} required />
        <TextInput name="name" label="Your name" autoComplete="name" maxLength={200} required />
        <TextInput name="email" type="email" label="E-mail" autoComplete="username" required />
        <PasswordInput
          name="password"
          label="Password"
          description="At least 12 characters. Four unrelated words are good."
          autoComplete="new-password"
          minLength={12}
          required
        />
        <Text size="xs" c="dimmed">
          Everything stays on this server: nothing is sent to anybody else.
        </Text>
      </Form>
    </Gate>
  );
}
