"""A stand-in for Deepgram's `/v1/listen`, streaming and batch. By hand: `python -m tests.vendors.deepgram`.

It is given a script (words with speakers and times of call audio) and knows where in the call the audio lies that a
connection sends: from marks in `marked_audio`, else by the count of samples alone. Everything it says depends on the
position of the audio only; `final_delay_s` is added by the clock.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import numpy as np
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

NET_0001 = (
    "Deepgram did not receive audio data or a text message within the timeout window. See https://dpgr.am/net0001"
)
MODEL_UUID = "c0d1a568-ce81-4fea-97e7-bd45cb1fdf3c"
MODEL_INFO = {"name": "2-general-nova", "version": "2024-01-18.26916", "arch": "nova-3"}
STREAMING_PARAMETERS = frozenset(
    {
        *("callback", "callback_method", "channels", "detect_entities", "diarize", "diarize_model", "dictation"),
        *("encoding", "endpointing", "extra", "filler_words", "interim_results", "keyterm", "keywords", "language"),
        *("mip_opt_out", "model", "multichannel", "no_delay", "numerals", "profanity_filter", "punctuate", "redact"),
        *("replace", "sample_rate", "search", "smart_format", "tag", "utterance_end_ms", "vad_events", "version"),
    }
)
LONGEST_FINAL_MS = 5_000
EMPTY_FINAL_MS = 10_000
INTERIM_MS = 1_000


@dataclass(frozen=True, kw_only=True)
class Spoken:
    """A word of the script. Times in ms of call audio; `speaker` None: Deepgram cannot tell."""

    text: str
    start_ts: int
    end_ts: int
    speaker: int | None


@dataclass(frozen=True, kw_only=True)
class Mischief:
    """What one connection (or batch request) does wrong. Positions are ms of audio on that connection."""

    status: int | None = None
    retry_after: str | None = None
    close_code: int | None = None
    close_after_ms: int = 3_000
    abort_after_ms: int | None = None
    """The line breaks without a close."""
    stall_after_ms: int | None = None
    restart_clock_after_ms: int | None = None
    revise_interims: bool = False
    late_speakers: bool = False
    """Finals come without speakers first, and again with them."""
    change_speakers: bool = False
    """Interims name others than finals do, and finals come again with others."""
    duplicate: bool = False
    reorder: bool = False
    unknown_types: bool = False
    finalize_unanswered: bool = False
    quiet_in_silence: bool = False
    """Says nothing at all where nobody speaks."""
    whole_windows: bool = True
    """False: windows begin at their first word instead of where the last one ended."""


@dataclass(kw_only=True)
class Seen:
    """What one connection sent, for tests to look at."""

    parameters: dict[str, list[str]] = field(default_factory=dict)
    authorization: str = ""
    origin_ms: int = 0
    received_ms: int = 0
    frames: list[int] = field(default_factory=list)
    controls: list[tuple[float, str]] = field(default_factory=list)
    binary_controls: int = 0
    close_code: int | None = None


def words_of(path: Path) -> list[Spoken]:
    """A transcript file's words, its utterances' time shared out by the length of the words."""
    spoken: list[Spoken] = []
    for line in path.read_text().splitlines()[1:]:
        entry = json.loads(line)
        texts = entry["text"].split()
        total = sum(len(text) + 1 for text in texts)
        at, duration = 0, entry["end_ts"] - entry["start_ts"]
        for text in texts:
            start = entry["start_ts"] + duration * at // total
            at += len(text) + 1
            end = entry["start_ts"] + duration * at // total
            spoken.append(Spoken(text=text, start_ts=start, end_ts=end, speaker=entry["speaker"]))
    return sorted(spoken, key=lambda word: word.start_ts)


def marked_audio(duration_ms: int, channels: int = 1, start_ms: int = 0) -> np.ndarray:
    """Samples that say where in the call they lie: each millisecond begins with a mark and its own number."""
    ms = np.arange(start_ms, start_ms + duration_ms)
    frames = np.zeros((duration_ms, 16), dtype=np.int16)
    frames[:, 0] = 0x5A5A
    frames[:, 1] = ms >> 14
    frames[:, 2] = ms & 0x3FFF
    mono = (frames.reshape(-1) / np.float32(32768)).astype(np.float32)
    return np.repeat(mono[:, np.newaxis], channels, axis=1)


def marked_position(pcm: bytes, channels: int) -> float | None:
    """Where marked audio begins, in ms of the call."""
    samples = np.frombuffer(pcm, dtype="<i2").reshape(-1, channels)[:, 0]
    for at in range(min(16, samples.shape[0] - 2)):
        if samples[at] == 0x5A5A:
            return (int(samples[at + 1]) << 14) + int(samples[at + 2]) - at / 16
    return None


class DeepgramStandIn:
    """`plan(n)` says what the n-th connection (from 0) does wrong. `key` is the only one that is let in."""

    def __init__(
        self,
        words: Sequence[Spoken],
        *,
        key: str = "test-key",
        final_delay_s: float = 0.25,
        plan: Callable[[int], Mischief] | None = None,
        silence_limit_s: float = 10.0,
    ) -> None:
        self.words = sorted(words, key=lambda word: word.start_ts)
        self.key = key
        self.final_delay_s = final_delay_s
        self.plan = plan or (lambda _: Mischief())
        self.silence_limit_s = silence_limit_s
        self.seen: list[Seen] = []
        self.batches: list[dict[str, Any]] = []
        self.port = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._count = 0

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    async def start(self, port: int = 0) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port, limit=1 << 20)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            mischief = self.plan(self._count)
            self._count += 1
            if head.startswith(b"POST"):
                await self._batch(head, reader, writer, mischief)
            else:
                await _Connection(self, reader, writer, mischief).run(head)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            with contextlib.suppress(Exception):
                writer.close()

    def refused(  # noqa: PLR0911 - one line a rule
        self, authorization: str, parameters: dict[str, list[str]], *, streaming: bool
    ) -> tuple[int, str]:
        if authorization != f"Token {self.key}":
            return 401, "Invalid credentials."
        if streaming and (unknown := set(parameters) - STREAMING_PARAMETERS):
            return 400, f"unknown parameters {sorted(unknown)}"
        if "model" not in parameters:
            return 400, "model is required"
        if streaming and parameters.get("diarize_model", ["v1"])[0] not in {"latest", "v1"}:
            return 400, "diarize_model is not supported for streaming"
        if "keyterm" in parameters and not parameters["model"][0].startswith("nova-3"):
            return 400, "keyterm needs nova-3"
        if streaming and "utterance_end_ms" in parameters and parameters.get("interim_results") != ["true"]:
            return 400, "utterance_end_ms needs interim_results"
        return 0, ""

    # ---- batch

    async def _batch(
        self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, mischief: Mischief
    ) -> None:
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
        body = await _body(headers, reader)
        parameters = parse_qs(urlsplit(first.split(" ")[1]).query)
        self.batches.append({"parameters": parameters, "headers": headers, "body": body})
        status, why = self.refused(headers.get("authorization", ""), parameters, streaming=False)
        status = mischief.status or status
        if status:
            answer: dict[str, Any] = error_body(status, why)
        else:
            answer = self.batch_answer(body, parameters)
        data = json.dumps(answer).encode()
        extra = f"Retry-After: {mischief.retry_after}\r\n" if mischief.retry_after else ""
        writer.write(
            f"HTTP/1.1 {status or 200} X\r\nContent-Type: application/json\r\n{extra}Content-Length: {len(data)}\r\n"
            "Connection: close\r\n\r\n".encode()
            + data
        )
        await writer.drain()

    def batch_answer(self, body: bytes, parameters: dict[str, list[str]]) -> dict[str, Any]:
        """A whole recording's answer. The words' speakers carry a confidence, as streaming's never do."""
        apart = parameters.get("multichannel") == ["true"]
        diarised = "diarize_model" in parameters
        speakers = sorted({word.speaker for word in self.words if word.speaker is not None})
        groups = [[w for w in self.words if w.speaker == s] for s in speakers] if apart else [self.words]
        channels: list[dict[str, Any]] = []
        utterances: list[dict[str, Any]] = []
        for index, group in enumerate(groups):
            words = [
                _word(w, 0.0, w.speaker if diarised else None, batch=diarised and w.speaker is not None) for w in group
            ]
            channels.append({"alternatives": [_alternative(words)]})
            utterances += [
                {
                    "start": w["start"],
                    "end": w["end"],
                    "confidence": w["confidence"],
                    "channel": index,
                    "transcript": w["punctuated_word"],
                    "words": [w],
                    "speaker": w.get("speaker", 0),
                    "id": str(uuid4()),
                }
                for w in words
            ]
        return {
            "metadata": {
                "transaction_key": "deprecated",
                "request_id": str(uuid4()),
                "sha256": "0" * 64,
                "created": "2026-07-22T16:56:44.589Z",
                "duration": max((w.end_ts for w in self.words), default=0) / 1000,
                "channels": len(channels),
                "models": [MODEL_UUID],
                "model_info": {MODEL_UUID: MODEL_INFO},
            },
            "results": {"channels": channels, "utterances": utterances},
        }


