"""What a client may write on the sockets.

Keys that are not known here are ignored, so that a newer app can talk to an older server. A known key of the wrong
type is refused: a guess about a number is how audio ends up at the wrong speed.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, TypeAdapter, ValidationError

from ridealong.core.context import CallContext
from ridealong.core.errors import Refused
from ridealong.core.moments import Verdict
from ridealong.live import AudioFormat, CallStart, ChannelLayout, Encoding

PROTOCOL: Final = 1
"""The one version of the protocol that this server speaks."""


def _storable(text: str) -> str:
    # PostgreSQL's text holds no NUL, and no other control character belongs into a name.
    if any(ord(character) < 0x20 and character not in "\t\n" for character in text):
        raise ValueError("control characters are not allowed")
    return text


Token = Annotated[SecretStr, Field(max_length=512)]
Line = Annotated[str, Field(max_length=300), AfterValidator(_storable)]
SpeakerNamed = Annotated[int, Field(ge=0, le=63)]
Prose = Annotated[str, Field(max_length=2_000), AfterValidator(_storable)]


class _Message(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


class FormatStated(_Message):
    encoding: str
    sample_rate: int
    channels: int = 1


class RepStated(_Message):
    id: Annotated[Line, Field(min_length=1)] | None = None
    speaker_id: SpeakerNamed | None = None
    speaker_ids: Annotated[list[SpeakerNamed], Field(max_length=64)] = []


class ConsentStated(_Message):
    statement: Prose = ""


class ContextStated(_Message):
    customer: Line = ""
    deal: Line = ""
    call_type: Annotated[Line, Field(max_length=64)] = ""
    stage: Annotated[Line, Field(max_length=64)] = ""


class Start(_Message):
    type: Literal["start"]
    protocol: int
    token: Token | None = None
    format: FormatStated
    channel_layout: Literal["mixed", "rep_first", "customer_first", "separate"] = "mixed"
    rep: RepStated | None = None
    consent: ConsentStated | None = None
    title: Line = ""
    language: Annotated[str, Field(pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$", max_length=35)] = "en"
    context: ContextStated | None = None
    pace: Literal["live", "recorded"] = "live"
    """`recorded`: the audio exists already and may come faster than real time."""


class Resume(_Message):
    type: Literal["resume"]
    protocol: int = PROTOCOL
    call_token: Token | None = None
    call_id: Annotated[UUID, Field(strict=False)] | None = None
    received: Annotated[int, Field(ge=0)] = 0
    """The last `received` that the client saw acknowledged."""
    after: Annotated[int, Field(ge=0)] | None = None
    """The last event `seq` that the client has; without it only new events are sent."""
    take_over: bool = False


class Watch(_Message):
    type: Literal["watch"]
    protocol: int = PROTOCOL
    token: Token | None = None
    after: Annotated[int, Field(ge=0)] | None = None


class Gap(_Message):
    type: Literal["gap"]
    duration_ms: Annotated[int, Field(gt=0, le=24 * 3600 * 1000)]
    reason: Line = "client"


class RepSpeaker(_Message):
    type: Literal["rep_speaker"]
    speaker_id: SpeakerNamed


class Pause(_Message):
    type: Literal["pause"]


class Unpause(_Message):
    type: Literal["unpause"]


class Ping(_Message):
    type: Literal["ping"]
    id: Annotated[Line, Field(max_length=64)] | int | None = None


class MarkNow(_Message):
    """ "This moment matters": at the end of the audio that has arrived."""

    type: Literal["mark"]


class FeedbackTapped(_Message):
    type: Literal["feedback"]
    moment_id: Annotated[UUID, Field(strict=False)]
    verdict: Annotated[Verdict, Field(strict=False)]


class NudgeSeen(_Message):
    """The nudge was on the rep's screen."""

    type: Literal["seen"]
    moment_id: Annotated[UUID, Field(strict=False)]


class Stop(_Message):
    type: Literal["stop"]


FromSender = Start | Resume | Gap | RepSpeaker | Pause | Unpause | MarkNow | FeedbackTapped | NudgeSeen | Ping | Stop
FromWatcher = Watch | Ping

_SENDER: Final = TypeAdapter[FromSender](Annotated[FromSender, Field(discriminator="type")])
_WATCHER: Final = TypeAdapter[FromWatcher](Annotated[FromWatcher, Field(discriminator="type")])


