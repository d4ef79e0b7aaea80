"""What requests' bodies have in common."""

from __future__ import annotations

from typing import Annotated, Any, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from ridealong.core.visible import unturned


def one_line(text: str) -> str:
    """A name as people read it. Raises ValueError for what is none."""
    text = unturned(text).strip()
    if not text or any(ord(character) < 0x20 or ord(character) == 0x7F for character in text):
        raise ValueError("write a name, in one line")
    return text


Name = Annotated[str, Field(max_length=200), AfterValidator(one_line)]


class Strict(BaseModel):
    """Base of request bodies: a key that nobody knows is a mistake, and told; so is text that nobody can write down."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _whole_characters(cls, given: Any) -> Any:
        # JSON can say half a character (`\ud800`), and whoever encodes or stores it later fails on it. Not every type
        # that pydantic reads refuses it by itself.
        if _broken(given):
            raise ValueError("the text holds half a character: send whole ones")
        return given


def _broken(given: Any) -> bool:
    match given:
        case str():
            return not given.isascii() and any("\ud800" <= character <= "\udfff" for character in given)
        case dict():
            pairs = cast("dict[Any, Any]", given)
            return any(_broken(key) or _broken(value) for key, value in pairs.items())
        case list():
            return any(_broken(value) for value in cast("list[Any]", given))
        case _:
            return False
