"""What people say about a call: votes on claims, comments, shares, exports; and playlists of what they keep."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from ridealong.web.answers import Answer, Author
from ridealong.web.answers.calls import CallDetail


class Vote(Answer):
    """Whether somebody agrees with a claim. It never changes the claim."""

    claim_id: UUID
    verdict: Literal["agree", "disagree"]
    note: str
    by: Author
    at: datetime


class VotesAnswer(Answer):
    votes: list[Vote]


class Comment(Answer):
    """A remark at a time of the call. Of one that was deleted `text` is empty; its replies stay."""

    comment_id: UUID
    at_ts: int
    text: str
    by: Author
    at: datetime
    reply_to: UUID | None
    deleted: bool


class CommentsAnswer(Answer):
    comments: list[Comment]


class Share(Answer):
    """A link that somebody without an account can open, until it expires or is revoked."""

    share_id: UUID
    scope: Literal["report", "call"]
    audio: bool
    by: Author
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    by_disabled: bool = Field(description="Whether who made it may not sign in any more; it works all the same")


class NewShare(Answer):
    """`url` is told once: the server keeps only its hash."""

    share_id: UUID
    url: str
    expires_at: datetime
    scope: Literal["report", "call"]
    audio: bool


class SharesAnswer(Answer):
    shares: list[Share]


class WorkingShare(Share):
    """A share that opens something now, with the call that it opens."""

    call_id: UUID
    title: str


class WorkingSharesAnswer(Answer):
    shares: list[WorkingShare]


class SharedCall(Answer):
    """What a share lets its holder see. `report`: the review; `call`: also transcript, moments and waveform."""

    call: CallDetail
    scope: Literal["report", "call"]
    audio: bool
    expires_at: datetime


class Playlist(Answer):
    playlist_id: UUID
    name: str
    by: Author
    created_at: datetime
    items: int


class PlaylistsAnswer(Answer):
    playlists: list[Playlist]


class PlaylistItem(Answer):
    """A stretch of a call. `kind` and `id`: the moment or claim that it was taken from; else `utterance` and null.

    `title` is the call's.
    """

    item_id: UUID
    call_id: UUID
    utterance_no: int
    start_ts: int
    end_ts: int
    speaker_id: int
    quote: str
    title: str
    note: str
    kind: Literal["utterance", "moment", "claim"]
    id: UUID | None
    by: Author
    at: datetime


class PlaylistShown(Answer):
    playlist_id: UUID
    name: str
    items: list[PlaylistItem]


class MessageSent(Answer):
    """`at_ts`: where the call stood when the message was sent."""

    text: str
    by: Author
    at_ts: int
