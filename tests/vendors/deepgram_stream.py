"""One streaming connection of the Deepgram stand-in."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from tests.vendors.deepgram_words import (
    MODEL_INFO,
    MODEL_UUID,
    NET_0001,
    Mischief,
    Seen,
    Spoken,
    alternative_json,
    error_body,
    marked_position,
    word_json,
)

if TYPE_CHECKING:
    from tests.vendors.deepgram import DeepgramStandIn

LONGEST_FINAL_MS = 5_000


EMPTY_FINAL_MS = 10_000


INTERIM_MS = 1_000


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


class Connection:
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
            if self._mischief.location:
                response.headers["Location"] = self._mischief.location
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
                self._tear(lane)
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

    def _tear(self, lane: _Lane) -> None:
        """A word that is being said is made final as far as it was heard; the rest of it is heard as another word."""
        at = lane.next_word + len(self._pending(lane, self._position))
        here = round(self._position)
        for word in lane.words[at : at + 1]:
            if word.start_ts + 20 < here:
                half = replace(word, text=f"{word.text[: len(word.text) // 2 + 1]}-", end_ts=here)
                lane.words[at : at + 1] = [half, replace(word, start_ts=here)]

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
        told = [word_json(w, self._clock_offset, 0 if self._mischief.change_speakers else None) for w in words]
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
        told = [word_json(w, self._clock_offset, self._number(w)) for w in words]
        start = lane.window_start if self._mischief.whole_windows or not words else words[0].start_ts
        if words:
            lane.last_word_end, lane.ended = words[-1].end_ts, False
        elif self._mischief.quiet_in_silence:
            return
        lane.window_start = end
        message = self._results(lane, told, start, end, is_final=True, speech_final=speech_final)
        message["from_finalize"] = from_finalize
        lost = self._mischief.lose_final_at_ms
        if lost is None or not words or not words[0].start_ts <= lost < words[-1].end_ts:
            self._say_final(message)

    def _say_final(self, message: dict[str, Any]) -> None:
        wrong, delay = self._mischief, self._standin.final_delay_s
        if wrong.unknown_types:
            self._say({"type": "NobodyKnowsThis", "payload": [1, 2, {"three": None}]})
            self._out.put_nowait((0.0, "[" * 5_000))
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
            "channel": {"alternatives": [alternative_json(words)]},
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
