import { Alert, Badge, Button, Card, Group, List, Progress, Stack, Text, Title } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { request } from "@/api/client";
import type { components } from "@/api/schema";
import { atLeast, useSession } from "@/app/session";
import { dateTime, plural } from "@/parts/format";
import { ErrorState, Loading, messageOf } from "@/parts/states";
import { betterOrWorse, stillNeeded } from "./confidenceWords";
import classes from "./settings.module.css";

type Known = components["schemas"]["ConfidenceVersions"];
type Version = components["schemas"]["ConfidenceVersion"];

const KEY = ["confidence-versions"];
const PATH = "/v1/confidence/versions";

/** How sure a claim is: learned from who agreed and who did not, measured, kept by version, and taken back. */
export default function ConfidencePage() {
  const { member } = useSession();
  const admin = atLeast(member, "admin");
  const known = useQuery({ queryKey: KEY, queryFn: ({ signal }) => request<Known>("GET", PATH, { signal }) });
  return (
    <Stack>
      <div>
        <Title order={2} size="h3">
          Confidence
        </Title>
        <Text c="dimmed" size="sm">
          Every claim of a review says how sure it is. Of a hundred claims that say 80%, eighty should be right. Whoever
          agrees or disagrees with claims on a call’s page tells the server how far that holds for your calls.
        </Text>
      </div>
      {known.isPending && <Loading label="Loading the versions" />}
      {known.isError && <ErrorState error={known.error} retry={() => known.refetch()} />}
      {known.data && <Votes known={known.data} admin={admin} />}
      {known.data && <Versions versions={known.data.versions} admin={admin} />}
    </Stack>
  );
}

/** What there is to learn from, and the button that does. */
function Votes({ known, admin }: { known: Known; admin: boolean }) {
  const client = useQueryClient();
  const learning = useMutation({
    mutationFn: () => request<Version>("POST", PATH),
    onSettled: () => client.invalidateQueries({ queryKey: KEY }),
  });
  const { agreed, disagreed, needed } = known;
  const missing = stillNeeded(known);
  const made = learning.data;
  return (
    <Card withBorder component="section" aria-labelledby="votes">
      <Stack gap="sm">
        <Title order={3} size="h5" id="votes">
          What people said of claims
        </Title>
        <Text size="sm">
          {plural(agreed, "claim is", "claims are")} held to be right and {disagreed} to be wrong. On each the majority
          counts; a tie does not.
        </Text>
        {missing === null ? (
          <Text size="sm" c="dimmed">
            Enough to learn from. Reviews from then on are weighed with what comes of it; those that are finished keep
            the confidence that they were read with.
          </Text>
        ) : (
          <>
            <Progress
              value={(Math.min(needed, agreed + disagreed) / needed) * 100}
              aria-label={`${agreed + disagreed} of ${needed} claims`}
            />
            <Text size="sm" c="dimmed" role="status">
              {missing}
            </Text>
          </>
        )}
        {admin && (
          <div>
            <Button
              onClick={() => learning.mutate()}
              loading={learning.isPending}
              disabled={missing !== null}
              variant={missing === null ? "filled" : "default"}
            >
              Learn from them now
            </Button>
          </div>
        )}
        {learning.isError && (
          <Alert color="red" role="alert" title="Nothing was changed">
            {messageOf(learning.error)}
          </Alert>
        )}
        {made && !learning.isPending && (
          <Alert color={made.error_after <= made.error_before ? "teal" : "yellow"} role="status">
            Version {made.version} is in use. {betterOrWorse(made)}
          </Alert>
        )}
      </Stack>
    </Card>
  );
}

function Versions({ versions, admin }: { versions: readonly Version[]; admin: boolean }) {
  const client = useQueryClient();
  const taking = useMutation({
    mutationFn: (version: number) => request<Known>("POST", `${PATH}/${version}/use`),
    onSuccess: (known) => client.setQueryData(KEY, known),
  });
  const shipped = versions.every((version) => !version.active);
  const use = (version: number) => (
    <Button
      variant="default"
      size="xs"
      loading={taking.isPending && taking.variables === version}
      onClick={() => taking.mutate(version)}
    >
      {version === 0 ? "Use what ships" : `Use version ${version}`}
    </Button>
  );
  return (
    <Stack component="section" gap="sm" aria-labelledby="versions">
      <Title order={3} size="h5" id="versions">
        Versions
      </Title>
      {taking.isError && (
        <Alert color="red" role="alert" title="Nothing was changed">
          {messageOf(taking.error)}
        </Alert>
      )}
      <ul className={classes.list} aria-label="Versions of the confidence">
        {versions.map((version) => (
          <Card key={version.version} component="li" withBorder padding="sm" aria-label={`Version ${version.version}`}>
            <Group justify="space-between" align="start">
              <Stack gap={2} style={{ minWidth: 0, flex: "1 1 16rem" }}>
                <Group gap="xs">
                  <Text fw={600}>Version {version.version}</Text>
                  {version.active && <Badge size="sm">Holds now</Badge>}
                </Group>
                <Text size="sm" c="dimmed">
                  {dateTime(version.fitted_at)}, from {version.agreed} claims held to be right and {version.disagreed}{" "}
                  to be wrong
                </Text>
                <Text size="sm">{betterOrWorse(version)}</Text>
              </Stack>
              {admin && !version.active && use(version.version)}
            </Group>
          </Card>
        ))}
        <Card component="li" withBorder padding="sm" aria-label="What ships">
          <Group justify="space-between" align="start">
            <Stack gap={2} style={{ minWidth: 0, flex: "1 1 16rem" }}>
              <Group gap="xs">
                <Text fw={600}>What ships</Text>
                {shipped && <Badge size="sm">Holds now</Badge>}
              </Group>
              <Text size="sm" c="dimmed">
                Knows nothing of your calls yet.
              </Text>
            </Stack>
            {admin && !shipped && use(0)}
          </Group>
        </Card>
      </ul>
      <Explained />
    </Stack>
  );
}

/** What the two numbers of a version are. */
function Explained() {
  return (
    <details>
      <summary>What the calibration error is</summary>
      <List size="sm" mt="xs">
        <List.Item>
          The expected calibration error (ECE): claims are put into groups by how sure they are, and in each group the
          share that people agree with is held against the confidence that they were given. The error is the mean
          distance, each group by its size: 0 is perfect.
        </List.Item>
        <List.Item>
          Each claim is weighed by weights that have not seen it, so that a version cannot look better than it is.
        </List.Item>
        <List.Item>Few votes move the weights little: what they do not speak of stays as it ships.</List.Item>
      </List>
    </details>
  );
}
