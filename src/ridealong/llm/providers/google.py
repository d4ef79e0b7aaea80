"""Google's generateContent. One answer in one piece: the vendor's own stream of it is no safer, an answer cut short
lacks its end and is seen either way."""

from __future__ import annotations

import time
from typing import Any, Final, cast
from urllib.parse import quote

from ridealong.core.errors import BadAnswer, QuestionRefused
from ridealong.llm import Answer, Block, Question, Usage
from ridealong.llm.endpoint import Endpoint
from ridealong.llm.failures import billing, duration_s, failure, retry_after_s
from ridealong.llm.prompt import lay_out, merged
from ridealong.llm.schema import Prepared, SchemaMode, Schemas, closed_schema, read_object

_REFUSALS: Final = (
    "SAFETY",
    "RECITATION",
    "LANGUAGE",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "OTHER",
)
_NEVER_BLOCK: Final = [
    {"category": f"HARM_CATEGORY_{category}", "threshold": "BLOCK_NONE"}
    for category in ("HARASSMENT", "HATE_SPEECH", "SEXUALLY_EXPLICIT", "DANGEROUS_CONTENT")
]
"""A sales call is reviewed as it was; an angry customer's words are the very thing to report on."""


class GoogleModel:
    """A model behind `{base_url}/models/{id}:generateContent`."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._can = endpoint.capability
        self._holds = self._can.schema_mode is SchemaMode.STRICT
        self._schemas = Schemas((lambda schema: closed_schema(schema, all_required=False)) if self._holds else None)
        self._url = f"{endpoint.base_url}/models/{quote(endpoint.model_id, safe='')}:generateContent"
        self._headers = {"x-goog-api-key": endpoint.key}

    @property
    def name(self) -> str:
        return self._endpoint.name

    async def answer(self, question: Question) -> Answer:
        prepared = self._schemas.prepare(question.schema)
        body = self._request(question, prepared)
        started = time.perf_counter()
        async with self._endpoint.wire.post(
            self._url, headers=self._headers, body=body, vendor=self._endpoint.vendor
        ) as exchange:
            whole: dict[str, Any] = await exchange.json()
            if exchange.status != 200:
                codes, delay = _error(whole)
                wait = retry_after_s(exchange.headers, None)
                raise failure(self._endpoint, exchange.status, codes, delay if wait is None else wait)
        seconds = time.perf_counter() - started
        usage = _usage(whole.get("usageMetadata"))
        with billing(usage):
            content = read_object(self._text(whole), prepared, who=self.name)
        return Answer(
            content=content,
            model=self._endpoint.told(whole.get("modelVersion")),
            vendor=self._endpoint.vendor,
            usage=usage,
            seconds=seconds,
        )

    async def close(self) -> None:
        """Nothing to free: the connections are the endpoint's."""

    def _request(self, question: Question, prepared: Prepared) -> dict[str, object]:
        layout = lay_out(question, schema_text=None if self._holds else prepared.text)
        config: dict[str, object] = {
            "responseMimeType": "application/json",
            "maxOutputTokens": self._can.output_limit(question.max_output_tokens, question.effort),
        }
        if self._holds:
            config["responseJsonSchema"] = prepared.sent
        if self._can.sampling:
            config["temperature"] = 0
        body: dict[str, object] = {
            "contents": [{"role": "user", "parts": _parts(layout.user)}],
            "generationConfig": config,
            "safetySettings": _NEVER_BLOCK,
        }
        if layout.system:
            body["systemInstruction"] = {"parts": _parts(layout.system)}
        return merged(body, self._can.effort.get(question.effort))

    def _text(self, whole: dict[str, Any]) -> str:
        feedback = whole.get("promptFeedback")
        if isinstance(feedback, dict) and cast("dict[str, object]", feedback).get("blockReason"):
            raise QuestionRefused(f"{self.name} refuses this question: another vendor's model may not")
        try:
            candidate = whole["candidates"][0]
            finish = candidate.get("finishReason")
            parts = (candidate.get("content") or {}).get("parts") or ()
            text = "".join(str(part.get("text") or "") for part in parts if not part.get("thought"))
        except (KeyError, IndexError, TypeError, AttributeError):
            raise BadAnswer(f"{self.name} answered without a candidate: ask again, or check its URL") from None
        if finish == "MAX_TOKENS":
            raise BadAnswer(f"{self.name} was cut off at its limit of tokens: allow more, or ask for less effort")
        if finish in _REFUSALS:
            raise QuestionRefused(f"{self.name} refuses to answer this question: another vendor's model may not")
        if finish != "STOP":
            raise BadAnswer(f"{self.name} ended its answer in a way that is not known here: ask again")
        return text


def _parts(blocks: tuple[Block, ...]) -> list[dict[str, str]]:
    return [{"text": block.text} for block in blocks]


def _error(body: dict[str, Any]) -> tuple[tuple[object, ...], float | None]:
    """What the error is called, and the delay it states (`google.rpc.RetryInfo`)."""
    error = body.get("error")
    if not isinstance(error, dict):
        return (), None
    found = cast("dict[str, Any]", error)
    codes: list[object] = []
    delay: float | None = None
    for detail in found.get("details") or ():
        if isinstance(detail, dict):
            codes.append(detail.get("reason"))
            stated = detail.get("retryDelay")
            delay = duration_s(stated) if isinstance(stated, str) else delay
    return (*[code for code in codes if code], found.get("status")), delay


def _usage(told: object) -> Usage:
    """Google counts thinking beside the candidates' tokens; both are billed as output."""

    counts = cast("dict[str, object]", told) if isinstance(told, dict) else {}

    def number(name: str) -> int:
        value = counts.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0

    return Usage(
        input=number("promptTokenCount"),
        cache_read=number("cachedContentTokenCount"),
        output=number("candidatesTokenCount") + number("thoughtsTokenCount"),
    )
