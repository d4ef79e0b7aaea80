import {
  Alert,
  Badge,
  Button,
  Card,
  Code,
  Group,
  NumberInput,
  PasswordInput,
  Stack,
  TagsInput,
  Text,
  TextInput,
  Title,
} from "@mantine/core";
import { type FormEvent, useState } from "react";
import { date, dateTime } from "@/parts/format";
import { ErrorState, Loading, messageOf } from "@/parts/states";
import { type Account, type ModelsAnswer, useModels, useSaveModels } from "./queries";
import classes from "./settings.module.css";

const VENDORS: { vendor: string; name: string }[] = [
  { vendor: "anthropic", name: "Anthropic" },
  { vendor: "google", name: "Google" },
  { vendor: "groq", name: "Groq" },
  { vendor: "openai", name: "OpenAI" },
  { vendor: "compatible", name: "Another server that speaks OpenAI's language" },
];

const LEAST_TOKENS = 2_000;
const MOST_TOKENS = 1_000_000_000_000;

/** Which models a tenant's calls ask, with whose keys and how much. Keys go in here and are never shown again. */
export default function ModelsPage() {
  const models = useModels();
  const saving = useSaveModels();
  const savingTokens = useSaveModels();
  if (models.isPending) return <Loading />;
  if (models.isError) return <ErrorState error={models.error} retry={() => models.refetch()} />;
  const { live_model, review_models, verify_model, tokens_per_day, live_tokens_per_day } = models.data;
  return (
    <Stack>
      <Title order={2}>Models and keys</Title>
      {models.data.warnings.map((warning) => (
        <Alert key={warning} color="yellow" role="status">
          {warning}
        </Alert>
      ))}
      <InUse models={models.data} />
      <ChoiceForm
        key={JSON.stringify([live_model, review_models, verify_model])}
        models={models.data}
        saving={saving}
      />
      <TokensForm
        key={JSON.stringify([tokens_per_day, live_tokens_per_day])}
        models={models.data}
        saving={savingTokens}
      />
      <Title order={3} size="h4">
        Vendors
      </Title>
      <Text c="dimmed" size="sm">
        A key that you set here is used for your calls alone. It is kept encrypted and cannot be read back, only
        replaced.
      </Text>
      <ul className={classes.list} aria-label="Vendors">
        {VENDORS.map(({ vendor, name }) => (
          <VendorCard key={vendor} vendor={vendor} name={name} account={models.data.vendors[vendor] ?? null} />
        ))}
      </ul>
    </Stack>
  );
}

function InUse({ models }: { models: ModelsAnswer }) {
  const { live_model, review_models, verify_models } = models.in_use;
  const shown = (names: readonly string[], nobody = "this machine alone") =>
    names.length === 0 ? nobody : names.map((name) => <Code key={name}>{name} </Code>);
  return (
    <Card withBorder>
      <Title order={3} size="h5" mb="xs">
        In use now
      </Title>
      <Text>During calls: {shown(live_model === null ? [] : [live_model])}</Text>
      <Text>Reviews: {shown(review_models)}</Text>
      <Text>Second reading of reviews: {shown(verify_models, "nobody")}</Text>
      <TokensLeft what="Tokens left today" limit={models.tokens.per_day} />
      <TokensLeft what="Of these for calls" limit={models.tokens.live_per_day} />
    </Card>
  );
}

function TokensLeft({ what, limit }: { what: string; limit: ModelsAnswer["tokens"]["per_day"] }) {
  if (limit === null) return null;
  return (
    <Text>
      {what}: {limit.left.toLocaleString()} of {limit.limit.toLocaleString()}
    </Text>
  );
}

/** How much a tenant's models may be asked a day. It saves apart from the choice: raising it is urgent, that is not. */
function TokensForm({ models, saving }: ChoiceProps) {
  const [total, setTotal] = useState<number | null>(models.tokens_per_day);
  const [live, setLive] = useState<number | null>(models.live_tokens_per_day);
  const { allowed, tokens } = models;
  const most = (limit: number | null) =>
    limit === null ? "No limit" : `${limit.toLocaleString()}, as the server is set up`;

  const submit = (event: FormEvent) => {
    event.preventDefault();
    saving.mutate({ tokens_per_day: total, live_tokens_per_day: live });
  };

  return (
    <Card withBorder component="form" onSubmit={submit}>
      <Title order={3} size="h5">
        Tokens a day
      </Title>
      <Text c="dimmed" size="sm" mb="sm">
        When they are used up, this machine alone decides and reviews until a new day begins (midnight UTC, next on{" "}
        {dateTime(tokens.day_ends_at)} by your clock) or until you allow more, which running calls notice too.
      </Text>
      <Stack>
        <NumberInput
          label="For all models together"
          placeholder={most(allowed.tokens_per_day)}
          value={total ?? ""}
          min={LEAST_TOKENS}
          max={allowed.tokens_per_day ?? MOST_TOKENS}
          allowDecimal={false}
          allowNegative={false}
          thousandSeparator=" "
          onChange={(value) => setTotal(typeof value === "number" ? value : null)}
        />
        <NumberInput
          label="Of these during calls"
          description="So many are set aside for calls, which use no more. Left empty, calls and reviews share them all."
          placeholder={most(allowed.live_tokens_per_day)}
          value={live ?? ""}
          min={LEAST_TOKENS}
          max={allowed.live_tokens_per_day ?? MOST_TOKENS}
          allowDecimal={false}
          allowNegative={false}
          thousandSeparator=" "
          onChange={(value) => setLive(typeof value === "number" ? value : null)}
        />
        <Group>
          <Button type="submit" loading={saving.isPending}>
            Save the tokens
          </Button>
          <Text c="dimmed" role="status">
            {saving.isSuccess && "Saved. It holds at once."}
          </Text>
        </Group>
      </Stack>
      {saving.isError && (
        <Alert color="red" mt="sm" role="alert" title="Nothing was changed">
          {messageOf(saving.error)}
        </Alert>
      )}
    </Card>
  );
}

