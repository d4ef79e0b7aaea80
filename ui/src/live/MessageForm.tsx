import { Button, Group, Text, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { MOST_MESSAGE, useSendMessage } from "./queries";

/** A line for the rep, who drives, walks or talks: short, and shown as one card. */
export function MessageForm({ callId, over }: { callId: string; over: boolean }) {
  const [text, setText] = useState("");
  const sending = useSendMessage(callId);
  const words = text.trim();

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (words === "" || sending.isPending) return;
    sending.mutate(words, { onSuccess: () => setText("") });
  };

  if (over) return <Text c="dimmed">The call is over: a message would not reach anybody.</Text>;
  return (
    <form onSubmit={submit}>
      <TextInput
        label="Message"
        description="The rep sees it as a card. A few words are best."
        value={text}
        maxLength={MOST_MESSAGE}
        autoComplete="off"
        onChange={(event) => {
          setText(event.currentTarget.value);
          if (!sending.isPending) sending.reset();
        }}
        error={sending.isError ? `${sending.error.message} It was not sent.` : undefined}
      />
      <Group justify="space-between" mt="xs">
        <Text size="sm" c="dimmed" role="status">
          {sending.isSuccess ? "Sent." : `${MOST_MESSAGE - text.length} characters left`}
        </Text>
        <Button type="submit" disabled={words === ""} loading={sending.isPending}>
          Send
        </Button>
      </Group>
    </form>
  );
}
