"""Vendors' wires for the bench, in a process of their own: `python -m ridealong.app.bench.wires SECONDS LOG`.

Deepgram's streaming socket says the script's words `FINAL_S` after the audio has passed them; Groq's chat completions
answer `MODEL_S` after they were asked, rightly, because the script says what is right. Both are as quick as they can
be and check nothing: tests/vendors holds the stand-ins that do.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

Json = dict[str, Any]

FINAL_S: Final = 0.25
MODEL_S: Final = 0.26
INTERIM_MS: Final = 1_100
"""Deepgram's interims come about once a second, whatever is being said: of four sentences one is whole in one of them
before its final comes."""
INTERIM_S: Final = 0.05


class Wires:
    """`log` gets one line a final: "final", connection, line of the script, monotonic seconds as it leaves; and one a
    moment that the model named: "answer", connection, line, seconds that the model took."""

    def __init__(self, said: list[Json], log: Path) -> None:
        self._script = said
        self._log = log.open("w")
        self._connections = 0
        self._said: dict[str, tuple[int, int]] = {}
        """Whose words these are: connection and line."""
        self._types = {line["text"].casefold(): line["moments"][0]["type"] for line in said if line["moments"]}
        self.asked = 0

    async def hear(self, socket: ServerConnection) -> None:
        """One streaming connection. The first word of the script becomes the connection's number."""
        number, self._connections = self._connections, self._connections + 1
        request = socket.request
        query = parse_qs(urlsplit(request.path).query) if request is not None else {}
        rate = int(query.get("sample_rate", ["16000"])[0])
        loop = asyncio.get_running_loop()
        heard, window, told, following = 0.0, 0.0, 0.0, 0
        sending: set[asyncio.Task[None]] = set()

        def say(message: Json, delay_s: float, line: int | None = None) -> None:
            async def send() -> None:
                await asyncio.sleep(delay_s)
                text = json.dumps(message)
                if line is not None:
                    self._log.write(f"final {number} {line} {time.monotonic()}\n")
                await socket.send(text)

            task = loop.create_task(send())
            sending.add(task)
            task.add_done_callback(sending.discard)

        async for data in _until_gone(socket):
            if isinstance(data, str):
                if json.loads(data)["type"] == "CloseStream":
                    break
                continue
            heard += len(data) / 2 / rate * 1000
            while following < len(self._script) and self._script[following]["end_ts"] <= heard:
                line = self._script[following]
                self._said[_said_by(number, line)] = number, following
                say(_final(line, window, number, first=following == 0), FINAL_S, following)
                window, following = line["end_ts"], following + 1
            if heard - told >= INTERIM_MS:
                told = heard
                say(_result(self._so_far(number, following, heard), window, heard, final=False), INTERIM_S)
        await asyncio.gather(*sending, return_exceptions=True)
        with contextlib.suppress(ConnectionClosed):
            await socket.send(json.dumps({"type": "Metadata", "request_id": "bench", "duration": heard / 1000}))
        self._log.flush()

    def _so_far(self, number: int, following: int, heard: float) -> list[Json]:
        """The words of the sentence that is being said, or whose final is on its way."""
        if following and heard - self._script[following - 1]["end_ts"] < (FINAL_S - INTERIM_S) * 1000:
            return _words(self._script[following - 1], number, first=following == 1)
        if following == len(self._script):
            return []
        words = _words(self._script[following], number, first=following == 0)
        return [word for word in words if word["end"] * 1000 <= heard]

    def answer(self, body: Json) -> tuple[bytes, tuple[int, int] | None]:
        """A chat completion for `body`, and which line of which connection it is about, where it names a moment."""
        self.asked += 1
        lines = [json.loads(line) for line in str(body["messages"][-1]["content"]).splitlines() if line[:1] == "{"]
        judged = set(lines[-1]["judge"])
        answer: Json = {"type": "none", "utterance_no": lines[-1]["judge"][-1], "quote": "", "nudge": ""}
        about = None
        for line in lines[:-1]:
            if line["no"] in judged and line["text"].casefold() in self._types:
                about = self._said.get(line["text"])
                answer = {
                    "type": self._types[line["text"].casefold()],
                    "utterance_no": line["no"],
                    "quote": line["text"],
                    "nudge": "Ask what matters most to them before you answer.",
                }
        message = {"role": "assistant", "content": json.dumps(answer)}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        usage = {"prompt_tokens": 900, "completion_tokens": 40}
        completion = {"id": "1", "model": body["model"], "choices": [choice], "usage": usage}
        return json.dumps(completion).encode(), about

    def answered(self, about: tuple[int, int] | None, seconds: float) -> None:
        """The model took `seconds`, from the last byte of the question to the first of the answer."""
        if about is not None:
            number, line = about
            self._log.write(f"answer {number} {line} {seconds}\n")

    def count(self) -> bytes:
        """How many completions were asked for."""
        self._log.flush()
        return json.dumps({"asked": self.asked}).encode()


