"""`WS /v1/calls/{call_id}/events`: any number of people and programs follow a call. They can never slow it down."""

from __future__ import annotations

import asyncio
from typing import Final
from uuid import UUID

from ridealong.core.errors import Refused
from ridealong.live import RunningCall
from ridealong.web.access import READ, Cookie, Credential, Principal, admit
from ridealong.web.messages import PROTOCOL, Watch, watcher_message
from ridealong.web.rights import asked_again
from ridealong.web.services import Services, refuse_others_call
from ridealong.web.socket import Line, Sockets, first_of
from ridealong.web.stream import stream
from ridealong.web.wire import event_json

KEPT_EVENTS: Final = 256
"""How many lasting events a watcher may lag behind before it loses the oldest: a quarter of an hour of talk."""


async def watch(line: Line, services: Services, sockets: Sockets, call_id: UUID, after: int) -> None:
    """Send one call's events from number `after` + 1 on: of a running call as they come, of an ended one at once.

    Only for as long as whoever watches may: a member who is disabled or signed out meanwhile is refused then.
    """
    token = line.credential
    if token is None or isinstance(token, Cookie):
        # A page says `watch` too, where it has something to say: a browser can set no header.
        message = await _first(line)
        token = message.token.get_secret_value() if message.token else token
        after = after if message.after is None else message.after
    doubt = sockets.doubt
    principal = await _allowed(services, token, call_id)
    try:
        call = await services.calls.find(principal.tenant_id, call_id)
    except Refused as error:
        if error.code not in {"unknown_call", "call_ended"}:
            raise
        await _replay(line, services, principal.tenant_id, call_id)
        return
    await first_of(
        line,
        asyncio.create_task(_follow(line, call, after)),
        asyncio.create_task(_listen(line)),
        asyncio.create_task(
            asked_again(sockets, doubt, line.limits.recheck_s, lambda: _allowed(services, token, call_id))
        ),
    )


async def _allowed(services: Services, token: Credential | None, call_id: UUID) -> Principal:
    principal = await admit(services.tokens, token, scope=READ, call_id=call_id)
    await refuse_others_call(services, principal, call_id)
    return principal


async def _first(line: Line) -> Watch:
    try:
        text = await line.receive(line.limits.start_s)
    except TimeoutError:
        raise Refused(
            "start_timeout", f"send `watch` with a token within {line.limits.start_s:g} s of connecting"
        ) from None
    if isinstance(text, bytes):
        raise Refused("bad_message", "a watching socket takes no audio: send `watch` with a token")
    message = watcher_message(text)
    if not isinstance(message, Watch):
        raise Refused("bad_message", "the first message must be `watch`, or send the `Authorization` header")
    if message.protocol != PROTOCOL:
        raise Refused("unsupported_protocol", f"this server speaks protocol {PROTOCOL}")
    return message


async def _follow(line: Line, call: RunningCall, after: int) -> None:
    await line.send(
        {
            "type": "watching",
            "protocol": PROTOCOL,
            "call_id": str(call.call_id),
            "running": True,
            "seq": call.last_seq,
        }
    )
    await stream(line, call, after=after, size=KEPT_EVENTS)


async def _listen(line: Line) -> None:
    while True:
        text = await line.receive(None)
        if isinstance(text, bytes):
            raise Refused("bad_message", "a watching socket takes no audio")
        message = watcher_message(text)
        if isinstance(message, Watch):
            raise Refused("bad_message", "this socket watches a call already: connect again for another")
        await line.send({"type": "pong", "id": message.id})


async def _replay(line: Line, services: Services, tenant_id: UUID, call_id: UUID) -> None:
    # What is stored has no numbers of its own, so it comes whole and without `seq`.
    events = await services.library.events(tenant_id, call_id)
    await line.send({"type": "watching", "protocol": PROTOCOL, "call_id": str(call_id), "running": False})
    for event in events:
        await line.send(event_json(event))
