import { Alert, Badge, Button, Card, Checkbox, Group, Progress, Select, Stack, Text, Title } from "@mantine/core";
import { useEffect, useState } from "react";
import { atLeast, useSession } from "@/app/session";
import { dateTime, plural } from "@/parts/format";
import { EmptyState, messageOf } from "@/parts/states";
import settings from "@/settings/settings.module.css";
import { MoveDialog, type Wanted } from "./MoveDialog";
import { type Taxonomy, type Then, useTrain, type Version, type Versions } from "./queries";
import { ShadowPane } from "./ShadowPane";
import { VersionReport } from "./VersionReport";
import { doubtsOf, reportOf, STATES } from "./words";

const THEN: { value: Then; label: string }[] = [
  { value: "if_not_worse", label: "let it judge new calls if it is not worse" },
  { value: "shadow", label: "run it in shadow beside what judges now" },
  { value: "candidate", label: "keep it as a candidate" },
];

/** The tenant's classifier: trained, compared with what runs, and put in force or taken back. */
export function TrainingPane({ taxonomy, trained }: { taxonomy: Taxonomy; trained: Versions }) {
  const { member } = useSession();
  const admin = atLeast(member, "admin");
  const [wanted, setWanted] = useState<Wanted | null>(null);
  const training = trained.versions.find(({ state }) => state === "training");
  const live = trained.versions.find(({ version }) => version === trained.judged_by) ?? null;
  return (
    <Stack>
      <Text>
        {live === null
          ? "New calls are judged by the classifier that ships."
          : `New calls are judged by your version ${live.version}, trained ${dateTime(live.created_at)}.`}
      </Text>
      {training !== undefined ? (
        <Running version={training} />
      ) : (
        admin && <TrainForm latest={trained.versions.find(({ report }) => "types" in report)} />
      )}
      <Title order={3} size="h5">
        Versions
      </Title>
      {trained.versions.length === 0 ? (
        <EmptyState title="Nothing was trained yet">
          The coach works as it ships. Give types examples of your own, or answer the review queue, and train it.
        </EmptyState>
      ) : (
        <ul className={settings.list} aria-label="Versions of the classifier">
          {trained.versions
            .filter(({ state }) => state !== "training")
            .map((version) => (
              <VersionCard
                key={version.version}
                version={version}
                liveVersion={live?.version ?? null}
                types={taxonomy.types}
                want={admin ? setWanted : null}
              />
            ))}
        </ul>
      )}
      <MoveDialog wanted={wanted} live={live} close={() => setWanted(null)} />
    </Stack>
  );
}

function TrainForm({ latest }: { latest: Version | undefined }) {
  const [then, setThen] = useState<Then>("if_not_worse");
  const [trust, setTrust] = useState(false);
  const training = useTrain();
  const leftOut = latest === undefined ? [] : (reportOf(latest).left_out ?? []);
  return (
    <Card withBorder component="section" aria-labelledby="train">
      <Title order={3} size="h5" id="train">
        Train a version
      </Title>
      <Text size="sm" c="dimmed" mb="xs">
        It learns from the examples in the taxonomy and from what managers and reps said of moments. It is checked by
        examples that it had not seen, on calls that ship with labels, and on your own labelled calls.
      </Text>
      <Group align="end">
        <Select
          label="And then"
          data={THEN}
          value={then}
          allowDeselect={false}
          onChange={(value) => setThen((value ?? "if_not_worse") as Then)}
          style={{ flex: "1 1 18rem" }}
        />
        <Button onClick={() => training.mutate({ then, trust_feedback: trust })} loading={training.isPending}>
          Train
        </Button>
      </Group>
      {leftOut.length > 0 && (
        <Checkbox
          mt="sm"
          label="I have looked at the feedback that was left out, and it is right"
          description={`The last training left out ${plural(
            leftOut.reduce((sum, one) => sum + one.statements, 0),
            "statement",
          )}: its report says whose, and why.`}
          checked={trust}
          onChange={(event) => setTrust(event.currentTarget.checked)}
        />
      )}
      {training.isError && (
        <Alert color="red" role="alert" mt="sm" title="No training was begun">
          {messageOf(training.error)}
        </Alert>
      )}
    </Card>
  );
}

