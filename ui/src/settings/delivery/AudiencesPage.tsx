import { Alert, Anchor, Button, Card, Group, Select, Stack, Text, TextInput, Title } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { Link } from "wouter";
import { atLeast, useSession } from "@/app/session";
import { PastCallSelect } from "@/parts/PastCallSelect";
import { EmptyState, ErrorState, Loading, messageOf } from "@/parts/states";
import { PreviewShown } from "../documents/PreviewPane";
import { editorPage, useDocuments, usePastCalls } from "../documents/queries";
import { useTenantSettings, useWebhooks } from "../queries";
import settings from "../settings.module.css";
import classes from "./delivery.module.css";
import { useAudiences, useReport, useSaveAudiences } from "./queries";
import {
  type AudienceTemplate,
  audiencesOf,
  type Destination,
  FORMS,
  type Form,
  reaches,
  templateFor,
  templatesIn,
} from "./words";

/** Which template an audience's report is made with, and what it looks like on a call that has been. */
export default function AudiencesPage() {
  const { member } = useSession();
  const admin = atLeast(member, "admin");
  const audiences = useAudiences();
  const documents = useDocuments();
  if (audiences.isPending || documents.isPending) return <Loading />;
  if (audiences.isError) return <ErrorState error={audiences.error} retry={() => audiences.refetch()} />;
  if (documents.isError) return <ErrorState error={documents.error} retry={() => documents.refetch()} />;
  const names = documents.data.filter((row) => row.kind === "template").map((row) => row.name);
  const given = { stored: audiences.data, documents: names };
  return (
    <Stack>
      <Title order={2}>Audiences</Title>
      <Text c="dimmed">
        A report is for somebody. Here you choose which{" "}
        <Anchor component={Link} underline="always" href="/settings/documents">
          template
        </Anchor>{" "}
        makes it for whom, in each form.{" "}
        {admin ? (
          <>
            To whom reports are sent by themselves stands under{" "}
            <Anchor component={Link} underline="always" href="/settings/webhooks">
              Delivery
            </Anchor>
            .
          </>
        ) : (
          "Only an admin can change it."
        )}
      </Text>
      {admin ? <ForAdmin {...given} /> : <Choices {...given} destinations={[]} standard="manager" admin={false} />}
    </Stack>
  );
}

interface Given {
  stored: readonly AudienceTemplate[];
  documents: readonly string[];
}

/** Destinations and the tenant's default are for admins to read. */
function ForAdmin(given: Given) {
  const webhooks = useWebhooks();
  const tenant = useTenantSettings();
  if (webhooks.isPending || tenant.isPending) return <Loading />;
  if (webhooks.isError) return <ErrorState error={webhooks.error} retry={() => webhooks.refetch()} />;
  if (tenant.isError) return <ErrorState error={tenant.error} retry={() => tenant.refetch()} />;
  return <Choices {...given} destinations={webhooks.data} standard={tenant.data.default_template} admin />;
}

interface ChoicesProps extends Given {
  destinations: readonly Destination[];
  standard: string;
  admin: boolean;
}

function Choices({ stored, documents, destinations, standard, admin }: ChoicesProps) {
  const [chosen, setChosen] = useState<readonly AudienceTemplate[]>(stored);
  const [added, setAdded] = useState<readonly string[]>([]);
  const saving = useSaveAudiences();
  const audiences = [...new Set([...audiencesOf(chosen, destinations), ...added])];
  const dirty = JSON.stringify(sorted(chosen)) !== JSON.stringify(sorted(stored));
  const known = { chosen, documents, standard };

  const choose = (audience: string, form: Form, template: string | null) => {
    const others = chosen.filter((one) => one.audience !== audience || one.form !== form);
    setChosen(template === null ? others : [...others, { audience, form, template }]);
  };

  return (
    <>
      <ul className={settings.list} aria-label="Audiences">
        {audiences.map((audience) => (
          <Card key={audience} component="li" withBorder>
            <Title order={3} size="h5" style={{ overflowWrap: "anywhere" }}>
              {audience}
            </Title>
            <Text size="sm" c="dimmed" mb="xs" style={{ overflowWrap: "anywhere" }}>
              {sentTo(audience, destinations, admin)}
            </Text>
            <div className={classes.forms}>
              {FORMS.map(({ form, label }) => (
                <Select
                  key={form}
                  size="sm"
                  label={label}
                  aria-label={`Template for ${audience}: ${label}`}
                  data={templatesIn(form, documents)}
                  value={chosen.find((one) => one.audience === audience && one.form === form)?.template ?? null}
                  placeholder={templateFor(audience, form, { ...known, chosen: [] })}
                  clearable={admin}
                  clearButtonProps={{ "aria-label": `As it comes by itself: ${audience}, ${label}` }}
                  readOnly={!admin}
                  onChange={(template) => choose(audience, form, template)}
                />
              ))}
            </div>
          </Card>
        ))}
      </ul>
      <Text size="sm" c="dimmed">
        Where nothing is chosen, the grey name holds: the template that is called as the audience is, else the tenant's
        default.
      </Text>
      {saving.isError && (
        <Alert color="red" role="alert" title="It was not saved">
          {messageOf(saving.error)}
        </Alert>
      )}
      {admin && (
        <Group justify="space-between" align="end">
          <NewAudience known={audiences} add={(name) => setAdded([...added, name])} />
          <Group gap="xs">
            <Text size="sm" c="dimmed" role="status">
              {dirty ? "Not saved yet" : saving.isSuccess ? "Saved. It holds from the next report on." : ""}
            </Text>
            <Button disabled={!dirty} loading={saving.isPending} onClick={() => saving.mutate(chosen)}>
              Save the audiences
            </Button>
          </Group>
        </Group>
      )}
      {admin && <TryIt audiences={audiences} known={known} />}
    </>
  );
}

