"""In-memory stand-ins over the server's Protocols, as strict as the real parts where the sockets can tell."""

from __future__ import annotations

import asyncio
import math
import secrets
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID, uuid4

from ridealong.core.author import Author
from ridealong.core.errors import InvalidAudio, InvalidDocument, Refused, Unavailable
from ridealong.core.events import (
    CallEnded,
    CallEvent,
    CallStarted,
    FeedbackGiven,
    GapRecorded,
    Latency,
    MarkMade,
    MessageSent,
    MomentDecided,
    PartialHeard,
    ReviewFinished,
    RoleLearned,
    UtteranceFinished,
    WarningGiven,
)
from ridealong.core.moments import Moment, Reason, Sight, Tier, Verdict
from ridealong.core.transcript import (
    Role,
    RoleAssignment,
    RoleSource,
    SpeakerId,
    Transcript,
    TranscriptId,
    Utterance,
)
from ridealong.live import CallStart, Encoding, Numbered
from ridealong.store.call_list import CallFilter, Sort
from ridealong.web.access import ADMIN, CAPTURE, READ, Bearer

KEPT = 512
REP = Author(member_id=None, name="rep-7")


class StandInCall:
    """A call that journals to memory. Tests make it say things with `publish`."""

    def __init__(self, tenant_id: UUID, start: CallStart) -> None:
        self.call_id = uuid4()
        self.tenant_id = tenant_id
        self.start = start
        self.audio = bytearray()
        self.frames = 0
        self.paused = False
        self.review_never_comes = False
        self.ended = False
        self.attached: StandInSender | None = None
        self.detached = 0
        self.stops = 0
        self.journal_delay_s = 0.0
        self.journal_error: Exception | None = None
        self.review: dict[str, object] = {"call_id": str(self.call_id), "score": 50.0, "sections": []}
        self.transcript = Transcript(TranscriptId(call_id=self.call_id))
        self.noticed: set[UUID] = set()
        self.sighted: list[tuple[UUID, Sight]] = []
        self._kept: list[Numbered] = []
        self._partial: tuple[int, PartialHeard] | None = None
        self._partials = 0
        self._changed = asyncio.Event()
        self._over = False
        self.last_seq = 0
        self.quiet_ms = 0
        self.publish(CallStarted(call_id=self.call_id))

    def publish(self, event: CallEvent) -> None:
        if isinstance(event, PartialHeard):
            self._partials += 1
            self._partial = (self._partials, event)
        else:
            self.last_seq += 1
            self._kept.append(Numbered(seq=self.last_seq, event=event))
            del self._kept[:-KEPT]
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def message(self, text: str, author: Author) -> int:
        self.publish(MessageSent(text=text, author=author, at_ts=0, at=0.0))
        return 0

    def close(self) -> None:
        self._over = True
        self._changed.set()

    def attach(self) -> StandInSender:
        if self.attached is not None:
            raise Refused("second_sender", "this call has a sender already")
        if self.ended:
            raise Refused("call_ended", "the call is over")
        self.attached = StandInSender(self)
        return self.attached

    async def watch(self, *, after: int = 0, size: int = 256) -> AsyncIterator[Numbered]:
        seen, partials_seen = after, 0
        while True:
            changed = self._changed
            due = [n for n in self._kept if n.seq > seen][-size:]
            if self._partial is not None and self._partial[0] > partials_seen:
                partials_seen = self._partial[0]
                due.append(Numbered(seq=self.last_seq, event=self._partial[1]))
            for numbered in due:
                seen = max(seen, numbered.seq)
                yield numbered
            if due:
                continue
            if self._over:
                return
            await changed.wait()

    def say(self, text: str, *, speaker: int = 0, role: Role = Role.CUSTOMER, duration_ms: int = 1000) -> Utterance:
        start = self.transcript.end_ts
        utterance = Utterance(
            no=self.transcript.next_no,
            speaker=SpeakerId(speaker),
            start_ts=start,
            end_ts=start + duration_ms,
            text=text,
        )
        self.transcript.append(utterance)
        self.publish(UtteranceFinished(utterance=utterance, role=role, at=utterance.end_ts / 1000))
        return utterance

    def notice(self, type_: str, nudge: str, *, tier: Tier = Tier.NUDGE) -> UUID:
        """Decide a moment of that type on the last utterance."""
        evidence = self.transcript.cite_whole(self.transcript.utterances[-1].no)
        moment = Moment(
            type=type_,
            tier=tier,
            reason=Reason.DELIVERED if tier is Tier.NUDGE else Reason.LOW_CONFIDENCE,
            confidence=0.91,
            nudge=nudge,
            trigger_ts=evidence.end_ts,
            evidence=(evidence,),
        )
        moment_id = uuid4()
        self.noticed.add(moment_id)
        self.publish(
            MomentDecided(moment_id=moment_id, moment=moment, latency=Latency(speech=300.0, classify=2.0), at=1.3)
        )
        return moment_id


