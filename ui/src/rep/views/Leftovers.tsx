import type { Capture } from "../recording/capture";
import { usePhone, useWatched } from "../watched";
import { duration, statusOf } from "./status";

/** Calls that ended here and are not all on the server yet. */
export function Leftovers() {
  const { recorder } = usePhone();
  const { leftovers } = useWatched(recorder);
  return leftovers.map((capture) => <Leftover key={capture.recording.key} capture={capture} />);
}

function Leftover({ capture }: { capture: Capture }) {
  const snapshot = useWatched(capture);
  const status = statusOf(snapshot, Date.now());
  const began = new Date(capture.recording.startedAt);
  return (
    <section className="note">
      <strong>
        {snapshot.title || "A call"}, {began.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" })}
      </strong>
      <p>
        {status.title}: {status.tone === "bad" ? status.detail : `${duration(snapshot.bufferedMs)} still to send.`}
      </p>
      {status.action === "retry" && (
        <button type="button" onClick={() => capture.retryNow()}>
          Send now
        </button>
      )}
    </section>
  );
}