async def _body(headers: dict[str, str], reader: asyncio.StreamReader) -> bytes:
    if headers.get("expect", "").lower() == "100-continue":
        raise ConnectionError
    if "content-length" in headers:
        return await reader.readexactly(int(headers["content-length"]))
    parts: list[bytes] = []
    while size := int(await reader.readline(), 16):
        parts.append(await reader.readexactly(size))
        await reader.readline()
    return b"".join(parts)


def error_body(status: int, why: str = "") -> dict[str, Any]:
    """As https://developers.deepgram.com/docs/errors shows them."""
    codes = {
        401: "INVALID_AUTH",
        402: "ASR_PAYMENT_REQUIRED",
        403: "INSUFFICIENT_PERMISSIONS",
        429: "TOO_MANY_REQUESTS",
    }
    return {"err_code": codes.get(status, "Bad Request"), "err_msg": why or "refused", "request_id": str(uuid4())}


def _word(word: Spoken, origin_ms: float, speaker: int | None, *, batch: bool = False) -> dict[str, Any]:
    bare = word.text.strip(".,?!").lower()
    made: dict[str, Any] = {
        "word": bare,
        "start": round((word.start_ts - origin_ms) / 1000, 6),
        "end": round((word.end_ts - origin_ms) / 1000, 6),
        "confidence": 0.99,
        "punctuated_word": word.text,
    }
    if speaker is not None:
        made["speaker"] = speaker
    if batch:
        made["speaker_confidence"] = 0.8
    return made


