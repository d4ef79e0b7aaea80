import { Code, Input, Stack, Text } from "@mantine/core";
import { useRef, useState } from "react";
import { FIELDS } from "@/across/words";
import { percent } from "@/parts/format";
import { type Crm, type CrmMapping, type MappedValue, readMapping } from "./connections";
import { type Checked, Editor, type EditorHandle } from "./documents/Editor";
import { type Mistake, mistakeOf } from "./documents/queries";
import { Verdict } from "./documents/Verdict";
import classes from "./settings.module.css";

interface Props {
  vendor: Crm["vendor"];
  /** Read once: the text lives in the editor. */
  initial: string;
  changed: (text: string) => void;
  save: () => void;
  /** What the server refused when it was saved. */
  mistake: Mistake | null;
}

/** Which value goes to which property, as text with the server's word on it; beside it what that comes to. */
export function CrmMappingField({ vendor, initial, changed, save, mistake }: Props) {
  const editor = useRef<EditorHandle>(null);
  const [checked, setChecked] = useState<Checked>({ state: "checking" });
  const [read, setRead] = useState<CrmMapping | null>(null);
  const check = async (text: string): Promise<Mistake | null> => {
    try {
      setRead(await readMapping(vendor, text));
      return null;
    } catch (error) {
      const found = mistakeOf(error);
      if (found === null) throw error;
      return found;
    }
  };
  return (
    <Stack gap="xs">
      <Input.Label component="p" m={0}>
        Which value goes to which property
      </Input.Label>
      <Editor
        // Another vendor judges it otherwise.
        key={vendor}
        ref={editor}
        kind="mapping"
        label="The mapping of the CRM"
        initial={initial}
        readOnly={false}
        changed={changed}
        save={save}
        check={check}
        checked={setChecked}
      />
      <Verdict
        checked={mistake === null || checked.state === "wrong" ? checked : { state: "wrong", mistake }}
        goTo={(line) => editor.current?.goTo(line)}
        again={() => editor.current?.check()}
      />
      {read !== null && checked.state !== "wrong" && <WhatIsWritten mapping={read} vendor={vendor} />}
    </Stack>
  );
}

function WhatIsWritten({ mapping, vendor }: { mapping: CrmMapping; vendor: Crm["vendor"] }) {
  const note = vendor === "hubspot" ? "a note" : "a completed task";
  const stages = Object.entries(mapping.stages);
  return (
    <Stack gap="xs" role="region" aria-label="What is written">
      {mapping.writes.length > 0 && (
        <table className={classes.written}>
          <thead>
            <tr>
              <th scope="col">Of the review</th>
              <th scope="col">Into the deal's property</th>
              <th scope="col">The link that plays it</th>
            </tr>
          </thead>
          <tbody>
            {mapping.writes.map((one) => (
              <tr key={one.value}>
                <td>{titleOf(one)}</td>
                <td>
                  <Code>{one.property}</Code>
                </td>
                <td>{one.link === null ? "at the end of the value" : <Code>{one.link}</Code>}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <Text size="sm" c="dimmed" style={{ overflowWrap: "anywhere" }}>
        {mapping.note ? `Each call leaves ${note} with the deal. ` : "Calls leave no note with the deal. "}
        {mapping.writes.length === 0 && "No property is written. "}
        {mapping.writes.length > 0 &&
          (mapping.overwrite === "own"
            ? `What somebody wrote by hand stays; of what is less sure than ${percent(mapping.min_confidence)} nothing is written. `
            : `What somebody wrote by hand is overwritten; of what is less sure than ${percent(mapping.min_confidence)} nothing is written. `)}
        {stages.length > 0 &&
          `Stages for your rubrics: ${stages.map(([theirs, ours]) => `${theirs} is “${ours}”`).join(", ")}.`}
      </Text>
    </Stack>
  );
}

function titleOf({ value }: MappedValue): string {
  if (value === "summary") return "Summary of the newest call";
  if (value === "next_steps") return "Next steps";
  return value in FIELDS ? FIELDS[value as keyof typeof FIELDS].title : value;
}
