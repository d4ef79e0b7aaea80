"""A mail server on loopback that takes mail, or misbehaves as it is told: what RFC 5321 asks for, and no more."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from enum import StrEnum
from typing import cast


class Fault(StrEnum):
    """One way in which a mail server misbehaves, for one connection."""

    GREYLISTED = "451 RCPT"
    """The recipient is taken by who comes again."""
    NO_MAILBOX = "550 RCPT"
    BAD_SENDER = "550 MAIL"
    TOO_BUSY = "421 greeting"
    FULL = "452 DATA"
    """After the message was sent."""
    UNWANTED = "554 DATA"
    HANG_UP = "hang up"
    """The connection is closed in the middle of the message."""
    SILENT = "silent"
    """Nothing is answered at all."""


@dataclass
class Mail:
    sender: str
    recipient: str
    message: EmailMessage


@dataclass
class MailServer:
    """`faults` are used up one a connection; without one the mail is taken."""

    port: int = 0
    faults: deque[Fault] = field(default_factory=deque[Fault])
    taken: list[Mail] = field(default_factory=list[Mail])
    connections: int = 0

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[MailServer]:
        server = await asyncio.start_server(self._talk, "127.0.0.1", 0, limit=8 * 1024 * 1024)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield self

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        fault = self.faults.popleft() if self.faults else None
        try:
            await self._session(reader, writer, fault)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, fault: Fault | None) -> None:
        async def say(line: str) -> None:
            writer.write(line.encode() + b"\r\n")
            await writer.drain()

        if fault is Fault.SILENT:
            await reader.read()
            return
        await say("421 too many of you" if fault is Fault.TOO_BUSY else "220 mail.test ESMTP")
        sender = recipient = ""
        while line := (await reader.readline()).decode().strip():
            command, _, rest = line.partition(" ")
            match command.upper():
                case "EHLO":
                    await say("250-mail.test")
                    await say("250 8BITMIME")
                case "MAIL":
                    sender = rest.partition("<")[2].partition(">")[0]
                    await say("550 not from you" if fault is Fault.BAD_SENDER else "250 ok")
                case "RCPT":
                    recipient = rest.partition("<")[2].partition(">")[0]
                    refusals = {Fault.GREYLISTED: "451 come again later", Fault.NO_MAILBOX: "550 nobody of that name"}
                    await say(refusals.get(fault, "250 ok") if fault is not None else "250 ok")
                case "DATA":
                    await say("354 go on")
                    if fault is Fault.HANG_UP:
                        await reader.readline()
                        return
                    body = (await reader.readuntil(b"\r\n.\r\n")).removesuffix(b".\r\n").replace(b"\r\n..", b"\r\n.")
                    if fault in (Fault.FULL, Fault.UNWANTED):
                        await say("452 no room" if fault is Fault.FULL else "554 looks like spam")
                        continue
                    message = cast("EmailMessage", message_from_bytes(body, policy=policy.default))
                    self.taken.append(Mail(sender, recipient, message))
                    await say("250 taken")
                case "RSET":
                    await say("250 ok")
                case "QUIT":
                    await say("221 bye")
                    return
                case _:
                    await say("502 not here")
