"""A customer's CRM: the seam. Adapters translate words and errors; what is written is decided elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Protocol, Self

from ridealong.core.crm import CallNote, CrmDeal, DealProperty


class Crm(Protocol):
    """One customer's account, open while inside `async with`. Every method raises CrmFailed."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def is_deal_id(self, text: str) -> bool:
        """Whether that looks like a deal's id in this CRM."""
        ...

    async def account(self) -> str:
        """Whose account it is, for the people who set it up."""
        ...

    async def properties(self) -> Mapping[str, DealProperty]:
        """The properties that deals have, by name."""
        ...

    async def deal(self, deal_id: str, properties: Sequence[str] = ()) -> CrmDeal:
        """The deal with the values of these properties, which exist. Raises CrmFailed(DEAL_GONE)."""
        ...

    async def deals_named(self, name: str) -> list[CrmDeal]:
        """Deals of exactly that name, at most ten."""
        ...

    async def deals_of_person(self, email: str) -> list[CrmDeal]:
        """Deals that the person with that address belongs to, at most ten."""
        ...

    async def deals_of_customer(self, name: str) -> list[CrmDeal]:
        """Deals of the company of exactly that name, at most ten."""
        ...

    async def write(self, deal_id: str, values: Mapping[str, str]) -> None:
        """Set these properties of the deal, all or none of them."""
        ...

    async def find_note(self, deal_id: str, mark: str) -> str | None:
        """The id of the deal's note that contains `mark`."""
        ...

    def note_text(self, note: CallNote) -> str:
        """The note as it is written: equal notes are equal texts."""
        ...

    async def write_note(self, deal_id: str, note: CallNote, note_id: str | None) -> str:
        """Make the note, or rewrite the one of that id; its id. One that was deleted there is made anew."""
        ...
