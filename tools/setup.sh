#!/bin/sh
# Build .venv from the lock, the local models from the packages' own weights, and the pages; then mark it done.
set -eu
python=""
for candidate in "${1:-}" python3 python3.13 python3.12 python3.11; do
  # Run it: a name on PATH may be a version manager's shim with nothing behind it.
  if [ -n "$candidate" ] && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
    python=$candidate
    break
  fi
done
[ -n "$python" ] || { echo "Ridealong needs Python 3.11 or newer. Try: make setup PYTHON=/path/to/python3.12" >&2; exit 1; }
if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get -qq update && apt-get -qq install -y python3-venv python3-pip >/dev/null
  else
    echo "Python's venv module is missing: apt-get install python3-venv" >&2; exit 1
  fi
fi
[ -x .venv/bin/python ] || "$python" -m venv .venv
echo "Installing the locked packages (about 1.5 GB with the developer tools; a minute or two) …"
# --no-deps: the lock is complete, and one package's metadata would otherwise bring torch in.
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
.venv/bin/python -m ridealong.app.build
sh tools/build_pages.sh
touch .venv/.done
