"""Who wrote something: a member of the tenant, or a program with a token."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class Author:
    """`member_id` is None for a program. The name is kept with what was written: it says who it was then."""

    member_id: UUID | None
    name: str

    def as_json(self) -> dict[str, object]:
        return {"member_id": None if self.member_id is None else str(self.member_id), "name": self.name}