def sender_message(text: str) -> FromSender:
    """One message of a capture socket. Raises Refused('bad_message') telling which key is wrong."""
    try:
        return _SENDER.validate_json(text)
    except ValidationError as error:
        types = "start, resume, gap, rep_speaker, pause, unpause, mark, feedback, seen, ping, stop"
        raise _refused(error, types) from None


def watcher_message(text: str) -> FromWatcher:
    """One message of a watching socket. Raises Refused('bad_message') telling which key is wrong."""
    try:
        return _WATCHER.validate_json(text)
    except ValidationError as error:
        raise _refused(error, "watch, ping") from None


def _refused(error: ValidationError, types: str) -> Refused:
    # Pydantic's own text can repeat the input, and with it a token: only the place and the rule are told.
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    if first["type"] in {"union_tag_invalid", "union_tag_not_found"}:
        return Refused("bad_message", f"`type` must be one of: {types}")
    if first["type"] in {"json_invalid", "model_attributes_type", "dict_type", "model_type"} and len(first["loc"]) < 2:
        return Refused("bad_message", "a text message must be one JSON object in UTF-8")
    where = ".".join(str(part) for part in first["loc"][1:]) or "message"
    if first["type"] == "missing" and where.startswith("consent"):
        return Refused("consent_missing", CONSENT_WANTED)
    return Refused("bad_message", f"`{where}`: {first['msg']}")


CONSENT_WANTED: Final = (
    "`consent.statement` must say how everybody on the call agreed to be recorded; without it no audio is taken"
)


def call_start(message: Start, *, rep_id: str | None = None, external_id: str = "") -> CallStart:
    """The checked statement of a call. `rep_id`: whose it is, where that is known without the message;
    `external_id`: its name where it comes from.

    Raises Refused('unsupported_protocol' | 'bad_message' | 'bad_format' | 'consent_missing') with what to send instead.
    """
    if message.protocol != PROTOCOL:
        raise Refused("unsupported_protocol", f"this server speaks protocol {PROTOCOL}")
    rep_id = rep_id or (message.rep.id if message.rep else None)
    if rep_id is None:
        raise Refused("bad_message", "`rep.id`: say which rep is on the call")
    stated = message.format
    try:
        encoding = Encoding(stated.encoding)
    except ValueError:
        raise Refused("bad_format", "`format.encoding` must be pcm16, mulaw or opus") from None
    layout = ChannelLayout(message.channel_layout)
    _check_format(encoding, stated.sample_rate, stated.channels, layout)
    if message.consent is None or not message.consent.statement.strip():
        raise Refused("consent_missing", CONSENT_WANTED)
    return CallStart(
        format=AudioFormat(encoding=encoding, sample_rate=stated.sample_rate, channels=stated.channels),
        layout=layout,
        rep_id=rep_id,
        consent=message.consent.statement.strip(),
        title=message.title,
        language=message.language,
        rep_speakers=_reps(message.rep),
        external_id=external_id,
        context=CallContext() if message.context is None else CallContext(**message.context.model_dump()),
    )


def _reps(stated: RepStated | None) -> tuple[int, ...]:
    if stated is None:
        return ()
    if stated.speaker_id is None:
        return tuple(dict.fromkeys(stated.speaker_ids))
    if stated.speaker_ids and stated.speaker_id not in stated.speaker_ids:
        raise Refused("bad_message", "`rep.speaker_ids` names every rep on the call: `rep.speaker_id` is missing in it")
    return tuple(dict.fromkeys([stated.speaker_id, *stated.speaker_ids]))


def _check_format(encoding: Encoding, rate: int, channels: int, layout: ChannelLayout) -> None:
    if channels not in (1, 2):
        raise Refused("bad_format", "`format.channels` must be 1 or 2")
    match encoding:
        case Encoding.PCM16:
            if not 8_000 <= rate <= 48_000:
                raise Refused("bad_format", "`format.sample_rate` of pcm16 must lie between 8000 and 48000")
        case Encoding.MULAW:
            if rate != 8_000:
                raise Refused("bad_format", "mulaw is 8000 Hz: send other audio as pcm16")
        case Encoding.OPUS:
            if rate != 48_000:
                raise Refused("bad_format", "opus is always 48000 Hz on the wire, whatever was encoded")
    if (layout is ChannelLayout.MIXED) != (channels == 1):
        raise Refused(
            "bad_format",
            "`channel_layout` must be `mixed` for one channel, and `rep_first` or `customer_first` for two",
        )
