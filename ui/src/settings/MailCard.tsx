import { Alert, Button, Card, Group, NumberInput, Select, Stack, Text, TextInput, Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { type FormEvent, useState } from "react";
import { Confirm } from "@/parts/Confirm";
import { dateTime } from "@/parts/format";
import { NotDone } from "@/parts/NotDone";
import { ErrorState, Loading } from "@/parts/states";
import { State } from "./ConnectionState";
import { type MailAccount, useCheckMail, useDropMail, useMail, useSaveMail, useTestMail } from "./connections";
import { SecretInput } from "./SecretInput";

const SECURITY: { value: MailAccount["security"]; label: string; port: number }[] = [
  { value: "starttls", label: "STARTTLS", port: 587 },
  { value: "tls", label: "TLS from the first byte", port: 465 },
  { value: "none", label: "None: only without a password", port: 25 },
];

/** By which server reports go out. */
export function MailCard() {
  const mail = useMail();
  const checking = useCheckMail();
  const saving = useSaveMail();
  if (mail.isPending) return <Loading />;
  if (mail.isError) return <ErrorState error={mail.error} retry={() => mail.refetch()} />;
  const { account, server_sends } = mail.data;
  return (
    <Card withBorder component="section" aria-labelledby="mail">
      <Title order={3} size="h5" id="mail" mb="xs">
        Mail server
      </Title>
      <Told account={account} serverSends={server_sends} works={checking.data?.works ?? null} />
      <MailForm
        key={account?.changed_at ?? "none"}
        known={account}
        serverSends={server_sends}
        checking={checking}
        saving={saving}
      />
    </Card>
  );
}

function Told({
  account,
  serverSends,
  works,
}: {
  account: MailAccount | null;
  serverSends: boolean;
  /** Null until it was tried. */
  works: boolean | null;
}) {
  const whose = account === null ? "the operator's server" : `${account.host}:${account.port} as ${account.sender}`;
  if (account === null && !serverSends) {
    return <State state="off">No mail goes out: neither you nor the operator set a server.</State>;
  }
  if (works === false) return <State state="bad">Mail cannot go out by {whose}.</State>;
  return (
    <State state={works ? "good" : "on"}>
      Mail goes out by {whose}.{works && " It let us sign in."}
    </State>
  );
}

interface FormProps {
  known: MailAccount | null;
  serverSends: boolean;
  /** Both outlive the form, which begins anew with what was saved. */
  checking: ReturnType<typeof useCheckMail>;
  saving: ReturnType<typeof useSaveMail>;
}

function MailForm({ known, serverSends, checking, saving }: FormProps) {
  const [host, setHost] = useState(known?.host ?? "");
  const [security, setSecurity] = useState<MailAccount["security"]>(known?.security ?? "starttls");
  const usual = SECURITY.find((one) => one.value === security)?.port ?? 587;
  const [port, setPort] = useState<number | null>(known?.port ?? null);
  const [user, setUser] = useState(known?.user ?? "");
  const [password, setPassword] = useState("");
  const [sender, setSender] = useState(known?.sender ?? "");
  const [asking, ask] = useDisclosure(false);
  const dropping = useDropMail();
  const testing = useTestMail();
  const failure = saving.error ?? checking.error ?? testing.error;
  const elsewhere =
    known !== null && (host.trim() !== known.host || (port ?? usual) !== known.port || user.trim() !== known.user);
  const changed =
    known === null || elsewhere || security !== known.security || password !== "" || sender.trim() !== known.sender;

  const submit = (event: FormEvent) => {
    event.preventDefault();
    checking.reset();
    saving.mutate({
      host: host.trim(),
      port,
      security,
      user: user.trim(),
      ...(password === "" ? {} : { password }),
      sender: sender.trim(),
    });
  };

  return (
    <form onSubmit={submit}>
      <Stack>
        <Group align="start">
          <TextInput
            label="Host"
            placeholder="smtp.example.com"
            value={host}
            maxLength={253}
            autoComplete="off"
            onChange={(event) => setHost(event.currentTarget.value)}
            style={{ flex: "2 1 14rem" }}
          />
          <NumberInput
            label="Port"
            placeholder={String(usual)}
            value={port ?? ""}
            min={1}
            max={65535}
            allowDecimal={false}
            hideControls
            onChange={(value) => setPort(typeof value === "number" ? value : null)}
            style={{ flex: "1 1 5rem" }}
          />
          <Select
            label="Encryption"
            data={SECURITY}
            value={security}
            allowDeselect={false}
            onChange={(value) => {
              setSecurity((value ?? "starttls") as MailAccount["security"]);
              // The port goes along with it; one of their own is written again.
              setPort(null);
            }}
            style={{ flex: "1 1 12rem" }}
          />
        </Group>
        <TextInput
          label="User of the mail server"
          value={user}
          maxLength={300}
          autoComplete="off"
          onChange={(event) => setUser(event.currentTarget.value)}
        />
        <SecretInput
          label="Password of the mail server"
          description={
            known?.has_password !== true
              ? "Kept encrypted and never shown."
              : elsewhere
                ? "Give it again: it does not follow another host, port or user."
                : `Set; changed on ${dateTime(known.changed_at)}. Empty: it stays as it is.`
          }
          autoComplete="new-password"
          value={password}
          maxLength={1000}
          change={setPassword}
        />
        <TextInput
          label="From"
          placeholder="Acme Sales <sales@acme.example>"
          value={sender}
          maxLength={300}
          autoComplete="off"
          onChange={(event) => setSender(event.currentTarget.value)}
        />
        <Group>
          <Button
            type="submit"
            loading={saving.isPending}
            disabled={!changed || host.trim() === "" || sender.trim() === ""}
          >
            Save the mail server
          </Button>
          {(known !== null || serverSends) && (
            <Button
              variant="default"
              loading={checking.isPending}
              disabled={known !== null && changed}
              onClick={() => {
                testing.reset();
                checking.mutate(undefined);
              }}
            >
              Check the mail server
            </Button>
          )}
          {(known !== null || serverSends) && (
            <Button
              variant="default"
              loading={testing.isPending}
              disabled={known !== null && changed}
              onClick={() => {
                checking.reset();
                testing.mutate(undefined);
              }}
            >
              Send me a test mail
            </Button>
          )}
          {known !== null && (
            <Button variant="default" onClick={ask.open}>
              Forget the mail server
            </Button>
          )}
          <Text size="sm" c="dimmed" role="status" style={{ overflowWrap: "anywhere" }}>
            {testing.data?.works === true
              ? `The server took a mail for ${testing.data.to}: look into that mailbox.`
              : known === null
                ? ""
                : changed
                  ? "Not saved yet"
                  : saving.isSuccess
                    ? "Saved."
                    : ""}
          </Text>
        </Group>
      </Stack>
      {checking.data?.works === false && (
        <Alert color="red" mt="sm" role="alert" title="It does not work">
          {checking.data.message}
        </Alert>
      )}
      {testing.data?.works === false && (
        <Alert color="red" mt="sm" role="alert" title={`No mail went to ${testing.data.to}`}>
          {testing.data.message}
        </Alert>
      )}
      <NotDone
        title={testing.isError ? "No test mail was sent" : saving.isError ? "It was not saved" : "It was not checked"}
        error={failure}
      />
      <Confirm
        opened={asking}
        close={ask.close}
        title="Forget the mail server?"
        action="Forget it"
        run={() => dropping.mutateAsync(undefined)}
      >
        {serverSends
          ? "Its password is forgotten, and mail goes out by the operator's server again."
          : "Its password is forgotten, and no mail goes out any more: this server has none of its own."}
      </Confirm>
    </form>
  );
}
