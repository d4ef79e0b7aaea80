import { Alert, Anchor, Badge, Group, Stack, Tabs, Text, Title } from "@mantine/core";
import { Link, useSearchParams } from "wouter";
import { SnippetsProvider } from "@/parts/snippets";
import { ErrorState, Loading } from "@/parts/states";
import { editorPage } from "@/settings/documents/queries";
import { FeedbackPane } from "./FeedbackPane";
import { useTaxonomy, useTrained } from "./queries";
import { TrackersPane } from "./TrackersPane";
import { TrainingPane } from "./TrainingPane";
import { TypesPane } from "./TypesPane";

const TABS = [
  { id: "types", label: "Types and examples" },
  { id: "trackers", label: "Battle cards and trackers" },
  { id: "training", label: "Training and versions" },
  { id: "feedback", label: "What feedback changed" },
] as const;

/** Which moments the coach looks for, what it learns them from, and the classifier that came of it. */
export default function TaxonomyPage() {
  const taxonomy = useTaxonomy();
  const trained = useTrained();
  const [search, setSearch] = useSearchParams();
  if (taxonomy.isPending || trained.isPending) return <Loading />;
  if (taxonomy.isError) return <ErrorState error={taxonomy.error} retry={() => taxonomy.refetch()} />;
  if (trained.isError) return <ErrorState error={trained.error} retry={() => trained.refetch()} />;
  const tab = TABS.find(({ id }) => id === search.get("tab"))?.id ?? "types";
  const { version } = taxonomy.data;
  return (
    <SnippetsProvider>
      <Stack>
        <Group gap="xs">
          <Title order={2}>Taxonomy</Title>
          <Badge variant={version === null ? "outline" : "filled"}>
            {version === null ? "As shipped" : `Yours, version ${version}`}
          </Badge>
        </Group>
        <Text c="dimmed">
          Which moments the coach looks for on a call, what it learns them from, and what it says. All of it stands in
          one document, which you can also{" "}
          <Anchor component={Link} underline="always" href={editorPage("taxonomy", "default")}>
            write as text
          </Anchor>
          ; when and how often it may interrupt is the{" "}
          <Anchor component={Link} underline="always" href="/settings/policy">
            nudge policy
          </Anchor>
          .
        </Text>
        {trained.data.notes.map((note) => (
          <Alert key={note} color="yellow" role="note">
            {note.charAt(0).toUpperCase() + note.slice(1)}.
          </Alert>
        ))}
        <Tabs
          value={tab}
          keepMounted={false}
          onChange={(value) => setSearch({ tab: value ?? "types" }, { replace: true })}
        >
          <Tabs.List>
            {TABS.map(({ id, label }) => (
              <Tabs.Tab key={id} value={id}>
                {label}
              </Tabs.Tab>
            ))}
          </Tabs.List>
          <Tabs.Panel value="types" pt="md">
            <TypesPane taxonomy={taxonomy.data} trained={trained.data} />
          </Tabs.Panel>
          <Tabs.Panel value="trackers" pt="md">
            <TrackersPane taxonomy={taxonomy.data} />
          </Tabs.Panel>
          <Tabs.Panel value="training" pt="md">
            <TrainingPane taxonomy={taxonomy.data} trained={trained.data} />
          </Tabs.Panel>
          <Tabs.Panel value="feedback" pt="md">
            <FeedbackPane types={taxonomy.data.types} />
          </Tabs.Panel>
        </Tabs>
      </Stack>
    </SnippetsProvider>
  );
}
