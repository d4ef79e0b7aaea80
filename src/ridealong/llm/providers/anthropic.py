"""Anthropic's Messages API: streamed, so that an answer that breaks off is seen to.

Citations are never asked for: the API refuses them together with a schema, and ours are ids and quotes in the schema.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from ridealong.core.errors import BadAnswer, ModelAway, QuestionRefused
from ridealong.llm import Answer, Block, Limits, Question, Usage
from ridealong.llm.endpoint import Endpoint
from ridealong.llm.failures import billing, failure, retry_after_s
from ridealong.llm.prompt import lay_out, merged
from ridealong.llm.schema import Prepared, SchemaMode, Schemas, closed_schema, read_object
from ridealong.llm.wire import Exchange

_VERSION: Final = "2023-06-01"
_BREAKPOINTS: Final = 4
_STATUS: Final = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}


@dataclass(kw_only=True, slots=True)
class _Message:
    """What has arrived of a message."""

    model: str = ""
    text: list[str] = field(default_factory=list[str])
    usage: dict[str, int] = field(default_factory=dict[str, int])
    stop: str | None = None
    ended: bool = False


class AnthropicModel:
    """A model behind `{base_url}/messages`."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._can = endpoint.capability
        self._holds = self._can.schema_mode is SchemaMode.STRICT
        self._schemas = Schemas((lambda schema: closed_schema(schema, all_required=False)) if self._holds else None)
        self._url = f"{endpoint.base_url}/messages"
        self._headers = {"x-api-key": endpoint.key, "anthropic-version": _VERSION}

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
            limits = _limits(exchange.headers)
            if exchange.status != 200:
                codes = _codes(await exchange.json())
                raise failure(self._endpoint, exchange.status, codes, retry_after_s(exchange.headers, limits))
            message = await self._streamed(exchange, question) if exchange.streams else _whole(await exchange.json())
        seconds = time.perf_counter() - started
        usage = _usage(message.usage)
        with billing(usage):
            self._check_end(message)
            content = read_object("".join(message.text), prepared, who=self.name)
        return Answer(
            content=content,
            model=self._endpoint.told(message.model),
            vendor=self._endpoint.vendor,
            usage=usage,
            seconds=seconds,
            limits=limits,
        )

    async def close(self) -> None:
        """Nothing to free: the connections are the endpoint's."""

    def _request(self, question: Question, prepared: Prepared) -> dict[str, object]:
        layout = lay_out(question, schema_text=None if self._holds else prepared.text)
        marks = _breakpoints((*layout.system, *layout.user)) if self._can.cache and self._can.cache.marked else set()
        system = [_part(block, n in marks) for n, block in enumerate(layout.system)]
        user = [_part(block, n in marks) for n, block in enumerate(layout.user, start=len(layout.system))]
        body: dict[str, object] = {
            "model": self._endpoint.model_id,
            "max_tokens": self._can.output_limit(question.max_output_tokens, question.effort),
            "messages": [{"role": "user", "content": user}],
            "stream": True,
        }
        if system:
            body["system"] = system
        if self._can.sampling:
            body["temperature"] = 0
        if self._holds:
            body["output_config"] = {"format": {"type": "json_schema", "schema": prepared.sent}}
        return merged(body, self._can.effort.get(question.effort))

    async def _streamed(self, exchange: Exchange, question: Question) -> _Message:
        message = _Message()
        async for _event, data in exchange.events():
            try:
                event = cast("dict[str, Any]", json.loads(data))
                kind = event.get("type")
                if kind == "error":
                    codes = _codes(event)
                    status = _STATUS.get(str(codes[-1]), 500) if codes else 500
                    raise failure(self._endpoint, status, codes, None)
                if kind == "message_start" and question.begun is not None:
                    question.begun()
                _take(message, kind, event)
                if message.ended or message.stop is not None:
                    exchange.whole()
            except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
                continue  # a kind of event that we do not know; what we need is checked at the end
        # Its content is whole once it is said why it ended.
        if not message.ended and message.stop is None:
            with billing(_usage(message.usage)):
                raise ModelAway("anthropic broke off in the middle of an answer: ask again")
        return message

    def _check_end(self, message: _Message) -> None:
        match message.stop:
            case "end_turn" | "stop_sequence":
                return
            case "max_tokens":
                raise BadAnswer(f"{self.name} was cut off at its limit of tokens: allow more, or ask for less effort")
            case "refusal":
                raise QuestionRefused(f"{self.name} refuses to answer this question: another vendor's model may not")
            case "model_context_window_exceeded":
                raise QuestionRefused(
                    f"the question is longer than {self.name} can hold: choose one with a larger context"
                )
            case _:
                raise BadAnswer(f"{self.name} ended its answer in a way that is not known here: ask again")


