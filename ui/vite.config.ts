import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { defineConfig } from "vite";

const here = import.meta.dirname;
const worker = resolve(here, "src/rep/sw.ts");

// Two pages, one build: `index.html` for manager, supervisor and admin, `rep.html` for the rep's phone.
export default defineConfig({
  root: here,
  resolve: { alias: { "@": resolve(here, "src") } },
  esbuild: { jsx: "automatic" },
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
