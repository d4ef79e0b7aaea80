import { Alert, Button, Group, Modal, Select, Stack, Text, Textarea } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { type FormEvent, useState } from "react";
import type { Utterance } from "@/api/types";
import { useAddMoment, useTaxonomy } from "@/coach/queries";
import { clock } from "@/parts/format";
import { useHeld } from "@/parts/held";
import { Icon } from "@/parts/Icon";
import { ErrorState, Loading, messageOf } from "@/parts/states";
import { useCallView, useSaid } from "./context";
import { indexAt } from "./position";

/** Opens the dialog for what is said where the audio stands. */
export function AddMissedMoment() {
  const { may, missed, player } = useCallView();
  const utterances = useSaid()?.utterances ?? [];
  if (!may.teach || utterances.length === 0) return null;
  return (
    <Group justify="end">
      <Button
        size="compact-sm"
        variant="default"
        leftSection={<Icon name="plus" size={14} />}
        aria-haspopup="dialog"
        onClick={() => missed.set(utterances[indexAt(utterances, player.now)] ?? null)}
      >
        Add a missed moment
      </Button>
    </Group>
  );
}

/** The one dialog in which a moment is added that nothing found; it is there once for the whole page. */
export function MissedMoment() {
  const { missed } = useCallView();
  const utterance = useHeld(missed, (value) => value);
  const close = () => missed.set(null);
  return (
    <Modal
      opened={utterance !== null}
      onClose={close}
      title="Add a moment that was missed"
      closeButtonProps={{ "aria-label": "Close" }}
    >
      {utterance !== null && <Adding key={utterance.no} utterance={utterance} close={close} />}
    </Modal>
  );
}

function Adding({ utterance, close }: { utterance: Utterance; close: () => void }) {
  const { source, player, may, people } = useCallView();
  const taxonomy = useTaxonomy();
  const adding = useAddMoment(source.callId);
  const [type, setType] = useState<string | null>(null);
  const [quote, setQuote] = useState(() => chosenWords(utterance.text) ?? utterance.text);
  if (taxonomy.isPending) return <Loading />;
  if (taxonomy.isError) return <ErrorState error={taxonomy.error} retry={() => taxonomy.refetch()} />;
  const words = quote.trim();

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (type === null || words === "" || adding.isPending) return;
    adding.mutate(
      { type, utterance_no: utterance.no, quote: words },
      {
        onSuccess: () => {
          notifications.show({ message: "Added. The coach learns from it with the next training." });
          close();
        },
      },
    );
  };

  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <Group gap="xs">
          {may.listen && (
            <Button
              size="compact-sm"
              variant="light"
              leftSection={<Icon name="play" size={14} />}
              aria-label={`Play ${clock(utterance.start_ts)}`}
              onClick={() => player.playRange(utterance.start_ts, utterance.end_ts)}
            >
              {clock(utterance.start_ts)}
            </Button>
          )}
          <Text size="sm" fw={600} style={{ color: people(utterance.speaker_id).color }}>
            {people(utterance.speaker_id).label}
          </Text>
        </Group>
        <Select
          label="It is a moment of the type"
          placeholder="Choose a type"
          data={taxonomy.data.types
            .filter((one) => one.kind === "content")
            .map((one) => ({ value: one.id, label: one.label }))}
          value={type}
          onChange={setType}
          searchable
          data-autofocus
        />
        <Textarea
          label="By these words"
          description="as they stand in the transcript; cut away what does not belong to it"
          value={quote}
          autosize
          minRows={2}
          maxRows={8}
          onChange={(event) => setQuote(event.currentTarget.value)}
        />
        {adding.isError && (
          <Alert color="red" role="alert" title="It was not added">
            {messageOf(adding.error)}
          </Alert>
        )}
        <Group justify="end" gap="xs">
          <Button variant="default" onClick={close}>
            Cancel
          </Button>
          <Button type="submit" disabled={type === null || words === ""} loading={adding.isPending}>
            Add it
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** What somebody has marked in the page, where it stands in the utterance. */
function chosenWords(text: string): string | null {
  const marked = window.getSelection()?.toString().trim() ?? "";
  return marked !== "" && text.includes(marked) ? marked : null;
}