class StandInSender:
    def __init__(self, call: StandInCall) -> None:
        self._call = call

    @property
    def received(self) -> int:
        return len(self._call.audio)

    def sign_of_life(self) -> None:
        """Nobody takes a stand-in's place by its silence."""

    async def write(self, data: bytes) -> int:
        call = self._call
        if call.ended:
            raise Refused("call_ended", "the call is over")
        stated = call.start.format
        if stated.encoding is Encoding.PCM16:
            if len(data) % (2 * stated.channels):
                raise InvalidAudio(
                    "a frame of pcm16 holds whole samples of every channel: this one has a byte too many"
                )
            if not call.audio and data[:4] == b"RIFF":
                raise InvalidAudio("these are the bytes of a WAV file: send the samples without its header")
        await asyncio.sleep(call.journal_delay_s)
        if call.journal_error is not None:
            raise call.journal_error
        call.audio += data
        call.frames += 1
        return len(call.audio)

    def write_now(self, data: bytes) -> bool:
        call = self._call
        first = not call.audio
        if first or call.ended or call.journal_delay_s or call.journal_error is not None:
            return False
        if call.start.format.encoding is Encoding.PCM16 and len(data) % (2 * call.start.format.channels):
            return False
        call.audio += data
        call.frames += 1
        return True

    async def wait_received(self, above: int) -> int:
        while len(self._call.audio) <= above:
            await asyncio.sleep(0.01)
        return len(self._call.audio)

    async def gap(self, duration_ms: int, reason: str) -> None:
        self._call.publish(GapRecorded(at_ts=self._ms(), duration_ms=duration_ms, reason=reason, at=0.0))

    async def pause(self) -> None:
        self._call.paused = True

    async def resume(self) -> None:
        self._call.paused = False

    async def state_rep(self, speaker_id: int) -> None:
        self._call.publish(
            RoleLearned(
                assignment=RoleAssignment(
                    speaker_id=SpeakerId(speaker_id), role=Role.REP, source=RoleSource.STATED, confidence=1.0
                ),
                at=0.0,
            )
        )

    async def mark(self, author: Author | None) -> None:
        self._call.publish(MarkMade(mark_id=uuid4(), at_ts=self._ms(), author=author or REP, at=0.0))

    async def sighted(self, moment_id: UUID, sight: Sight) -> bool:
        self._call.sighted.append((moment_id, sight))
        return moment_id in self._call.noticed

    async def feedback(self, moment_id: UUID, verdict: Verdict, author: Author | None) -> bool:
        if moment_id not in self._call.noticed:
            return False
        self._call.publish(FeedbackGiven(moment_id=moment_id, verdict=verdict, author=author or REP, at=0.0))
        return True

    async def stop(self) -> None:
        call = self._call
        call.stops += 1
        call.ended = True
        await asyncio.sleep(0.05)
        if not call.audio:
            call.publish(WarningGiven(code="no_audio", message="the call ended without any audio", at=0.0))
        call.publish(CallEnded(audio_ms=self._ms(), reason="stopped", at=0.0))
        call.attached = None
        if not call.review_never_comes:
            call.publish(ReviewFinished(artifact=call.review, at=0.0))
            call.close()

    async def detach(self) -> None:
        self._call.attached = None
        self._call.detached += 1

    def _ms(self) -> int:
        stated = self._call.start.format
        return len(self._call.audio) * 1000 // (stated.sample_rate * stated.channels * 2)


