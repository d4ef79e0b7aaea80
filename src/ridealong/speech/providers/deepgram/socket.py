"""One streaming connection. Messages come by callback in the moment they arrive; audio is sent without a task.

`websockets` does the handshake (proxies, TLS) and all frames but two: whole text messages in, which are nearly all that
comes, and audio out. Its queue of received messages and its coroutines around each send are left out, and with them the
switches of task between a result's arrival and its being heard (docs/decisions/0011-deepgram-by-plain-websocket.md).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, cast

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidStatus, InvalidURI, WebSocketException
from websockets.frames import Frame, Opcode, apply_mask  # pyright: ignore[reportPrivateImportUsage] - in C if built
from websockets.protocol import State

from ridealong.core.errors import InvalidSettings, RidealongError, Unavailable
from ridealong.framing import BINARY, TEXT, end_of_frame, header_of, next_mask
from ridealong.speech.providers.deepgram.wire import DeepgramOptions, authorization, refusal, retry_after_s

_OPEN_TIMEOUT_S: Final = 5.0
_LARGEST_MESSAGE: Final = 1 << 22
_HEADER: Final = {126: 4, 127: 10}
"""Bytes before an unmasked payload by the first length, where it is not the length itself."""
NO_CODE: Final = 1006
"""The close code where the line broke without one (RFC 6455, 7.1.5)."""


class Socket(ClientConnection):
    """`on_message(text)` for each text message, `on_lost(code)` once when the connection is over, however it ended."""

    on_message: Callable[[bytes], None] | None = None
    on_lost: Callable[[int], None] | None = None
    _parts: Sequence[bytes] = ()
    """Of a message that comes in several frames: those that are here."""
    _between = False
    """The parser stands between two frames, and only whole ones are given to it."""
    _held = b""
    """The beginning of a frame whose rest has not come yet."""

    def data_received(self, data: bytes) -> None:
        if not self._between:
            shaking_hands = self.response is None
            super().data_received(data)
            # What came with the handshake may end inside a frame; then the parser keeps the connection to itself.
            self._between = shaking_hands and self.response is not None and data.endswith(b"\r\n\r\n")
            return
        data = self._held + data if self._held else data
        at, size = 0, len(data)
        while at < size:
            end = end_of_frame(data, at)
            if end == 0 or end > size:
                break
            if data[at] == TEXT and data[at + 1] < 0x80 and not self._parts and self.is_open:
                self._told(data[at + _HEADER.get(data[at + 1], 2) : end])
            else:
                super().data_received(data[at:end])
            at = end
        self._held = data[at:]
        if len(self._held) > _LARGEST_MESSAGE:
            # The parser says what is wrong with so long a frame, and closes.
            held, self._held, self._between = self._held, b"", False
            super().data_received(held)

    def process_event(self, event: Any) -> None:
        if self.response is None or not isinstance(event, Frame):
            super().process_event(event)
            return
        match event.opcode:
            case Opcode.TEXT if event.fin:
                self._told(bytes(event.data))
            case Opcode.BINARY if event.fin:
                return
            case Opcode.TEXT | Opcode.BINARY:
                self._parts = (bytes(event.data),)
            case Opcode.CONT:
                self._parts = (*self._parts, bytes(event.data))
                if event.fin:
                    self._told(b"".join(self._parts))
                    self._parts = ()
            case _:
                super().process_event(event)
                if event.opcode is Opcode.CLOSE:
                    # The line itself may stay up for a while; nothing more comes over it.
                    self._over()

    def _told(self, data: bytes) -> None:
        if self.on_message is not None:
            self.on_message(data)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._over()

    def _over(self) -> None:
        told, self.on_lost, self.on_message = self.on_lost, None, None
        if told is not None:
            received = self.protocol.close_rcvd
            told(NO_CODE if received is None else received.code)

    @property
    def is_open(self) -> bool:
        return self.protocol.state is State.OPEN

    def send_audio(self, data: bytes) -> None:
        """Send one binary frame. What is sent into a connection that is closing is lost, as on any wire."""
        if self.protocol.state is State.OPEN:
            # By hand (RFC 6455, 5.2): ten frames a second of each call go out here, and nothing else of theirs.
            mask = next_mask()
            self.transport.write(b"".join((header_of(BINARY, len(data), masked=True), mask, apply_mask(data, mask))))

    def send_control(self, message: str) -> None:
        """Send one of the control messages, which are text frames."""
        if self.protocol.state is State.OPEN:
            self.protocol.send_text(message.encode())
            self.send_data()

    async def drained(self) -> None:
        """Wait while the line takes no more."""
        if self.paused:
            await self.drain()

    def abort(self) -> None:
        """Drop the connection at once. `on_lost` is not called any more."""
        self.on_lost = self.on_message = None
        self.transport.abort()


class _NotRedirected(connect):
    """A redirect is a refusal: wherever it leads, that host would be sent the call."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class TooSoon(Unavailable):
    """Deepgram asks to come back later."""

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


async def open_socket(
    options: DeepgramOptions, url: str, *, on_message: Callable[[bytes], None], on_lost: Callable[[int], None]
) -> Socket:
    """Open one connection. Raises InvalidSettings when Deepgram will never take it, Unavailable else."""
    try:
        socket = cast(
            "Socket",
            await _NotRedirected(
                url,
                additional_headers=authorization(options),
                create_connection=Socket,
                # JSON this small gains nothing, and deflate would cost each call 64 kB and the loop its time.
                compression=None,
                # Whether the recogniser is alive is seen from its results; a ping only shows that the line is.
                ping_interval=None,
                open_timeout=_OPEN_TIMEOUT_S,
                close_timeout=1.0,
                max_size=_LARGEST_MESSAGE,
                max_queue=None,
            ),
        )
    except InvalidStatus as error:
        raise _refused(error, options) from None
    except InvalidURI:
        raise InvalidSettings("RIDEALONG_DEEPGRAM_URL is no address: use for example wss://api.deepgram.com") from None
    except (OSError, EOFError, InvalidHandshake, WebSocketException) as error:
        raise Unavailable(f"Deepgram cannot be reached ({type(error).__name__}): it is tried again") from error
    socket.on_message, socket.on_lost = on_message, on_lost
    if not socket.is_open:
        raise Unavailable("Deepgram closed the connection at once: it is tried again")
    return socket


def _refused(error: InvalidStatus, options: DeepgramOptions) -> RidealongError:
    told = refusal(error.response.status_code, options.model)
    wait = retry_after_s({name.lower(): value for name, value in error.response.headers.raw_items()})
    return TooSoon(str(told), wait) if isinstance(told, Unavailable) and wait is not None else told