def _take(message: _Message, kind: object, event: dict[str, Any]) -> None:
    match kind:
        case "message_start":
            message.model = str(event["message"].get("model") or "")
            message.usage |= _counts(event["message"].get("usage"))
        case "content_block_delta":
            if event["delta"].get("type") == "text_delta":
                message.text.append(str(event["delta"]["text"]))
        case "message_delta":
            message.stop = event["delta"].get("stop_reason") or message.stop
            # Cumulative, so the last one counts.
            message.usage |= _counts(event.get("usage"))
        case "message_stop":
            message.ended = True
        case _:
            pass


def _whole(body: dict[str, Any]) -> _Message:
    """A message that came unstreamed, as some gateways send it."""
    blocks = body.get("content")
    blocks = cast("list[Any]", blocks) if isinstance(blocks, list) else []
    text = [str(block.get("text") or "") for block in blocks if isinstance(block, dict) and block.get("type") == "text"]
    return _Message(
        model=str(body.get("model") or ""),
        text=text,
        usage=_counts(body.get("usage")),
        stop=body.get("stop_reason"),
        ended=True,
    )


def _breakpoints(blocks: tuple[Block, ...]) -> set[int]:
    """Where the cached prefixes end. With more than four the last ones count: each holds those before it."""
    return set([n for n, block in enumerate(blocks) if block.cached][-_BREAKPOINTS:])


def _part(block: Block, marked: bool) -> dict[str, object]:
    part: dict[str, object] = {"type": "text", "text": block.text}
    if marked:
        part["cache_control"] = {"type": "ephemeral"}
    return part


def _codes(body: dict[str, Any]) -> tuple[object, ...]:
    error = body.get("error")
    if not isinstance(error, dict):
        return ()
    found = cast("dict[str, object]", error)
    details = found.get("details")
    exact = cast("dict[str, object]", details).get("error_code") if isinstance(details, dict) else None
    return (found.get("type"),) if exact is None else (exact, found.get("type"))


def _counts(usage: object) -> dict[str, int]:
    if not isinstance(usage, dict):
        return {}
    counts = {str(k): v for k, v in cast("dict[object, object]", usage).items() if isinstance(v, int)}
    return {name: count for name, count in counts.items() if count >= 0 and not isinstance(count, bool)}


def _usage(counts: Mapping[str, int]) -> Usage:
    """Anthropic counts the cached parts beside `input_tokens`, we within."""
    read, written = counts.get("cache_read_input_tokens", 0), counts.get("cache_creation_input_tokens", 0)
    return Usage(
        input=counts.get("input_tokens", 0) + read + written,
        cache_read=read,
        cache_written=written,
        output=counts.get("output_tokens", 0),
    )


def _limits(headers: Mapping[str, str]) -> Limits | None:
    """`anthropic-ratelimit-*`. Its resets are dates by the vendor's clock, which we do not trust ours to share."""

    def left(name: str) -> int | None:
        text = headers.get(f"anthropic-ratelimit-{name}-remaining")
        return int(text) if text is not None and text.isdecimal() else None

    limits = Limits(requests_left=left("requests"), tokens_left=left("tokens"))
    return None if limits == Limits() else limits
