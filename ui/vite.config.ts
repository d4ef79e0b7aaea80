import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import { defineConfig, type Plugin, type Rollup, transformWithEsbuild } from "vite";

const here = import.meta.dirname;
const worker = resolve(here, "src/rep/sw.ts");
const outDir = resolve(here, "../src/ridealong/web/pages");

/** Tells the service worker which files the rep's page is made of, so that it opens without a network. */
function repFiles(): Plugin {
  return {
    name: "rep-files",
    // Behind Vite's own, which know the styles of a chunk by then.
    enforce: "post",
    generateBundle(_, bundle) {
      const chunks = Object.values(bundle).filter((file) => file.type === "chunk");
      const entry = chunks.find((chunk) => chunk.isEntry && chunk.name === "rep");
      const sw = chunks.find((chunk) => chunk.isEntry && chunk.name === "sw");
      if (!entry || !sw) return;
      const found = new Set<string>(["manifest.webmanifest", "icon-192.png", "icon.svg"]);
      const visit = (chunk: Rollup.OutputChunk): void => {
        if (found.has(chunk.fileName)) return;
        found.add(chunk.fileName);
        for (const file of chunk.viteMetadata?.importedCss ?? []) found.add(file);
        for (const name of [...chunk.imports, ...chunk.dynamicImports]) {
          const next = bundle[name];
          if (next?.type === "chunk") visit(next);
        }
      };
      visit(entry);
      for (const name of Object.keys(bundle)) if (name.includes("microphone.worklet")) found.add(name);
      const files = JSON.stringify([...found].sort().map((name) => `/${name}`));
      sw.code = sw.code
        .replace(/["'`]__REP_FILES__["'`]/, () => JSON.stringify(files))
        .replace("__REP_VERSION__", createHash("sha256").update(files).digest("hex").slice(0, 12));
      if (sw.code.includes("__REP_")) this.error("the service worker's list of files was not filled in");
    },
  };
}

/**
 * Tells `first.js` which files the pages are made of that people open first, and puts it into the page itself: it runs
 * without waiting for anything. The server allows this very script by its hash, and no other one that stands in a page.
 */
function pageFiles(): Plugin {
  return {
    name: "page-files",
    enforce: "post",
    async writeBundle(_, bundle) {
      const chunks = Object.values(bundle).filter((file) => file.type === "chunk");
      const reach = (chunk: Rollup.OutputChunk | undefined, found: Set<string>): Set<string> => {
        if (!chunk || found.has(chunk.fileName)) return found;
        found.add(chunk.fileName);
        for (const file of chunk.viteMetadata?.importedCss ?? []) found.add(file);
        for (const name of chunk.imports) {
          const next = bundle[name];
          if (next?.type === "chunk") reach(next, found);
        }
        return found;
      };
      const frame = reach(
        chunks.find((chunk) => chunk.isEntry && chunk.name === "index"),
        new Set(),
      );
      const of = (module: string) => {
        // Not by the chunk's own module: a page that is small may have been put together with another.
        const chunk = chunks.find((one) => one.moduleIds.includes(resolve(here, module)));
        if (!chunk) this.error(`${module} is in no file any more: see pageFiles`);
        return [...reach(chunk, new Set())].filter((name) => !frame.has(name)).map((name) => `/${name}`);
      };
      // Not the waveform's: what draws it is asked for when the page stands, and would keep what makes it stand waiting.
      const files = { list: of(ROOTS.list), call: of(ROOTS.call) };
      const first = join(outDir, "first.js");
      const text = await readFile(first, "utf8");
      if (!text.includes('"__PAGE_FILES__"')) this.error("first.js has no place for the pages' files");
      const filled = text.replace('"__PAGE_FILES__"', () => JSON.stringify(JSON.stringify(files)));
      const { code } = await transformWithEsbuild(filled, first, { minify: true, format: "iife", sourcemap: false });
      const index = join(outDir, "index.html");
      const page = await readFile(index, "utf8");
      const place = '<script src="/first.js"></script>';
      if (!page.includes(place) || code.includes("</")) this.error("first.js cannot stand in index.html");
      await writeFile(
        index,
        page.replace(place, () => `<script>${code.trim()}</script>`),
      );
      await rm(first);
    },
  };
}

/** A `.gz` and a `.br` beside each file that packs: the server sends what the browser takes, and packs nothing itself. */
function packed(): Plugin {
  return {
    name: "packed",
    enforce: "post",
    async closeBundle() {
      const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } };
      for (const entry of await readdir(outDir, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile() || !/\.(js|css|html|svg|webmanifest)$/.test(entry.name)) continue;
        const file = join(entry.parentPath, entry.name);
        const plain = await readFile(file);
        if (plain.length < 1000) continue;
        await writeFile(`${file}.gz`, await promisify(gzip)(plain, { level: 9 }));
        await writeFile(`${file}.br`, await promisify(brotliCompress)(plain, quality));
      }
    },
  };
}

