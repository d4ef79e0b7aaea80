import type { Artifact, Vote } from "@/api/types";
import { clock, words } from "@/parts/format";
import classes from "./ClaimCard.module.css";
import { ClaimLine } from "./ClaimLine";
import { nameOf } from "./ClaimParts";
import { useCallView } from "./context";
import { Part } from "./Part";

/** The stages of the call in their order: the name goes there, the summary plays its proof. */
export function Outline({ artifact, votes }: { artifact: Artifact; votes: readonly Vote[] }) {
  const { player, may } = useCallView();
  if (artifact.outline.length === 0) return null;
  return (
    <Part id="outline" title="How the call went">
      <ol className={classes.lines}>
        {artifact.outline.map((stage) => (
          <li key={nameOf(stage)} className={classes.stage}>
            <button
              type="button"
              className={classes.go}
              disabled={!may.listen}
              onClick={() => player.seek(stage.start_ts)}
              title="Go there"
            >
              <b>{words(stage.stage)}</b>
              <span className={classes.when}>
                {clock(stage.start_ts)} – {clock(stage.end_ts)}
              </span>
            </button>
            <ClaimLine claim={stage} revision={artifact.revision} votes={votes} />
          </li>
        ))}
      </ol>
    </Part>
  );
}
