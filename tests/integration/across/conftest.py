from __future__ import annotations

import pytest

from ridealong.embedding.minilm import MiniLm, load_embedder


@pytest.fixture(scope="session")
def embedder() -> MiniLm:
    return load_embedder()
