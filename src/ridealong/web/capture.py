"""`WS /v1/capture`: one phone, browser or bridge sends one call's audio and gets the call's events back.

Acknowledgements are merged: at most one per `Limits.ack_every_s`, always the newest count.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from ridealong.core.author import Author
from ridealong.core.errors import Refused, RidealongError
from ridealong.core.moments import Sight
from ridealong.core.sight import only_rep, whole
from ridealong.live import RunningCall, Sender
from ridealong.web.access import CAPTURE, READ, Cookie, Credential, Principal, admit, allows, author_of, principal_of
from ridealong.web.conversation import Conversation
from ridealong.web.messages import (
    PROTOCOL,
    FeedbackTapped,
    FromSender,
    Gap,
    MarkNow,
    NudgeSeen,
    Pause,
    Ping,
    RepSpeaker,
    Resume,
    Start,
    Stop,
    Unpause,
    call_start,
    sender_message,
)
from ridealong.web.pace import LOOK_EVERY_S, Pace
from ridealong.web.refusals import ResumeBeyondReceived
from ridealong.web.rights import asked_again
from ridealong.web.services import Services, refuse_others_call
from ridealong.web.socket import Finished, Line, Sockets, first_of, to_its_end, warning_json
from ridealong.web.stream import stream

KEPT_EVENTS: Final = 4096
"""How far a sender's socket may lag: more than two hours of talk, because a sender should lose nothing that lasts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Opened:
    call: RunningCall
    sender: Sender
    after: int
    pace: Pace | None
    """None where nothing can be said about it: on a resumed call the format is the call's, not the socket's."""
    reply: dict[str, object]
    author: Author | None
    """Who sends; None for a program, which then speaks for the call's rep."""
    own: Credential | None
    """What ends with the member who records, and the recording with it; None for a program's, which goes on."""
    doubt: asyncio.Event
    """Of `Sockets`, from before it was asked who may what."""


async def capture(line: Line, services: Services, sockets: Sockets) -> None:
    """Hold one capture conversation: open or resume the call, then audio in and events out until it is over."""
    opened = await _open(line, services, sockets)
    await _Conversation(line, services, sockets, opened).run()


async def _open(line: Line, services: Services, sockets: Sockets) -> _Opened:
    try:
        first = await line.receive(line.limits.start_s)
    except TimeoutError:
        raise Refused(
            "start_timeout", f"send `start` or `resume` within {line.limits.start_s:g} s of connecting"
        ) from None
    if isinstance(first, bytes):
        raise Refused("binary_before_start", "send `start` or `resume` first, then audio")
    match sender_message(first):
        case Start() as message:
            return await _start(line, services, sockets, message)
        case Resume() as message:
            return await _resume(line, services, sockets, message)
        case _:
            raise Refused("bad_message", "the first message must be `start` or `resume`")


async def _start(line: Line, services: Services, sockets: Sockets, message: Start) -> _Opened:
    token = message.token.get_secret_value() if message.token else line.credential
    doubt = sockets.doubt
    principal = await admit(services.tokens, token, scope=CAPTURE)
    start = call_start(message, rep_id=_rep_of(principal, message))
    # The call goes on without whoever began it: it is the tenant's.
    call = await services.calls.begin(whole(principal.tenant_id), start)
    sender = call.attach()
    try:
        call_token = await services.tokens.issue(
            principal.tenant_id,
            scopes=frozenset({CAPTURE, READ}),
            call_id=call.call_id,
            lifetime_s=line.limits.call_token_s,
            owner=principal.owner,
        )
    except BaseException:
        # Nobody could ever come back to this call.
        await sender.stop()
        raise
    return _Opened(
        call=call,
        sender=sender,
        author=_member(principal),
        own=None if principal.owner is None else call_token,
        doubt=doubt,
        after=0,
        pace=Pace(start.format, began_at=asyncio.get_running_loop().time(), live=message.pace == "live"),
        reply={
            "type": "started",
            "protocol": PROTOCOL,
            "call_id": str(call.call_id),
            "call_token": call_token,
            "received": sender.received,
            "limits": {
                "binary_bytes": line.limits.binary_bytes,
                "text_bytes": line.limits.text_bytes,
                "idle_s": line.limits.idle_s,
            },
        },
    )