class StandInCalls:
    """`RunningCalls` in memory."""

    def __init__(self) -> None:
        self.all: dict[UUID, StandInCall] = {}
        self.begin_error: Exception | None = None

    async def begin(self, tenant_id: UUID, start: CallStart) -> StandInCall:
        if self.begin_error is not None:
            raise self.begin_error
        call = StandInCall(tenant_id, start)
        self.all[call.call_id] = call
        return call

    async def find(self, tenant_id: UUID, call_id: UUID) -> StandInCall:
        call = self.all.get(call_id)
        if call is None or call.tenant_id != tenant_id:
            raise Refused("unknown_call", "there is no such call")
        if call.ended:
            raise Refused("call_ended", "the call is over")
        return call

    def find_external(self, tenant_id: UUID, external_id: str) -> StandInCall | None:
        mine = [c for c in self.all.values() if c.tenant_id == tenant_id and not c.ended]
        return next((c for c in mine if c.start.external_id == external_id), None)

    def running(self, tenant_id: UUID) -> list[UUID]:
        return [c.call_id for c in self.all.values() if c.tenant_id == tenant_id and not c.ended]

    async def caught_up(self, call_id: UUID) -> None:
        """Nothing is ever behind here."""

    @property
    def last(self) -> StandInCall:
        return list(self.all.values())[-1]


class StandInTokens:
    """Tokens in memory. `away` makes them unavailable, as a database that went away does."""

    def __init__(self) -> None:
        self.known: dict[str, Bearer] = {}
        self.tenantless: set[str] = set()
        self.expired: set[str] = set()
        self.away = False

    def tenant(self, *scopes: str) -> str:
        token = secrets.token_urlsafe(16)
        self.known[token] = Bearer(tenant_id=uuid4(), scopes=frozenset(scopes or {CAPTURE, READ, ADMIN}))
        return token

    def also(self, token: str, *scopes: str) -> str:
        """Another token of the same tenant."""
        other = secrets.token_urlsafe(16)
        self.known[other] = Bearer(tenant_id=self.known[token].tenant_id, scopes=frozenset(scopes))
        return other

    async def resolve(self, token: str) -> Bearer:
        if self.away:
            raise Unavailable("the database does not answer")
        if token in self.tenantless:
            raise Refused("unknown_tenant", "this token's tenant does not exist any more")
        if token in self.expired:
            raise Refused("expired_token", "this token has expired")
        if token not in self.known:
            raise Refused("unknown_token", "this token is not known")
        return self.known[token]

    async def issue(
        self,
        tenant_id: UUID,
        *,
        scopes: frozenset[str],
        call_id: UUID,
        lifetime_s: float,
        owner: Author | None = None,
    ) -> str:
        if self.away:
            raise Unavailable("the database does not answer")
        token = secrets.token_urlsafe(16)
        self.known[token] = Bearer(tenant_id=tenant_id, scopes=scopes, call_id=call_id)
        return token


@dataclass
class StandInRecording:
    sample_rate: int
    channels: int
    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)

    async def read(self, offset: int, size: int) -> bytes:
        return self.data[offset : offset + size]


