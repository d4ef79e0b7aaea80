"""`python -m ridealong.app.build`: build the local models from the packages' weights. Run once by `make setup`.

Whatever is built already is left alone. Without this step the first call builds the same, and waits for it.
"""

from __future__ import annotations

import sys
import time

from ridealong.core.errors import RidealongError
from ridealong.embedding.cache import default_cache_dir
from ridealong.embedding.minilm import load_embedder
from ridealong.live.manner import load_manner
from ridealong.live.sale import load_sale_sense
from ridealong.live.train import load_head


def main() -> int:
    """Build everything; the exit code is 1 where something is missing."""
    folder, begun = default_cache_dir(), time.monotonic()
    sys.stderr.write("Building the local models (sentence embeddings, then the moment classifier) …\n")
    try:
        embedder = load_embedder(folder)
        load_head(embedder, folder)
        load_manner(embedder, folder)
        load_sale_sense(embedder, folder)
    except RidealongError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stderr.write(f"Local models are ready in {folder} ({time.monotonic() - begun:.0f} s).\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
