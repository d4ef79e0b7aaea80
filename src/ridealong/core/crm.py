"""What a customer's CRM is told of a call, and what it tells us: the vocabulary that no vendor owns.

Grounding goes along: a value that is written is a `Proven`, which cannot be made without the claim that proves it and
the address that plays the claim.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from ridealong.core.claims import Claim
from ridealong.core.errors import RidealongError, Ungrounded


class CrmVendor(StrEnum):
    HUBSPOT = "hubspot"
    SALESFORCE = "salesforce"


class CrmFault(StrEnum):
    """Why something was not written or not found: the reason in the delivery log."""

    TOKEN_REFUSED = "token refused"  # noqa: S105 - a reason, not a token
    NOT_ALLOWED = "not allowed"
    BUSY = "busy"
    AWAY = "not reached"
    LATE = "too late"
    NOT_UNDERSTOOD = "not understood"
    DEAL_GONE = "deal not found"
    NO_DEAL = "no deal"
    """Nothing says which deal the call belongs to."""
    SEVERAL_DEALS = "several deals"
    PROPERTY_MISSING = "property missing"
    VALUE_REFUSED = "value refused"
    NO_REVIEW = "no review"
    NOT_SET_UP = "not set up"


PASSING: Final = frozenset((CrmFault.BUSY, CrmFault.AWAY, CrmFault.LATE, CrmFault.NOT_UNDERSTOOD))
"""What time may mend. The others wait for somebody to change something."""


class CrmFailed(RidealongError):
    """The CRM did not do what it was asked. `answer`: the status of HTTP, None where there was none.

    `properties`: names of the CRM's own that it is about. `wait_s`: how long the CRM asks us to stay away.
    """

    def __init__(
        self,
        fault: CrmFault,
        message: str,
        *,
        answer: int | None = None,
        properties: tuple[str, ...] = (),
        wait_s: float = 0.0,
    ) -> None:
        super().__init__(message)
        self.fault = fault
        self.answer = answer
        self.properties = properties
        self.wait_s = wait_s


@dataclass(frozen=True, kw_only=True, slots=True)
class DealProperty:
    """A property of deals as the CRM describes it. `longest`: characters that it holds, None where it does not say."""

    name: str
    writable: bool
    text: bool
    """Whether it holds free text: a value with its link fits in nothing else."""
    longest: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CrmDeal:
    """A deal as the CRM has it. `stage` is its own word for it, `stage_label` the one that people read."""

    deal_id: str
    name: str
    customer: str = ""
    stage: str = ""
    stage_label: str = ""
    closed: bool = False
    values: Mapping[str, str] = field(default_factory=dict[str, str])
    """Of the properties that were asked for and exist; empty text where nothing is written."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Proven:
    """Something that is said of a call, the claim that proves it, and where the claim plays."""

    text: str
    claim: Claim
    link: str

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise ValueError("a value says something")
        if not self.link.startswith(("https://", "http://")):
            raise Ungrounded("a value that leaves us carries the address that plays its claim")

    def printed(self, longest: int | None = None) -> str | None:
        """The text with its link, in at most `longest` characters; None where the link does not fit.

        The text is cut, the link never: what cannot be played is not written.
        """
        text, tail = " ".join(self.text.split()), f" {self.link}"
        if longest is None or len(text) + len(tail) <= longest:
            return text + tail
        room = longest - len(tail) - 1
        return None if room < 1 else f"{text[:room].rstrip()}…{tail}"


def printed(values: tuple[Proven, ...], longest: int | None = None) -> str | None:
    """Several, one a line and whole lines only; None where not even the first fits, or there is none."""
    lines: list[str] = []
    for value in values:
        taken = sum(len(line) + 1 for line in lines)
        line = value.printed(longest if longest is None or not lines else None)
        if line is None or (longest is not None and taken + len(line) > longest):
            break
        lines.append(line)
    return "\n".join(lines) or None


@dataclass(frozen=True, kw_only=True, slots=True)
class NotePart:
    """A heading of ours, and what is said under it."""

    title: str
    lines: tuple[Proven, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class CallNote:
    """What stands in the deal's history of one call: rewritten when the call is reviewed again, never doubled."""

    call_id: UUID
    title: str
    """The tenant's own name of the call; empty where it has none."""
    started_at: datetime
    duration_ms: int
    page: str
    """The address of the call's page. It holds the call's id, by which a note of ours is known again."""
    parts: tuple[NotePart, ...]

    @property
    def mark(self) -> str:
        return mark_of(self.call_id)


def mark_of(call_id: UUID) -> str:
    """What a note about that call contains, and no other note."""
    return f"/calls/{call_id}"


class ContextSource(StrEnum):
    """Who said a value of a call's context. What began the call said what has no source of its own."""

    PERSON = "person"
    CRM = "crm"
    CALENDAR = "calendar"


@dataclass(frozen=True, kw_only=True, slots=True)
class Stated:
    """One value of a call's context and who said it. `detail`: for example the deal's id, or the meeting's."""

    value: str
    source: ContextSource
    detail: str = ""
    stated_at: datetime | None = None

    def as_json(self) -> dict[str, object]:
        return {
            "source": self.source.value,
            "detail": self.detail,
            "stated_at": None if self.stated_at is None else self.stated_at.isoformat(),
        }
