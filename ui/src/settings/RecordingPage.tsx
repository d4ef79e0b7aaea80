import {
  Alert,
  Button,
  Card,
  Group,
  NumberInput,
  Select,
  Stack,
  Switch,
  Text,
  Textarea,
  TextInput,
  Title,
} from "@mantine/core";
import { type FormEvent, useState } from "react";
import { ErrorState, Loading, messageOf } from "@/parts/states";
import { useDocuments } from "./documents/queries";
import { type Consent, type TenantSettings, useSaveSettings, useTenantSettings } from "./queries";
import { RemoveRow, useRows } from "./rows";

/** What a rep says before recording, how long calls are kept, and what a review is made with. */
export default function RecordingPage() {
  const settings = useTenantSettings();
  const saving = useSaveSettings();
  if (settings.isPending) return <Loading />;
  if (settings.isError) return <ErrorState error={settings.error} retry={() => settings.refetch()} />;
  // Made anew when what is stored has changed: a form must not show what no longer holds.
  return <RecordingForm key={JSON.stringify(settings.data)} stored={settings.data} saving={saving} />;
}

interface FormProps {
  stored: TenantSettings;
  saving: ReturnType<typeof useSaveSettings>;
}

function RecordingForm({ stored, saving }: FormProps) {
  const [days, setDays] = useState<number | null>(stored.retention_days);
  const consents = useRows<Consent>(() => stored.consents);
  const [rubric, setRubric] = useState(stored.default_rubric);
  const [template, setTemplate] = useState(stored.default_template);
  const documents = useDocuments();

  const wanted: TenantSettings = {
    retention_days: days,
    default_rubric: rubric,
    default_template: template,
    consents: consents.rows.map(({ region, text }) => ({ region: region.trim(), text: text.trim() })),
  };
  const changed =
    JSON.stringify(wanted) !==
    JSON.stringify({ ...stored, consents: stored.consents.map(({ region, text }) => ({ region, text })) });
  const shortened = days !== null && (stored.retention_days === null || days < stored.retention_days);
  const complete = wanted.consents.every((consent) => consent.region !== "" && consent.text !== "");

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (complete) saving.mutate(wanted);
  };

  const names = (kind: string, without: RegExp) => [
    ...new Set((documents.data ?? []).filter((one) => one.kind === kind).map((one) => one.name.replace(without, ""))),
  ];
  const rubrics = [...new Set([rubric, ...names("rubric", /$^/)])];
  const templates = [...new Set([template, ...names("template", /\.(html|md|email|slack|txt|json)$/)])];

  return (
    <Stack component="form" onSubmit={submit}>
      <Title order={2}>Consent and retention</Title>
      <Card withBorder>
        <Title order={3} size="h5">
          Consent
        </Title>
        <Text c="dimmed" size="sm" mb="sm">
          The rep chooses a region and says or shows its words before recording. They are stored with the call.
        </Text>
        <Stack>
          {consents.rows.length === 0 && <Text>No wording yet. Without one, reps write their own for each call.</Text>}
          {consents.rows.map((consent, index) => (
            <Card key={consent.id} withBorder component="fieldset" m={0}>
              <legend>Wording {index + 1}</legend>
              <TextInput
                label="Region"
                value={consent.region}
                maxLength={100}
                onChange={(event) => consents.change(consent.id, { region: event.currentTarget.value })}
              />
              <Textarea
                label="Words"
                value={consent.text}
                maxLength={2000}
                autosize
                minRows={2}
                onChange={(event) => consents.change(consent.id, { text: event.currentTarget.value })}
              />
              <RemoveRow
                what={`the wording ${consent.region || index + 1}`}
                remove={() => consents.remove(consent.id)}
              />
            </Card>
          ))}
          <Group>
            <Button variant="default" onClick={() => consents.add({ region: "", text: "" })}>
              Add a region
            </Button>
          </Group>
        </Stack>
      </Card>
      <Card withBorder>
        <Title order={3} size="h5" mb="xs">
          How long calls are kept
        </Title>
        <Stack>
          <Switch
            label="Erase old calls by themselves"
            checked={days !== null}
            onChange={(event) => setDays(event.currentTarget.checked ? (stored.retention_days ?? 365) : null)}
          />
          {days !== null && (
            <NumberInput
              label="Days"
              description="Counted from the end of the call. Sound, transcript, review and comments go together."
              value={days}
              min={1}
              max={36500}
              allowDecimal={false}
              onChange={(value) => setDays(typeof value === "number" ? value : (stored.retention_days ?? 365))}
            />
          )}
          {shortened && (
            <Alert color="yellow" role="status" title="This erases calls">
              When you save, every call that is older than {days} days is erased within a day. That cannot be undone.
            </Alert>
          )}
        </Stack>
      </Card>
      <Card withBorder>
        <Title order={3} size="h5" mb="xs">
          Reviews
        </Title>
        <Group align="end">
          <Select
            label="Rubric that calls are scored by"
            data={rubrics}
            value={rubric}
            allowDeselect={false}
            onChange={(value) => setRubric(value ?? rubric)}
          />
          <Select
            label="Template that reports open with"
            data={templates}
            value={template}
            allowDeselect={false}
            onChange={(value) => setTemplate(value ?? template)}
          />
        </Group>
      </Card>
      {saving.isError && (
        <Alert color="red" role="alert" title="Nothing was saved">
          {messageOf(saving.error)}
        </Alert>
      )}
      <Group>
        <Button type="submit" disabled={!changed || !complete} loading={saving.isPending}>
          Save
        </Button>
        <Text c="dimmed" role="status">
          {!complete
            ? "Each wording needs a region and words."
            : changed
              ? "Not saved yet."
              : saving.isSuccess
                ? "Saved."
                : ""}
        </Text>
      </Group>
    </Stack>
  );
}
