/** Things that change by themselves, in React. */

import { createContext, useContext, useSyncExternalStore } from "react";
import type { Feedback } from "./phone/feedback";
import type { StoredSettings } from "./phone/settings";
import type { Recorder } from "./recording/recorder";
import type { SessionStore } from "./session";

interface Watched<T> {
  readonly snapshot: T;
  watch(changed: () => void): () => void;
}

export function useWatched<T>(thing: Watched<T>): T {
  return useSyncExternalStore(
    (changed) => thing.watch(changed),
    () => thing.snapshot,
  );
}

/** Everything that outlives a screen. */
export interface Phone {
  recorder: Recorder;
  session: SessionStore;
  settings: StoredSettings;
  feedback: Feedback;
}

export const PhoneContext = createContext<Phone | null>(null);

export function usePhone(): Phone {
  const phone = useContext(PhoneContext);
  if (!phone) throw new Error("this screen stands outside of the app");
  return phone;
}

export function useHash(): string {
  return useSyncExternalStore(
    (changed) => {
      addEventListener("hashchange", changed);
      return () => removeEventListener("hashchange", changed);
    },
    () => location.hash,
  );
}
