/** What a rep sets on this phone. It stays on this phone. */

export interface Settings {
  theme: "system" | "dark" | "light";
  /** A card is also spoken, for an earbud. */
  voice: boolean;
  vibrate: boolean;
  /** A card is also a notification, so that a watch shows it. */
  notify: boolean;
  cardSeconds: number;
  /** Whose consent wording is used. */
  region: string;
}

const KEY = "ridealong-rep-settings";
export const STANDARD: Settings = {
  theme: "system",
  voice: false,
  vibrate: true,
  notify: false,
  cardSeconds: 10,
  region: "",
};

export class StoredSettings {
  private value: Settings = read();
  private readonly watchers = new Set<() => void>();

  get snapshot(): Settings {
    return this.value;
  }

  change(part: Partial<Settings>): void {
    this.value = { ...this.value, ...part };
    try {
      localStorage.setItem(KEY, JSON.stringify(this.value));
    } catch {
      // It holds until the page is closed.
    }
    for (const changed of this.watchers) changed();
  }

  watch(changed: () => void): () => void {
    this.watchers.add(changed);
    return () => this.watchers.delete(changed);
  }
}

/** What was stored by whatever version: each value only where it is of its kind. */
function read(): Settings {
  try {
    const stored: Record<string, unknown> = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    const kept = Object.entries(STANDARD).map(([name, standard]) => {
      const value = stored[name];
      return [name, typeof value === typeof standard ? value : standard];
    });
    return Object.fromEntries(kept) as Settings;
  } catch {
    return STANDARD;
  }
}