def _alternative(words: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "transcript": " ".join(word["punctuated_word"] for word in words),
        "confidence": 0.99 if words else 0.0,
        "words": words,
    }


@dataclass(kw_only=True)
class _Lane:
    """One channel of one connection."""

    index: int
    words: list[Spoken]
    window_start: float
    """Call ms at which the open window begins."""
    next_word: int = 0
    interim_at: float = 0.0
    started: bool = False
    ended: bool = True
    """UtteranceEnd was said, or nobody spoke yet."""
    last_word_end: float = -1.0
    speech_open: bool = False
    """Words were made final that no speech_final closed."""


class _Connection:
    def __init__(
        self, standin: DeepgramStandIn, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, mischief: Mischief
    ) -> None:
        self._standin = standin
        self._reader = reader
        self._writer = writer
        self._mischief = mischief
        self._protocol = ServerProtocol()
        self._seen = Seen()
        self._loop = asyncio.get_running_loop()
        self._out: asyncio.Queue[tuple[float, str | None]] = asyncio.Queue()
        self._numbers: dict[int, int] = {}
        self._origin: float | None = None
        self._clock_offset = 0.0
        self._clock_restarted = False
        self._position = 0.0
        self._stalled = False
        self._last_input = self._loop.time()
        self._held_back: dict[str, Any] | None = None
        self._request_id = str(uuid4())
        self._closing = False
        self._lanes: list[_Lane] = []

    # ---- the line

    async def run(self, head: bytes) -> None:
        self._protocol.receive_data(head)
        (request,) = self._protocol.events_received()
        assert isinstance(request, Request)
        self._seen.parameters = parse_qs(urlsplit(request.path).query)
        self._seen.authorization = request.headers.get("Authorization", "")
        self._standin.seen.append(self._seen)
        status, why = self._standin.refused(self._seen.authorization, self._seen.parameters, streaming=True)
        status = self._mischief.status or status
        if status or urlsplit(request.path).path != "/v1/listen":
            response = self._protocol.reject(status or 404, json.dumps(error_body(status or 404, why)))
            if self._mischief.retry_after:
                response.headers["Retry-After"] = self._mischief.retry_after
            self._protocol.send_response(response)
            self._flush()
            await self._writer.drain()
            return
        self._protocol.send_response(self._protocol.accept(request))
        self._flush()
        self._channels = int(self._seen.parameters.get("channels", ["1"])[0])
        self._rate = int(self._seen.parameters.get("sample_rate", ["16000"])[0])
        self._apart = self._seen.parameters.get("multichannel") == ["true"]
        self._endpointing = int(self._seen.parameters.get("endpointing", ["10"])[0])
        self._utterance_end = int(self._seen.parameters.get("utterance_end_ms", ["0"])[0])
        self._interims = self._seen.parameters.get("interim_results") == ["true"]
        self._diarised = "diarize_model" in self._seen.parameters or self._seen.parameters.get("diarize") == ["true"]
        sending = asyncio.create_task(self._send_out())
        watching = asyncio.create_task(self._watch())
        try:
            await self._receive()
        finally:
            for task in (sending, watching):
                task.cancel()
            await asyncio.gather(sending, watching, return_exceptions=True)

    async def _receive(self) -> None:
        while data := await self._reader.read(1 << 16):
            self._protocol.receive_data(data)
            for event in self._protocol.events_received():
                assert isinstance(event, Frame)
                self._last_input = self._loop.time()
                match event.opcode:
                    case Opcode.BINARY:
                        self._audio(bytes(event.data))
                    case Opcode.TEXT:
                        self._control(bytes(event.data))
                    case Opcode.CLOSE:
                        self._seen.close_code = self._protocol.close_code
                    case _:
                        pass
            self._flush()

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self._writer.write(data)
            elif self._writer.can_write_eof():
                self._writer.write_eof()

    async def _send_out(self) -> None:
        while True:
            due, text = await self._out.get()
            delay = due - self._loop.time()
            if delay > 0:
                await asyncio.sleep(delay)
            if text is None:
                self._close(1000, "")
                return
            with contextlib.suppress(Exception):
                self._protocol.send_text(text.encode())
                self._flush()

    async def _watch(self) -> None:
        limit = self._standin.silence_limit_s
        while True:
            await asyncio.sleep(limit / 20)
            if self._loop.time() - self._last_input > limit and not self._closing:
                self._say(self._metadata())
                await asyncio.sleep(0.01)
                self._close(1011, NET_0001)
                return

    def _close(self, code: int, reason: str) -> None:
        with contextlib.suppress(Exception):
            self._protocol.send_close(code, reason)
            self._flush()

    def _say(self, message: dict[str, Any], *, delay_s: float = 0.0) -> None:
        if not self._stalled:
            self._out.put_nowait((self._loop.time() + delay_s, json.dumps(message)))

    # ---- what comes in

    def _control(self, data: bytes) -> None:
        kind = str(json.loads(data).get("type"))
        self._seen.controls.append((self._loop.time(), kind))
        if kind == "Finalize" and not self._mischief.finalize_unanswered:
            for lane in self._lanes:
                pending = self._pending(lane, self._position)
                if pending:
                    self._final(lane, pending, self._position, speech_final=True, from_finalize=True)
        elif kind == "CloseStream":
            self._closing = True
            for lane in self._lanes:
                self._final(lane, self._pending(lane, self._position), self._position, speech_final=True)
            self._let_go()
            self._say(self._metadata())
            if not self._stalled:
                self._out.put_nowait((self._loop.time() + self._standin.final_delay_s, None))

    def _audio(self, data: bytes) -> None:
        if data[:1] == b"{":
            self._seen.binary_controls += 1
        if self._origin is None:
            self._begin(marked_position(data, self._channels) or 0.0)
        assert self._origin is not None
        self._seen.frames.append(len(data))
        self._position += len(data) / (2 * self._channels * self._rate) * 1000
        here = self._position - self._origin
        self._seen.received_ms = round(here)
        wrong = self._mischief
        for lane in self._lanes:
            self._advance(lane)
        if wrong.abort_after_ms is not None and here >= wrong.abort_after_ms:
            self._writer.transport.abort()
        if wrong.close_code is not None and here >= wrong.close_after_ms:
            self._close(wrong.close_code, "DATA-0000" if wrong.close_code == 1008 else "NET-0000")
            self._stalled = True
        if wrong.stall_after_ms is not None and here >= wrong.stall_after_ms:
            self._stalled = True

    def _begin(self, origin: float) -> None:
        self._origin = self._position = self._clock_offset = origin
        self._seen.origin_ms = round(origin)
        count = self._channels if self._apart else 1
        for index in range(count):
            words = [
                word
                for word in self._standin.words
                if (word.start_ts + word.end_ts) / 2 > origin and (not self._apart or word.speaker == index)
            ]
            words = [replace(w, start_ts=max(w.start_ts, round(origin))) for w in words]
            self._lanes = [*self._lanes, _Lane(index=index, words=words, window_start=origin, interim_at=origin)]

    # ---- what is said, by the position of the audio

    def _pending(self, lane: _Lane, until: float) -> list[Spoken]:
        words: list[Spoken] = []
        for word in lane.words[lane.next_word :]:
            if word.end_ts > until:
                break
            words.append(word)
        return words

    def _advance(self, lane: _Lane) -> None:
        while True:
            words = self._pending(lane, self._position)
            if not words:
                break
            if not lane.started and self._seen.parameters.get("vad_events") == ["true"]:
                lane.started = True
                self._say(
                    {
                        "type": "SpeechStarted",
                        "channel": [lane.index, len(self._lanes)],
                        "timestamp": self._seconds(words[0].start_ts),
                    }
                )
            turn = [words[0]]
            for word in words[1:]:
                if word.start_ts - turn[-1].end_ts >= self._endpointing:
                    break
                turn.append(word)
            at = lane.next_word + len(turn)
            goes_on = any(w.start_ts - turn[-1].end_ts < self._endpointing for w in lane.words[at : at + 1])
            closed = not goes_on and self._position >= turn[-1].end_ts + self._endpointing
            cut = next((n for n, w in enumerate(turn) if w.end_ts - lane.window_start > LONGEST_FINAL_MS), None)
            if cut and turn[-1].end_ts - turn[0].start_ts > LONGEST_FINAL_MS / 2:
                self._final(lane, turn[:cut], turn[cut - 1].end_ts, speech_final=False)
            elif closed:
                self._final(lane, turn, turn[-1].end_ts + self._endpointing, speech_final=True)
            else:
                break
        self._utterance_ended(lane)
        words = self._pending(lane, self._position)
        if self._position - lane.interim_at >= INTERIM_MS and self._interims:
            lane.interim_at = self._position
            begun = lane.words[lane.next_word + len(words) : lane.next_word + len(words) + 1]
            # A word that is being said is heard as far as it goes.
            words += [replace(w, end_ts=round(self._position)) for w in begun if w.start_ts + 100 < self._position]
            self._interim(lane, words)
        if not words and self._position - lane.window_start >= EMPTY_FINAL_MS and not self._speaking(lane):
            self._final(lane, [], self._position, speech_final=False)

    def _speaking(self, lane: _Lane) -> bool:
        following = lane.words[lane.next_word : lane.next_word + 1]
        return bool(following) and following[0].start_ts < self._position

    def _utterance_ended(self, lane: _Lane) -> None:
        if lane.ended or not self._utterance_end or self._position - lane.last_word_end < self._utterance_end:
            return
        following = lane.words[lane.next_word : lane.next_word + 1]
        if following and following[0].start_ts - lane.last_word_end < self._utterance_end:
            return
        lane.ended = True
        lane.started = False
        message = {
            "type": "UtteranceEnd",
            "channel": [lane.index, len(self._lanes)],
            "last_word_end": self._seconds(lane.last_word_end),
        }
        self._say(message, delay_s=self._standin.final_delay_s)

    def _interim(self, lane: _Lane, words: list[Spoken]) -> None:
        if self._mischief.quiet_in_silence and not words:
            return
        told = [_word(w, self._clock_offset, 0 if self._mischief.change_speakers else None) for w in words]
        if self._mischief.revise_interims and told:
            told[-1] |= {"word": "something", "punctuated_word": "something"}
        self._say(self._results(lane, told, lane.window_start, self._position, is_final=False, speech_final=False))

    def _final(
        self, lane: _Lane, words: list[Spoken], end: float, *, speech_final: bool, from_finalize: bool = False
    ) -> None:
        end = max(end, lane.window_start)
        restart = self._mischief.restart_clock_after_ms
        assert self._origin is not None
        if restart is not None and not self._clock_restarted and lane.window_start - self._origin >= restart:
            self._clock_restarted = True
            self._clock_offset = lane.window_start
        lane.next_word += len(words)
        lane.interim_at = self._position
        told = [_word(w, self._clock_offset, self._number(w)) for w in words]
        start = lane.window_start if self._mischief.whole_windows or not words else words[0].start_ts
        if words:
            lane.last_word_end, lane.ended = words[-1].end_ts, False
        elif self._mischief.quiet_in_silence:
            return
        lane.window_start = end
        message = self._results(lane, told, start, end, is_final=True, speech_final=speech_final)
        message["from_finalize"] = from_finalize
        self._say_final(message)

    def _say_final(self, message: dict[str, Any]) -> None:
        wrong, delay = self._mischief, self._standin.final_delay_s
        if wrong.unknown_types:
            self._say({"type": "NobodyKnowsThis", "payload": [1, 2, {"three": None}]})
        if wrong.reorder:
            if self._held_back is None:
                self._held_back = message
                return
            before, self._held_back = self._held_back, None
            self._say(message, delay_s=delay)
            self._say(before, delay_s=delay)
            return
        if wrong.late_speakers:
            self._say(_without_speakers(message), delay_s=delay)
        self._say(message, delay_s=delay)
        if wrong.duplicate:
            self._say(message, delay_s=delay)
        if wrong.change_speakers:
            self._say(_other_speakers(message), delay_s=delay)

    def _let_go(self) -> None:
        if self._held_back is not None:
            message, self._held_back = self._held_back, None
            self._say(message, delay_s=self._standin.final_delay_s)

    def _number(self, word: Spoken) -> int | None:
        """Deepgram counts speakers by who spoke first on this connection."""
        if not self._diarised or word.speaker is None:
            return None
        return self._numbers.setdefault(word.speaker, len(self._numbers))

    def _seconds(self, ts: float) -> float:
        return round((ts - self._clock_offset) / 1000, 6)

    def _results(
        self, lane: _Lane, words: list[dict[str, Any]], start: float, end: float, *, is_final: bool, speech_final: bool
    ) -> dict[str, Any]:
        return {
            "type": "Results",
            "channel_index": [lane.index, len(self._lanes)],
            "duration": round((end - start) / 1000, 6),
            "start": self._seconds(start),
            "is_final": is_final,
            "speech_final": speech_final,
            "channel": {"alternatives": [_alternative(words)]},
            "metadata": {"request_id": self._request_id, "model_info": MODEL_INFO, "model_uuid": MODEL_UUID},
            "from_finalize": False,
        }

    def _metadata(self) -> dict[str, Any]:
        return {
            "type": "Metadata",
            "transaction_key": "deprecated",
            "request_id": self._request_id,
            "sha256": "incomplete",
            "created": "2026-07-22T16:56:44.589Z",
            "duration": self._seen.received_ms / 1000,
            "channels": self._channels,
            "models": [MODEL_UUID],
            "model_info": {MODEL_UUID: MODEL_INFO},
        }


