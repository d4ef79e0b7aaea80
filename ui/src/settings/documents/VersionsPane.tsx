import { Alert, Badge, Button, Card, Group, Modal, Select, Stack, Text, Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useState } from "react";
import { dateTime, plural } from "@/parts/format";
import { EmptyState, ErrorState, Loading, messageOf } from "@/parts/states";
import classes from "../settings.module.css";
import { Diff } from "./Diff";
import { type Kind, readText, useActivate, useRemove, useVersionText, type Version } from "./queries";

interface Props {
  kind: Kind;
  name: string;
  versions: readonly Version[];
  admin: boolean;
  /** As it stands in the editor. */
  text: string;
  /** What holds has changed to `text`: the editor goes on from it. */
  took: (text: string) => void;
}

/** Every text that ever held, what changed between two of them, and the way back. */
export function VersionsPane({ kind, name, versions, admin, text, took }: Props) {
  const [shown, setShown] = useState<number | null>(null);
  const activating = useActivate(kind, name);
  if (versions.length === 0) {
    return (
      <EmptyState title="No versions yet">
        The one that ships holds. The first time that somebody saves, a version appears here.
      </EmptyState>
    );
  }
  const goBack = (version: number) => {
    // A refusal is shown by the mutation itself.
    activating.mutateAsync(version).then(
      () => readText(kind, name).then(took),
      () => undefined,
    );
  };

  return (
    <Stack>
      {activating.isError && (
        <Alert color="red" role="alert" title="Nothing was changed">
          {messageOf(activating.error)}
        </Alert>
      )}
      <ul className={classes.list} aria-label="Versions">
        {versions.map((version) => (
          <Card key={version.version} component="li" withBorder padding="sm">
            <Group justify="space-between">
              <Stack gap={0}>
                <Group gap="xs">
                  <Text fw={600}>Version {version.version}</Text>
                  {version.active && <Badge size="sm">Holds now</Badge>}
                </Group>
                <Text size="sm" c="dimmed" style={{ overflowWrap: "anywhere" }}>
                  {dateTime(version.created_at)}
                  {version.created_by !== null && ` by ${version.created_by}`}, {plural(version.size, "character")}
                </Text>
              </Stack>
              <Group gap="xs">
                <Button
                  variant="default"
                  size="xs"
                  aria-expanded={shown === version.version}
                  aria-label={`What changed with version ${version.version}`}
                  onClick={() => setShown(shown === version.version ? null : version.version)}
                >
                  What changed
                </Button>
                {admin && !version.active && (
                  <Button
                    variant="default"
                    size="xs"
                    aria-label={`Go back to it: version ${version.version}`}
                    loading={activating.isPending && activating.variables === version.version}
                    onClick={() => goBack(version.version)}
                  >
                    Go back to it
                  </Button>
                )}
              </Group>
            </Group>
            {shown === version.version && (
              <Compared kind={kind} name={name} version={version} versions={versions} text={text} />
            )}
          </Card>
        ))}
      </ul>
      {admin && versions.some((version) => version.active) && <BackToShipped kind={kind} name={name} took={took} />}
    </Stack>
  );
}

interface ComparedProps {
  kind: Kind;
  name: string;
  version: Version;
  versions: readonly Version[];
  text: string;
}

const EDITOR = "editor";

/** This version beside another one: the one before it, unless something else is chosen. */
function Compared({ kind, name, version, versions, text }: ComparedProps) {
  const before = versions.find((other) => other.version < version.version)?.version;
  const [other, setOther] = useState(before === undefined ? EDITOR : String(before));
  const others = versions.filter((one) => one.version !== version.version);
  return (
    <Stack mt="sm">
      <Select
        label="Compared to"
        data={[
          ...others.map((one) => ({ value: String(one.version), label: `Version ${one.version}` })),
          { value: EDITOR, label: "The text in the editor" },
        ]}
        value={other}
        allowDeselect={false}
        onChange={(value) => setOther(value ?? other)}
        maw={260}
      />
      {other === EDITOR ? (
        <Against kind={kind} name={name} version={version.version} text={text} />
      ) : (
        <Between kind={kind} name={name} one={Number(other)} two={version.version} />
      )}
    </Stack>
  );
}

function Against({ kind, name, version, text }: { kind: Kind; name: string; version: number; text: string }) {
  const stored = useVersionText(kind, name, version);
  if (stored.isPending) return <Loading />;
  if (stored.isError) return <ErrorState error={stored.error} retry={() => stored.refetch()} />;
  return (
    <Diff kind={kind} label={`From version ${version} to the text in the editor`} before={stored.data} after={text} />
  );
}

function Between({ kind, name, one, two }: { kind: Kind; name: string; one: number; two: number }) {
  const [from, to] = one < two ? [one, two] : [two, one];
  const before = useVersionText(kind, name, from);
  const after = useVersionText(kind, name, to);
  if (before.isError) return <ErrorState error={before.error} retry={() => before.refetch()} />;
  if (after.isError) return <ErrorState error={after.error} retry={() => after.refetch()} />;
  if (before.isPending || after.isPending) return <Loading />;
  return <Diff kind={kind} label={`From version ${from} to version ${to}`} before={before.data} after={after.data} />;
}

function BackToShipped({ kind, name, took }: Pick<Props, "kind" | "name" | "took">) {
  const [asked, { open, close }] = useDisclosure(false);
  const removing = useRemove(kind, name);
  const remove = () => {
    // Not as a callback of the mutation: with the last version this button goes away, and its callbacks with it.
    removing.mutateAsync().then(
      () => {
        close();
        return readText(kind, name).then(took, () => undefined);
      },
      () => undefined,
    );
  };
  return (
    <Group>
      <Button variant="default" onClick={open}>
        Use what ships instead
      </Button>
      <Modal
        opened={asked}
        onClose={close}
        title={
          <Title order={3} size="h4">
            Use what ships instead?
          </Title>
        }
      >
        <Text>
          From the next call or review on, the document that comes with Ridealong holds, or none where none of this name
          does. Your versions stay in the list.
        </Text>
        {removing.isError && (
          <Alert color="red" mt="sm" role="alert">
            {messageOf(removing.error)}
          </Alert>
        )}
        <Group justify="end" mt="md">
          <Button variant="default" onClick={close}>
            Keep mine
          </Button>
          <Button loading={removing.isPending} onClick={remove}>
            Use what ships
          </Button>
        </Group>
      </Modal>
    </Group>
  );
}
