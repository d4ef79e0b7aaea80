import { Button, Checkbox, CopyButton, Group, Modal, NativeSelect, Radio, Stack, Text, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { request } from "@/api/client";
import type { NewShare, Share } from "@/api/types";
import { Form, field } from "@/parts/Form";
import { dateTime } from "@/parts/format";
import { messageOf } from "@/parts/states";

const HOUR_S = 3600;
const LIFETIMES = [
  { value: String(24 * HOUR_S), label: "One day" },
  { value: String(7 * 24 * HOUR_S), label: "One week" },
  { value: String(30 * 24 * HOUR_S), label: "30 days" },
];

/** Links for people without an account: what they may see, until when; and those that still work. */
export function ShareDialog({ callId, opened, close }: { callId: string; opened: boolean; close: () => void }) {
  const client = useQueryClient();
  const [made, setMade] = useState<NewShare | null>(null);
  const path = `/v1/calls/${callId}/shares`;
  const key = ["call", callId, "shares"];
  const shares = useQuery({
    queryKey: key,
    queryFn: () => request<{ shares: Share[] }>("GET", path),
    select: (answer) =>
      answer.shares.filter((share) => share.revoked_at === null && new Date(share.expires_at) > new Date()),
    enabled: opened,
  });
  const revoke = useMutation({
    mutationFn: (shareId: string) => request<void>("DELETE", `${path}/${shareId}`),
    onSuccess: () => client.invalidateQueries({ queryKey: key }),
  });
  function leave() {
    setMade(null);
    close();
  }
  return (
    <Modal opened={opened} onClose={leave} title="Share this call" closeButtonProps={{ "aria-label": "Close" }}>
      {made ? (
        <Stack gap="sm">
          <Text size="sm">
            Whoever has this link can {made.scope === "call" ? "read the whole call" : "read the review"}
            {made.audio ? " and hear it" : ""} until {dateTime(made.expires_at)}. It is shown only now.
          </Text>
          <TextInput
            readOnly
            aria-label="The link"
            value={new URL(made.url, location.origin).href}
            onFocus={(event) => event.currentTarget.select()}
          />
          <CopyButton value={new URL(made.url, location.origin).href}>
            {({ copied, copy }) => <Button onClick={copy}>{copied ? "Copied" : "Copy the link"}</Button>}
          </CopyButton>
          <Button variant="default" onClick={() => setMade(null)}>
            Make another
          </Button>
        </Stack>
      ) : (
        <Form
          submit="Make a link"
          send={async (fields) => {
            const share = await request<NewShare>("POST", path, {
              body: {
                expires_s: Number(field(fields, "expires_s")),
                scope: field(fields, "scope"),
                audio: fields.get("audio") !== null,
              },
            });
            setMade(share);
            await client.invalidateQueries({ queryKey: key });
          }}
        >
          <Radio.Group name="scope" label="What they see" defaultValue="report">
            <Stack gap={6} mt={4}>
              <Radio value="report" label="The review" />
              <Radio value="call" label="The whole call: review, transcript, moments, statistics" />
            </Stack>
          </Radio.Group>
          <Checkbox name="audio" label="They can hear it" defaultChecked />
          <NativeSelect
            name="expires_s"
            label="The link works for"
            data={LIFETIMES}
            defaultValue={LIFETIMES[1]?.value}
          />
        </Form>
      )}
      {shares.data && shares.data.length > 0 && (
        <Stack gap={6} mt="lg">
          <Text size="sm" fw={600}>
            Links that work now
          </Text>
          {shares.data.map((share) => (
            <Group key={share.share_id} justify="space-between" wrap="nowrap">
              <Text size="sm">
                {share.scope === "call" ? "Whole call" : "Review"}
                {share.audio ? " with audio" : ""}, by {share.by.name}, until {dateTime(share.expires_at)}
              </Text>
              <Button
                variant="default"
                size="compact-sm"
                loading={revoke.isPending && revoke.variables === share.share_id}
                onClick={() => revoke.mutate(share.share_id)}
              >
                Revoke
              </Button>
            </Group>
          ))}
          {revoke.isError && (
            <Text size="sm" c="var(--ride-bad)" role="alert">
              {messageOf(revoke.error)}
            </Text>
          )}
        </Stack>
      )}
    </Modal>
  );
}