/** A training tells no share of itself: it says that it goes on, and for how long. */
function Running({ version }: { version: Version }) {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  const seconds = Math.max(0, Math.round((now - new Date(version.created_at).getTime()) / 1000));
  return (
    <Card withBorder component="section" aria-label="A training is running">
      <Group justify="space-between">
        <Text fw={600} role="status">
          Version {version.version} is being trained
        </Text>
        <Text size="sm" c="dimmed">
          {plural(seconds, "second")} so far
        </Text>
      </Group>
      <Progress value={100} animated striped mt="xs" aria-label={`Version ${version.version} is being trained`} />
      <Text size="sm" c="dimmed" mt="xs">
        You may leave this page. Calls go on and are judged as before until it is done.
      </Text>
    </Card>
  );
}

interface VersionProps {
  version: Version;
  liveVersion: number | null;
  types: Taxonomy["types"];
  want: ((wanted: Wanted) => void) | null;
}

function VersionCard({ version, liveVersion, types, want }: VersionProps) {
  const [open, setOpen] = useState<"report" | "shadow" | null>(null);
  const state = STATES[version.state];
  const doubts = doubtsOf(version);
  const { outcome, types: told } = reportOf(version);
  const back = liveVersion !== null && version.version < liveVersion;
  const show = (what: "report" | "shadow") => setOpen(open === what ? null : what);
  return (
    <Card component="li" withBorder aria-label={`Version ${version.version}`}>
      <Group justify="space-between" align="start">
        <Stack gap={2} style={{ minWidth: 0, flex: "1 1 16rem" }}>
          <Group gap="xs">
            <Text fw={600}>Version {version.version}</Text>
            <Badge variant={version.state === "live" ? "filled" : "outline"} size="sm">
              {state.label}
            </Badge>
          </Group>
          <Text size="sm" c="dimmed" style={{ overflowWrap: "anywhere" }}>
            {dateTime(version.created_at)} by {version.created_by.name}
          </Text>
          <Text size="sm" style={{ overflowWrap: "anywhere" }}>
            {version.failure ?? state.about}
            {/* What was decided when it was trained: an admin may have decided otherwise since. */}
            {outcome !== undefined && ` After its training: ${outcome}.`}
          </Text>
          {!version.usable && version.state !== "failed" && (
            <Text size="sm" c="var(--ride-warn)">
              It was trained for another text model than this server's: train a new one.
            </Text>
          )}
          {version.changed_by !== version.created_by.name && version.changed_by !== "" && (
            <Text size="sm" c="dimmed" style={{ overflowWrap: "anywhere" }}>
              Last moved {dateTime(version.changed_at)} by {version.changed_by}
            </Text>
          )}
        </Stack>
        {want !== null && version.usable && version.state !== "failed" && (
          <Group gap="xs">
            {version.state !== "live" && (
              <Button
                variant={doubts.length > 0 ? "default" : "light"}
                onClick={() => want({ version, to: "promote", back, doubts })}
                aria-label={`${back ? "Roll back to it" : "Let it judge"}: version ${version.version}`}
              >
                {back ? "Roll back to it" : "Let it judge"}
              </Button>
            )}
            {version.state !== "live" && version.state !== "shadow" && (
              <Button
                variant="default"
                onClick={() => want({ version, to: "shadow", back, doubts })}
                aria-label={`Run version ${version.version} in shadow`}
              >
                Shadow
              </Button>
            )}
            {version.state !== "retired" && version.state !== "candidate" && (
              <Button
                variant="default"
                onClick={() => want({ version, to: "retire", back, doubts })}
                aria-label={`Retire version ${version.version}`}
              >
                Retire
              </Button>
            )}
          </Group>
        )}
      </Group>
      {told !== undefined && (
        <Group gap="xs" mt="xs">
          <Button
            size="compact-sm"
            variant="subtle"
            aria-expanded={open === "report"}
            aria-label={`${open === "report" ? "Hide the report" : "How good is it?"} Version ${version.version}`}
            onClick={() => show("report")}
          >
            {open === "report" ? "Hide the report" : "How good is it?"}
          </Button>
          <Button
            size="compact-sm"
            variant="subtle"
            aria-expanded={open === "shadow"}
            aria-label={`${open === "shadow" ? "Hide its shadow" : "What it found in shadow"}: version ${version.version}`}
            onClick={() => show("shadow")}
          >
            {open === "shadow" ? "Hide its shadow" : "What it found in shadow"}
          </Button>
        </Group>
      )}
      {open === "report" && <VersionReport version={version} types={types} />}
      {open === "shadow" && <ShadowPane version={version.version} types={types} />}
    </Card>
  );
}
