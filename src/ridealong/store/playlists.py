"""Playlists: stretches of calls worth hearing again. Each item cites what is said there, as a claim does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

from psycopg import AsyncConnection

from ridealong.core.author import Author
from ridealong.core.errors import Refused, Ungrounded


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredPlaylist:
    playlist_id: UUID
    name: str
    author: Author
    created_at: datetime
    items: int


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredItem:
    """Plays from `start_ts` to `end_ts`, ms of call audio, and quotes what `speaker_id` says there.

    `kind` is `utterance`, `moment` or `claim`, and `of_id` the id of the last two; None for a claim that its review
    does not state any more.
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
    kind: str
    of_id: UUID | None
    author: Author
    at: datetime


async def make_playlist(connection: AsyncConnection, name: str, author: Author) -> StoredPlaylist:
    cursor = await connection.execute(
        "INSERT INTO playlist (tenant_id, playlist_id, name, author_id, author_name)"
        " VALUES (current_tenant(), %s, %s, %s, %s) RETURNING playlist_id, name, author_id, author_name, created_at, 0",
        [uuid4(), name, author.member_id, author.name],
    )
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101 - RETURNING
    return _playlist(row)


async def list_playlists(connection: AsyncConnection) -> list[StoredPlaylist]:
    """By name."""
    cursor = await connection.execute(
        f"SELECT {_PLAYLIST} FROM playlist p ORDER BY lower(p.name), p.created_at, p.playlist_id"
    )
    return [_playlist(row) for row in await cursor.fetchall()]


async def load_playlist(connection: AsyncConnection, playlist_id: UUID) -> StoredPlaylist:
    """Raises Refused('unknown_playlist')."""
    cursor = await connection.execute(f"SELECT {_PLAYLIST} FROM playlist p WHERE p.playlist_id = %s", [playlist_id])
    row = await cursor.fetchone()
    if row is None:
        raise Refused("unknown_playlist", "there is no such playlist")
    return _playlist(row)


async def delete_playlist(connection: AsyncConnection, playlist_id: UUID) -> None:
    """The playlist with its items; the calls stay. Raises Refused('unknown_playlist')."""
    cursor = await connection.execute("DELETE FROM playlist WHERE playlist_id = %s", [playlist_id])
    if cursor.rowcount == 0:
        raise Refused("unknown_playlist", "there is no such playlist")


async def load_items(connection: AsyncConnection, playlist_id: UUID, item_id: UUID | None = None) -> list[StoredItem]:
    """In the order in which they were added. The quote is cut from the utterance each time."""
    cursor = await connection.execute(
        "SELECT i.item_id, i.call_id, i.utterance_no, i.clip_start_ts, i.clip_end_ts, i.speaker_id,"
        " substr(u.text, i.quote_start + 1, i.quote_end - i.quote_start), c.title, i.note, i.kind,"
        " coalesce(i.moment_id, k.claim_id), i.author_id, i.author_name, i.added_at"
        " FROM playlist_item i JOIN call c USING (tenant_id, call_id)"
        " JOIN utterance u USING (tenant_id, call_id, revision, utterance_no)"
        " LEFT JOIN claim k ON k.tenant_id = i.tenant_id AND k.claim_id = i.claim_id"
        " WHERE i.playlist_id = %s AND i.item_id = coalesce(%s, i.item_id) ORDER BY i.added_at, i.item_id",
        [playlist_id, item_id],
    )
    return [
        StoredItem(
            item_id=row[0],
            call_id=row[1],
            utterance_no=row[2],
            start_ts=row[3],
            end_ts=row[4],
            speaker_id=row[5],
            quote=row[6],
            title=row[7],
            note=row[8],
            kind=row[9],
            of_id=row[10],
            author=Author(member_id=row[11], name=row[12]),
            at=row[13],
        )
        for row in await cursor.fetchall()
    ]