def _rep_of(principal: Principal, message: Start) -> str | None:
    """Whose call it is: the person's own, where nobody is named; a rep names nobody else. None: as the message says.

    Raises Refused('forbidden').
    """
    named, own = message.rep.id if message.rep else None, only_rep(principal.tenant_id)
    if own is not None and named not in (None, own):
        raise Refused("forbidden", "a rep starts own calls only: leave `rep.id` out")
    if principal.member is None:
        # A rep's own key knows whose calls it may start.
        return own
    return named or principal.member.rep_id


async def _resume(line: Line, services: Services, sockets: Sockets, message: Resume) -> _Opened:
    if message.protocol != PROTOCOL:
        raise Refused("unsupported_protocol", f"this server speaks protocol {PROTOCOL}")
    token = message.call_token.get_secret_value() if message.call_token else line.credential
    if not token:
        raise Refused("missing_token", "send the `call_token` that `started` gave")
    doubt = sockets.doubt
    call_id = message.call_id
    if call_id is None and not isinstance(token, Cookie):
        call_id = (await services.tokens.resolve(token)).call_id
    if call_id is None:
        raise Refused("bad_message", "`call_id`: say which call, or use the call's own `call_token`")
    principal = await admit(services.tokens, token, scope=CAPTURE, call_id=call_id)
    await refuse_others_call(services, principal, call_id)
    call = await services.calls.find(principal.tenant_id, call_id)
    earlier = sockets.senders.get(call_id)
    if message.take_over and earlier is not None:
        await earlier.replaced()
    sender = call.attach()
    received = sender.received
    if message.received > received:
        await sender.detach()
        raise ResumeBeyondReceived(received)
    return _Opened(
        call=call,
        sender=sender,
        author=_member(principal) or await _beside(line, services, principal, call_id),
        own=None if principal.owner is None else token,
        doubt=doubt,
        after=call.last_seq if message.after is None else message.after,
        pace=None,
        reply={
            "type": "resumed",
            "protocol": PROTOCOL,
            "call_id": str(call_id),
            "received": received,
            "seq": call.last_seq,
        },
    )


async def _beside(line: Line, services: Services, principal: Principal, call_id: UUID) -> Author | None:
    """Whose page it is that resumes with the call's own token: the member's whose cookie it brings as well.

    None for whoever brings none that is good for this call: the token alone lets its call go on.
    """
    if not isinstance(line.credential, Cookie):
        return None
    try:
        person = principal_of(await line.credential.session())
        if person.tenant_id != principal.tenant_id or not allows(person, CAPTURE):
            return None
        await refuse_others_call(services, person, call_id)
    except RidealongError:
        return None
    return _member(person)


def _member(principal: Principal) -> Author | None:
    author = author_of(principal)
    return None if author.member_id is None else author