function sorted(chosen: readonly AudienceTemplate[]): AudienceTemplate[] {
  return chosen.toSorted((a, b) => `${a.audience} ${a.form}`.localeCompare(`${b.audience} ${b.form}`));
}

function sentTo(audience: string, destinations: readonly Destination[], admin: boolean): string {
  const those = destinations.filter((one) => one.kind !== "webhook" && one.audience === audience && one.active);
  if (those.length > 0) return `Sent by itself to: ${those.map(reaches).join("; ")}`;
  return admin ? "Sent to nobody by itself." : "For reports in this name.";
}

function NewAudience({ known, add }: { known: readonly string[]; add: (name: string) => void }) {
  const [name, setName] = useState("");
  const [failure, setFailure] = useState<string | null>(null);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!/^[a-z0-9][a-z0-9_-]{0,63}$/.test(name.trim())) {
      setFailure("Small letters, digits, - and _, beginning with a letter or a digit");
      return;
    }
    if (known.includes(name.trim())) {
      setFailure("There is one of that name");
      return;
    }
    add(name.trim());
    setName("");
  };
  return (
    <form onSubmit={submit}>
      <Group align="end" gap="xs">
        <TextInput
          label="Another audience"
          placeholder="board"
          value={name}
          maxLength={64}
          autoComplete="off"
          error={failure}
          onChange={(event) => {
            setName(event.currentTarget.value);
            setFailure(null);
          }}
        />
        <Button type="submit" variant="default" disabled={name.trim() === ""}>
          Add
        </Button>
      </Group>
    </form>
  );
}

interface TryProps {
  audiences: readonly string[];
  known: Parameters<typeof templateFor>[2];
}

/** The report as the choice above would make it. */
function TryIt({ audiences, known }: TryProps) {
  const calls = usePastCalls(true);
  const [callId, setCallId] = useState<string | null>(null);
  const [audience, setAudience] = useState("manager");
  const [form, setForm] = useState<Form>("email");
  const report = useReport();
  if (calls.isPending) return <Loading />;
  if (calls.isError) return <ErrorState error={calls.error} retry={() => calls.refetch()} />;
  const chosen = callId ?? calls.data[0]?.call_id ?? null;
  const template = templateFor(audience, form, known);
  return (
    <Card withBorder component="section" aria-labelledby="try">
      <Title order={3} size="h5" id="try">
        See it on a past call
      </Title>
      {chosen === null ? (
        <EmptyState title="There is no call to see it on">
          As soon as a call has been reviewed, it can be seen.
        </EmptyState>
      ) : (
        <Stack mt="xs">
          <Group align="end">
            <PastCallSelect calls={calls.data} value={chosen} onChange={setCallId} />
            <Select
              label="For"
              data={[...audiences]}
              value={audience}
              allowDeselect={false}
              onChange={(value) => setAudience(value ?? "manager")}
              style={{ flex: "1 1 8rem" }}
            />
            <Select
              label="As"
              data={FORMS.map((one) => ({ value: one.form, label: one.label }))}
              value={form}
              allowDeselect={false}
              onChange={(value) => setForm((value ?? "email") as Form)}
              style={{ flex: "1 1 8rem" }}
            />
            <Button loading={report.isPending} onClick={() => report.mutate({ template, form, call_id: chosen })}>
              Show it
            </Button>
          </Group>
          <Text size="sm" c="dimmed" style={{ overflowWrap: "anywhere" }}>
            By the template{" "}
            <Anchor component={Link} underline="always" href={editorPage("template", `${template}.${form}`)}>
              {template}.{form}
            </Anchor>
            .
          </Text>
          {report.isError && (
            <Alert color="red" role="alert" title="It could not be made">
              {messageOf(report.error)}
            </Alert>
          )}
          {report.isSuccess && <PreviewShown preview={report.data} />}
        </Stack>
      )}
    </Card>
  );
}
