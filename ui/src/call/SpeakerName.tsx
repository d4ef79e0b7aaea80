import { NativeSelect, Popover, Stack, Text, TextInput, UnstyledButton } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { notifications } from "@mantine/notifications";
import type { RoleName } from "@/api/types";
import { Form, field } from "@/parts/Form";
import { percent } from "@/parts/format";
import { useCallView } from "./context";
import { useCorrectSpeaker } from "./reading";
import classes from "./SpeakerName.module.css";

const SOURCES = {
  channel: "known from the audio channel",
  enrolled_voice: "known by the enrolled voice",
  stated: "stated by a person",
  heuristic: "guessed from the conversation",
  none: "not known",
} as const;

/** A speaker's name; whoever may correct it opens it to rename, or to say who is the rep. */
export function SpeakerName({ speakerId }: { speakerId: number | null }) {
  const { source, people, may } = useCallView();
  const [opened, { toggle, close }] = useDisclosure(false);
  const correct = useCorrectSpeaker(source);
  const { label, speaker, color } = people(speakerId);
  const name = (
    <span className={classes.name}>
      <span className={classes.dot} style={{ background: color }} aria-hidden="true" />
      <span className={classes.text}>{label}</span>
    </span>
  );
  if (!speaker || !may.correct) return name;
  return (
    <Popover opened={opened} onChange={close} position="bottom-start" width={280} withArrow trapFocus returnFocus>
      <Popover.Target>
        <UnstyledButton onClick={toggle} className={classes.button} aria-label={`${label}: correct name or role`}>
          {name}
        </UnstyledButton>
      </Popover.Target>
      <Popover.Dropdown>
        <Form
          submit="Save"
          send={async (fields) => {
            const written = field(fields, "name").trim();
            const role = field(fields, "role") as RoleName;
            const call = await correct.mutateAsync({
              speakerId: speaker.speaker_id,
              ...(written === (speaker.name ?? "") ? {} : { name: written || null }),
              ...(role === speaker.role ? {} : { role }),
            });
            close();
            notifications.show({
              message: call.review_outdated
                ? "Saved. The review was made with the old roles: ask for it again above."
                : "Saved. Transcript and statistics follow.",
            });
          }}
        >
          <Stack gap="xs">
            <TextInput name="name" label="Name" defaultValue={speaker.name ?? ""} placeholder={label} maxLength={200} />
            <NativeSelect
              name="role"
              label="Role"
              defaultValue={speaker.role}
              data={[
                { value: "rep", label: "Rep" },
                { value: "customer", label: "Customer" },
                { value: "unknown", label: "Not known" },
              ]}
            />
            <Text size="xs" c="dimmed">
              The role is {SOURCES[speaker.source]}
              {speaker.source === "heuristic" ? `, ${percent(speaker.confidence)} sure` : ""}
              {speaker.corrected_by ? `, corrected by ${speaker.corrected_by}` : ""}.
            </Text>
          </Stack>
        </Form>
      </Popover.Dropdown>
    </Popover>
  );
}
