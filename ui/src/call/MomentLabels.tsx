import { NativeSelect } from "@mantine/core";
import { useState } from "react";
import type { Moment } from "@/api/types";
import { useSession } from "@/app/session";
import { type Label, useLabelMoment, useLabels, useTaxonomy } from "@/coach/queries";
import { dateTime, words } from "@/parts/format";
import { Icon } from "@/parts/Icon";
import { messageOf } from "@/parts/states";
import classes from "./ClaimCard.module.css";
import { useCallView } from "./context";
import { type Opinion, opinionsOf } from "./opinions";
import { SideButton } from "./SideButton";

/** The types that the clock finds: nothing can be learned of them. */
const TIMING = new Set(["silence", "monologue", "interruption"]);

/** What managers say that a moment is: right, none, or of another type. Each is an example that the coach learns from. */
export function MomentLabels({ moment }: { moment: Moment }) {
  const { source } = useCallView();
  const labels = useLabels(source.callId, true);
  if (TIMING.has(moment.type)) return null;
  return <Said moment={moment} labels={labels.data ?? NONE} />;
}

const NONE: readonly Label[] = [];

function Said({ moment, labels }: { moment: Moment; labels: readonly Label[] }) {
  const { source } = useCallView();
  const { member } = useSession();
  const [choosing, setChoosing] = useState(false);
  const saying = useLabelMoment(source.callId);
  const opinions = opinionsOf(moment, labels);
  const mine = opinions.find((one) => one.by.member_id === member.member_id) ?? null;
  const say = (type: string | null | undefined) => {
    setChoosing(false);
    saying.mutate({ momentId: moment.moment_id, type });
  };
  const side = (says: "right" | "none", icon: "up" | "down", word: string, type: string | null) => {
    const those = opinions.filter((one) => one.says === says);
    return (
      <SideButton
        icon={icon}
        word={word}
        who={those.map(whoSaid)}
        mine={mine?.says === says}
        disabled={saying.isPending}
        onClick={() => say(mine?.says === says ? undefined : type)}
      />
    );
  };
  return (
    <>
      {opinions
        .filter((one) => one.says === "other")
        .map((one) => (
          <span key={`${one.by.member_id} ${one.by.name}`} className={classes.answer} title={whoSaid(one)}>
            {one.by.name}: {words(one.type).toLowerCase()}
          </span>
        ))}
      {moment.reason !== "added" && side("right", "up", "It is right", moment.type)}
      {side("none", "down", "It is none", null)}
      {choosing ? (
        <OtherType moment={moment} chosen={say} />
      ) : (
        <button
          type="button"
          className={classes.tool}
          disabled={saying.isPending}
          aria-pressed={mine?.says === "other"}
          onClick={() => (mine?.says === "other" ? say(undefined) : setChoosing(true))}
          aria-label={mine?.says === "other" ? `It is ${words(mine.type)}: take it back` : "It is another type"}
          title={mine?.says === "other" ? "Take it back" : "It is another type"}
        >
          <Icon name="pen" size={14} />
        </button>
      )}
      {saying.isError && (
        <span role="alert" className={classes.error}>
          {messageOf(saying.error)}
        </span>
      )}
    </>
  );
}

function whoSaid({ by, at }: Opinion): string {
  return `${by.name}, ${dateTime(at)}`;
}

function OtherType({ moment, chosen }: { moment: Moment; chosen: (type: string) => void }) {
  const taxonomy = useTaxonomy();
  const types = (taxonomy.data?.types ?? []).filter((one) => one.kind === "content" && one.id !== moment.type);
  return (
    <NativeSelect
      size="xs"
      aria-label="What it is instead"
      autoFocus
      value=""
      data={[{ value: "", label: "It is…" }, ...types.map((one) => ({ value: one.id, label: one.label }))]}
      onChange={(event) => event.currentTarget.value !== "" && chosen(event.currentTarget.value)}
    />
  );
}