/** What the pages are that people open first, and what stands around each. */
const ROOTS = {
  frame: "index.html",
  phone: "src/rep/main.tsx",
  list: "src/calls/CallsPage.tsx",
  call: "src/call/CallPage.tsx",
} as const;

type Root = keyof typeof ROOTS;

/**
 * Which file a module goes into. The browser asks for six files at a time, and a server that is asked for two dozen
 * scraps answers the page's own questions later: so the frame is one file, which holds as well what the list of calls
 * has in common with the page of one call, that page another, and each library that most pages share one.
 */
function files(): (id: string, of: { getModuleInfo: Rollup.GetModuleInfo }) => string | undefined {
  let reached: Record<Root, ReadonlySet<string>> | undefined;
  return (id, { getModuleInfo }) => {
    // On its own: what the phone shares with the other pages must not bring their components along.
    if (/node_modules\/(react|react-dom|scheduler)\//.test(id)) return "react";
    reached ??= {
      frame: reachOf(resolve(here, ROOTS.frame), getModuleInfo),
      phone: reachOf(resolve(here, ROOTS.phone), getModuleInfo),
      list: reachOf(resolve(here, ROOTS.list), getModuleInfo),
      call: reachOf(resolve(here, ROOTS.call), getModuleInfo),
    };
    if (reached.phone.has(id)) return reached.frame.has(id) || reached.call.has(id) ? "base" : undefined;
    // All libraries of the frame in one, whatever they are: one of them in the frame's own file, and the two would import
    // each other, of which one then stands empty when the other begins.
    const library = id.includes("/node_modules/");
    if (library && (reached.frame.has(id) || /\/(@mantine|@floating-ui)\//.test(id))) return "mantine";
    if (reached.frame.has(id) || (reached.list.has(id) && reached.call.has(id))) return "index";
    return reached.call.has(id) ? "call" : undefined;
  };
}

/** What a module brings along at once: not what it asks for later. */
function reachOf(root: string, getModuleInfo: Rollup.GetModuleInfo): ReadonlySet<string> {
  const found = new Set<string>();
  const open = [root];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (found.has(id)) continue;
    found.add(id);
    open.push(...(getModuleInfo(id)?.importedIds ?? []));
  }
  return found;
}

// Two pages, one build: `index.html` for manager, supervisor and admin, `rep.html` for the rep's phone.
export default defineConfig({
  root: here,
  resolve: { alias: { "@": resolve(here, "src") } },
  esbuild: { jsx: "automatic" },
  plugins: [repFiles(), pageFiles(), packed()],
  worker: { format: "es" },
  build: {
    outDir,
    emptyOutDir: true,
    target: "es2022",
    // Nothing becomes a data: address: the content security policy stays as narrow as it is.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 600,
    rollupOptions: {
      // Mantine's files say "use client", which means something to servers that render; there is none here.
      onwarn: (warning, warn) => {
        // Of two files that import each other one begins without the other: it works until somebody opens a dialog.
        if (warning.code === "CIRCULAR_CHUNK") throw new Error(warning.message);
        if (warning.code !== "MODULE_LEVEL_DIRECTIVE") warn(warning);
      },
      input: {
        index: resolve(here, "index.html"),
        rep: resolve(here, "rep.html"),
        ...(existsSync(worker) ? { sw: worker } : {}),
      },
      output: {
        manualChunks: files(),
        experimentalMinChunkSize: 10_000,
        // A service worker's address may not change with its content, and it must lie at the root to serve /rep.
        entryFileNames: (chunk) => (chunk.name === "sw" ? "sw.js" : "assets/[name]-[hash].js"),
      },
    },
  },
  server: {
    port: 5173,
    proxy: { "/v1": { target: "http://127.0.0.1:8790", ws: true, changeOrigin: true } },
  },
});
