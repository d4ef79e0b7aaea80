"""What Twilio says on a media stream, as it says it: numbers as text or as numbers, and events that may be new.

A message that cannot be understood is None, never an exception: the carrier cannot send it again, and the call goes on.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ridealong.core.errors import Refused
from ridealong.live import CallStart
from ridealong.web.messages import (
    CONSENT_WANTED,
    PROTOCOL,
    ConsentStated,
    ContextStated,
    FormatStated,
    Line,
    Prose,
    RepStated,
    Start,
    Token,
    call_start,
)
from ridealong.web.tracks import Frame

TRACKS: Final = {"inbound": 0, "outbound": 1}
"""Which channel each track becomes."""
_LONGEST_MS: Final = 24 * 3600 * 1000


class Parameters(BaseModel):
    """`start.customParameters`: what `<Parameter>` says in the TwiML. Every value is text."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    token: Token | None = None
    rep: Annotated[Line, Field(min_length=1)]
    consent: Prose = ""
    title: Line = ""
    language: str = "en"
    customer: Line = ""
    deal: Line = ""
    call_type: Annotated[Line, Field(max_length=64)] = ""
    stage: Annotated[Line, Field(max_length=64)] = ""
    rep_track: Literal["inbound", "outbound", "unknown"] = "unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamStarted:
    """The carrier's `start`."""

    call_sid: str
    stream_sid: str
    channels: tuple[int, ...]
    parameters: Parameters

    def call_start(self) -> CallStart:
        """Raises Refused as `messages.call_start` does."""
        said = self.parameters
        layouts: Final[dict[str, Literal["rep_first", "customer_first", "separate"]]] = {
            "inbound": "rep_first",
            "outbound": "customer_first",
            "unknown": "separate",
        }
        try:
            stated = Start(
                type="start",
                protocol=PROTOCOL,
                format=FormatStated(encoding="mulaw", sample_rate=8_000, channels=2),
                channel_layout=layouts[said.rep_track],
                rep=RepStated(id=said.rep),
                consent=ConsentStated(statement=said.consent),
                title=said.title,
                language=said.language,
                context=ContextStated(
                    customer=said.customer, deal=said.deal, call_type=said.call_type, stage=said.stage
                ),
            )
        except ValidationError as error:
            raise _refused(error) from None
        return call_start(stated, external_id=self.call_sid)


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamAudio:
    channel: int
    frame: Frame


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamStopped:
    pass


@dataclass(frozen=True, kw_only=True, slots=True)
class Unimportant:
    """`connected`, `mark`, `dtmf`, and whatever the carrier thinks of next."""

    event: str


Said = StreamStarted | StreamAudio | StreamStopped | Unimportant


def carrier_message(text: str) -> Said | None:
    """One message; None when nothing can be made of it. Raises Refused for a `start` that cannot begin a call."""
    said = _object(text)
    match said.get("event"):
        case "media":
            return _audio(said.get("media"))
        case "start":
            return _started(said)
        case "stop":
            return StreamStopped()
        case str() as event:
            return Unimportant(event=event)
        case _:
            return None


def _object(text: str) -> dict[str, Any]:
    """The JSON object in `text`, an empty one where there is none."""
    try:
        message: Any = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", message) if isinstance(message, dict) else {}


def _audio(media: object) -> StreamAudio | None:
    if not isinstance(media, Mapping):
        return None
    found = cast("Mapping[str, Any]", media)
    start_ms, payload = _number(found.get("timestamp")), found.get("payload")
    channel = TRACKS.get(str(found.get("track", "inbound")))
    if start_ms is None or channel is None or not isinstance(payload, str):
        return None
    try:
        data = base64.b64decode(payload, validate=True)
    except (binascii.Error, ValueError):
        return None
    if not data:
        return None
    return StreamAudio(channel=channel, frame=Frame(start_ms=start_ms, data=data, chunk=_number(found.get("chunk"))))


def _number(value: object) -> int | None:
    """A count that may be written as text. Nothing else: a guessed time is a wrong time."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 12:
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LONGEST_MS:
        return value
    return None


def _started(said: Mapping[str, Any]) -> StreamStarted:
    start: Any = said.get("start")
    if not isinstance(start, dict):
        raise Refused("bad_message", "`start` must hold what the stream is")
    stated = cast("dict[str, Any]", start)
    _check_format(stated.get("mediaFormat"))
    call_sid = stated.get("callSid")
    if not isinstance(call_sid, str) or not 1 <= len(call_sid) <= 300 or not call_sid.isprintable():
        raise Refused("bad_message", "`start.callSid` must name the call")
    tracks: Any = stated.get("tracks") or ["inbound"]
    channels = (
        tuple(sorted({TRACKS[t] for t in cast("list[Any]", tracks) if isinstance(t, str) and t in TRACKS}))
        if isinstance(tracks, list)
        else ()
    )
    if not channels:
        raise Refused("bad_message", "`start.tracks` must hold `inbound`, `outbound` or both")
    try:
        parameters = Parameters.model_validate(stated.get("customParameters") or {})
    except ValidationError as error:
        raise _refused(error) from None
    return StreamStarted(
        call_sid=call_sid,
        stream_sid=str(stated.get("streamSid") or said.get("streamSid") or ""),
        channels=channels,
        parameters=parameters,
    )


def _check_format(stated: object) -> None:
    found = cast("Mapping[str, Any]", stated) if isinstance(stated, Mapping) else {}
    encoding = found.get("encoding", "audio/x-mulaw")
    if encoding != "audio/x-mulaw" or _number(found.get("sampleRate", 8_000)) != 8_000:
        raise Refused("bad_format", "a media stream is heard as audio/x-mulaw at 8000 Hz")
    if _number(found.get("channels", 1)) != 1:
        raise Refused("bad_format", "each track of a media stream has one channel")


def _refused(error: ValidationError) -> Refused:
    # Never the input: it can be a token.
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    name = str(first["loc"][0]) if first["loc"] else "parameters"
    if name == "consent":
        return Refused("consent_missing", CONSENT_WANTED)
    return Refused("bad_message", f"`start.customParameters.{name}`: {first['msg']}")
