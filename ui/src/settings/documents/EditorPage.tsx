import { Alert, Anchor, Badge, Button, Group, Modal, Stack, Tabs, Text, Title } from "@mantine/core";
import { useEffect, useRef, useState } from "react";
import { Link, useSearch } from "wouter";
import { atLeast, useSession } from "@/app/session";
import { EmptyState, ErrorState, Loading, messageOf } from "@/parts/states";
import { keepDraft, readDraft } from "./drafts";
import { type Checked, Editor, type EditorHandle } from "./Editor";
import { PreviewPane } from "./PreviewPane";
import {
  check,
  isKind,
  type Kind,
  mistakeOf,
  readVersions,
  useSave,
  useText,
  useVersions,
  type Version,
} from "./queries";
import { TaxonomyPieces } from "./TaxonomyPieces";
import { Verdict } from "./Verdict";
import { VersionsPane } from "./VersionsPane";

const NOUN: Record<Kind, string> = { taxonomy: "taxonomy", rubric: "rubric", template: "template" };

/** One document: written, checked, tried on a call, saved, and taken back. */
export default function EditorPage() {
  const wanted = new URLSearchParams(useSearch());
  const [kind, name] = [wanted.get("kind") ?? "", wanted.get("name") ?? ""];
  if (!isKind(kind) || name === "") {
    return <EmptyState title="There is no such document">Choose one under Documents.</EmptyState>;
  }
  return <Loaded key={`${kind}/${name}`} kind={kind} name={name} />;
}

function Loaded({ kind, name }: { kind: Kind; name: string }) {
  const { member } = useSession();
  const text = useText(kind, name);
  const versions = useVersions(kind, name);
  if (text.isPending || versions.isPending) return <Loading />;
  if (text.isError) return <ErrorState error={text.error} retry={() => text.refetch()} />;
  if (versions.isError) return <ErrorState error={versions.error} retry={() => versions.refetch()} />;
  const draft = readDraft(member.member_id, kind, name);
  if (text.data === null && draft === null) {
    return (
      <EmptyState title="There is no such document">
        <Anchor component={Link} href="/settings/documents">
          Back to all documents
        </Anchor>
      </EmptyState>
    );
  }
  return <Writing kind={kind} name={name} stored={text.data} versions={versions.data} />;
}

interface Props {
  kind: Kind;
  name: string;
  /** What holds now; null for a document that was never saved. */
  stored: string | null;
  versions: readonly Version[];
}

