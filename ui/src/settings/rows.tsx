import { Button, Group } from "@mantine/core";
import { useState } from "react";

/** Rows of a form that come and go: each has a number of its own, so that fields keep their focus. */
export function useRows<T extends object>(stored: () => readonly T[]) {
  const [rows, setRows] = useState<readonly (T & { id: number })[]>(() => stored().map((row, id) => ({ ...row, id })));
  return {
    rows,
    change: (id: number, part: Partial<T>) =>
      setRows((before) => before.map((row) => (row.id === id ? { ...row, ...part } : row))),
    remove: (id: number) => setRows((before) => before.filter((row) => row.id !== id)),
    add: (blank: T) =>
      setRows((before) => [...before, { ...blank, id: Math.max(-1, ...before.map((row) => row.id)) + 1 }]),
  };
}

/** `what`: the row, as somebody who only hears the button needs it. */
export function RemoveRow({ what, remove }: { what: string; remove: () => void }) {
  return (
    <Group justify="end" mt="xs">
      <Button variant="default" size="xs" aria-label={`Remove ${what}`} onClick={remove}>
        Remove
      </Button>
    </Group>
  );
}