class _Conversation(Conversation):
    """From `started` or `resumed` to the end of the socket."""

    def __init__(self, line: Line, services: Services, sockets: Sockets, opened: _Opened) -> None:
        super().__init__(line, sockets, opened.call, opened.sender)
        self._services = services
        self._opened = opened
        self._pace = opened.pace
        self._acknowledged = opened.sender.received
        self._acknowledged_at = 0.0
        self._arrived = 0
        """Bytes since the pace was last looked at."""
        self._look_at = 0.0
        self._largest = line.limits.binary_bytes
        self._doubt: str | None = None
        """What is to be said of the pace of the audio."""
        # A resumed call may be paused from its earlier socket.
        self._paused = opened.pace is None

    async def run(self) -> None:
        await self.hold(self._converse())

    async def _converse(self) -> None:
        await self.line.send(self._opened.reply)
        self.line.hand_audio_to(self._audio_now)
        await first_of(
            self.line,
            asyncio.create_task(self._listen()),
            asyncio.create_task(self._tell()),
            asyncio.create_task(self._acknowledge()),
            asyncio.create_task(
                asked_again(self._sockets, self._opened.doubt, self.line.limits.sender_recheck_s, self._allowed)
            ),
        )

    async def _allowed(self) -> None:
        """Ends the call, and raises Refused, where the member who records it is out. What was recorded is kept."""
        if self._opened.own is None or self.over or self.stopping is not None:
            return
        try:
            await admit(self._services.tokens, self._opened.own, scope=CAPTURE, call_id=self.call.call_id)
        except Refused:
            # Who signed in again may go on with a call that was resumed by cookie.
            if not isinstance(self._opened.own, Cookie):
                self.stop()
            raise

    async def _tell(self) -> None:
        await stream(
            self.line,
            self.call,
            after=self._opened.after,
            size=KEPT_EVENTS,
            nudged=lambda moment_id: self.sender.sighted(moment_id, Sight.SENT),
        )
        if self._acknowledged < self.sender.received:
            await self._send_ack()

    async def _acknowledge(self) -> None:
        while True:
            received = await self.sender.wait_received(self._acknowledged)
            if self._doubt is not None:
                doubt, self._doubt = self._doubt, None
                await self.line.send(warning_json("format_suspect", doubt))
            rest = self._acknowledged_at + self.line.limits.ack_every_s - self.clock()
            if received <= self._acknowledged:
                await asyncio.sleep(self.line.limits.ack_every_s)  # the disk fails: the next frame is told so
            elif rest > 0:
                await asyncio.sleep(rest)
            if self.sender.received > self._acknowledged:
                await self._send_ack()

    async def _send_ack(self) -> None:
        self.count()
        self._acknowledged, self._acknowledged_at = self.sender.received, self.clock()
        await self.line.send({"type": "ack", "received": self._acknowledged})

    async def _listen(self) -> None:
        while True:
            message = await self.receive()
            if isinstance(message, bytes):
                await self._audio(message)
            else:
                await self._message(sender_message(message))

    async def _audio(self, data: bytes) -> None:
        if self.stopping is not None:
            raise Refused("audio_after_stop", "the call was stopped: start a new one")
        if not data or self.over:
            return
        if self._paused:
            # Only the sender knows when it listens again, and its first byte says so.
            await self._unpause()
        if await self.write(data):
            self._took(len(data))

    def _audio_now(self, data: bytes) -> bool:
        """The same in the moment of its arrival, where nothing is to be waited for and nothing speaks against it."""
        size = len(data)
        if not 0 < size <= self._largest or self._paused or self.over or self.stopping is not None:
            return False
        if not self.write_now(data):
            return False
        self.uncounted += size
        self._took(size)
        return True

    def _took(self, size: int) -> None:
        self._arrived += size
        now = self.heard_at = self.clock()
        if now >= self._look_at:
            self._look_at = now + LOOK_EVERY_S
            if self._pace is not None:
                self._doubt = self._pace.arrived(self._arrived, at=now) or self._doubt
            self._arrived = 0

    async def _message(self, message: FromSender) -> None:  # noqa: PLR0912 - one for each message
        match message:
            case Start() | Resume():
                raise Refused("already_started", "this socket has its call already: connect again for another")
            case Ping():
                self.sender.sign_of_life()
                await self.line.send({"type": "pong", "id": message.id, "received": self.sender.received})
            case Stop() if self.over:
                return
            case NudgeSeen():
                # Also while the call is ending; and one that goes astray must not cost the call its socket.
                if not await self.sender.sighted(message.moment_id, Sight.SEEN):
                    await self.line.send(warning_json("unknown_moment", "this call has no such moment"))
            case Stop():
                await self._send_ack()
                self.stop()
            case _ if self.stopping is not None:
                raise Refused("audio_after_stop", "the call was stopped: after `stop` only `ping` is understood")
            case Gap():
                self._broken()
                await to_its_end(self.sender.gap(message.duration_ms, message.reason))
            case RepSpeaker():
                await to_its_end(self.sender.state_rep(message.speaker_id))
            case MarkNow():
                await to_its_end(self.sender.mark(self._opened.author))
            case FeedbackTapped():
                known = await to_its_end(self.sender.feedback(message.moment_id, message.verdict, self._opened.author))
                if not known:
                    # A tap that goes astray must not cost the call its socket.
                    await self.line.send(warning_json("unknown_moment", "this call has no such moment"))
            case Pause():
                if not self._paused:
                    self._paused = True
                    await to_its_end(self.sender.pause())
                await self._send_ack()
            case Unpause():
                # Always passed on: the pause may have been said on an earlier socket of this call.
                await self._unpause()

    async def _unpause(self) -> None:
        self._paused = False
        self._broken()
        await to_its_end(self.sender.resume())

    def _broken(self) -> None:
        if self._pace is not None:
            self._pace.broken()

    def stopped(self) -> None:
        # A review that takes longer is fetched over HTTP.
        asyncio.get_running_loop().call_later(self.line.limits.review_s, self.line.interrupt, Finished())
