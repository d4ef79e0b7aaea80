"""uvicorn's WebSocket protocol with a short way for audio: a binary frame goes straight to whoever takes it.

The long way costs a queue, two turns of the event loop, and stopping and starting to read, for each of ten frames a
second of each call (`docs/decisions/0020-a-short-way-for-audio.md`). A conversation that waits for its next message may
give a `Sink`; while it waits and nothing is queued before it, whole binary frames are handed to the sink in the moment
they arrive. Everything else, and whatever the sink does not take, goes the long way in its order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import apply_mask  # pyright: ignore[reportPrivateImportUsage] - in C where it was built
from websockets.protocol import State

from ridealong.framing import BINARY, TEXT, end_of_frame, header_of

if TYPE_CHECKING:
    from starlette.types import Scope

Sink = Callable[[bytes], bool]
"""Takes one binary message at once, or says False and has changed nothing: it is then received as usual."""

EXTENSION: Final = "ridealong.frames"

_HEADER_AND_MASK: Final = {126: 8, 127: 14}
"""Bytes before the payload by the first length, where it is not the length itself."""


class FrameProtocol(WebSocketsSansIOProtocol):
    """One connection. `sink` may be set and taken away at any time."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.sink: Sink | None = None
        self._waiting = False
        self._held = b""
        """The beginning of a frame whose rest has not come yet."""
        self._whole = False
        """The parser stands between two frames, and only whole ones are given to it."""

    def handle_connect(self, event: Any) -> None:
        super().handle_connect(event)
        if hasattr(self, "scope"):
            cast("dict[str, Any]", self.scope)["extensions"][EXTENSION] = self

    def data_received(self, data: bytes) -> None:
        if not self._whole:
            super().data_received(data)
            # What came with the handshake may end inside a frame; then the parser keeps the connection to itself.
            self._whole = self.handshake_initiated and not self.handshake_complete and data.endswith(b"\r\n\r\n")
            return
        data = self._held + data if self._held else data
        at, size = 0, len(data)
        while at < size:
            end = end_of_frame(data, at)
            if end == 0 or end > size:
                break
            if not (data[at] == BINARY and self._sunk(data, at, end)):
                super().data_received(data[at:end])
            at = end
        self._held = data[at:]
        if len(self._held) > (self.config.ws_max_size or 0):
            # The parser says what is wrong with so long a frame, and closes.
            held, self._held, self._whole = self._held, b"", False
            super().data_received(held)

    def _sunk(self, data: bytes, at: int, end: int) -> bool:
        if self.sink is None or not self._waiting or not self.queue.empty():
            return False
        if self.frames or not data[at + 1] & 0x80:
            return False  # between the parts of a message, or not masked: the parser refuses it
        begin = at + _HEADER_AND_MASK.get(data[at + 1] & 0x7F, 6)
        payload = apply_mask(data[begin:end], data[begin - 4 : begin])
        return self.sink(payload)

    def send_text_now(self, data: bytes) -> bool:
        """Send one text message without the framework's layers. False where it has to be waited or refused."""
        if not self.handshake_complete or self.close_sent or not self.writable.is_set():
            return False
        if self.conn.state is not State.OPEN or self.transport.is_closing():
            return False
        self.transport.write(header_of(TEXT, len(data)) + data)
        return True

    async def receive(self) -> Any:
        self._waiting = True
        try:
            return await super().receive()
        finally:
            self._waiting = False


def frames_of(scope: Scope) -> FrameProtocol | None:
    """The connection of an ASGI scope, None where another server runs the application."""
    return cast("FrameProtocol | None", scope.get("extensions", {}).get(EXTENSION))
