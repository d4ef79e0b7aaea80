import { useEffect } from "react";
import { useHash, usePhone, useWatched } from "../watched";
import { CallScreen } from "./CallScreen";
import { Home } from "./Home";
import { ReviewScreen } from "./ReviewScreen";
import { SettingsScreen } from "./SettingsScreen";
import { SignIn } from "./SignIn";

export function App() {
  const { recorder, session, settings, feedback } = usePhone();
  const who = useWatched(session);
  const { current } = useWatched(recorder);
  const { theme } = useWatched(settings);
  const hash = useHash();
  useEffect(() => {
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  }, [theme]);
  const signedIn = who.state === "in" && !who.offline;
  useEffect(() => {
    if (!signedIn) return;
    // What waited for somebody to sign in.
    recorder.networkBack();
    void feedback.send();
  }, [signedIn, recorder, feedback]);

  // A call that runs needs nobody to be signed in: it has a token of its own.
  if (current && hash !== "#/sign-in") return <CallScreen capture={current} />;
  if (who.state === "unknown") return <p className="alone">One moment …</p>;
  if (who.state === "unreachable") {
    return (
      <main className="alone">
        <h1>Ridealong</h1>
        <p>The server does not answer. Check the connection.</p>
        <button type="button" className="primary" onClick={() => void session.look()}>
          Try again
        </button>
      </main>
    );
  }
  if (who.state === "out") return <SignIn who={who} />;
  if (current) return <CallScreen capture={current} />;
  const review = /^#\/calls\/([0-9a-f-]{36})$/.exec(hash);
  if (review?.[1]) return <ReviewScreen key={review[1]} callId={review[1]} />;
  if (hash === "#/settings") return <SettingsScreen rep={who.rep} />;
  return <Home rep={who.rep} offline={who.offline} />;
}
