// Runs before anything else of a page, while its scripts are fetched: sets the theme, so that a dark page does not flash
// white, and asks at once for what the page's own code would ask for some hundred milliseconds later. The build puts it
// into the page (see `pageFiles`), and the server's policy names it by its hash.
(() => {
  let stored = null;
  try {
    stored = localStorage.getItem("mantine-color-scheme-value");
  } catch {
    // Storage is closed: follow the system.
  }
  const dark = stored === "dark" || (stored !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.setAttribute("data-mantine-color-scheme", dark ? "dark" : "light");

  const { pathname, search } = location;
  const call = /^\/calls\/([0-9a-f-]{36})\/?$/.exec(pathname);
  const list = /^\/calls\/?$/.test(pathname) || pathname === "/";

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

  if (/^\/(shared|join|setup)(\/|$)/.test(pathname)) return;
  // In the order in which the page shows them. `src/api/client.ts` takes them from here, each once.
  const asked = ["/v1/session"];
  if (call) {
    const address = `/v1/calls/${call[1]}`;
    const parts = ["", "/artifact", "/transcript", "/votes", "/comments", "/moments", "/waveform?points=2000"];
    asked.push(...parts.map((part) => address + part));
  } else if (list && search === "") {
    asked.push("/v1/calls?sort=started_at&order=desc&limit=50");
  }
  const headers = { Accept: "application/json" };
  window.asked = new Map(
    asked.map((path) => {
      const answer = fetch(path, { headers });
      // Whoever takes it hears of a failure; where nobody does, it is no error of the page.
      answer.catch(() => undefined);
      return [path, answer];
    }),
  );
})();
