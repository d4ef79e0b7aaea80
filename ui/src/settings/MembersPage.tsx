import { Alert, Badge, Button, Card, Group, Select, Stack, Text, TextInput, Title } from "@mantine/core";
import { type FormEvent, useState } from "react";
import type { Member, Role } from "@/api/types";
import { atLeast, useSession } from "@/app/session";
import { date } from "@/parts/format";
import { ErrorState, Loading, messageOf } from "@/parts/states";
import { Once } from "./Once";
import { useChangeMember, useInvite, useInviteAgain, useMembers } from "./queries";
import { SharedLinks } from "./SharedLinks";
import classes from "./settings.module.css";

const ROLES: { value: Role; label: string }[] = [
  { value: "rep", label: "Rep: own calls only" },
  { value: "manager", label: "Manager: all calls, live, team" },
  { value: "admin", label: "Admin: also these settings" },
];

interface Invitation {
  name: string;
  address: string;
}

/** Who belongs to the tenant, and what they may do. */
export default function MembersPage() {
  const { member } = useSession();
  const members = useMembers();
  const [invitation, setInvitation] = useState<Invitation | null>(null);
  const admin = atLeast(member, "admin");

  const invited = (name: string, path: string) =>
    setInvitation({ name, address: new URL(path, window.location.origin).href });

  return (
    <Stack>
      <Title order={2}>Members</Title>
      {invitation !== null && (
        <Once
          title={`An invitation for ${invitation.name}`}
          about="Send this address to them and to nobody else: whoever opens it first chooses the password. It works once, for 7 days, and is not shown again."
          secret={invitation.address}
          done={() => setInvitation(null)}
        />
      )}
      {admin && <InviteForm invited={invited} />}
      {members.isPending && <Loading />}
      {members.isError && <ErrorState error={members.error} retry={() => members.refetch()} />}
      {members.data !== undefined && (
        <ul className={classes.list} aria-label="Members">
          {members.data.map((one) => (
            <MemberCard
              key={one.member_id}
              one={one}
              admin={admin}
              self={one.member_id === member.member_id}
              invited={invited}
            />
          ))}
        </ul>
      )}
      <SharedLinks />
    </Stack>
  );
}

function InviteForm({ invited }: { invited: (name: string, path: string) => void }) {
  const [email, setEmail] = useState("");
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role>("rep");
  const inviting = useInvite();
  const ready = email.trim() !== "" && name.trim() !== "";

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!ready) return;
    inviting.mutate(
      { email: email.trim(), name: name.trim(), role },
      {
        onSuccess: (answer) => {
          invited(answer.member.name || answer.member.email, answer.invite);
          setEmail("");
          setName("");
        },
      },
    );
  };

  return (
    <Card withBorder component="form" onSubmit={submit}>
      <Title order={3} size="h5" mb="xs">
        Invite somebody
      </Title>
      <Group align="end">
        <TextInput
          label="E-mail"
          type="email"
          value={email}
          maxLength={300}
          autoComplete="off"
          onChange={(event) => setEmail(event.currentTarget.value)}
          style={{ flex: "1 1 14rem" }}
        />
        <TextInput
          label="Name"
          value={name}
          maxLength={200}
          autoComplete="off"
          onChange={(event) => setName(event.currentTarget.value)}
          style={{ flex: "1 1 10rem" }}
        />
        <Select
          label="Role"
          data={ROLES}
          value={role}
          allowDeselect={false}
          onChange={(value) => setRole((value ?? "rep") as Role)}
          style={{ flex: "1 1 14rem" }}
        />
        <Button type="submit" disabled={!ready} loading={inviting.isPending}>
          Invite
        </Button>
      </Group>
      {inviting.isError && (
        <Alert color="red" mt="sm" role="alert" title="Nobody was invited">
          {messageOf(inviting.error)}
        </Alert>
      )}
    </Card>
  );
}

interface MemberProps {
  one: Member;
  admin: boolean;
  self: boolean;
  invited: (name: string, path: string) => void;
}

function MemberCard({ one, admin, self, invited }: MemberProps) {
  const changing = useChangeMember();
  const again = useInviteAgain();
  const name = one.name || one.email;
  const disabled = one.disabled_at !== null;
  const failure = changing.error ?? again.error;

  return (
    <Card component="li" withBorder>
      <Group justify="space-between" align="start">
        <Stack gap={2} style={{ minWidth: 0, flex: "1 1 14rem" }}>
          <Group gap="xs">
            <Text fw={600} style={{ overflowWrap: "anywhere" }}>
              {name}
            </Text>
            {self && (
              <Badge variant="outline" size="sm">
                You
              </Badge>
            )}
            {disabled && (
              <Badge color="gray" size="sm">
                May not sign in
              </Badge>
            )}
          </Group>
          <Text size="sm" c="dimmed" style={{ overflowWrap: "anywhere" }}>
            {one.email}
            {one.rep_id !== one.email && `, calls of ${one.rep_id}`}
          </Text>
          <Text size="sm" c="dimmed">
            Since {date(one.created_at)}
          </Text>
        </Stack>
        {admin ? (
          <Group gap="xs" align="end">
            <Select
              aria-label={`Role of ${name}`}
              data={ROLES}
              value={one.role}
              allowDeselect={false}
              disabled={changing.isPending}
              onChange={(value) => {
                if (value !== null && value !== one.role) {
                  changing.mutate({ member_id: one.member_id, role: value as Role });
                }
              }}
            />
            {!disabled && (
              <Button
                variant="default"
                aria-label={`New invitation for ${name}`}
                loading={again.isPending}
                onClick={() => again.mutate(one.member_id, { onSuccess: (answer) => invited(name, answer.invite) })}
              >
                New invitation
              </Button>
            )}
            {!self && (
              <Button
                variant="default"
                aria-label={disabled ? `Let in again: ${name}` : `Shut out ${name}`}
                loading={changing.isPending}
                onClick={() => changing.mutate({ member_id: one.member_id, disabled: !disabled })}
              >
                {disabled ? "Let in again" : "Shut out"}
              </Button>
            )}
          </Group>
        ) : (
          <Badge variant="light">{one.role}</Badge>
        )}
      </Group>
      {failure !== null && (
        <Alert color="red" mt="sm" role="alert" title="Nothing was changed">
          {messageOf(failure)}
        </Alert>
      )}
    </Card>
  );
}
