"""What the pages keep about calls beside the calls themselves. The composition root fills these in.

Where a method takes a `tenant_id`, it sees that tenant alone, and of it what whoever asks may see; what it does not see
does not exist. All raise Unavailable while the database is away; those with a `call_id` raise Refused('unknown_call').
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, TypeVar
from uuid import UUID

from ridealong.core.answer import Scope
from ridealong.core.author import Author
from ridealong.core.errors import MissingPart
from ridealong.core.moments import Verdict

Json = Mapping[str, object]
Part = TypeVar("Part")


def there(part: Part | None) -> Part:
    """`part`, or MissingPart where this server was put together without it."""
    if part is None:
        raise MissingPart("this server was put together without this part")
    return part


class CallPages(Protocol):
    """What a call's page shows beyond the call: how it sounds and counts, who speaks, and everything in one file."""

    async def waveform(self, tenant_id: UUID, call_id: UUID, *, points: int) -> Json:
        """Raises Refused('no_recording')."""
        ...

    async def statistics(self, tenant_id: UUID, call_id: UUID) -> Sequence[Json]: ...

    async def correct_speaker(
        self, tenant_id: UUID, call_id: UUID, speaker_id: int, author: Author, change: Mapping[str, str | None]
    ) -> Json:
        """The call as it is now. `change` holds `name` (None: take it away) or `role` or both.

        Raises Refused('unknown_speaker').
        """
        ...

    async def change_context(self, tenant_id: UUID, call_id: UUID, change: Mapping[str, str]) -> Json:
        """The call as it is now. `change` holds the parts of its context that change. Raises Refused('bad_request')."""
        ...

    async def review_again(self, tenant_id: UUID, call_id: UUID) -> None:
        """Raises Refused('call_running' | 'unknown_review')."""
        ...

    async def export(
        self, tenant_id: UUID, call_id: UUID, *, form: Literal["md", "html", "json"], template: str, audio_url: str
    ) -> str:
        """Raises Refused('not_reviewed' | 'not_found') or InvalidDocument."""
        ...


class Talk(Protocol):
    """What people say about calls."""

    async def vote(
        self,
        tenant_id: UUID,
        call_id: UUID,
        claim_id: UUID,
        author: Author,
        *,
        verdict: Literal["agree", "disagree"] | None,
        note: str,
    ) -> Sequence[Json]:
        """The claim's votes. `verdict` None takes the author's back. Raises Refused('unknown_claim')."""
        ...

    async def votes(self, tenant_id: UUID, call_id: UUID) -> Sequence[Json]: ...

    async def feedback(
        self, tenant_id: UUID, call_id: UUID, moment_id: UUID, author: Author, verdict: Verdict
    ) -> Sequence[Json]:
        """The moment's feedback. Raises Refused('unknown_moment')."""
        ...

    async def mark(self, tenant_id: UUID, call_id: UUID, author: Author, *, at_ts: int) -> Json: ...

    async def comments(self, tenant_id: UUID, call_id: UUID) -> Sequence[Json]: ...

    async def comment(
        self, tenant_id: UUID, call_id: UUID, author: Author, *, at_ts: int, text: str, reply_to: UUID | None
    ) -> Json:
        """Raises Refused('unknown_comment')."""
        ...

    async def delete_comment(
        self, tenant_id: UUID, call_id: UUID, comment_id: UUID, *, by: Author, anyones: bool
    ) -> None:
        """Raises Refused('unknown_comment' | 'forbidden')."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """What a share opens: one call, and how much of it."""

    tenant_id: UUID
    call_id: UUID
    scope: Literal["report", "call"]
    audio: bool
    expires_at: datetime


class Shares(Protocol):
    async def open(self, token: str) -> Opened:
        """Raises Refused('unknown_share')."""
        ...

    async def make(
        self,
        tenant_id: UUID,
        call_id: UUID,
        author: Author,
        *,
        scope: Literal["report", "call"],
        audio: bool,
        expires_s: int,
    ) -> tuple[Json, str]:
        """The share and its token."""
        ...

    async def of(self, tenant_id: UUID, call_id: UUID) -> Sequence[Json]: ...

    async def working(self, tenant_id: UUID) -> Sequence[Json]:
        """Those of all calls that open something now."""
        ...

    async def revoke(self, tenant_id: UUID, call_id: UUID, share_id: UUID) -> None:
        """Raises Refused('unknown_share')."""
        ...


class Playlists(Protocol):
    """All raise Refused('unknown_playlist')."""

    async def all(self, tenant_id: UUID) -> Sequence[Json]: ...

    async def make(self, tenant_id: UUID, author: Author, name: str) -> Json: ...

    async def read(self, tenant_id: UUID, playlist_id: UUID) -> Json: ...

    async def delete(self, tenant_id: UUID, playlist_id: UUID) -> None: ...

    async def add(
        self,
        tenant_id: UUID,
        playlist_id: UUID,
        author: Author,
        *,
        call_id: UUID,
        start_ts: int,
        end_ts: int,
        note: str,
        moment_id: UUID | None,
        claim_id: UUID | None,
    ) -> Json:
        """Raises Refused('unknown_moment' | 'unknown_claim') or Ungrounded."""
        ...

    async def remove(self, tenant_id: UUID, playlist_id: UUID, item_id: UUID) -> None: ...


class Across(Protocol):
    """What is asked over many calls together."""

    async def ask(self, tenant_id: UUID, question: str, scope: Scope) -> Json:
        """Raises Refused('empty_query' | 'query_too_long')."""
        ...

    async def deals(self, tenant_id: UUID) -> Sequence[Json]: ...

    async def deal(self, tenant_id: UUID, customer: str, deal: str | None) -> Json:
        """`deal` None: all calls of the customer. Raises Refused('unknown_deal')."""
        ...

    async def themes(self, tenant_id: UUID, scope: Scope, *, most: int) -> Json:
        """`most`: moments to show of each theme."""
        ...

    async def moments(self, tenant_id: UUID, moment_ids: Sequence[UUID]) -> Json:
        """Those that whoever asks may see, in this order."""
        ...


class Effects(Protocol):
    """Whether nudges helped."""

    async def of_call(self, tenant_id: UUID, call_id: UUID) -> Json: ...

    async def figures(
        self, tenant_id: UUID, *, started_from: datetime | None, started_to: datetime | None, rep_id: str | None
    ) -> Json: ...


class Team(Protocol):
    async def live(self, tenant_id: UUID) -> Sequence[Json]:
        """The calls that run now, the newest first."""
        ...

    async def figures(
        self, tenant_id: UUID, *, started_from: datetime | None, started_to: datetime | None, rep_id: str | None
    ) -> Json: ...


__all__ = ["Across", "CallPages", "Effects", "Opened", "Playlists", "Shares", "Talk", "Team", "there"]