@dataclass
class StandInStore:
    """`Library`, `Recordings`, `Renderer`, `Documents` and `Voices` over the same calls."""

    calls_: StandInCalls
    erased: list[UUID] = field(default_factory=list)
    documents: dict[tuple[UUID, str, str], str] = field(default_factory=dict)
    reviewed: bool = True
    away: bool = False

    def _call(self, tenant_id: UUID, call_id: UUID) -> StandInCall:
        if self.away:
            raise Unavailable("the database does not answer")
        call = self.calls_.all.get(call_id)
        if call is None or call.tenant_id != tenant_id or call_id in self.erased:
            raise Refused("unknown_call", "there is no such call")
        return call

    async def calls(
        self, tenant_id: UUID, wanted: CallFilter, *, sort: Sort, descending: bool, limit: int, before: str | None
    ) -> dict[str, object]:
        if before is not None and not before.isdigit():
            raise Refused("bad_request", "`before` must be the `next` of an earlier page")
        mine = [c for c in reversed(self.calls_.all.values()) if c.tenant_id == tenant_id]
        mine = [c for c in mine if wanted.external_id is None or c.start.external_id == wanted.external_id]
        first = int(before or 0)
        page = mine[first : first + limit]
        return {
            "calls": [{"call_id": str(c.call_id)} for c in page],
            "next": str(first + limit) if len(mine) > first + limit else None,
            "total": len(mine),
        }

    async def moment_types(self, tenant_id: UUID) -> list[str]:
        return []

    async def call(self, tenant_id: UUID, call_id: UUID) -> dict[str, object]:
        call = self._call(tenant_id, call_id)
        return {"call_id": str(call.call_id), "title": call.start.title, "odd": math.nan}

    async def transcript(self, tenant_id: UUID, call_id: UUID, *, revision: int | None) -> dict[str, object]:
        call = self._call(tenant_id, call_id)
        return {"call_id": str(call_id), "revision": revision or 1, "utterances": [u.text for u in call.transcript]}

    async def moments(self, tenant_id: UUID, call_id: UUID) -> list[dict[str, object]]:
        self._call(tenant_id, call_id)
        return [{"type": "stall"}]

    async def artifact(self, tenant_id: UUID, call_id: UUID) -> dict[str, object]:
        call = self._call(tenant_id, call_id)
        if not self.reviewed:
            raise Refused("not_reviewed", "this call has no review yet")
        return call.review

    async def events(self, tenant_id: UUID, call_id: UUID) -> Sequence[CallEvent]:
        call = self._call(tenant_id, call_id)
        return [n.event for n in call._kept if not isinstance(n.event, CallStarted)]

    async def search(self, tenant_id: UUID, query: str, *, limit: int, call_id: UUID | None):
        return [{"query": query, "limit": limit, "tenant": str(tenant_id)}]

    async def erase(self, tenant_id: UUID, call_id: UUID) -> None:
        call = self._call(tenant_id, call_id)
        if not call.ended:
            raise Refused("call_running", "the call is being heard: stop it first")
        self.erased.append(call_id)

    async def open(self, tenant_id: UUID, call_id: UUID) -> StandInRecording:
        call = self._call(tenant_id, call_id)
        if not call.audio:
            raise Refused("no_recording", "this call has no audio")
        stated = call.start.format
        return StandInRecording(sample_rate=stated.sample_rate, channels=stated.channels, data=bytes(call.audio))

    async def __call__(
        self, tenant_id: UUID, call_id: UUID, *, template: str, form: Literal["html", "md"], audio_url: str
    ) -> str:
        self._call(tenant_id, call_id)
        if template not in {"manager", "rep"}:
            raise Refused("not_found", "there is no such template")
        return f"<p>{template}</p><audio src='{audio_url}'></audio>" if form == "html" else f"# {template}"

    async def read(self, tenant_id: UUID, kind: str, name: str) -> str:
        try:
            return self.documents[tenant_id, kind, name]
        except KeyError:
            raise Refused("not_found", "there is no such document") from None

    async def write(self, tenant_id: UUID, kind: str, name: str, text: str, author: Author | None = None) -> None:
        await self.check(kind, name, text)
        self.documents[tenant_id, kind, name] = text

    async def check(
        self, kind: str, name: str, text: str, tenant_id: UUID | None = None
    ) -> Sequence[dict[str, object]]:
        if "wrong" in text:
            line = 1 + text[: text.index("wrong")].count("\n")
            raise InvalidDocument("`floor` must lie between 0 and 1", source=kind, line=line)
        return ()

    async def all(self, tenant_id: UUID) -> Sequence[dict[str, object]]:
        return [{"kind": kind, "name": name} for owner, kind, name in self.documents if owner == tenant_id]

    async def versions(self, tenant_id: UUID, kind: str, name: str) -> Sequence[dict[str, object]]:
        await self.read(tenant_id, kind, name)
        return [{"version": 1}]

    async def version(self, tenant_id: UUID, kind: str, name: str, version: int) -> str:
        if version != 1:
            raise Refused("unknown_document", "there is no such version")
        return await self.read(tenant_id, kind, name)

    async def activate(self, tenant_id: UUID, kind: str, name: str, version: int) -> None:
        await self.version(tenant_id, kind, name, version)

    async def withdraw(self, tenant_id: UUID, kind: str, name: str) -> None:
        if self.documents.pop((tenant_id, kind, name), None) is None:
            raise Refused("unknown_document", "there is no such document")

    async def enrol(self, tenant_id: UUID, rep_id: str, wav: bytes) -> dict[str, object]:
        if wav[:4] != b"RIFF":
            raise InvalidAudio("send a WAV file")
        return {"rep_id": rep_id, "seconds": 20.0}
