import { Button, Group, Text } from "@mantine/core";
import { useClipboard } from "@mantine/hooks";
import { useState } from "react";
import type { Artifact, FollowUp, Vote } from "@/api/types";
import classes from "./ClaimCard.module.css";
import { ClaimLine } from "./ClaimLine";
import { nameOf } from "./ClaimParts";
import { Part } from "./Part";
import { followUpText } from "./reviewWords";

/** The draft of an e-mail to the customer, made when it is opened; each of its sentences plays its proof. */
export function FollowUpDraft({ artifact, votes }: { artifact: Artifact; votes: readonly Vote[] }) {
  const [open, setOpen] = useState(false);
  const draft = artifact.follow_up;
  if (draft === null || draft.sentences.length === 0) return null;
  return (
    <Part
      id="follow-up"
      title="Draft of a follow-up"
      beside={
        <Group gap="xs" wrap="nowrap">
          <Button
            variant="default"
            size="xs"
            aria-expanded={open}
            aria-controls="follow-up-draft"
            onClick={() => setOpen(!open)}
          >
            {open ? "Close it" : "Read it"}
          </Button>
          <Copy draft={draft} />
        </Group>
      }
    >
      <div id="follow-up-draft" className={classes.letter} hidden={!open}>
        {open && (
          <>
            <Text size="sm" fw={600}>
              {draft.subject}
            </Text>
            <Text size="sm">{draft.greeting}</Text>
            <Text size="sm">{draft.thanks}</Text>
            <ul className={classes.lines}>
              {draft.sentences.map((sentence) => (
                <li key={nameOf(sentence)}>
                  <ClaimLine claim={sentence} revision={artifact.revision} votes={votes} />
                </li>
              ))}
            </ul>
            <Text size="sm">{draft.closing}</Text>
            <Text size="sm">{draft.signature}</Text>
          </>
        )}
      </div>
    </Part>
  );
}

function Copy({ draft }: { draft: FollowUp }) {
  const clipboard = useClipboard();
  return (
    <>
      <Button size="xs" miw={80} onClick={() => clipboard.copy(followUpText(draft))}>
        {clipboard.copied ? "Copied" : "Copy"}
      </Button>
      {clipboard.error && (
        <Text size="xs" c="var(--ride-bad)" role="alert">
          The browser did not allow it: read the draft and copy it by hand.
        </Text>
      )}
    </>
  );
}
