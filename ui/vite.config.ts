import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { defineConfig, type Plugin, type Rollup } from "vite";

const here = import.meta.dirname;
const worker = resolve(here, "src/rep/sw.ts");

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

// Two pages, one build: `index.html` for manager, supervisor and admin, `rep.html` for the rep's phone.
export default defineConfig({
  root: here,
  resolve: { alias: { "@": resolve(here, "src") } },
  esbuild: { jsx: "automatic" },
  plugins: [repFiles()],
  worker: { format: "es" },
  build: {
    outDir: resolve(here, "../src/ridealong/web/pages"),
    emptyOutDir: true,
    target: "es2022",
    // Nothing becomes a data: address: the content security policy stays as narrow as it is.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 600,
    rollupOptions: {
      // Mantine's files say "use client", which means something to servers that render; there is none here.
      onwarn: (warning, warn) => {
        if (warning.code !== "MODULE_LEVEL_DIRECTIVE") warn(warning);
      },
      input: {
        index: resolve(here, "index.html"),
        rep: resolve(here, "rep.html"),
        ...(existsSync(worker) ? { sw: worker } : {}),
      },
      output: {
        // Each file is a request, and six run at once: two dozen scraps of one library cost a page more than their bytes.
        manualChunks: (id) => (/node_modules\/(@mantine|@floating-ui)\//.test(id) ? "mantine" : undefined),
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
