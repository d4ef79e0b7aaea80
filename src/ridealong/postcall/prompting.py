"""The prompts that come with the product, one file each, with its version in its name."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def prompt(name: str) -> str:
    """The text of that prompt, for example `review-1`."""
    return files("ridealong.postcall").joinpath("prompts", f"{name}.md").read_text(encoding="utf-8").strip()