_CITED: Final = "call_id, revision, utterance_no, speaker_id, start_ts, end_ts, text_length, quote_start, quote_end"
_SPAN: Final = (
    # The known speaker who says the most within the stretch, in the newest transcript.
    "SELECT u.call_id, u.revision, u.utterance_no, u.speaker_id, u.start_ts, u.end_ts, u.text_length, 0, u.text_length"
    " FROM utterance u WHERE u.call_id = %(call_id)s AND u.speaker_id IS NOT NULL"
    " AND u.revision = (SELECT max(revision) FROM transcript t WHERE t.call_id = %(call_id)s)"
    " AND u.start_ts < %(clip_end_ts)s AND u.end_ts > %(clip_start_ts)s"
    " ORDER BY least(u.end_ts, %(clip_end_ts)s) - greatest(u.start_ts, %(clip_start_ts)s) DESC, u.utterance_no LIMIT 1"
)


async def add_item(
    connection: AsyncConnection,
    playlist_id: UUID,
    author: Author,
    *,
    call_id: UUID,
    start_ts: int,
    end_ts: int,
    note: str = "",
    moment_id: UUID | None = None,
    claim_id: UUID | None = None,
) -> StoredItem:
    """Add a stretch of a call: of a moment or claim with its first evidence, else with the utterance said in it.

    Raises Refused('unknown_playlist' | 'unknown_moment' | 'unknown_claim'), or Ungrounded where the stretch holds
    nothing that somebody known says, or not what the moment or claim cites.
    """
    await load_playlist(connection, playlist_id)
    item_id = uuid4()
    values = {
        "item_id": item_id,
        "playlist_id": playlist_id,
        "moment_id": moment_id,
        "claim_id": claim_id,
        "clip_start_ts": start_ts,
        "clip_end_ts": end_ts,
        "note": note,
        "author_id": author.member_id,
        "author_name": author.name,
        "call_id": call_id,
    }
    kind, cited = "utterance", _SPAN
    if moment_id is not None:
        kind, cited = "moment", f"SELECT {_CITED} FROM moment WHERE moment_id = %(moment_id)s AND call_id = %(call_id)s"
    elif claim_id is not None:
        kind, cited = "claim", f"SELECT {_CITED} FROM claim WHERE claim_id = %(claim_id)s AND call_id = %(call_id)s"
    cursor = await connection.execute(
        "INSERT INTO playlist_item (tenant_id, item_id, playlist_id, kind, moment_id, claim_id, clip_start_ts,"
        f" clip_end_ts, note, author_id, author_name, {_CITED})"
        " SELECT current_tenant(), %(item_id)s, %(playlist_id)s, %(kind)s, %(moment_id)s, %(claim_id)s,"
        " %(clip_start_ts)s, %(clip_end_ts)s, %(note)s, %(author_id)s, %(author_name)s, cited.*"
        f" FROM ({cited}) AS cited ({_CITED})",
        {**values, "kind": kind},
    )
    if cursor.rowcount == 0:
        if kind == "utterance":
            raise Ungrounded("nobody who is known speaks between `start_ts` and `end_ts`: choose a stretch with words")
        raise Refused(f"unknown_{kind}", f"this call has no such {kind}")
    return (await load_items(connection, playlist_id, item_id))[0]


async def remove_item(connection: AsyncConnection, playlist_id: UUID, item_id: UUID) -> None:
    """Raises Refused('unknown_playlist')."""
    cursor = await connection.execute(
        "DELETE FROM playlist_item WHERE playlist_id = %s AND item_id = %s", [playlist_id, item_id]
    )
    if cursor.rowcount == 0:
        raise Refused("unknown_playlist", "this playlist has no such item")


_PLAYLIST: Final = (
    "p.playlist_id, p.name, p.author_id, p.author_name, p.created_at,"
    " (SELECT count(*) FROM playlist_item i WHERE i.tenant_id = p.tenant_id AND i.playlist_id = p.playlist_id)"
)


def _playlist(row: tuple[Any, ...]) -> StoredPlaylist:
    return StoredPlaylist(
        playlist_id=row[0],
        name=row[1],
        author=Author(member_id=row[2], name=row[3]),
        created_at=row[4],
        items=row[5],
    )
