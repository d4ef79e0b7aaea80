"""What is known of a call before a word of it is said: whose deal it is, and what kind of call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final

from ridealong.core.errors import Refused

LONGEST: Final[Mapping[str, int]] = {"customer": 300, "deal": 300, "call_type": 64, "stage": 64}
"""Characters that each part has at most; the database has the same bounds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CallContext:
    """In the tenant's own words, as its calendar or CRM has them; empty where nobody said it.

    `customer` and `deal` bring the calls of one customer, and of one deal, together. A rubric can depend on
    `call_type` (for example `demo`) and `stage` (of the deal, for example `negotiation`).
    """

    customer: str = ""
    deal: str = ""
    call_type: str = ""
    stage: str = ""

    def __post_init__(self) -> None:
        for name, longest in LONGEST.items():
            value: str = getattr(self, name)
            # Two spellings that look the same would be two customers.
            tidy = " ".join(value.split())
            if len(tidy) > longest:
                raise Refused("bad_request", f"`{name}` has at most {longest} characters")
            if not tidy.isprintable():
                raise Refused("bad_request", f"`{name}` holds a character that cannot be shown: take it out")
            object.__setattr__(self, name, tidy)

    def over(self, other: CallContext) -> CallContext:
        """This context, and what it leaves open as `other` has it."""
        return CallContext(**(other.as_json() | {name: value for name, value in self.as_json().items() if value}))

    def as_json(self) -> dict[str, str]:
        return {field.name: getattr(self, field.name) for field in fields(self)}
