import { Alert, Button, Card, Group, Select, Stack, Switch, Text, TextInput, Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { type FormEvent, useState } from "react";
import { Confirm } from "@/parts/Confirm";
import { dateTime } from "@/parts/format";
import { NotDone } from "@/parts/NotDone";
import { ErrorState, Loading } from "@/parts/states";
import { State } from "./ConnectionState";
import { CrmLog } from "./CrmLog";
import { CrmMappingField } from "./CrmMappingField";
import { type CheckedCrm, type Crm, useCheckCrm, useCrm, useDropCrm, useSaveCrm } from "./connections";
import { mistakeOf } from "./documents/queries";
import { SecretInput } from "./SecretInput";

const VENDORS: { value: Crm["vendor"]; label: string }[] = [
  { value: "hubspot", label: "HubSpot" },
  { value: "salesforce", label: "Salesforce" },
];

const HUBSPOT = "https://api.hubapi.com";

/** What one begins with; every line can be left out. */
const MAPPING = `# Which property of a deal each value goes to.
fields:
  pain: meddic_pain
  champion: meddic_champion
next_steps: hs_next_step
note: true
`;

/** The tenant's CRM: connected, checked, mapped; and what has been written there. */
export function CrmCard() {
  const crm = useCrm();
  const checking = useCheckCrm();
  const saving = useSaveCrm();
  if (crm.isPending) return <Loading />;
  if (crm.isError) return <ErrorState error={crm.error} retry={() => crm.refetch()} />;
  return (
    <Card withBorder component="section" aria-labelledby="crm">
      <Title order={3} size="h5" id="crm" mb="xs">
        CRM
      </Title>
      <Connected crm={crm.data} checked={checking.data ?? null} />
      {/* Another account is another form: nothing of the old one stays in it. */}
      <CrmForm key={crm.data?.secret_set_at ?? "none"} known={crm.data} checking={checking} saving={saving} />
      {crm.data !== null && <CrmLog />}
    </Card>
  );
}

function Connected({ crm, checked }: { crm: Crm | null; checked: CheckedCrm | null }) {
  if (crm === null) return <State state="off">Not connected: reviews stay here.</State>;
  const name = VENDORS.find((one) => one.value === crm.vendor)?.label ?? crm.vendor;
  const writes = crm.write_back ? "each review that is done is written there" : "nothing is written by itself";
  if (checked === null) {
    return (
      <State state="on">
        Connected with {name}; {writes}.
      </State>
    );
  }
  if (checked.works) {
    return (
      <State state="good">
        {name} answers as {checked.account}; {writes}.
      </State>
    );
  }
  return <State state="bad">{name} cannot be written to as it is set up.</State>;
}

interface FormProps {
  known: Crm | null;
  /** Both outlive the form, which begins anew with another secret. */
  checking: ReturnType<typeof useCheckCrm>;
  saving: ReturnType<typeof useSaveCrm>;
}

function CrmForm({ known, checking, saving }: FormProps) {
  const [vendor, setVendor] = useState<Crm["vendor"]>(known?.vendor ?? "hubspot");
  const [url, setUrl] = useState(known === null || known.url === HUBSPOT ? "" : known.url);
  const [clientId, setClientId] = useState(known?.client_id ?? "");
  const [secret, setSecret] = useState("");
  const [writeBack, setWriteBack] = useState(known?.write_back ?? true);
  const [mapping, setMapping] = useState(known?.mapping ?? MAPPING);
  const [asking, ask] = useDisclosure(false);
  const dropping = useDropCrm();
  const client = vendor === "salesforce" ? clientId.trim() : "";
  const address = url.trim().replace(/\/+$/, "") || (vendor === "hubspot" ? HUBSPOT : "");
  // The server refuses it too: who may change the address would get to know a secret that is already there.
  const elsewhere = known !== null && (vendor !== known.vendor || address !== known.url || client !== known.client_id);
  const changed =
    known === null || elsewhere || secret !== "" || writeBack !== known.write_back || mapping !== known.mapping;
  const failure = saving.error ?? checking.error;

  const save = () => {
    checking.reset();
    saving.mutate(
      {
        vendor,
        url: address,
        client_id: client,
        ...(secret === "" ? {} : { secret }),
        write_back: writeBack,
        mapping,
      },
      { onSuccess: () => setSecret("") },
    );
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save();
  };

  return (
    <form onSubmit={submit}>
      <Stack>
        <Select
          label="Which CRM"
          data={VENDORS}
          value={vendor}
          allowDeselect={false}
          onChange={(value) => setVendor((value ?? "hubspot") as Crm["vendor"])}
        />
        <TextInput
          label="Address of the CRM"
          description={vendor === "hubspot" ? "Empty: HubSpot's own." : "Your My Domain address."}
          placeholder={vendor === "hubspot" ? "https://api.hubapi.com" : "https://acme.my.salesforce.com"}
          value={url}
          maxLength={500}
          autoComplete="off"
          onChange={(event) => setUrl(event.currentTarget.value)}
        />
        {vendor === "salesforce" && (
          <TextInput
            label="Client id"
            description="Of the connected app. Empty where you give an access token."
            value={clientId}
            maxLength={500}
            autoComplete="off"
            onChange={(event) => setClientId(event.currentTarget.value)}
          />
        )}
        <SecretInput
          label={vendor === "hubspot" ? "Token of the private app" : "Client secret or access token"}
          description={secretWords(known, elsewhere)}
          autoComplete="off"
          value={secret}
          maxLength={4000}
          change={setSecret}
        />
        <CrmMappingField
          vendor={vendor}
          initial={known?.mapping ?? MAPPING}
          changed={(text) => {
            setMapping(text);
            // What was refused was another text.
            if (saving.isError) saving.reset();
          }}
          save={save}
          mistake={mistakeOf(saving.error)}
        />
        <Switch
          label="Write each review as soon as it is done"
          description="Else only what you write from the list below, or by the API."
          checked={writeBack}
          onChange={(event) => setWriteBack(event.currentTarget.checked)}
        />
        <Group>
          <Button
            type="submit"
            loading={saving.isPending}
            disabled={!changed || ((known === null || elsewhere) && secret === "")}
          >
            Save the CRM
          </Button>
          {known !== null && (
            <>
              <Button
                variant="default"
                loading={checking.isPending}
                disabled={changed}
                onClick={() => checking.mutate(undefined)}
              >
                Check the CRM
              </Button>
              <Button variant="default" onClick={ask.open}>
                Forget the CRM
              </Button>
            </>
          )}
          <Text size="sm" c="dimmed" role="status">
            {known === null ? "" : changed ? "Not saved yet" : saving.isSuccess ? "Saved." : ""}
          </Text>
        </Group>
      </Stack>
      {checking.data !== undefined && <Answer checked={checking.data} />}
      <NotDone
        title={saving.isError ? "It was not saved" : "It was not checked"}
        error={mistakeOf(failure) === null ? failure : null}
      />
      <Confirm
        opened={asking}
        close={ask.close}
        title="Forget the CRM?"
        action="Forget it"
        run={() => dropping.mutateAsync(undefined)}
      >
        Its secret, the mapping and which call belongs to which deal go. What was written there stays there.
      </Confirm>
    </form>
  );
}

function secretWords(known: Crm | null, elsewhere: boolean): string {
  if (known === null) return "Kept encrypted and never shown.";
  if (elsewhere) return "Give it again: a secret does not follow another address or client.";
  return `Set on ${dateTime(known.secret_set_at)}. Empty: it stays as it is.`;
}

/** What the CRM answered when it was asked whether all of this works. */
function Answer({ checked }: { checked: CheckedCrm }) {
  if (checked.works) {
    return (
      <Alert color="green" mt="sm" role="status">
        It takes the token and has every property that the mapping names. Nothing was written.
      </Alert>
    );
  }
  return (
    <Alert color="red" mt="sm" role="alert" title={checked.reason === "" ? "Not all of it can be written" : "No"}>
      <Stack gap={4} style={{ overflowWrap: "anywhere" }}>
        {checked.message !== "" && <Text size="sm">{checked.message}</Text>}
        {checked.problems.map((problem) => (
          <Text key={problem} size="sm">
            {problem}
          </Text>
        ))}
      </Stack>
    </Alert>
  );
}
