/** What the call screen says about itself: always the truth, and what to do. */

import type { Snapshot } from "../recording/capture";

export interface Status {
  tone: "good" | "waiting" | "bad";
  title: string;
  detail: string;
  /** A tap that may help. */
  action: "listen" | "retry" | "sign_in" | null;
}

/** Shorter outages pass by themselves. */
const LOST_AFTER_MS = 20_000;
const CATCHING_UP_MS = 2_500;
/** The server ends a call whose sender is away for so long. */
const GRACE_MS = 5 * 60_000;
const SIGNED_OUT = new Set(["signed_out", "missing_token", "unknown_token", "expired_token", "unknown_tenant"]);

/** `now`: wall clock in ms. */
export function statusOf(snapshot: Snapshot, now: number): Status {
  return microphoneStatus(snapshot) ?? linkStatus(snapshot, now);
}

function microphoneStatus(snapshot: Snapshot): Status | null {
  if (snapshot.phase === "delivering" || snapshot.phase === "over") return null;
  if (snapshot.problem) return { tone: "bad", action: "listen", ...PROBLEMS[snapshot.problem] };
  if (snapshot.phase === "interrupted") {
    const detail = "This call was interrupted. What was recorded is kept. Nothing is recorded now.";
    return { tone: "bad", title: "Not recording", detail, action: "listen" };
  }
  if (snapshot.phase === "paused") {
    return { tone: "waiting", title: "Paused", detail: "Nothing is recorded until you go on.", action: null };
  }
  if (snapshot.full) {
    const kept = `${duration(snapshot.bufferedMs)} from before are kept and will be sent.`;
    const detail = `What is said now is lost. Free some space, or find a network. ${kept}`;
    return { tone: "bad", title: "This phone is full", detail, action: null };
  }
  switch (snapshot.microphone) {
    case "suspended":
      return { tone: "bad", title: "Microphone stopped", detail: "Tap anywhere to go on recording.", action: "listen" };
    case "lost":
      return { tone: "bad", title: "Microphone lost", detail: "Looking for another one …", action: "listen" };
    case "muted":
      return {
        tone: "bad",
        title: "Microphone muted",
        detail: "The phone gives silence, perhaps because of another call.",
        action: null,
      };
    case "opening":
      return { tone: "waiting", title: "Opening the microphone", detail: "Allow it if your phone asks.", action: null };
    default:
      return null;
  }
}

function linkStatus(snapshot: Snapshot, now: number): Status {
  const { link, bufferedMs, phase } = snapshot;
  const kept = `${duration(bufferedMs)} kept on this phone`;
  const risk = snapshot.durable ? "" : " Do not close or reload this page: this browser keeps nothing.";
  const goesOn = phase === "recording" ? "Recording goes on. " : "";
  if (link.state === "refused") {
    if (SIGNED_OUT.has(link.code)) {
      const detail = `${goesOn}Sign in again to send it: ${kept}.${risk}`;
      return { tone: "bad", title: "You are signed out", detail, action: "sign_in" };
    }
    return { tone: "bad", title: "The server said no", detail: `${link.message} (${kept}.)${risk}`, action: "retry" };
  }
  if (link.state === "open" || link.state === "closed") {
    if (phase === "delivering") {
      const detail = bufferedMs > 0 ? `${duration(bufferedMs)} still to send.` : "The server has all of it.";
      return { tone: "waiting", title: "Finishing the call", detail: detail + risk, action: null };
    }
    if (bufferedMs > CATCHING_UP_MS) {
      const detail = `Connected again. ${duration(bufferedMs)} still to send.${risk}`;
      return { tone: "waiting", title: "Listening, catching up", detail, action: null };
    }
    return { tone: "good", title: "Listening", detail: "The server hears you.", action: null };
  }
  const away = now - link.since;
  if (away < LOST_AFTER_MS) {
    const first = snapshot.callId === null && link.state === "connecting";
    const title = first ? "Connecting" : "Reconnecting";
    return { tone: "waiting", title, detail: `${goesOn}${kept}.${risk}`, action: null };
  }
  const second = away > GRACE_MS && phase === "recording" ? " The rest will be a second part of the call." : "";
  const detail = `${goesOn}${kept}, and sent when the server is back.${second}${risk}`;
  return { tone: "bad", title: "Server not reached", detail, action: "retry" };
}

const PROBLEMS = {
  refused: {
    title: "Microphone not allowed",
    detail:
      "Tap the lock or the settings sign beside this page's address, allow the microphone, and try again. On an iPhone: Settings → Safari → Microphone.",
  },
  none: { title: "No microphone", detail: "This phone shows none. Plug in or connect a headset, and try again." },
  busy: {
    title: "Microphone in use",
    detail: "Another app has it: end its call or recording, and try again.",
  },
  insecure: {
    title: "Microphone not possible",
    detail:
      "Browsers give no microphone to an address without https. Ask whoever runs this server for its https address.",
  },
  unsupported: {
    title: "This browser cannot record",
    detail: "Use a current Chrome, Edge, Firefox, or Safari 16 or newer.",
  },
  failed: { title: "The microphone failed", detail: "Try again. If it stays like that, restart the browser." },
} as const;

/** `8 s`, `3 min`, `3 min 20 s`. */
export function duration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const rest = seconds % 60;
  return rest === 0 ? `${Math.floor(seconds / 60)} min` : `${Math.floor(seconds / 60)} min ${rest} s`;
}
