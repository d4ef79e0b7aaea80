"""What people say about calls, as the web sees it: votes, feedback, marks, comments, shares and playlists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal
from uuid import UUID

from ridealong.core.errors import Refused
from ridealong.core.moments import Verdict
from ridealong.store import Store, calls, comments, opinions, playlists, shares
from ridealong.web.shelves import Opened

if TYPE_CHECKING:
    from ridealong.core.author import Author
    from ridealong.live.registry import LiveCalls

Json = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class StoredTalk:
    """Implements `web.shelves.Talk`."""

    store: Store
    running: LiveCalls

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
        async with self.store.tenant(tenant_id) as conn:
            await calls.load_call(conn, call_id)
            if verdict is None:
                await opinions.take_vote_back(conn, call_id, claim_id, author)
            else:
                await opinions.vote(conn, call_id, claim_id, author, verdict=opinions.Opinion(verdict), note=note)
            return [_vote(v) for v in await opinions.load_votes(conn, call_id, claim_id)]

    async def votes(self, tenant_id: UUID, call_id: UUID) -> Sequence[Json]:
        async with self.store.tenant(tenant_id) as conn:
            await calls.load_call(conn, call_id)
            return [_vote(v) for v in await opinions.load_votes(conn, call_id)]

    async def feedback(
        self, tenant_id: UUID, call_id: UUID, moment_id: UUID, author: Author, verdict: Verdict
    ) -> Sequence[Json]:
        async with self.store.tenant(tenant_id) as conn:
            await calls.load_call(conn, call_id)
            await opinions.give_feedback(conn, call_id, moment_id, author, verdict)
            found = await opinions.load_feedback(conn, call_id)
        return [feedback_json(f) for f in found if f.moment_id == moment_id]

    async def mark(self, tenant_id: UUID, call_id: UUID, author: Author, *, at_ts: int) -> Json:
        async with self.store.tenant(tenant_id) as conn:
            call = await calls.load_call(conn, call_id)
            length_ms = call.audio_ms
            if call.live and call_id in self.running.running(tenant_id):
                length_ms = (await self.running.find(tenant_id, call_id)).audio_ms()
            if at_ts > length_ms:
                raise Refused("bad_request", "`at_ts` lies behind the end of the call")
            return mark_json(await opinions.mark(conn, call_id, at_ts, author))

    async def comments(self, tenant_id: UUID, call_id: UUID) -> Sequence[Json]:
        async with self.store.tenant(tenant_id) as conn:
            await calls.load_call(conn, call_id)
            return [_comment(c) for c in await comments.load_comments(conn, call_id)]

    async def comment(
        self, tenant_id: UUID, call_id: UUID, author: Author, *, at_ts: int, text: str, reply_to: UUID | None
    ) -> Json:
        async with self.store.tenant(tenant_id) as conn:
            await calls.load_call(conn, call_id)
            return _comment(
                await comments.write_comment(conn, call_id, author, at_ts=at_ts, text=text, reply_to=reply_to)
            )

    async def delete_comment(
        self, tenant_id: UUID, call_id: UUID, comment_id: UUID, *, by: Author, anyones: bool
    ) -> None:
        async with self.store.tenant(tenant_id) as conn:
            await calls.load_call(conn, call_id)
            await comments.delete_comment(conn, call_id, comment_id, by=by, anyones=anyones)


@dataclass(frozen=True, slots=True)
class StoredShares:
    """Implements `web.shelves.Shares`."""

    store: Store

    async def open(self, token: str) -> Opened:
        found = await shares.resolve_share(self.store, token)
        return Opened(
            tenant_id=found.tenant_id,
            call_id=found.call_id,
            scope=found.scope.value,
            audio=found.audio,
            expires_at=found.expires_at,
        )

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
        async with self.store.tenant(tenant_id) as conn:
            await calls.load_call(conn, call_id)
            made, token = await shares.make_share(
                conn,
                call_id,
                author,
                scope=shares.ShareScope(scope),
                audio=audio,
                lifetime=timedelta(seconds=expires_s),
            )
        return _share(made), token

    async def of(self, tenant_id: UUID, call_id: UUID) -> Sequence[Json]:
        async with self.store.tenant(tenant_id) as conn:
            await calls.load_call(conn, call_id)
            return [_share(s) for s in await shares.load_shares(conn, call_id)]

    async def working(self, tenant_id: UUID) -> Sequence[Json]:
        async with self.store.tenant(tenant_id) as conn:
            found = await shares.working_shares(conn)
        return [{**_share(share), "call_id": str(call_id), "title": title} for share, call_id, title in found]

    async def revoke(self, tenant_id: UUID, call_id: UUID, share_id: UUID) -> None:
        async with self.store.tenant(tenant_id) as conn:
            await calls.load_call(conn, call_id)
            await shares.revoke_share(conn, call_id, share_id)


@dataclass(frozen=True, slots=True)
class StoredPlaylists:
    """Implements `web.shelves.Playlists`."""

    store: Store

    async def all(self, tenant_id: UUID) -> Sequence[Json]:
        async with self.store.tenant(tenant_id) as conn:
            return [_playlist(p) for p in await playlists.list_playlists(conn)]

    async def make(self, tenant_id: UUID, author: Author, name: str) -> Json:
        async with self.store.tenant(tenant_id) as conn:
            return _playlist(await playlists.make_playlist(conn, name, author))

    async def read(self, tenant_id: UUID, playlist_id: UUID) -> Json:
        async with self.store.tenant(tenant_id) as conn:
            found = await playlists.load_playlist(conn, playlist_id)
            items = await playlists.load_items(conn, playlist_id)
        return {"playlist_id": str(playlist_id), "name": found.name, "items": [_item(i) for i in items]}

    async def delete(self, tenant_id: UUID, playlist_id: UUID) -> None:
        async with self.store.tenant(tenant_id) as conn:
            await playlists.delete_playlist(conn, playlist_id)

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
        async with self.store.tenant(tenant_id) as conn:
            await calls.load_call(conn, call_id)
            item = await playlists.add_item(
                conn,
                playlist_id,
                author,
                call_id=call_id,
                start_ts=start_ts,
                end_ts=end_ts,
                note=note,
                moment_id=moment_id,
                claim_id=claim_id,
            )
        return _item(item)

    async def remove(self, tenant_id: UUID, playlist_id: UUID, item_id: UUID) -> None:
        async with self.store.tenant(tenant_id) as conn:
            await playlists.remove_item(conn, playlist_id, item_id)


def feedback_json(feedback: opinions.StoredFeedback) -> dict[str, object]:
    return {"verdict": feedback.verdict.value, "by": feedback.author.as_json(), "at": feedback.at.isoformat()}


def mark_json(mark: opinions.StoredMark) -> dict[str, object]:
    return {
        "mark_id": str(mark.mark_id),
        "at_ts": mark.at_ts,
        "by": mark.author.as_json(),
        "at": mark.at.isoformat(),
    }


def _vote(vote: opinions.StoredVote) -> dict[str, object]:
    return {
        "claim_id": str(vote.claim_id),
        "verdict": vote.verdict.value,
        "note": vote.note,
        "by": vote.author.as_json(),
        "at": vote.at.isoformat(),
    }


def _comment(comment: comments.StoredComment) -> dict[str, object]:
    return {
        "comment_id": str(comment.comment_id),
        "at_ts": comment.at_ts,
        "text": comment.text,
        "by": comment.author.as_json(),
        "at": comment.at.isoformat(),
        "reply_to": None if comment.reply_to is None else str(comment.reply_to),
        "deleted": comment.deleted,
    }


def _share(share: shares.StoredShare) -> dict[str, object]:
    return {
        "share_id": str(share.share_id),
        "scope": share.scope.value,
        "audio": share.audio,
        "by": share.author.as_json(),
        "created_at": share.created_at.isoformat(),
        "expires_at": share.expires_at.isoformat(),
        "revoked_at": None if share.revoked_at is None else share.revoked_at.isoformat(),
        "by_disabled": share.author_disabled,
    }


def _playlist(playlist: playlists.StoredPlaylist) -> dict[str, object]:
    return {
        "playlist_id": str(playlist.playlist_id),
        "name": playlist.name,
        "by": playlist.author.as_json(),
        "created_at": playlist.created_at.isoformat(),
        "items": playlist.items,
    }


def _item(item: playlists.StoredItem) -> dict[str, object]:
    return {
        "item_id": str(item.item_id),
        "call_id": str(item.call_id),
        "utterance_no": item.utterance_no,
        "start_ts": item.start_ts,
        "end_ts": item.end_ts,
        "speaker_id": item.speaker_id,
        "quote": item.quote,
        "title": item.title,
        "note": item.note,
        "kind": item.kind,
        "id": None if item.of_id is None else str(item.of_id),
        "by": item.author.as_json(),
        "at": item.at.isoformat(),
    }
