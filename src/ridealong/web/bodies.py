"""What requests' bodies have in common."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def one_line(text: str) -> str:
    """A name as people read it. Raises ValueError for what is none."""
    text = text.strip()
    if not text or any(ord(character) < 0x20 or ord(character) == 0x7F for character in text):
        raise ValueError("write a name, in one line")
    return text


Name = Annotated[str, Field(max_length=200), AfterValidator(one_line)]


class Strict(BaseModel):
    """A body in which a word that nobody knows is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)
