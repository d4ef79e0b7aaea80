"""Comments at a time of a call, with replies."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

from psycopg import AsyncConnection

from ridealong.core.author import Author
from ridealong.core.errors import Refused


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredComment:
    """`at_ts` in ms of call audio. Of a deleted comment the text is gone; its replies stay."""

    comment_id: UUID
    at_ts: int
    text: str
    author: Author
    at: datetime
    reply_to: UUID | None
    deleted: bool


_COLUMNS: Final = "comment_id, at_ts, text, author_id, author_name, written_at, reply_to, deleted_at IS NOT NULL"


async def write_comment(
    connection: AsyncConnection, call_id: UUID, author: Author, *, at_ts: int, text: str, reply_to: UUID | None = None
) -> StoredComment:
    """Raises Refused('unknown_comment') for a reply to something that is not on this call."""
    if reply_to is not None:
        cursor = await connection.execute(
            "SELECT FROM comment WHERE comment_id = %s AND call_id = %s", [reply_to, call_id]
        )
        if await cursor.fetchone() is None:
            raise Refused("unknown_comment", "`reply_to` is no comment on this call")
    cursor = await connection.execute(
        "INSERT INTO comment (tenant_id, comment_id, call_id, at_ts, text, reply_to, author_id, author_name)"
        f" VALUES (current_tenant(), %s, %s, %s, %s, %s, %s, %s) RETURNING {_COLUMNS}",
        [uuid4(), call_id, at_ts, text, reply_to, author.member_id, author.name],
    )
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101 - RETURNING
    return _comment(row)


async def load_comments(connection: AsyncConnection, call_id: UUID) -> list[StoredComment]:
    """In the order of the call, replies behind what they reply to in the order in which they were written."""
    cursor = await connection.execute(
        f"SELECT {_COLUMNS} FROM comment WHERE call_id = %s ORDER BY at_ts, written_at, comment_id", [call_id]
    )
    return [_comment(row) for row in await cursor.fetchall()]


async def delete_comment(
    connection: AsyncConnection, call_id: UUID, comment_id: UUID, *, by: Author, anyones: bool
) -> None:
    """Take a comment's text away. `anyones`: also another author's.

    Raises Refused('unknown_comment') or Refused('forbidden').
    """
    cursor = await connection.execute(
        "SELECT author_id FROM comment WHERE comment_id = %s AND call_id = %s", [comment_id, call_id]
    )
    row = await cursor.fetchone()
    if row is None:
        raise Refused("unknown_comment", "this call has no such comment")
    if not anyones and (by.member_id is None or row[0] != by.member_id):
        raise Refused("forbidden", "only its author or an admin deletes a comment")
    await connection.execute(
        "UPDATE comment SET text = '', deleted_at = coalesce(deleted_at, now()) WHERE comment_id = %s", [comment_id]
    )


def _comment(row: tuple[Any, ...]) -> StoredComment:
    return StoredComment(
        comment_id=row[0],
        at_ts=row[1],
        text=row[2],
        author=Author(member_id=row[3], name=row[4]),
        at=row[5],
        reply_to=row[6],
        deleted=row[7],
    )
