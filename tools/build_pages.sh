#!/bin/sh
# Build the browser's pages (ui/) into the package. Skipped when they are newer than their sources; without Node the
# API alone works, so that is a message and no failure.
set -eu
cd "$(dirname "$0")/.."
out=src/ridealong/web/pages/index.html
if [ -f "$out" ] && [ -z "$(find ui -path ui/node_modules -prune -o -type f -newer "$out" -print | head -n 1)" ]; then
  exit 0
fi
if ! node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' 2>/dev/null \
  || ! command -v npm >/dev/null; then
  echo "The pages were not built: that needs Node 20.19 or newer and npm (found: $(node --version 2>/dev/null || echo none))." >&2
  echo "Calls, the API and reports work without them. Install Node, then run: sh tools/build_pages.sh" >&2
  exit 0
fi
echo "Building the pages (about half a minute) …"
cd ui
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# Nothing here reports to anybody: no funding or audit requests, no update check, no telemetry.
export DISABLE_OPENCOLLECTIVE=1 DO_NOT_TRACK=1 npm_config_audit=false npm_config_fund=false npm_config_update_notifier=false
if [ ! -f node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  npm ci >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
  touch node_modules/.package-lock.json
fi
npm run --silent build >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
