// Runs before anything else of a page, while its scripts are fetched: asks at once for what the page's own code would ask
// for some hundred milliseconds later, and sets the theme, so that a dark page does not flash white. The build puts it
// into the page (see `pageFiles`), and the server's policy names it by its hash.
(() => {
  const { pathname, search } = location;
  const call = /^\/calls\/([0-9a-f-]{36})\/?$/.exec(pathname);
  const list = /^\/calls\/?$/.test(pathname) || pathname === "/";

  // `src/api/client.ts` takes the answers from here, each once.
  const asked = new Map();
  const ask = (path, after) => {
    const answer = after
      ? after.then(() => fetch(path, { headers: { Accept: "application/json" } }))
      : fetch(path, { headers: { Accept: "application/json" } });
    // Whoever takes it hears of a failure; where nobody does, it is no error of the page.
    answer.catch(() => undefined);
    asked.set(path, answer);
    return answer.catch(() => undefined);
  };
  // Before all else: what follows waits for other processes of the browser.
  if (!/^\/(shared|join|setup)(\/|$)/.test(pathname)) {
    window.asked = asked;
    ask("/v1/session");
    if (call) {
      const address = `/v1/calls/${call[1]}`;
      ask(address);
      // In the order in which the page shows them, each when the server has the one before it behind itself: all at once
      // they take as long together, and the first of them as long as the last.
      const review = ask(`${address}/artifact`);
      const transcript = ask(`${address}/transcript`, review);
      for (const part of ["/votes", "/comments", "/moments", "/waveform?points=2000"]) ask(address + part, transcript);
    } else if (list && search === "") {
      ask("/v1/calls?sort=started_at&order=desc&limit=50");
    }
  }

  // The build fills in which files each page is made of.
  let files = {};
  try {
    files = JSON.parse("__PAGE_FILES__");
  } catch {
    // Not built: the development server.
  }
  for (const file of (call ? files.call : list ? files.list : null) ?? []) {
    const link = document.createElement("link");
    link.rel = file.endsWith(".css") ? "preload" : "modulepreload";
    if (file.endsWith(".css")) link.as = "style";
    // As whoever loads it later does, or it would be fetched twice.
    link.crossOrigin = "";
    link.href = file;
    document.head.append(link);
  }

  const stored = /(?:^|; )ridealong_theme=(\w+)/.exec(document.cookie)?.[1];
  const dark = stored === "dark" || (stored !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.setAttribute("data-mantine-color-scheme", dark ? "dark" : "light");
})();
