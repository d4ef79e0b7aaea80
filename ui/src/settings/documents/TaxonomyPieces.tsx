import { Anchor, Button, Group, Text } from "@mantine/core";
import { Link } from "wouter";
import { type Inserted, withBattleCard, withTracker, withType } from "./snippets";

/** What somebody who has never written a taxonomy can begin with. */
export function TaxonomyPieces({ text, put }: { text: string; put: (inserted: Inserted) => void }) {
  return (
    <Group gap="xs" mb="xs" align="center">
      <Text size="sm">Insert an example of</Text>
      <Button size="compact-sm" variant="default" onClick={() => put(withType(text))}>
        a type of your own
      </Button>
      <Button size="compact-sm" variant="default" onClick={() => put(withTracker(text))}>
        a tracker
      </Button>
      <Button size="compact-sm" variant="default" onClick={() => put(withBattleCard(text))}>
        a battle card
      </Button>
      <Text size="sm" c="dimmed">
        or change them without the text: in the{" "}
        <Anchor component={Link} underline="always" href="/settings/taxonomy?tab=trackers" size="sm">
          taxonomy
        </Anchor>{" "}
        and the{" "}
        <Anchor component={Link} underline="always" href="/settings/policy" size="sm">
          nudge policy
        </Anchor>
        .
      </Text>
    </Group>
  );
}
