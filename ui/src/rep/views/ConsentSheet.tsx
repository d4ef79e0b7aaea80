import { useEffect, useRef, useState } from "react";
import { type Consent, consents, keptConsents } from "../calls";
import { canSpeak, hush, primeVoice, speak } from "../phone/signals";
import type { Rep } from "../session";
import { usePhone, useWatched } from "../watched";

/** The second tap: what everybody is told, and that they agreed. */
export function ConsentSheet({ rep, close }: { rep: Rep; close: () => void }) {
  const { recorder, settings } = usePhone();
  const { region } = useWatched(settings);
  const sheet = useRef<HTMLDialogElement>(null);
  const [wordings, setWordings] = useState<Consent[]>(keptConsents);
  const [title, setTitle] = useState("");
  const [spoken, setSpoken] = useState(false);
  const [starting, setStarting] = useState(false);
  const wording = wordings.find((one) => one.region === region) ?? (wordings[0] as Consent);

  useEffect(() => {
    sheet.current?.showModal();
    void consents().then(setWordings);
    return hush;
  }, []);

  async function start(): Promise<void> {
    setStarting(true);
    hush();
    if (settings.snapshot.voice) primeVoice();
    const how = spoken ? "Read aloud by the rep's phone" : "Told by the rep";
    const where = wording.region ? ` (${wording.region})` : "";
    const consent = `${how}${where}; everybody present agreed, as the rep stated: ${wording.text}`.slice(0, 2000);
    const begun = await recorder.begin({ title: title.trim() || standardTitle(), consent, repId: rep.repId });
    if (!begun) close();
  }

  return (
    <dialog ref={sheet} className="sheet" onClose={close} aria-labelledby="consent-title">
      <h2 id="consent-title">Ask everybody first</h2>
      {wordings.length > 1 && (
        <label>
          Wording for
          <select value={wording.region} onChange={(event) => settings.change({ region: event.target.value })}>
            {wordings.map((one) => (
              <option key={one.region} value={one.region}>
                {one.region}
              </option>
            ))}
          </select>
        </label>
      )}
      <blockquote>{wording.text}</blockquote>
      {canSpeak() && (
        <button
          type="button"
          onClick={() => {
            speak(wording.text);
            setSpoken(true);
          }}
        >
          Read it aloud
        </button>
      )}
      <label>
        Name of the call (if you like)
        <input value={title} maxLength={200} onChange={(event) => setTitle(event.target.value)} autoComplete="off" />
      </label>
      <button type="button" className="primary big" disabled={starting} onClick={() => void start()}>
        Everybody agreed: start
      </button>
      <button type="button" className="link" onClick={() => sheet.current?.close()}>
        Not now
      </button>
    </dialog>
  );
}

function standardTitle(): string {
  const now = new Date();
  const time = now.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });
  return `Call at ${time}`;
}
