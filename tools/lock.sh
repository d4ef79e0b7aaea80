#!/bin/sh
# Rewrite requirements.lock from pyproject.toml: names, versions and hashes, no address of any registry.
# Needs uv (pip install uv). Versions that are locked stay; `tools/lock.sh --upgrade` takes the newest of all.
set -eu
new=$(mktemp)
[ "${1:-}" = --upgrade ] || cp requirements.lock "$new"
uv pip compile pyproject.toml --group dev --extra embeddings --extra parquet --universal --python-version 3.11 \
  --generate-hashes --no-emit-index-url --no-header --no-annotate --quiet --output-file "$new"
# What pyproject.toml overrides away (torch and what only it needs) carries a marker that never holds.
awk '/^[A-Za-z0-9]/ { keep = !/sys_platform == .never./ } keep' "$new" > requirements.lock
rm -f "$new"
