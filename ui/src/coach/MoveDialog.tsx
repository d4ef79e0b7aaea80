import { Alert, Button, Checkbox, Group, List, Modal, Stack, Text } from "@mantine/core";
import { useEffect, useState } from "react";
import { messageOf } from "@/parts/states";
import { useMove, type Version } from "./queries";

export interface Wanted {
  version: Version;
  to: "promote" | "shadow" | "retire";
  /** It is older than what judges now. */
  back: boolean;
  /** Why it may be worse than what ran when it was trained. */
  doubts: string[];
}

interface Props {
  wanted: Wanted | null;
  live: Version | null;
  close: () => void;
}

/** A question before the coach changes. What may be worse takes an explicit word. */
export function MoveDialog({ wanted, live, close }: Props) {
  const moving = useMove();
  const [read, setRead] = useState(false);
  // Every question begins anew: a word that was given for one version is none for the next.
  // biome-ignore lint/correctness/useExhaustiveDependencies: whenever another question is asked
  useEffect(() => {
    setRead(false);
    moving.reset();
  }, [wanted]);
  if (wanted === null) return null;
  const { version, to, back, doubts } = wanted;
  const guarded = to === "promote" && doubts.length > 0;
  const title = {
    promote: back ? `Roll back to version ${version.version}?` : `Let version ${version.version} judge new calls?`,
    shadow: `Run version ${version.version} in shadow?`,
    retire: `Retire version ${version.version}?`,
  }[to];
  const about = {
    promote: `It takes the place of ${live === null ? "the classifier that ships" : `version ${live.version}`}, from the next call on. You can go back at any time.`,
    shadow:
      "From the next call on it runs beside what judges. What it finds is never shown to a rep; here you see how both compare.",
    retire:
      version.state === "live"
        ? "From the next call on the classifier that ships judges. You can take this version back at any time."
        : "It no longer runs beside what judges. You can take it back at any time.",
  }[to];
  const action = { promote: back ? "Roll back" : "Let it judge", shadow: "Run it in shadow", retire: "Retire it" }[to];
  return (
    <Modal opened onClose={close} title={title} closeButtonProps={{ "aria-label": "Close" }}>
      <Stack>
        <Text size="sm">{about}</Text>
        {guarded && (
          <Alert color="red" role="note">
            <b>It may be worse</b>
            <List size="sm">
              {doubts.map((doubt) => (
                <List.Item key={doubt}>{doubt}</List.Item>
              ))}
            </List>
          </Alert>
        )}
        {guarded && (
          <Checkbox
            label="I have read why it may be worse, and want it all the same"
            checked={read}
            onChange={(event) => setRead(event.currentTarget.checked)}
          />
        )}
        {moving.isError && (
          <Alert color="red" role="alert">
            {messageOf(moving.error)}
          </Alert>
        )}
        <Group justify="end" gap="xs">
          <Button variant="default" onClick={close} data-autofocus>
            Cancel
          </Button>
          <Button
            {...(guarded ? { color: "red" } : {})}
            disabled={guarded && !read}
            loading={moving.isPending}
            onClick={() => moving.mutate({ version: version.version, to }, { onSuccess: close })}
          >
            {action}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
