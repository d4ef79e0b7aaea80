"""Write the browser client's types from the server's own description: ui/src/api/schema.d.ts.

Needs Node and `npm ci` in ui/. The first line of the file holds the description's digest, by which a test tells,
without Node, whether the committed file is current.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, cast

from ridealong.web.server import create_app
from ridealong.web.services import Services

UI = Path(__file__).resolve().parent.parent / "ui"
SCHEMA = UI / "src" / "api" / "schema.d.ts"


def description() -> str:
    """The server's /openapi.json, as it is served."""
    # Routes are described without being called, so nothing has to stand behind them.
    nothing = cast(Any, None)
    services = Services(calls=nothing, tokens=nothing, library=nothing, recordings=nothing, render=nothing)
    described = create_app(services).openapi()
    # The version of the program is no part of what a client is generated from.
    described["info"]["version"] = ""
    return json.dumps(described, sort_keys=True, indent=1)


def first_line() -> str:
    """What the current file begins with."""
    digest = hashlib.sha256(description().encode()).hexdigest()
    return f"// From the server's description {digest}: see tools/openapi_types.py"


def main() -> int:
    """Write the file; the exit code is the generator's."""
    with tempfile.TemporaryDirectory() as folder:
        source, made = Path(folder) / "openapi.json", Path(folder) / "schema.d.ts"
        source.write_text(description())
        command = ["npx", "--no-install", "openapi-typescript", str(source), "--alphabetize", "--output", str(made)]
        done = subprocess.run(command, cwd=UI, check=False, capture_output=True, text=True)
        if done.returncode:
            sys.stderr.write(done.stderr)
            return done.returncode
        SCHEMA.write_text(first_line() + "\n" + made.read_text())
    print(f"{SCHEMA.relative_to(UI.parent)} is current")
    return 0


if __name__ == "__main__":
    sys.exit(main())
