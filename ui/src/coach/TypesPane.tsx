import { Accordion, Alert, Badge, Button, Group, Stack, Text, Textarea } from "@mantine/core";
import { useState } from "react";
import { atLeast, useSession } from "@/app/session";
import { plural } from "@/parts/format";
import { Icon } from "@/parts/Icon";
import { messageOf } from "@/parts/states";
import classes from "./coach.module.css";
import { type Example, type MomentType, type Taxonomy, useChangeTaxonomy, type Versions } from "./queries";
import { newLines, reportOf, type TypeReport } from "./words";

/** From so many examples on a type of the tenant's own is learned. */
const FEWEST = 8;

/** Each type with the words that it is learned from. */
export function TypesPane({ taxonomy, trained }: { taxonomy: Taxonomy; trained: Versions }) {
  const { member } = useSession();
  const judging = trained.versions.find(({ version }) => version === trained.judged_by);
  const reports = judging === undefined ? [] : (reportOf(judging).types ?? []);
  return (
    <Stack>
      <Text size="sm" c="dimmed">
        Examples are words as people say them: eight teach a type of your own, more make it surer. What only sounds like
        it teaches as much. They take effect with the next training.
      </Text>
      <Accordion variant="separated" chevronPosition="left">
        {taxonomy.types.map((type) => (
          <Accordion.Item key={type.id} value={type.id}>
            <Accordion.Control>
              <Group gap="xs">
                <Text fw={600}>{type.label}</Text>
                <Badge variant={type.shipped ? "outline" : "filled"} size="sm">
                  {type.shipped ? "As shipped" : "Your own"}
                </Badge>
                <Text size="sm" c="dimmed">
                  {type.tier === "nudge" ? "nudged" : "only noted"}, {learned(type, reports)}
                </Text>
              </Group>
            </Accordion.Control>
            <Accordion.Panel>
              <OneType
                type={type}
                report={reports.find((one) => one.type === type.id)}
                admin={atLeast(member, "admin")}
              />
            </Accordion.Panel>
          </Accordion.Item>
        ))}
      </Accordion>
    </Stack>
  );
}

function learned(type: MomentType, reports: readonly TypeReport[]): string {
  if (type.kind === "timing") return "found by the clock";
  const own = type.examples.length + type.not_examples.length;
  const told = own === 0 ? "no examples of yours" : plural(own, "example");
  if (reports.some((one) => one.type === type.id && one.trained)) return `${told}, learned from you`;
  if (type.shipped) return `${told}, found as shipped`;
  return `${told}, not learned yet`;
}

function OneType({ type, report, admin }: { type: MomentType; report: TypeReport | undefined; admin: boolean }) {
  const whose = type.role === "any" ? "anybody" : `the ${type.role}`;
  return (
    <Stack gap="sm">
      <Text size="sm">
        {type.description}{" "}
        <Text span size="sm" c="dimmed">
          Said by {whose}. Its name in documents: {type.id}.
        </Text>
      </Text>
      {type.nudges.length > 0 && (
        <div>
          <Text size="sm" fw={600}>
            What the rep is shown, in turn
          </Text>
          {type.nudges.map((nudge) => (
            <Text key={nudge} size="sm" className={classes.words ?? ""}>
              {nudge}
            </Text>
          ))}
        </div>
      )}
      {report?.thin != null && (
        <Alert color="yellow" role="note">
          <b>Too thin</b>: {report.thin}.
        </Alert>
      )}
      {type.kind === "timing" ? (
        <Text size="sm" c="dimmed">
          It is computed from the times alone: there is nothing to learn.
        </Text>
      ) : (
        <>
          <Examples type={type} field="examples" title="Examples" add="More examples, one in a line" admin={admin} />
          <Examples
            type={type}
            field="not_examples"
            title="Sounds like it, and is not"
            add="More of what is not, one in a line"
            admin={admin}
          />
        </>
      )}
    </Stack>
  );
}

interface ExamplesProps {
  type: MomentType;
  field: "examples" | "not_examples";
  title: string;
  add: string;
  admin: boolean;
}

/** So many are shown before one asks for all. */
const SHOWN = 12;

function Examples({ type, field, title, add, admin }: ExamplesProps) {
  const examples = type[field];
  const [text, setText] = useState("");
  const [all, setAll] = useState(false);
  const saving = useChangeTaxonomy();
  const added = newLines(
    text,
    examples.map((one) => one.text),
  );
  const keep = (wanted: readonly Example[], done?: () => void) =>
    saving.mutate({ types: [{ id: type.id, [field]: wanted }] }, { onSuccess: () => done?.() });
  const fewer = field === "examples" && !type.shipped && examples.length <= FEWEST;

  return (
    <div>
      <Text size="sm" fw={600}>
        {title} ({examples.length})
      </Text>
      <ul className={classes.examples} aria-label={`${title}: ${type.label}`}>
        {examples.slice(0, all ? undefined : SHOWN).map((one) => (
          <li key={`${one.after} ${one.text}`}>
            <Text size="sm" className={classes.words ?? ""}>
              {one.after !== "" && (
                <Text span size="sm" c="dimmed">
                  after “{one.after}”:{" "}
                </Text>
              )}
              {one.text}
            </Text>
            {admin && (
              <Button
                size="compact-xs"
                variant="subtle"
                color="gray"
                c="dimmed"
                aria-label={`Remove: ${one.text}`}
                title={fewer ? `A type of your own keeps at least ${FEWEST}` : "Remove it"}
                disabled={fewer || saving.isPending}
                onClick={() => keep(examples.filter((other) => other !== one))}
              >
                <Icon name="close" size={14} />
              </Button>
            )}
          </li>
        ))}
      </ul>
      {examples.length > SHOWN && (
        <Button size="compact-sm" variant="subtle" onClick={() => setAll(!all)}>
          {all ? "Show fewer" : `Show all ${examples.length}`}
        </Button>
      )}
      {admin && (
        <Group align="end" gap="xs" mt={4}>
          <Textarea
            label={add}
            value={text}
            autosize
            minRows={1}
            maxRows={8}
            onChange={(event) => setText(event.currentTarget.value)}
            style={{ flex: "1 1 18rem" }}
          />
          <Button
            variant="default"
            disabled={added.length === 0}
            loading={saving.isPending}
            aria-label={`Add to ${title.toLowerCase()} of ${type.label}`}
            onClick={() => keep([...examples, ...added.map((one) => ({ text: one, after: "" }))], () => setText(""))}
          >
            {added.length > 1 ? `Add ${added.length}` : "Add"}
          </Button>
        </Group>
      )}
      {saving.isError && (
        <Alert color="red" role="alert" mt="xs" title="Nothing was changed">
          {messageOf(saving.error)}
        </Alert>
      )}
    </div>
  );
}
