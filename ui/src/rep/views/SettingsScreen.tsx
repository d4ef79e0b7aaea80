import { type ReactNode, useState } from "react";
import type { Settings } from "../phone/settings";
import { allowNotifications, buzz, canNotify, canSpeak, canVibrate, speak } from "../phone/signals";
import { ScreenOn } from "../phone/wake-lock";
import type { Rep } from "../session";
import { usePhone, useWatched } from "../watched";

export function SettingsScreen({ rep }: { rep: Rep }) {
  const { settings, session } = usePhone();
  const now = useWatched(settings);
  const [problem, setProblem] = useState<string | null>(null);

  async function changeNotify(on: boolean): Promise<void> {
    setProblem(null);
    if (on && !(await allowNotifications())) {
      setProblem("Notifications are not allowed. Allow them for this page in the browser's settings.");
      return;
    }
    settings.change({ notify: on });
  }

  return (
    <main className="screen">
      <header>
        <a className="quiet" href="#/">
          ← Calls
        </a>
      </header>
      <h1>Settings</h1>
      <p className="dim">
        {rep.name} · {rep.repId}
      </p>
      <Switch
        on={now.vibrate}
        possible={canVibrate()}
        change={(vibrate) => {
          settings.change({ vibrate });
          if (vibrate) buzz("single", { ...now, vibrate });
        }}
      >
        Vibrate. One buzz: something to do. Two: stop something. Five short: a person wrote.
      </Switch>
      <Switch
        on={now.voice}
        possible={canSpeak()}
        change={(voice) => {
          settings.change({ voice });
          if (voice) speak("This is how a nudge sounds.");
        }}
      >
        Say nudges aloud. Wear an earbud: else everybody hears them.
      </Switch>
      <Switch on={now.notify} possible={canNotify()} change={(on) => void changeNotify(on)}>
        Also as a notification, so that a watch shows it.
      </Switch>
      {problem && (
        <p role="alert" className="problem">
          {problem}
        </p>
      )}
      <label>
        A card stays for
        <select
          value={now.cardSeconds}
          onChange={(event) => settings.change({ cardSeconds: Number(event.target.value) })}
        >
          {[5, 8, 10, 15, 20].map((seconds) => (
            <option key={seconds} value={seconds}>
              {seconds} seconds
            </option>
          ))}
        </select>
      </label>
      <label>
        Colours
        <select
          value={now.theme}
          onChange={(event) => settings.change({ theme: event.target.value as Settings["theme"] })}
        >
          <option value="system">as the phone</option>
          <option value="dark">dark</option>
          <option value="light">light</option>
        </select>
      </label>
      {!ScreenOn.possible && (
        <p className="note">This browser cannot keep the screen on. Set the phone not to lock during a call.</p>
      )}
      <footer>
        <button
          type="button"
          onClick={() => void session.signOut().catch(() => setProblem("Signing out needs the server. Try again."))}
        >
          Sign out
        </button>
      </footer>
    </main>
  );
}

function Switch(props: { on: boolean; possible: boolean; change: (on: boolean) => void; children: ReactNode }) {
  return (
    <label className="switch">
      <span>
        {props.children}
        {!props.possible && " (This browser cannot.)"}
      </span>
      <input
        type="checkbox"
        checked={props.on && props.possible}
        disabled={!props.possible}
        onChange={(event) => props.change(event.target.checked)}
      />
    </label>
  );
}