class _Model(asyncio.Protocol):
    """One connection to the model: HTTP/1.1 as our client speaks it. A whole server's time would count as ours."""

    def __init__(self, wires: Wires) -> None:
        self._wires = wires
        self._came = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        came = time.monotonic()
        self._came += data
        head, found, body = self._came.partition(b"\r\n\r\n")
        if not found:
            return
        length = next((int(line[15:]) for line in head.split(b"\r\n") if line[:15].lower() == b"content-length:"), 0)
        if len(body) < length:
            return
        self._came = b""
        if head.startswith(b"GET"):
            self._send(self._wires.count())
            return
        answer, about = self._wires.answer(json.loads(body))
        left = MODEL_S - (time.monotonic() - came)
        asyncio.get_running_loop().call_later(left, self._answer, answer, about, came)

    def _answer(self, answer: bytes, about: tuple[int, int] | None, came: float) -> None:
        # Timers are true to a millisecond only: what is subtracted is what was taken.
        self._wires.answered(about, time.monotonic() - came)
        self._send(answer)

    def _send(self, body: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
            self._transport.write(head + body)


async def _until_gone(socket: ServerConnection) -> AsyncIterator[str | bytes]:
    """What comes, to the end of the connection; the bench ends its server without a farewell."""
    with contextlib.suppress(ConnectionClosed):
        async for data in socket:
            yield data


def _said_by(number: int, line: Json) -> str:
    """The line's words as connection `number` says them this time.

    No two say a sentence alike, nor one twice, else what was read of one would serve another; capitals change the
    letters and no meaning.
    """
    pattern = number * 64 + line["start_ts"] // ((TURN_MS + GAP_MS) * len(_SAID))
    said: list[str] = []
    for letter in line["text"]:
        said.append(letter.upper() if letter.isalpha() and pattern & 1 else letter.lower())
        # A space can tell nobody from anybody.
        pattern >>= letter.isalpha()
    return "".join(said)


def _final(line: Json, window: float, number: int, *, first: bool) -> Json:
    return _result(_words(line, number, first=first), window, line["end_ts"], final=True)


def _words(line: Json, number: int, *, first: bool) -> list[Json]:
    texts = _said_by(number, line).split()
    if first:
        texts[0] = f"c{number}"
    step = (line["end_ts"] - line["start_ts"]) / len(texts)
    return [
        {
            "word": text.lower(),
            "punctuated_word": text,
            "start": (line["start_ts"] + at * step) / 1000,
            "end": (line["start_ts"] + (at + 1) * step) / 1000,
            "confidence": 0.98,
            "speaker": line["speaker"],
        }
        for at, text in enumerate(texts)
    ]


def _result(words: list[Json], start: float, end: float, *, final: bool) -> Json:
    transcript = " ".join(word["punctuated_word"] for word in words)
    return {
        "type": "Results",
        "channel_index": [0, 1],
        "start": start / 1000,
        "duration": (end - start) / 1000,
        "is_final": final,
        "speech_final": final,
        "channel": {"alternatives": [{"transcript": transcript, "confidence": 0.98, "words": words}]},
    }


_SAID: Final = (
    (0, "Thanks for taking the time today.", ""),
    (1, "Sure, we have about half an hour.", ""),
    (0, "How do your planners work at the moment?", ""),
    (1, "Everything is in one big spreadsheet.", ""),
    (1, "Honestly, we lose about a day every week because of it.", "pain_stated"),
    (0, "I hear that a lot from teams of your size.", ""),
    (1, "How much does it cost per month?", "price_asked"),
    (0, "It depends on the number of drivers.", ""),
    (1, "That is much too expensive for us.", "objection_raised"),
    (0, "Let me show you how others looked at that.", ""),
    (1, "We are also talking to two other vendors about this.", "competitor_mentioned"),
    (1, "My boss has to sign anything of that size.", "decision_process"),
    (0, "That makes sense, most companies do it so.", ""),
    (1, "Could we start with one depot next month?", "buying_signal"),
    (0, "I will send you the proposal by Friday.", "commitment_offered"),
    (1, "Let me think about it and get back to you.", "stall"),
)
TURN_MS: Final = 2_600
GAP_MS: Final = 400


def script(length_ms: int) -> list[Json]:
    """Short turns, over and over: what a nudge is about stands at the end of one, as late as it can be said."""
    found: list[Json] = []
    while (at := len(found) * (TURN_MS + GAP_MS)) < length_ms:
        speaker, text, moment = _SAID[len(found) % len(_SAID)]
        moments = [{"type": moment}] if moment else []
        found.append(
            {"speaker": speaker, "start_ts": at + 200, "end_ts": at + 200 + TURN_MS, "text": text, "moments": moments}
        )
    return found


async def main(wires: Wires) -> None:
    """Serve until killed; the first line of standard output names the two ports."""
    model = await asyncio.get_running_loop().create_server(lambda: _Model(wires), "127.0.0.1", 0)
    async with serve(wires.hear, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
        ports = [next(iter(each.sockets)).getsockname()[1] for each in (server, model)]
        sys.stdout.write(json.dumps(ports) + "\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    import uvloop

    uvloop.run(main(Wires(script(int(sys.argv[1]) * 1000), Path(sys.argv[2]))))