function Writing({ kind, name, stored, versions }: Props) {
  const { member } = useSession();
  const admin = atLeast(member, "admin");
  const editor = useRef<EditorHandle>(null);
  const [initial] = useState(() => (admin ? readDraft(member.member_id, kind, name) : null) ?? stored ?? "");
  const [text, setText] = useState(initial);
  const [found, setFound] = useState(stored !== null && initial !== stored);
  const [checked, setChecked] = useState<Checked>({ state: "checking" });
  const [newer, setNewer] = useState(false);
  // The version that the text was begun from: a newer one at saving is somebody else's.
  const begun = useRef(newest(versions));
  const saving = useSave(kind, name);
  const dirty = text !== (stored ?? "") || stored === null;

  useEffect(() => {
    if (admin) keepDraft(member.member_id, kind, name, dirty ? text : null);
  }, [admin, member.member_id, kind, name, dirty, text]);

  useEffect(() => {
    if (!dirty) return;
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener("beforeunload", warn);
    return () => window.removeEventListener("beforeunload", warn);
  }, [dirty]);

  const put = async () => {
    setNewer(false);
    await saving
      .mutateAsync(text)
      .then(async () => {
        begun.current = newest(await readVersions(kind, name));
        setFound(false);
      })
      .catch((error: unknown) => {
        const mistake = mistakeOf(error);
        if (mistake !== null) setChecked({ state: "wrong", mistake });
      });
  };

  const save = async () => {
    if (!admin || !dirty || saving.isPending) return;
    // An admin who does not know of the other's change should not undo it by accident.
    const there = await readVersions(kind, name).catch(() => null);
    if (there !== null && newest(there) > begun.current) setNewer(true);
    else await put();
  };

  const takeOver = (taken: string) => editor.current?.replace(taken);
  const mistake = checked.state === "wrong" ? checked.mistake : null;
  const own = versions.some((version) => version.active);

  return (
    <Stack>
      <Anchor component={Link} href="/settings/documents" size="sm">
        All documents
      </Anchor>
      <Group justify="space-between">
        <Group gap="xs">
          <Title order={2} style={{ overflowWrap: "anywhere" }}>
            {name}
          </Title>
          <Text c="dimmed">{NOUN[kind]}</Text>
          <Badge variant={own ? "filled" : "outline"}>{stored === null ? "New" : own ? "Yours" : "As shipped"}</Badge>
        </Group>
        {admin && (
          <Group gap="xs">
            {dirty && stored !== null && (
              <Button variant="default" onClick={() => takeOver(stored)}>
                Throw changes away
              </Button>
            )}
            <Button onClick={() => void save()} disabled={!dirty || mistake !== null} loading={saving.isPending}>
              Save
            </Button>
          </Group>
        )}
      </Group>
      {!admin && <Alert role="note">You can read this. Only an admin can change it.</Alert>}
      {found && dirty && (
        <Alert color="yellow" role="status" title="Changes that were not saved">
          They are from before, in this browser. Save them, or throw them away.
        </Alert>
      )}
      {saving.isError && mistakeOf(saving.error) === null && (
        <Alert color="red" role="alert" title="It was not saved">
          {messageOf(saving.error)}
        </Alert>
      )}
      {/* Only hidden, never taken apart: the editor holds the text, its history and the place of the caret. */}
      <Tabs defaultValue="text" keepMounted keepMountedMode="display-none">
        <Tabs.List>
          <Tabs.Tab value="text">Text</Tabs.Tab>
          {admin && <Tabs.Tab value="preview">Try it on a call</Tabs.Tab>}
          <Tabs.Tab value="versions">Versions</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="text" pt="sm">
          {admin && kind === "taxonomy" && (
            <TaxonomyPieces
              text={text}
              put={(inserted) => {
                takeOver(inserted.text);
                editor.current?.goTo(inserted.line);
              }}
            />
          )}
          <Editor
            ref={editor}
            kind={kind}
            label={`The text of the ${NOUN[kind]} ${name}`}
            initial={initial}
            readOnly={!admin}
            changed={setText}
            save={() => void save()}
            check={(wanted) => check(kind, name, wanted)}
            checked={setChecked}
          />
          {admin && (
            <Group mt="xs" justify="space-between" align="start">
              <Verdict
                checked={checked}
                goTo={(line) => editor.current?.goTo(line)}
                again={() => editor.current?.check()}
              />
              <Text size="sm" c="dimmed" role="status">
                {dirty ? "Not saved yet" : saving.isSuccess ? "Saved. It holds from the next call or review on." : ""}
              </Text>
            </Group>
          )}
        </Tabs.Panel>
        {admin && (
          <Tabs.Panel value="preview" pt="sm">
            <PreviewPane kind={kind} name={name} text={text} mistake={mistake} />
          </Tabs.Panel>
        )}
        <Tabs.Panel value="versions" pt="sm">
          <VersionsPane kind={kind} name={name} versions={versions} admin={admin} text={text} took={takeOver} />
        </Tabs.Panel>
      </Tabs>
      <Modal opened={newer} onClose={() => setNewer(false)} title="Somebody else saved meanwhile">
        <Text>
          A newer version than the one you began with is there. Look at it under Versions, or save yours on top; theirs
          stays in the list.
        </Text>
        <Group justify="end" mt="md">
          <Button variant="default" onClick={() => setNewer(false)}>
            Look first
          </Button>
          <Button onClick={() => void put()}>Save mine on top</Button>
        </Group>
      </Modal>
    </Stack>
  );
}

function newest(versions: readonly Version[]): number {
  return Math.max(0, ...versions.map((version) => version.version));
}
