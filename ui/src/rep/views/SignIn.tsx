import { type FormEvent, useState } from "react";
import { ApiError } from "@/api/client";
import type { Who } from "../session";
import { usePhone } from "../watched";

export function SignIn({ who }: { who: Extract<Who, { state: "out" }> }) {
  const { session } = usePhone();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);

  async function submit(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setBusy(true);
    setProblem(null);
    try {
      await session.signIn(String(form.get("email")), String(form.get("password")));
      if (location.hash === "#/sign-in") location.hash = "";
    } catch (error) {
      setProblem(error instanceof ApiError ? error.message : "That did not work. Try again.");
    } finally {
      setBusy(false);
    }
  }

  return (
    <main className="screen">
      <header>
        <h1>Ridealong</h1>
      </header>
      {who.setupNeeded ? (
        <p>
          This server is new. <a href="/setup">Set it up first</a>, on a computer if you can.
        </p>
      ) : (
        <form className="stack" onSubmit={(event) => void submit(event)}>
          <p>{who.expired ? "You were signed out. Sign in to go on." : "Sign in to record your calls."}</p>
          <label>
            E-mail
            <input name="email" type="email" autoComplete="username" inputMode="email" required />
          </label>
          <label>
            Password
            <input name="password" type="password" autoComplete="current-password" required />
          </label>
          {problem && (
            <p role="alert" className="problem">
              {problem}
            </p>
          )}
          <button type="submit" className="primary" disabled={busy}>
            {busy ? "Signing in …" : "Sign in"}
          </button>
          {who.oidc && (
            <a className="button" href="/v1/oidc/start?next=/rep">
              Sign in with {who.oidc}
            </a>
          )}
        </form>
      )}
    </main>
  );
}
