/** A form that sends once, says what went wrong where it was sent from, and keeps what was typed. */

import { Alert, Button, Stack } from "@mantine/core";
import { type FormEvent, type ReactNode, useState } from "react";
import { messageOf } from "./states";

export function Form({
  send,
  submit,
  children,
}: {
  send: (fields: FormData) => Promise<void>;
  submit: string;
  children: ReactNode;
}) {
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  async function sending(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    if (busy) return;
    const fields = new FormData(event.currentTarget);
    setBusy(true);
    setError(null);
    try {
      await send(fields);
    } catch (reason) {
      setError(messageOf(reason));
    } finally {
      setBusy(false);
    }
  }
  return (
    <form onSubmit={sending}>
      <Stack gap="sm">
        {children}
        {error && (
          <Alert color="red" role="alert" variant="light">
            {error}
          </Alert>
        )}
        <Button type="submit" loading={busy} fullWidth>
          {submit}
        </Button>
      </Stack>
    </form>
  );
}

/** A field of a form as text, empty where it is not there. */
export function field(fields: FormData, name: string): string {
  const value = fields.get(name);
  return typeof value === "string" ? value : "";
}
