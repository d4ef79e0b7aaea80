"""Whose calls somebody sees: all of a tenant, or those of one rep."""

from __future__ import annotations

from uuid import UUID


class OwnCalls(UUID):
    """A tenant as one of its reps sees it: its own calls, and no other.

    It is the tenant's id, so it goes wherever that goes, through every layer between the request and the database;
    there `Store.tenant` turns it into a row filter. A second argument beside the id would have to be remembered at
    each of a hundred places, and a place that forgot it would show everything.
    """

    __slots__ = ("_rep_id",)

    _rep_id: str

    def __init__(self, tenant_id: UUID, rep_id: str) -> None:
        if not rep_id.strip():
            # The database reads an empty name as "all".
            raise ValueError("a rep has a name")
        super().__init__(int=tenant_id.int)
        # A UUID refuses to be changed.
        object.__setattr__(self, "_rep_id", rep_id)

    @property
    def rep_id(self) -> str:
        return self._rep_id

    def __reduce__(self) -> tuple[type[OwnCalls], tuple[UUID, str]]:
        # A copy that forgot the rep would see everything.
        return OwnCalls, (UUID(int=self.int), self._rep_id)


def only_rep(tenant_id: UUID) -> str | None:
    """The rep whose calls alone may be seen, None when all of the tenant's may."""
    return tenant_id.rep_id if isinstance(tenant_id, OwnCalls) else None


def whole(tenant_id: UUID) -> UUID:
    """The tenant itself: for what goes on after the request, for example the call that it begins."""
    return UUID(int=tenant_id.int)
