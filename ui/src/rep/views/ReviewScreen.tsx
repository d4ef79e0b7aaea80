import { useEffect, useRef, useState } from "react";
import { ApiError } from "@/api/client";
import { type Artifact, artifact, audioUrl, type CallRow, type Claim, call, type Moment, moments } from "../calls";
import type { Evidence } from "../recording/messages";
import { MomentList } from "./MomentList";
import { duration } from "./status";

/** While the review is being made, ask again so often. */
const AGAIN_MS = 2_000;

/** The rep's own view of a call: what to replay, what went well, what was nudged. Every claim plays. */
export function ReviewScreen({ callId }: { callId: string }) {
  const found = useReview(callId);
  const player = usePlayer(callId);
  return (
    <main className="screen">
      <header>
        <a className="quiet" href="#/">
          ← Calls
        </a>
      </header>
      <h1>{found.call?.title || "Call"}</h1>
      {found.call && (
        <p className="dim">
          {new Date(found.call.started_at).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" })} ·{" "}
          {duration(found.call.audio_ms)}
        </p>
      )}
      {player.problem && (
        <p role="alert" className="problem">
          {player.problem}
        </p>
      )}
      {/* biome-ignore lint/a11y/useMediaCaption: the words that are played stand beside the button. */}
      <audio ref={player.element} preload="none" />
      <State found={found} />
      {found.artifact && <Review artifact={found.artifact} player={player} />}
      {found.moments && found.moments.length > 0 && (
        <MomentList callId={callId} moments={found.moments} play={player.play} playing={player.playing} />
      )}
    </main>
  );
}

interface Found {
  call: CallRow | null;
  artifact: Artifact | null;
  moments: Moment[] | null;
  problem: string | null;
}

function useReview(callId: string): Found {
  const [found, setFound] = useState<Found>({ call: null, artifact: null, moments: null, problem: null });
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let gone = false;
    const add = (part: Partial<Found>) => {
      if (!gone) setFound((found) => ({ ...found, ...part }));
    };
    const look = async (): Promise<void> => {
      try {
        const row = await call(callId);
        add({ call: row, problem: null });
        if (row.status === "ended") add({ moments: await moments(callId) });
        if (row.review?.status === "failed") return;
        add({ artifact: await artifact(callId) });
        return;
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        const waits = error.code === "not_reviewed" || error.code === "review_not_finished";
        if (!waits) add({ problem: error.message });
        if (!waits && !error.retry) return;
      }
      if (!gone) timer = setTimeout(() => void look(), AGAIN_MS);
    };
    void look();
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [callId]);
  return found;
}

function State({ found }: { found: Found }) {
  if (found.problem) {
    return (
      <p role="alert" className="problem">
        {found.problem}
      </p>
    );
  }
  if (found.artifact) return null;
  if (found.call?.review?.status === "failed") {
    return <p className="note">The review of this call failed. Your manager can have it made again.</p>;
  }
  return (
    <p role="status" className="note">
      {found.call?.status === "live"
        ? "This call is still running."
        : "The review is being made. It takes half a minute or so."}
    </p>
  );
}

export interface Player {
  element: React.RefObject<HTMLAudioElement | null>;
  /** What sounds now. */
  playing: Evidence | null;
  problem: string | null;
  play(evidence: Evidence): void;
}

function usePlayer(callId: string): Player {
  const element = useRef<HTMLAudioElement>(null);
  const [playing, setPlaying] = useState<Evidence | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  useEffect(() => {
    const audio = element.current;
    if (!audio || !playing) return;
    const look = () => {
      if (audio.currentTime * 1000 >= playing.end_ts) audio.pause();
    };
    const stopped = () => setPlaying(null);
    audio.addEventListener("timeupdate", look);
    audio.addEventListener("pause", stopped);
    return () => {
      audio.removeEventListener("timeupdate", look);
      audio.removeEventListener("pause", stopped);
    };
  }, [playing]);

  function play(evidence: Evidence): void {
    const audio = element.current;
    if (!audio) return;
    if (playing === evidence) {
      audio.pause();
      return;
    }
    if (!audio.src) audio.src = audioUrl(callId);
    setProblem(null);
    audio.currentTime = evidence.start_ts / 1000;
    setPlaying(evidence);
    audio.play().catch((error: unknown) => {
      // Another claim was tapped before this one sounded.
      if (error instanceof DOMException && error.name === "AbortError") return;
      setPlaying(null);
      setProblem("The recording cannot be played now. Check the connection and try again.");
    });
  }
  return { element, playing, problem, play };
}

function Review({ artifact, player }: { artifact: Artifact; player: Player }) {
  const shown = artifact.sections.flatMap((s) => s.findings.filter((f) => f.score === "yes"));
  const toTry = artifact.sections.flatMap((s) => s.findings.filter((f) => f.score !== "yes"));
  return (
    <>
      <p className="big-score">
        {artifact.score === null ? (
          "Not scored: the call holds nothing to score."
        ) : (
          <>
            <strong>{Math.round(artifact.score)}</strong> of 100
          </>
        )}
      </p>
      {artifact.warnings.map((warning) => (
        <p key={warning} className="note">
          {warning}
        </p>
      ))}
      {artifact.missing_sections.length > 0 && (
        <p className="note">Could not be scored: {artifact.missing_sections.join(", ")}.</p>
      )}
      <Claims id="replay" title="Worth replaying" player={player}>
        {artifact.coaching_moments.map((moment) => (
          <ClaimItem
            key={`${moment.title}-${moment.evidence[0]?.start_ts}`}
            claim={moment}
            title={moment.title}
            player={player}
          >
            <p className="advice">{moment.advice}</p>
          </ClaimItem>
        ))}
      </Claims>
      <Claims id="went-well" title="What you showed" player={player}>
        {shown.map((finding) => (
          <ClaimItem key={finding.criterion_id} claim={finding} player={player} />
        ))}
      </Claims>
      <Claims id="to-try" title="To try next time" player={player}>
        {toTry.map((finding) => (
          <ClaimItem key={finding.criterion_id} claim={finding} player={player} />
        ))}
      </Claims>
    </>
  );
}

function Claims({ id, title, children }: { id: string; title: string; player: Player; children: React.ReactNode[] }) {
  if (children.length === 0) return null;
  return (
    <section aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      <ul className="claims">{children}</ul>
    </section>
  );
}

/** Below this a claim is a guess, and looks like one. */
const WEAK = 0.6;

function ClaimItem(props: { claim: Claim; title?: string; player: Player; children?: React.ReactNode }) {
  const { claim, title, player, children } = props;
  const weak = claim.confidence < WEAK;
  return (
    <li className={weak ? "weak" : ""}>
      {title && <strong>{title}</strong>}
      <p>
        {claim.statement}
        {weak && <span className="dim"> (not sure: {Math.round(claim.confidence * 100)} %)</span>}
      </p>
      {claim.evidence.map((evidence) => (
        <PlayButton key={`${evidence.utterance_no}-${evidence.start_ts}`} evidence={evidence} player={player} />
      ))}
      {children}
    </li>
  );
}

export function PlayButton({ evidence, player }: { evidence: Evidence; player: Pick<Player, "play" | "playing"> }) {
  const on = player.playing === evidence;
  return (
    <button
      type="button"
      className={on ? "evidence on" : "evidence"}
      aria-pressed={on}
      onClick={() => player.play(evidence)}
    >
      <span className="at">
        {on ? "■" : "▶"} {clock(evidence.start_ts)}
      </span>{" "}
      “{evidence.quote}”
    </button>
  );
}

function clock(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
