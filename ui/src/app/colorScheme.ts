/**
 * Which theme somebody chose. In a cookie: the browser fetches a page's local storage from another process and lets the page
 * wait for it, a tenth of a second at its opening. `public/first.js` reads it too.
 */

import { isMantineColorScheme, type MantineColorScheme, type MantineColorSchemeManager } from "@mantine/core";

const NAME = "ridealong_theme";
const YEAR_S = 365 * 24 * 3600;

function keep(value: string, seconds: number): void {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  // biome-ignore lint/suspicious/noDocumentCookie: the other way to write one is asynchronous and not in every browser
  document.cookie = `${NAME}=${value}; Path=/; Max-Age=${seconds}; SameSite=Lax${secure}`;
}

export function makeColorSchemeManager(): MantineColorSchemeManager {
  // Other tabs follow, as they do with local storage.
  let channel: BroadcastChannel | null = null;
  return {
    get: (fallback) => {
      const found = new RegExp(`(?:^|; )${NAME}=(\\w+)`).exec(document.cookie)?.[1];
      return isMantineColorScheme(found) ? found : fallback;
    },
    set: (value) => {
      keep(value, YEAR_S);
      channel?.postMessage(value);
    },
    subscribe: (update) => {
      channel = new BroadcastChannel(NAME);
      channel.onmessage = (event: MessageEvent<MantineColorScheme>) => update(event.data);
    },
    unsubscribe: () => {
      channel?.close();
      channel = null;
    },
    clear: () => keep("", 0),
  };
}
