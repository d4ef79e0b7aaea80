import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Feedback, type Verdict } from "./phone/feedback";
import { StoredSettings } from "./phone/settings";
import { tell } from "./phone/signals";
import { Recorder } from "./recording/recorder";
import { browserSurroundings } from "./recording/surroundings";
import { SessionStore } from "./session";
import "./rep.css";
import { App } from "./views/App";
import { type Phone, PhoneContext } from "./watched";

async function open(): Promise<Phone> {
  const settings = new StoredSettings();
  const session = new SessionStore();
  const feedback = new Feedback();
  const recorder = await Recorder.open(
    browserSurroundings(),
    (card) => tell(card, settings.snapshot),
    () => settings.snapshot.cardSeconds * 1000,
  );
  void session.look();
  addEventListener("online", () => {
    recorder.networkBack();
    void session.look();
    void feedback.send();
  });
  addEventListener("offline", () => recorder.networkGone());
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") recorder.wake();
  });
  addEventListener("pointerdown", () => recorder.tapped());
  return { recorder, session, settings, feedback };
}

/** A card answered on a notification or a watch. */
function hearTheWorker({ recorder, feedback }: Phone): void {
  navigator.serviceWorker.addEventListener(
    "message",
    (message: MessageEvent<{ verdict: Verdict; momentId: string }>) => {
      const current = recorder.snapshot.current;
      const { card, callId } = current?.snapshot ?? {};
      if (!current || !callId) return;
      feedback.give(callId, message.data.momentId, message.data.verdict);
      if (card?.momentId === message.data.momentId) current.dismiss(card);
    },
  );
}

const phone = await open();
createRoot(document.getElementById("root") as HTMLElement).render(
  <StrictMode>
    <PhoneContext value={phone}>
      <App />
    </PhoneContext>
  </StrictMode>,
);
if ("serviceWorker" in navigator && import.meta.env.PROD) {
  hearTheWorker(phone);
  // Narrower than where it lies: the manager's pages are none of its business.
  void navigator.serviceWorker.register("/sw.js", { scope: "/rep" }).catch(() => undefined);
}
