"""Deepgram's wire: the address with its parameters, the messages sent, and what a refusal means.

Sources: https://developers.deepgram.com/docs/diarization, /docs/audio-keep-alive, /docs/finalize, /docs/keyterm,
/docs/understand-endpointing-interim-results, /docs/utterance-end, /docs/errors.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlencode, urlsplit, urlunsplit

import structlog

from ridealong.core.errors import InvalidSettings, RidealongError, Unavailable
from ridealong.speech import SAMPLE_RATE, Hearing
from ridealong.waits import date_wait_s

_log = structlog.get_logger(__name__)

KEEP_ALIVE: Final = '{"type":"KeepAlive"}'
FINALIZE: Final = '{"type":"Finalize"}'
CLOSE_STREAM: Final = '{"type":"CloseStream"}'

MOST_KEYTERM_TOKENS: Final = 480
"""Above 500 tokens of key terms Deepgram stops transcribing without a word; our count is an estimate."""
_BYTES_A_TOKEN: Final = 2
"""English runs at about four bytes a token; product and family names, which key terms are, at two to three."""

_WITH_KEYTERMS: Final = "nova-3"
_NO_ADDRESS: Final = "RIDEALONG_DEEPGRAM_URL is no address: use for example wss://api.deepgram.com"
_REFUSED_KEY: Final = (401, 403)


@dataclass(frozen=True, kw_only=True, slots=True)
class DeepgramOptions:
    """How to reach Deepgram and what to ask of it. Times in the unit of their name."""

    api_key: str = field(repr=False)
    url: str = "wss://api.deepgram.com"
    """`ws(s)` or `http(s)`, with or without the path; both kinds of transcription use it."""
    model: str = "nova-3"
    endpointing_ms: int = 300
    """Silence after which a turn is final. Deepgram's own default of 10 ms cuts inside words."""
    utterance_end_ms: int = 1_000
    diarize_model: str = "latest"
    """For streaming, where `v2` is refused."""
    batch_diarize_model: str = "v2"
    stall_s: float = 4.0
    """Audio flows and nothing comes back for this long: the connection is taken for dead."""
    patience_s: float = 10.0
    """How long a call waits for a connection before hearing is given up (and then tried again from above)."""
    overlap_ms: int = 5_000
    """Audio from before the break that a new connection gets at least, to tell its speakers by."""
    most_overlap_ms: int = 20_000
    batch_timeout_s: float = 600.0


def streaming_url(options: DeepgramOptions, hearing: Hearing) -> str:
    """The address of one streaming connection. Raises InvalidSettings for an address that is none."""
    parameters: list[tuple[str, str]] = [
        ("model", options.model),
        ("language", hearing.language),
        ("encoding", "linear16"),
        ("sample_rate", str(SAMPLE_RATE)),
        ("channels", str(hearing.channels)),
        ("interim_results", "true"),
        ("punctuate", "true"),
        ("endpointing", str(options.endpointing_ms)),
        ("utterance_end_ms", str(options.utterance_end_ms)),
        ("vad_events", "true"),
        _speakers(hearing, options.diarize_model),
    ]
    return _address(options.url, {"http": "ws", "https": "wss"}, parameters + _keyterms(options, hearing))


def batch_url(options: DeepgramOptions, hearing: Hearing) -> str:
    """The address for a whole recording. Raises InvalidSettings for an address that is none."""
    parameters: list[tuple[str, str]] = [
        ("model", options.model),
        ("language", hearing.language),
        ("punctuate", "true"),
        ("utterances", "true"),
        _speakers(hearing, options.batch_diarize_model),
    ]
    return _address(options.url, {"ws": "http", "wss": "https"}, parameters + _keyterms(options, hearing))


def key_url(options: DeepgramOptions) -> str:
    """The address that tells whether the key is valid, without transcribing anything.

    Source: https://developers.deepgram.com/docs/authenticating. Raises InvalidSettings for an address that is none.
    """
    return _address(options.url, {"ws": "http", "wss": "https"}, []).removesuffix("/listen") + "/auth/token"


def authorization(options: DeepgramOptions) -> dict[str, str]:
    """Deepgram's keys are sent as `Token`, not as `Bearer`."""
    return {"Authorization": f"Token {options.api_key}"}


def _speakers(hearing: Hearing, diarize_model: str) -> tuple[str, str]:
    """Two channels are two speakers; one channel has to be diarised. `diarize` is deprecated."""
    return ("multichannel", "true") if hearing.channels == 2 else ("diarize_model", diarize_model)


def _keyterms(options: DeepgramOptions, hearing: Hearing) -> list[tuple[str, str]]:
    if not options.model.startswith(_WITH_KEYTERMS):
        return []
    terms = fitting_keyterms(hearing.vocabulary)
    return [("keyterm", term) for term in terms]


def fitting_keyterms(vocabulary: Sequence[str]) -> list[str]:
    """The terms, in their order and each once, that surely stay below Deepgram's limit."""
    terms = list({term.strip().casefold(): term.strip() for term in vocabulary if term.strip()}.values())
    taken: list[str] = []
    tokens = 0
    for term in terms:
        tokens += 1 + sum(math.ceil(len(word.encode()) / _BYTES_A_TOKEN) for word in term.split())
        if tokens > MOST_KEYTERM_TOKENS:
            _log.warning("keyterms_cut", kept=len(taken), of=len(terms))
            break
        taken.append(term)
    return taken


def _address(url: str, schemes: dict[str, str], parameters: list[tuple[str, str]]) -> str:
    try:
        parts = urlsplit(url.strip() if "://" in url else f"https://{url.strip()}")
        named = bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise InvalidSettings(_NO_ADDRESS) from None
    scheme = schemes.get(parts.scheme, parts.scheme)
    if scheme not in {"http", "https", "ws", "wss"} or not named:
        raise InvalidSettings(_NO_ADDRESS)
    path = parts.path.rstrip("/")
    path = path if path.endswith("/listen") else f"{path.removesuffix('/v1')}/v1/listen"
    return urlunsplit((scheme, parts.netloc, path, urlencode(parameters), ""))


def refusal(status: int, model: str) -> RidealongError:
    """What an HTTP status means: InvalidSettings where trying again cannot help, else Unavailable."""
    if status in _REFUSED_KEY:
        return InvalidSettings("Deepgram refuses the key: check RIDEALONG_DEEPGRAM_API_KEY and what it may do")
    if status == 402:
        return InvalidSettings("Deepgram's credit is used up: top up the account, or set RIDEALONG_TRANSCRIBER=local")
    if status == 429:
        return Unavailable("Deepgram's limit of connections is reached: wait, or ask Deepgram for more")
    if 300 <= status < 400:
        return InvalidSettings(
            f"Deepgram redirects elsewhere ({status}): set RIDEALONG_DEEPGRAM_URL to the address itself"
        )
    if 400 <= status < 500 and status != 408:
        return InvalidSettings(
            f"Deepgram refuses the request ({status}): check RIDEALONG_DEEPGRAM_MODEL ('{model}'), the language "
            "and RIDEALONG_DEEPGRAM_URL"
        )
    return Unavailable(f"Deepgram answers with {status}: it is tried again")


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, as a `Retry-After` header says it; None where it does not."""
    try:
        seconds = float(headers.get("retry-after", ""))
    except ValueError:
        dated = date_wait_s(headers)
        if dated is None:
            return None
        seconds = dated
    return seconds if 0 <= seconds < 3600 else None
