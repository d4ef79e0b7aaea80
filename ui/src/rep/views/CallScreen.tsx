import { useEffect, useMemo, useState } from "react";
import { meter } from "../audio/framer";
import { buzz } from "../phone/signals";
import { ScreenOn } from "../phone/wake-lock";
import type { Capture, Snapshot } from "../recording/capture";
import { usePhone, useWatched } from "../watched";
import { CardView, EarlierCards } from "./CardView";
import { type Status, statusOf } from "./status";

/** The call while it runs, to be understood at a glance. */
export function CallScreen({ capture }: { capture: Capture }) {
  const { recorder, settings } = usePhone();
  const snapshot = useWatched(capture);
  const now = useSeconds();
  const status = statusOf(snapshot, now);
  const { phase, card, callId } = snapshot;
  const recording = phase === "recording";

  const screen = useMemo(() => new ScreenOn(), []);
  useEffect(() => {
    void screen.keep(recording);
    return () => void screen.keep(false);
  }, [screen, recording]);
  useEffect(() => {
    if (status.tone === "bad") buzz("trouble", settings.snapshot);
  }, [status.tone, settings]);
  useEffect(() => {
    if (phase !== "over") return;
    recorder.leave();
    location.hash = callId ? `#/calls/${callId}` : "";
  }, [phase, callId, recorder]);

  const running = phase !== "delivering" && phase !== "over";
  return (
    <main className={`screen call${card ? ` shows-${card.haptic}` : ""}`}>
      <h1 className="hidden">{snapshot.title}</h1>
      <StatusLine status={status} snapshot={snapshot} capture={capture} />
      <div className="stage">
        {card ? <CardView key={card.id} card={card} capture={capture} /> : <Quiet capture={capture} />}
      </div>
      <footer>{running ? <Controls capture={capture} snapshot={snapshot} /> : <Leave capture={capture} />}</footer>
    </main>
  );
}

function StatusLine({ status, snapshot, capture }: { status: Status; snapshot: Snapshot; capture: Capture }) {
  const level = Math.round(meter(snapshot.rms) * 100);
  return (
    <section className={`status ${status.tone}`} aria-label="State of the call">
      <div className="row">
        <strong role="status">
          <span className="lamp" aria-hidden="true" />
          {status.title}
        </strong>
        <span className="clock" role="timer" aria-label="Recorded so far" data-recorded-ms={snapshot.recordedMs}>
          {clock(snapshot.recordedMs)}
        </span>
      </div>
      <meter className="hidden" aria-label="Loudness" value={level} max={100} />
      <div className="meter" aria-hidden="true">
        <div style={{ transform: `scaleX(${level / 100})` }} />
      </div>
      <p>{status.detail}</p>
      {status.action === "listen" && (
        <button
          type="button"
          className="primary"
          onClick={() => void (snapshot.phase === "paused" ? capture.unpause() : capture.listen())}
        >
          {snapshot.problem ? "Try again" : "Go on recording"}
        </button>
      )}
      {status.action === "retry" && (
        <button type="button" onClick={() => capture.retryNow()}>
          Try now
        </button>
      )}
      {status.action === "sign_in" && (
        <a className="button" href="#/sign-in">
          Sign in
        </a>
      )}
    </section>
  );
}

/** No card: which voice is the rep's, where that is not known; else what was shown before. */
function Quiet({ capture }: { capture: Capture }) {
  const { repKnown, voices, earlier, warning } = useWatched(capture);
  return (
    <>
      {!repKnown && voices.length > 1 && (
        <section className="voices" aria-labelledby="voices">
          <h2 id="voices">Which voice is you?</h2>
          {voices.map((voice) => (
            <button key={voice.speakerId} type="button" onClick={() => void capture.thatIsMe(voice.speakerId)}>
              “{voice.text}”
            </button>
          ))}
        </section>
      )}
      {earlier.length > 0 && <EarlierCards cards={earlier} />}
      {warning && <p className="dim">{warning}</p>}
    </>
  );
}

function Controls({ capture, snapshot }: { capture: Capture; snapshot: Snapshot }) {
  const { settings } = usePhone();
  const [ending, setEnding] = useState(false);
  const [marked, setMarked] = useState<"" | "yes" | "no">("");

  useEffect(() => {
    if (!marked) return;
    const timer = setTimeout(() => setMarked(""), 2_000);
    return () => clearTimeout(timer);
  }, [marked]);

  async function mark(): Promise<void> {
    buzz("tick", settings.snapshot);
    try {
      await capture.mark();
      setMarked("yes");
    } catch {
      setMarked("no");
    }
  }

  if (ending) {
    return (
      <fieldset className="pair">
        <legend className="hidden">End the call?</legend>
        <button type="button" className="tall" onClick={() => setEnding(false)}>
          Keep recording
        </button>
        <button type="button" className="tall danger" onClick={() => void capture.end()}>
          End the call
        </button>
      </fieldset>
    );
  }
  return (
    <>
      <button type="button" className="matters" disabled={snapshot.phase !== "recording"} onClick={() => void mark()}>
        {marked === "yes" ? "Marked" : marked === "no" ? "Not marked: the phone is full" : "This moment matters"}
      </button>
      <div className="pair">
        {snapshot.phase === "paused" ? (
          <button type="button" className="tall primary" onClick={() => void capture.unpause()}>
            Go on
          </button>
        ) : (
          <button
            type="button"
            className="tall"
            disabled={snapshot.phase !== "recording"}
            onClick={() => void capture.pause()}
          >
            Pause
          </button>
        )}
        <button type="button" className="tall" onClick={() => setEnding(true)}>
          End
        </button>
      </div>
      <span className="hidden" role="status">
        {marked === "yes" ? `Marked. ${snapshot.marks} so far.` : ""}
      </span>
    </>
  );
}

function Leave({ capture }: { capture: Capture }) {
  const { recorder } = usePhone();
  const { durable } = useWatched(capture);
  return (
    <>
      {durable && (
        <p className="dim">You need not wait: it is kept on this phone and sent whenever this app is open.</p>
      )}
      <button type="button" className="tall" onClick={() => recorder.leave()}>
        To my calls
      </button>
    </>
  );
}

function useSeconds(): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  return now;
}

function clock(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const two = (value: number) => String(value).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const rest = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return hours > 0 ? `${hours}:${rest}` : rest;
}
