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
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from tests.vendors.deepgram_stream import Connection
from tests.vendors.deepgram_words import (
    MODEL_INFO,
    MODEL_UUID,
    Mischief,
    Seen,
    Spoken,
    alternative_json,
    error_body,
    marked_audio,
    mischief_of,
    word_json,
    words_of,
)

__all__ = [
    "DeepgramStandIn",
    "Mischief",
    "Seen",
    "Spoken",
    "deepgram",
    "deepgram_apart",
    "marked_audio",
    "mischief_of",
    "words_of",
]

STREAMING_PARAMETERS = frozenset(
    {
        *("callback", "callback_method", "channels", "detect_entities", "diarize", "diarize_model", "dictation"),
        *("encoding", "endpointing", "extra", "filler_words", "interim_results", "keyterm", "keywords", "language"),
        *("mip_opt_out", "model", "multichannel", "no_delay", "numerals", "profanity_filter", "punctuate", "redact"),
        *("replace", "sample_rate", "search", "smart_format", "tag", "utterance_end_ms", "vad_events", "version"),
    }
)


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
            if head.startswith(b"GET /v1/auth/token "):
                await self._tell_of_key(head, writer, mischief)
            elif head.startswith(b"POST"):
                await self._batch(head, reader, writer, mischief)
            else:
                await Connection(self, reader, writer, mischief).run(head)
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

    # ---- the key

    async def _tell_of_key(self, head: bytes, writer: asyncio.StreamWriter, mischief: Mischief) -> None:
        """As https://developers.deepgram.com/docs/authenticating has it; the fields are not all documented."""
        allowed = f"\r\nauthorization: token {self.key.lower()}\r\n" in head.decode("latin-1").lower()
        status = mischief.status or (200 if allowed else 401)
        known = {"api_key_id": str(uuid4()), "scopes": ["usage:write"], "created": "2026-07-22T16:56:44.589Z"}
        data = json.dumps(known if status == 200 else error_body(status, "Invalid credentials.")).encode()
        writer.write(
            f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n"
            "Connection: close\r\n\r\n".encode()
            + data
        )
        await writer.drain()

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
        extra += f"Location: {mischief.location}\r\n" if mischief.location else ""
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
                word_json(w, 0.0, w.speaker if diarised else None, batch=diarised and w.speaker is not None)
                for w in group
            ]
            channels.append({"alternatives": [alternative_json(words)]})
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