def _with_words(message: dict[str, Any], change: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    best = message["channel"]["alternatives"][0]
    words = [change(dict(word)) for word in best["words"]]
    return message | {"channel": {"alternatives": [best | {"words": words}]}}


def _without_speakers(message: dict[str, Any]) -> dict[str, Any]:
    return _with_words(message, lambda word: {key: value for key, value in word.items() if key != "speaker"})


def _other_speakers(message: dict[str, Any]) -> dict[str, Any]:
    return _with_words(message, lambda word: word | ({"speaker": word["speaker"] + 1} if "speaker" in word else {}))


@contextlib.asynccontextmanager
async def deepgram(words: Sequence[Spoken], **options: Any) -> AsyncIterator[DeepgramStandIn]:
    """A running stand-in."""
    standin = DeepgramStandIn(words, **options)
    await standin.start()
    try:
        yield standin
    finally:
        await standin.stop()


@contextlib.contextmanager
def deepgram_apart(words: Sequence[Spoken], **options: Any) -> Iterator[DeepgramStandIn]:
    """A running stand-in on a loop and a thread of its own: what it does is no work of the test's loop."""
    standin = DeepgramStandIn(words, **options)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="deepgram stand-in", daemon=True)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(standin.start(), loop).result(10)
        yield standin
    finally:
        asyncio.run_coroutine_threadsafe(standin.stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def mischief_of(text: str) -> Mischief:
    """`name=value` for each thing that goes wrong, separated by commas: `close_code=1011,close_after_ms=5000`."""
    kinds = {each.name: each for each in fields(Mischief)}
    wrong: dict[str, Any] = {}
    for pair in filter(None, text.split(",")):
        name, _, value = pair.partition("=")
        default = kinds[name].default
        wrong[name] = value != "no" if isinstance(default, bool) else (value if name == "retry_after" else int(value))
    return Mischief(**wrong)


async def _main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.vendors.deepgram", description=__doc__)
    sample = Path(__file__).parents[2] / "src/ridealong/sample/call.jsonl"
    parser.add_argument("--script", type=Path, default=sample, help="a transcript file")
    parser.add_argument("--port", type=int, default=9101)
    parser.add_argument("--key", default="test-key")
    parser.add_argument("--final-delay-s", type=float, default=0.25)
    parser.add_argument("--wrong", action="append", default=[], help="mischief of the first, second, … connection")
    said = parser.parse_args()
    plans = [mischief_of(text) for text in said.wrong]
    standin = DeepgramStandIn(
        words_of(said.script),
        key=said.key,
        final_delay_s=said.final_delay_s,
        plan=lambda n: plans[n] if n < len(plans) else Mischief(),
    )
    await standin.start(said.port)
    print(f"RIDEALONG_DEEPGRAM_URL={standin.url} RIDEALONG_DEEPGRAM_API_KEY={said.key}", flush=True)  # noqa: T201
    await asyncio.Event().wait()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_main())
