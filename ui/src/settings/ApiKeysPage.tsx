import { Alert, Badge, Button, Card, Checkbox, Group, Select, Stack, Text, TextInput, Title } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { date } from "@/parts/format";
import { EmptyState, ErrorState, Loading, messageOf } from "@/parts/states";
import { Once } from "./Once";
import { type ApiKey, type Scope, useApiKeys, useMakeApiKey, useRevokeApiKey } from "./queries";
import classes from "./settings.module.css";

const SCOPES: { value: Scope; label: string; about: string }[] = [
  { value: "capture", label: "Capture", about: "Start calls and send their sound" },
  { value: "read", label: "Read", about: "Read all calls, reviews and recordings" },
  { value: "admin", label: "Admin", about: "Erase calls and change settings" },
];

const LIVES = [
  { value: "30", label: "30 days" },
  { value: "90", label: "90 days" },
  { value: "365", label: "A year" },
  { value: "never", label: "Until it is revoked" },
];

/** Keys with which programs reach the API. */
export default function ApiKeysPage() {
  const keys = useApiKeys();
  const [made, setMade] = useState<{ label: string; token: string } | null>(null);
  return (
    <Stack>
      <Title order={2}>API keys</Title>
      <Text c="dimmed">For programs that send calls or read reviews. People sign in with their e-mail instead.</Text>
      {made !== null && (
        <Once
          title={`The key “${made.label}”`}
          about="Copy it now into the program that needs it. Only its fingerprint is kept here, so it cannot be shown again."
          secret={made.token}
          done={() => setMade(null)}
        />
      )}
      <KeyForm made={(label, token) => setMade({ label, token })} />
      {keys.isPending && <Loading />}
      {keys.isError && <ErrorState error={keys.error} retry={() => keys.refetch()} />}
      {keys.data?.length === 0 && <EmptyState title="No keys yet">Make one above when a program needs it.</EmptyState>}
      {keys.data !== undefined && keys.data.length > 0 && (
        <ul className={classes.list} aria-label="API keys">
          {keys.data.map((key) => (
            <KeyCard key={key.token_id} apiKey={key} />
          ))}
        </ul>
      )}
    </Stack>
  );
}

function KeyForm({ made }: { made: (label: string, token: string) => void }) {
  const [label, setLabel] = useState("");
  const [scopes, setScopes] = useState<string[]>(["read"]);
  const [lives, setLives] = useState("90");
  const [own, setOwn] = useState(false);
  const making = useMakeApiKey();
  const ready = label.trim() !== "" && scopes.length > 0;

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!ready) return;
    making.mutate(
      {
        label: label.trim(),
        scopes: scopes as Scope[],
        own,
        ...(lives === "never" ? {} : { expires_days: Number(lives) }),
      },
      {
        onSuccess: (answer) => {
          made(answer.api_key.label, answer.token);
          setLabel("");
        },
      },
    );
  };

  return (
    <Card withBorder component="form" onSubmit={submit}>
      <Title order={3} size="h5" mb="xs">
        A new key
      </Title>
      <Stack>
        <Group align="end">
          <TextInput
            label="What it is for"
            placeholder="Reports in the warehouse"
            value={label}
            maxLength={200}
            autoComplete="off"
            onChange={(event) => setLabel(event.currentTarget.value)}
            style={{ flex: "1 1 16rem" }}
          />
          <Select
            label="Works for"
            data={LIVES}
            value={lives}
            allowDeselect={false}
            onChange={(value) => setLives(value ?? "90")}
          />
        </Group>
        <Checkbox.Group label="What it may do" value={scopes} onChange={setScopes}>
          <Stack gap="xs" mt="xs">
            {SCOPES.map((scope) => (
              <Checkbox key={scope.value} value={scope.value} label={scope.label} description={scope.about} />
            ))}
          </Stack>
        </Checkbox.Group>
        <Checkbox
          checked={own}
          onChange={(event) => setOwn(event.currentTarget.checked)}
          label="For my own use"
          description="It may what you may, and ends when you are shut out. Other keys are the organisation’s and stay."
        />
        <Group>
          <Button type="submit" disabled={!ready} loading={making.isPending}>
            Make the key
          </Button>
        </Group>
      </Stack>
      {making.isError && (
        <Alert color="red" mt="sm" role="alert" title="No key was made">
          {messageOf(making.error)}
        </Alert>
      )}
    </Card>
  );
}

function KeyCard({ apiKey }: { apiKey: ApiKey }) {
  const revoking = useRevokeApiKey();
  const revoked = apiKey.revoked_at !== null;
  const expired = apiKey.expires_at !== null && new Date(apiKey.expires_at).getTime() < Date.now();
  return (
    <Card component="li" withBorder>
      <Group justify="space-between" align="start">
        <Stack gap={2} style={{ minWidth: 0, flex: "1 1 14rem" }}>
          <Group gap="xs">
            <Text fw={600} style={{ overflowWrap: "anywhere" }}>
              {apiKey.label || "Without a name"}
            </Text>
            {apiKey.scopes.map((scope) => (
              <Badge key={scope} variant="outline" size="sm">
                {scope}
              </Badge>
            ))}
            {apiKey.by_disabled && !revoked && (
              <Badge color="gray" size="sm">
                {apiKey.own ? "Ended with its member" : "Made by somebody who may not sign in"}
              </Badge>
            )}
          </Group>
          <Text size="sm" c="dimmed">
            Made {date(apiKey.created_at)}
            {apiKey.by !== null && ` by ${apiKey.by.name}`}
            {revoked && apiKey.revoked_at !== null && `, revoked ${date(apiKey.revoked_at)}`}
            {!revoked &&
              apiKey.expires_at !== null &&
              `, ${expired ? "expired" : "works until"} ${date(apiKey.expires_at)}`}
            {!revoked && apiKey.expires_at === null && ", works until it is revoked"}
            {apiKey.own && ", for own use: ends with its member"}
          </Text>
        </Stack>
        {!revoked && (
          <Button
            variant="default"
            aria-label={`Revoke ${apiKey.label}`}
            loading={revoking.isPending}
            onClick={() => revoking.mutate(apiKey.token_id)}
          >
            Revoke
          </Button>
        )}
      </Group>
      {revoking.isError && (
        <Alert color="red" mt="sm" role="alert">
          {messageOf(revoking.error)}
        </Alert>
      )}
    </Card>
  );
}
