import { Anchor, Badge, Button, Card, Group, Select, Stack, Text, TextInput, Title } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { Link, useLocation } from "wouter";
import { atLeast, useSession } from "@/app/session";
import { dateTime } from "@/parts/format";
import { ErrorState, Loading } from "@/parts/states";
import classes from "../settings.module.css";
import { keepDraft } from "./drafts";
import { type DocumentRow, editorPage, type Kind, readText, useDocuments } from "./queries";

const KINDS: { kind: Kind; title: string; about: string }[] = [
  {
    kind: "taxonomy",
    title: "Taxonomy and nudge policy",
    about: "Which moments are watched for on a call, when the rep is nudged about them, how often, and in which words.",
  },
  { kind: "rubric", title: "Rubrics", about: "What a call is scored by after it has ended." },
  { kind: "template", title: "Templates", about: "How a review is laid out: .html, .md, .email, .slack, .txt, .json." },
];

/** The tenant's documents, beside those that ship. */
export default function DocumentsPage() {
  const { member } = useSession();
  const documents = useDocuments();
  const admin = atLeast(member, "admin");
  if (documents.isPending) return <Loading />;
  if (documents.isError) return <ErrorState error={documents.error} retry={() => documents.refetch()} />;
  return (
    <Stack>
      <Title order={2}>Documents</Title>
      <Text c="dimmed">
        They ship ready to use. Change one, and yours holds from the next call or review on; you can always go back.
      </Text>
      {KINDS.map(({ kind, title, about }) => {
        const rows = documents.data.filter((row) => row.kind === kind);
        if (rows.length === 0) return null;
        return (
          <Card key={kind} withBorder component="section" aria-labelledby={`kind-${kind}`}>
            <Title order={3} size="h5" id={`kind-${kind}`}>
              {title}
            </Title>
            <Text size="sm" c="dimmed" mb="sm">
              {about}
            </Text>
            <ul className={classes.list}>
              {rows.map((row) => (
                <DocumentLine key={row.name} row={row} />
              ))}
            </ul>
            {admin && (kind === "rubric" || kind === "template") && <NewDocument kind={kind} rows={rows} />}
          </Card>
        );
      })}
    </Stack>
  );
}

function DocumentLine({ row }: { row: DocumentRow }) {
  return (
    <li>
      <Group gap="xs">
        <Anchor component={Link} href={editorPage(row.kind, row.name)} fw={600}>
          {row.name}
        </Anchor>
        <Badge variant={row.own ? "filled" : "outline"} size="sm">
          {row.own ? `Yours, version ${row.version ?? 1}` : "As shipped"}
        </Badge>
        {row.own && row.changed_at !== null && (
          <Text size="sm" c="dimmed" style={{ overflowWrap: "anywhere" }}>
            {dateTime(row.changed_at)}
            {row.changed_by !== null && ` by ${row.changed_by}`}
          </Text>
        )}
      </Group>
    </li>
  );
}

function NewDocument({ kind, rows }: { kind: "rubric" | "template"; rows: readonly DocumentRow[] }) {
  const { member } = useSession();
  const [, navigate] = useLocation();
  const [name, setName] = useState("");
  const [from, setFrom] = useState(rows[0]?.name ?? "");
  const [failure, setFailure] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const ending = kind === "template" ? (/\.[a-z]+$/.exec(from)?.[0] ?? ".html") : "";
  const wanted = `${name.trim()}${ending}`;

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!/^[a-z0-9][a-z0-9_-]{0,63}$/.test(name.trim())) {
      setFailure("A name is up to 64 small letters, digits, - and _, and begins with a letter or a digit.");
      return;
    }
    if (rows.some((row) => row.name === wanted)) {
      setFailure("There is one of that name already: open it above.");
      return;
    }
    setBusy(true);
    try {
      keepDraft(member.member_id, kind, wanted, await readText(kind, from));
      navigate(editorPage(kind, wanted));
    } catch (error) {
      setFailure(error instanceof Error ? error.message : "The document cannot be read.");
      setBusy(false);
    }
  };

  return (
    <form onSubmit={submit}>
      <Group align="end" mt="md">
        <TextInput
          label={kind === "rubric" ? "A new rubric" : "A new template"}
          placeholder={kind === "rubric" ? "renewals" : "one-pager"}
          value={name}
          maxLength={64}
          autoComplete="off"
          rightSection={ending === "" ? undefined : <Text size="sm">{ending}</Text>}
          rightSectionWidth={52}
          onChange={(event) => {
            setName(event.currentTarget.value);
            setFailure(null);
          }}
          error={failure}
        />
        <Select
          label="Begin with a copy of"
          data={rows.map((row) => row.name)}
          value={from}
          allowDeselect={false}
          onChange={(value) => setFrom(value ?? from)}
        />
        <Button type="submit" variant="default" disabled={name.trim() === ""} loading={busy}>
          Write it
        </Button>
      </Group>
    </form>
  );
}
