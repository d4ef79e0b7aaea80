import { Kbd, Modal, Switch, Table } from "@mantine/core";
import { useSingleKeys } from "@/parts/singleKeys";

const KEYS: readonly (readonly [string, string])[] = [
  ["Space", "Play or pause"],
  ["← →", "Ten seconds back or on"],
  ["J ↓", "Play the next utterance"],
  ["K ↑", "Play the one before"],
  ["/", "Search all calls"],
  ["Escape", "Stop showing the evidence"],
];

/** What the keys do, and a switch for those who trigger them without meaning to (voice input does). */
export function KeyboardHelp({ opened, close }: { opened: boolean; close: () => void }) {
  return (
    <Modal opened={opened} onClose={close} title="Keyboard shortcuts" closeButtonProps={{ "aria-label": "Close" }}>
      <Table mb="md">
        <Table.Tbody>
          {KEYS.map(([key, what]) => (
            <Table.Tr key={key}>
              <Table.Th w={110}>
                <Kbd>{key}</Kbd>
              </Table.Th>
              <Table.Td>{what}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      <SingleKeysSwitch />
    </Modal>
  );
}

/** By itself: what is chosen is read when somebody looks at it. */
function SingleKeysSwitch() {
  const [on, setOn] = useSingleKeys();
  return (
    <Switch
      checked={on}
      onChange={(event) => setOn(event.currentTarget.checked)}
      label="Use shortcuts of a single key"
    />
  );
}