interface ChoiceProps {
  models: ModelsAnswer;
  saving: ReturnType<typeof useSaveModels>;
}

function ChoiceForm({ models, saving }: ChoiceProps) {
  const [live, setLive] = useState(models.live_model ?? "");
  const [own, setOwn] = useState(models.review_models !== null);
  const [reviews, setReviews] = useState<string[]>(models.review_models ?? []);
  const [verify, setVerify] = useState(models.verify_model ?? "");

  const submit = (event: FormEvent) => {
    event.preventDefault();
    saving.mutate({
      live_model: live.trim() || null,
      review_models: own ? reviews : null,
      verify_model: verify.trim() || null,
    });
  };

  return (
    <Card withBorder component="form" onSubmit={submit}>
      <Title order={3} size="h5">
        Your choice
      </Title>
      <Text c="dimmed" size="sm" mb="sm">
        A model is written vendor:model, for example <Code>anthropic:claude-opus-5-5</Code>. What is left empty is as
        the server is set up.
      </Text>
      <Stack>
        <TextInput
          label="During calls"
          description="Asked where this machine is in doubt about a moment. “none” asks nobody."
          value={live}
          maxLength={200}
          autoComplete="off"
          onChange={(event) => setLive(event.currentTarget.value)}
        />
        <TagsInput
          label="Reviews"
          description="In this order: the next one is asked when one fails. Press Enter behind each."
          placeholder={own ? "Nobody: this machine alone reviews" : "As the server is set up"}
          value={reviews}
          maxTags={8}
          onChange={(value) => {
            setReviews(value);
            setOwn(value.length > 0);
          }}
        />
        <Group gap="xs">
          <Button
            size="compact-sm"
            variant="default"
            aria-pressed={own && reviews.length === 0}
            onClick={() => {
              setReviews([]);
              setOwn(true);
            }}
          >
            Review on this machine alone
          </Button>
          <Button
            size="compact-sm"
            variant="default"
            aria-pressed={!own}
            onClick={() => {
              setReviews([]);
              setOwn(false);
            }}
          >
            As the server is set up
          </Button>
        </Group>
        <TextInput
          label="Second reading of reviews"
          value={verify}
          maxLength={200}
          autoComplete="off"
          onChange={(event) => setVerify(event.currentTarget.value)}
        />
        <Group>
          <Button type="submit" loading={saving.isPending}>
            Save the choice
          </Button>
          <Text c="dimmed" role="status">
            {saving.isSuccess && "Saved. It holds from the next call or review on."}
          </Text>
        </Group>
      </Stack>
      {saving.isError && (
        <Alert color="red" mt="sm" role="alert" title="Nothing was changed">
          {messageOf(saving.error)}
        </Alert>
      )}
    </Card>
  );
}

function VendorCard({ vendor, name, account }: { vendor: string; name: string; account: Account | null }) {
  const [key, setKey] = useState("");
  const [url, setUrl] = useState(account?.url ?? "");
  const saving = useSaveModels();
  const set = account?.key_set === true;
  const ready = key !== "" || url.trim() !== (account?.url ?? "");

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!ready) return;
    const change = {
      ...(key === "" ? {} : { key }),
      ...(url.trim() === (account?.url ?? "") ? {} : { url: url.trim() || null }),
    };
    saving.mutate({ vendors: { [vendor]: change } }, { onSuccess: () => setKey("") });
  };

  return (
    <Card component="li" withBorder>
      <form onSubmit={submit}>
        <Group justify="space-between" mb="xs">
          <Text fw={600}>{name}</Text>
          <Badge variant={set ? "filled" : "outline"}>{set ? "Your key" : "No key of yours"}</Badge>
        </Group>
        {set && (
          <Text size="sm" c="dimmed" mb="xs">
            {account.key_set_at !== null && `Set ${date(account.key_set_at)}`}
            {account.key_ends_with !== null && `, ends with ${account.key_ends_with}`}
          </Text>
        )}
        {set && !account.key_readable && (
          <Alert color="red" role="status" mb="xs">
            This key cannot be decrypted any more: set it again. Until then its models are not asked.
          </Alert>
        )}
        <Group align="end">
          <PasswordInput
            label={set ? "Replace the key" : "Key"}
            aria-label={set ? `Replace the key for ${name}` : `Key for ${name}`}
            value={key}
            autoComplete="off"
            onChange={(event) => setKey(event.currentTarget.value)}
            style={{ flex: "1 1 14rem" }}
          />
          <TextInput
            label="Address"
            aria-label={`Address for ${name}`}
            placeholder="The vendor's own"
            value={url}
            maxLength={500}
            autoComplete="off"
            onChange={(event) => setUrl(event.currentTarget.value)}
            style={{ flex: "1 1 14rem" }}
          />
          <Button type="submit" disabled={!ready} loading={saving.isPending} aria-label={`Keep it: ${name}`}>
            Keep it
          </Button>
          {account !== null && (
            <Button
              variant="default"
              disabled={saving.isPending}
              aria-label={`Forget it: ${name}`}
              onClick={() => saving.mutate({ vendors: { [vendor]: null } }, { onSuccess: () => setUrl("") })}
            >
              Forget it
            </Button>
          )}
        </Group>
        {saving.isError && (
          <Alert color="red" mt="sm" role="alert" title="Nothing was changed">
            {messageOf(saving.error)}
          </Alert>
        )}
      </form>
    </Card>
  );
}
