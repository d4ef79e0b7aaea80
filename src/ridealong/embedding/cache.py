"""Where built models lie: made once from a package's weights, or from our own examples, then only read."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import platformdirs

from ridealong.config import load_settings


def default_cache_dir() -> Path:
    """`RIDEALONG_MODELS_DIR`, else a folder of this virtual environment, else one of this user.

    The environment comes first because what was built belongs to the packages that lie there: they go together when
    it is removed, and every user of a machine-wide installation reads the same files. It may be read-only by then.
    """
    stated = load_settings().models_dir
    if stated is not None:
        return stated
    own = Path(sys.prefix) / "share" / "ridealong" / "models"
    in_environment = sys.prefix != sys.base_prefix
    if in_environment and (own.is_dir() or os.access(sys.prefix, os.W_OK)):
        return own
    return Path(platformdirs.user_cache_dir("ridealong")) / "models"


def built(cache_dir: Path, name: str, build: Callable[[Path], None]) -> Path:
    """The file `name` in `cache_dir`; where it is missing, `build` writes it to the path that it is given.

    It appears whole or not at all. Two processes may build at once: both results are the same, the later one stays.
    A cache that cannot be written falls back to this user's own.
    """
    for folder in (cache_dir, Path(platformdirs.user_cache_dir("ridealong")) / "models"):
        target = folder / name
        if target.is_file():
            return target
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder, prefix=".building-") as scratch:
                unfinished = Path(scratch) / name
                build(unfinished)
                unfinished.replace(target)
        except PermissionError:
            continue
        return target
    raise PermissionError(f"no folder to keep built models in: {cache_dir} cannot be written; set RIDEALONG_MODELS_DIR")


def digest(parts: Iterable[bytes | Path]) -> str:
    """Sixteen hexadecimal digits that stand for the contents of `parts`, in their order."""
    total = hashlib.blake2b(digest_size=8)
    for part in parts:
        if isinstance(part, Path):
            with part.open("rb") as file:
                total.update(hashlib.file_digest(file, "sha256").digest())
        else:
            total.update(hashlib.sha256(part).digest())
    return total.hexdigest()
