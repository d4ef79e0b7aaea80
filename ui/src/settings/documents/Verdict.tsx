import { Alert, Button, Group, Text } from "@mantine/core";
import type { Checked } from "./Editor";

interface VerdictProps {
  checked: Checked;
  goTo: (line: number) => void;
  again: () => void;
}

/** What the server says of the text as it stands: under the editor, and read out. */
export function Verdict({ checked, goTo, again }: VerdictProps) {
  switch (checked.state) {
    case "checking":
      return (
        <Text size="sm" c="dimmed" role="status">
          Checking…
        </Text>
      );
    case "fine":
      return (
        <Text size="sm" role="status">
          No mistakes.
        </Text>
      );
    case "unchecked":
      return (
        <Group gap="xs">
          <Text size="sm" role="status">
            It could not be checked. {checked.message}
          </Text>
          <Button size="compact-sm" variant="default" onClick={again}>
            Check again
          </Button>
        </Group>
      );
    case "wrong": {
      const { line, message } = checked.mistake;
      return (
        <Alert
          color="red"
          role="alert"
          title={line === null ? "A mistake" : `A mistake in line ${line}`}
          flex="1 1 20rem"
        >
          <Text size="sm" style={{ overflowWrap: "anywhere" }}>
            {message}
          </Text>
          {line !== null && (
            <Button size="compact-sm" variant="default" mt="xs" onClick={() => goTo(line)}>
              Go to line {line}
            </Button>
          )}
        </Alert>
      );
    }
  }
}
