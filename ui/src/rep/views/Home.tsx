import { useCallback, useEffect, useRef, useState } from "react";
import { ApiError } from "@/api/client";
import { type CallRow, calls } from "../calls";
import type { Rep } from "../session";
import { usePhone, useWatched } from "../watched";
import { ConsentSheet } from "./ConsentSheet";
import { Leftovers } from "./Leftovers";
import { duration } from "./status";

export function Home({ rep, offline }: { rep: Rep; offline: boolean }) {
  const { recorder } = usePhone();
  const { place, finished } = useWatched(recorder);
  const [asking, setAsking] = useState(false);
  return (
    <main className="screen">
      <header>
        <h1>Hello {rep.name.split(" ")[0] || "there"}</h1>
        <a className="quiet" href="#/settings">
          Settings
        </a>
      </header>
      {offline && <p className="note">No connection to the server. You can record all the same: it is sent later.</p>}
      <Leftovers />
      <PastCalls key={finished} repId={rep.repId} />
      <footer>
        {place === "elsewhere" ? (
          <p role="status" className="note">
            Ridealong records in another tab of this phone. Go to that tab; a call can run in one of them only.
          </p>
        ) : (
          <button type="button" className="primary big" disabled={place === "unknown"} onClick={() => setAsking(true)}>
            Start a call
          </button>
        )}
      </footer>
      {asking && <ConsentSheet rep={rep} close={() => setAsking(false)} />}
    </main>
  );
}

function PastCalls({ repId }: { repId: string }) {
  const { session } = usePhone();
  const [rows, setRows] = useState<CallRow[] | null>(null);
  const [next, setNext] = useState<string | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const started = useRef(false);

  const load = useCallback(
    async (before: string | null): Promise<void> => {
      try {
        const page = await calls(repId, before);
        setRows((rows) => [...(before ? (rows ?? []) : []), ...page.calls]);
        setNext(page.next);
        setProblem(null);
      } catch (error) {
        if (error instanceof ApiError && error.status === 401) void session.look();
        setProblem(error instanceof ApiError ? error.message : "Your calls could not be read.");
      }
    },
    [session, repId],
  );
  useEffect(() => {
    if (started.current) return;
    started.current = true;
    void load(null);
  }, [load]);

  return (
    <section aria-labelledby="past" className="grow">
      <h2 id="past">Your calls</h2>
      {problem && (
        <p className="note">
          {problem}{" "}
          <button type="button" className="link" onClick={() => void load(null)}>
            Try again
          </button>
        </p>
      )}
      {rows?.length === 0 && <p className="dim">None yet. After your first call its review is here.</p>}
      {rows === null && !problem && <p className="dim">Reading …</p>}
      <ul className="calls">
        {rows?.map((row) => (
          <li key={row.call_id}>
            <a href={`#/calls/${row.call_id}`}>
              <span className="title">{row.title || "Call"}</span>
              <span className="dim">
                {when(row.started_at)} · {row.status === "live" ? "running" : duration(row.audio_ms)}
              </span>
              <Result row={row} />
            </a>
          </li>
        ))}
      </ul>
      {next && (
        <button type="button" onClick={() => void load(next)}>
          Earlier calls
        </button>
      )}
    </section>
  );
}

function Result({ row }: { row: CallRow }) {
  if (row.status === "live") return <span className="score dim">live</span>;
  if (typeof row.score === "number") {
    return (
      <span className="score">
        {Math.round(row.score)}
        <span className="hidden"> of 100</span>
      </span>
    );
  }
  if (row.review?.status === "failed") return <span className="score dim">no review</span>;
  return null;
}

const WHEN = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

function when(iso: string): string {
  return WHEN.format(new Date(iso));
}
