"""A stand-in for Twilio Media Streams: the client that Twilio is, on the real wire, able to misbehave on command.

Numbers are text, as on the wire (`mediaFormat` alone has numbers); one message a track and 20 ms; chunks count from 1
in each track; timestamps are milliseconds since the stream began, the same zero for both tracks. By hand:

    python -m tests.vendors.twilio ws://127.0.0.1:8790/v1/twilio TOKEN recording.wav --rep-track inbound
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import random
import wave
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

FRAME_MS = 20
FRAME_BYTES = 160
TRACKS = ("inbound", "outbound")


@dataclass(frozen=True, kw_only=True)
class Misbehaviour:
    """What the network or a look-alike carrier does to a stream. Times in ms of the stream."""

    shuffled_within_ms: int = 0
    duplicated: float = 0.0
    """Share of frames that come twice, the second one up to 100 ms later."""
    holes: Sequence[tuple[str, int, int]] = ()
    """(track, from, to): frames that never come."""
    starts: Mapping[str, int] = field(default_factory=dict)
    """A track whose first frame is of this time."""
    numbers_as_ints: bool = False
    without_chunks: bool = False
    jitter_ms: int = 0
    """Timestamps are off by up to this much."""
    seed: int = 7


@dataclass(kw_only=True)
class TwilioStream:
    """One stream of one call. `audio` maps a track to its µ-law bytes from the stream's zero on."""

    call_sid: str
    parameters: Mapping[str, str]
    audio: Mapping[str, bytes]
    behaviour: Misbehaviour = field(default_factory=Misbehaviour)
    stream_sid: str = "MZ" + "0" * 32
    _sequence: int = 0

    def opening(self) -> list[str]:
        return [
            json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"}),
            self.said(
                "start",
                start={
                    "accountSid": "AC" + "0" * 32,
                    "streamSid": self.stream_sid,
                    "callSid": self.call_sid,
                    "tracks": list(self.audio),
                    "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
                    "customParameters": dict(self.parameters),
                },
            ),
        ]

    def said(self, event: str, **more: Any) -> str:
        self._sequence += 1
        return json.dumps(
            {"event": event, "sequenceNumber": self._number(self._sequence), "streamSid": self.stream_sid, **more}
        )

    def closing(self) -> str:
        return self.said("stop", stop={"accountSid": "AC" + "0" * 32, "callSid": self.call_sid})

    def media(self) -> Iterator[tuple[float, str]]:
        """(ms of the stream at which it is sent, message), in the order of sending."""
        for at, track, chunk, timestamp, payload in sorted(self._frames(), key=lambda f: f[0]):
            media = {"track": track, "timestamp": self._number(timestamp), "payload": payload}
            if not self.behaviour.without_chunks:
                media["chunk"] = self._number(chunk)
            yield at, self.said("media", media=media)

    def _frames(self) -> Iterator[tuple[float, str, int, int, str]]:
        rng, how = random.Random(self.behaviour.seed), self.behaviour
        for track, audio in self.audio.items():
            chunk = 0
            for start in range(how.starts.get(track, 0), len(audio) * FRAME_MS // FRAME_BYTES, FRAME_MS):
                data = audio[start * 8 : start * 8 + FRAME_BYTES]
                chunk += 1
                if any(t == track and begin <= start < end for t, begin, end in how.holes):
                    continue
                stamp = max(0, start + rng.randint(-how.jitter_ms, how.jitter_ms))
                payload = base64.b64encode(data).decode()
                at = start + FRAME_MS + rng.uniform(0, how.shuffled_within_ms)
                yield at, track, chunk, stamp, payload
                if rng.random() < how.duplicated:
                    yield at + rng.uniform(0, 100), track, chunk, stamp, payload

    def _number(self, value: int) -> Any:
        return value if self.behaviour.numbers_as_ints else str(value)

    async def run(
        self, socket: ClientConnection, *, speed: float = 0.0, stop_at_ms: int | None = None, hang_up: bool = True
    ) -> None:
        """Speak the stream. `speed` 1.0 is real time, 0 as fast as it goes; `stop_at_ms` ends it early."""
        for text in self.opening():
            await socket.send(text)
        loop = asyncio.get_running_loop()
        began = loop.time()
        for at, batch in groupby(self.media(), key=lambda item: item[0]):
            if stop_at_ms is not None and at > stop_at_ms:
                break
            if speed:
                await asyncio.sleep(max(0.0, began + at / 1000 / speed - loop.time()))
            for _, text in batch:
                await socket.send(text)
        if hang_up:
            await socket.send(self.closing())


async def until_closed(socket: ClientConnection, timeout_s: float = 60.0) -> int | None:
    """Read what the server says until it closes; its close code."""
    try:
        async with asyncio.timeout(timeout_s):
            while True:
                await socket.recv()
    except ConnectionClosed:
        return socket.close_code


def mulaw(samples: np.ndarray) -> bytes:
    """G.711 µ-law of samples in -1..1."""
    pcm = np.clip(np.round(samples * 32767), -32635, 32635).astype(np.int32)
    magnitude = np.abs(pcm) + 132
    exponent = np.floor(np.log2(magnitude)).astype(np.int32) - 7
    mantissa = (magnitude >> (exponent + 3)) & 0x0F
    return (~(np.where(pcm < 0, 0x80, 0) | (exponent << 4) | mantissa) & 0xFF).astype(np.uint8).tobytes()


def tracks_of(path: Path) -> dict[str, bytes]:
    """A PCM16 WAV's channels as tracks; a single channel becomes `inbound`."""
    with wave.open(str(path)) as file:
        rate, channels = file.getframerate(), file.getnchannels()
        pcm = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, channels) / 32768
    count = pcm.shape[0] * 8000 // rate
    places = np.arange(count) * rate / 8000
    return {
        track: mulaw(np.interp(places, np.arange(pcm.shape[0]), pcm[:, channel]))
        for channel, track in enumerate(TRACKS[:channels])
    }


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("token")
    parser.add_argument("recording", type=Path)
    parser.add_argument("--rep", default="rep-1")
    parser.add_argument("--rep-track", default="unknown", choices=[*TRACKS, "unknown"])
    parser.add_argument("--call-sid", default="CA" + "0" * 32)
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument("--shuffled-within-ms", type=int, default=0)
    parser.add_argument("--duplicated", type=float, default=0.0)
    asked = parser.parse_args()
    stream = TwilioStream(
        call_sid=asked.call_sid,
        parameters={
            "token": asked.token,
            "rep": asked.rep,
            "rep_track": asked.rep_track,
            "consent": "A stand-in's call: nobody is recorded.",
        },
        audio=tracks_of(asked.recording),
        behaviour=Misbehaviour(shuffled_within_ms=asked.shuffled_within_ms, duplicated=asked.duplicated),
    )
    async with connect(asked.url, compression=None) as socket:
        await stream.run(socket, speed=asked.speed)
        print("closed with", await until_closed(socket, 60.0))  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main())
