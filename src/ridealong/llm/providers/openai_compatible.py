"""Chat completions as OpenAI defined them: OpenAI, Groq, and every server that speaks the same.

The three differ in data only: the address, what a model can do, and what the rate-limit headers count.
"""

from __future__ import annotations

import json
import time
from typing import Any, cast

from ridealong.core.errors import BadAnswer, ModelAway, QuestionRefused
from ridealong.llm import Answer, Question, Usage
from ridealong.llm.endpoint import Endpoint
from ridealong.llm.failures import billing, failure, openai_limits, retry_after_s
from ridealong.llm.prompt import joined, lay_out, merged
from ridealong.llm.schema import Prepared, SchemaMode, Schemas, closed_schema, read_object
from ridealong.llm.wire import Exchange

_STREAM_FROM = 2048
"""Tokens. A shorter answer is whole before a cut stream would be worth noticing."""


class OpenAICompatibleModel:
    """A model behind `{base_url}/chat/completions`."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._can = endpoint.capability
        strict = self._can.schema_mode is SchemaMode.STRICT
        takes = strict or self._can.schema_mode is SchemaMode.LOOSE
        self._schemas = Schemas((lambda schema: closed_schema(schema, all_required=strict)) if takes else None)
        self._url = f"{endpoint.base_url}/chat/completions"
        self._headers = {"Authorization": f"Bearer {endpoint.key}"} if endpoint.key else {}

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
            limits = openai_limits(exchange.headers)
            if exchange.status != 200:
                codes = _codes(await exchange.json())
                raise failure(self._endpoint, exchange.status, codes, retry_after_s(exchange.headers, limits))
            whole = await self._streamed(exchange) if exchange.streams else await exchange.json()
            if "error" in whole and not whole.get("choices"):
                # Some gateways pass a vendor's refusal on with a status that says all is well.
                raise failure(self._endpoint, _status(whole), _codes(whole), retry_after_s(exchange.headers, limits))
        seconds = time.perf_counter() - started
        usage = _usage(whole)
        with billing(usage):
            content = read_object(self._text(whole), prepared, who=self.name)
        return Answer(
            content=content,
            model=self._endpoint.told(whole.get("model")),
            vendor=self._endpoint.vendor,
            usage=usage,
            seconds=seconds,
            limits=limits,
        )

    async def close(self) -> None:
        """Nothing to free: the connections are the endpoint's."""

    def _request(self, question: Question, prepared: Prepared) -> dict[str, object]:
        mode = self._can.schema_mode
        prompted = mode in (SchemaMode.OBJECT, SchemaMode.NONE)
        layout = lay_out(question, schema_text=prepared.text if prompted else None)
        messages = [{"role": "system", "content": joined(layout.system)}] if layout.system else []
        body: dict[str, object] = {
            "model": self._endpoint.model_id,
            "messages": [*messages, {"role": "user", "content": joined(layout.user)}],
            self._can.output_parameter: self._can.output_limit(question.max_output_tokens, question.effort),
        }
        if prompted:
            if mode is SchemaMode.OBJECT:
                body["response_format"] = {"type": "json_object"}
        else:
            schema = {"name": question.schema.name, "schema": prepared.sent, "strict": mode is SchemaMode.STRICT}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        if self._can.sampling:
            body["temperature"] = 0
        if self._can.streams and question.max_output_tokens >= _STREAM_FROM:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        return merged(body, self._can.effort.get(question.effort))

    async def _streamed(self, exchange: Exchange) -> dict[str, Any]:
        """The chunks of a stream as the completion that they make. A stream that ends early is ModelAway."""
        text: list[str] = []
        whole: dict[str, Any] = {}
        message: dict[str, Any] = {}
        finish: object = None
        done = False
        async for _event, data in exchange.events():
            if data == "[DONE]":
                done = True
                exchange.whole()
                continue
            try:
                chunk = cast("dict[str, Any]", json.loads(data))
                if "error" in chunk:
                    raise failure(self._endpoint, _status(chunk), _codes(chunk), None)
                whole["model"] = chunk.get("model") or whole.get("model")
                whole["usage"] = chunk.get("usage") or (chunk.get("x_groq") or {}).get("usage") or whole.get("usage")
                for choice in chunk.get("choices") or ():
                    delta = choice.get("delta") or {}
                    text.append(_joined(delta.get("content")))
                    message["refusal"] = delta.get("refusal") or message.get("refusal")
                    finish = choice.get("finish_reason") or finish
                if finish is not None:
                    exchange.whole()
            except (ValueError, AttributeError, TypeError, RecursionError):
                continue  # a kind of chunk that we do not know; what we need is checked at the end
        if not done and finish is None:
            with billing(_usage(whole)):
                raise ModelAway(f"{self._endpoint.vendor} broke off in the middle of an answer: ask again")
        message["content"] = "".join(text)
        whole["choices"] = [{"message": message, "finish_reason": finish}]
        return whole

    def _text(self, whole: dict[str, Any]) -> str:
        """The answer's text. Raises ModelRefused or BadAnswer where it ended otherwise than by its own end."""
        try:
            choice = whole["choices"][0]
            message, finish = choice["message"], choice.get("finish_reason")
            text, refusal = message.get("content"), message.get("refusal")
        except (KeyError, IndexError, TypeError, AttributeError):
            raise BadAnswer(
                f"{self.name} answered with something that is no chat completion: is its URL right?"
            ) from None
        if refusal or finish == "content_filter":
            raise QuestionRefused(f"{self.name} refuses to answer this question: another vendor's model may not")
        if finish == "length":
            raise BadAnswer(f"{self.name} was cut off at its limit of tokens: allow more, or ask for less effort")
        return _joined(text)


def _joined(content: object) -> str:
    """The text of a content, which some servers give in parts: those that are thought, not said, have no text."""
    if isinstance(content, list):
        parts = cast("list[object]", content)
        return "".join(_joined(part.get("text")) for part in map(_object, parts) if part.get("type") == "text")
    return content if isinstance(content, str) else ""


def _codes(body: dict[str, Any]) -> tuple[object, ...]:
    error = body.get("error")
    if not isinstance(error, dict):
        return ()
    found = cast("dict[str, object]", error)
    return found.get("code"), found.get("type")


def _status(chunk: dict[str, Any]) -> int:
    error = chunk.get("error")
    told = error.get("status_code") or error.get("code") if isinstance(error, dict) else None
    return told if isinstance(told, int) else 500


def _usage(whole: dict[str, Any]) -> Usage:
    usage = _object(whole.get("usage"))
    details = _object(usage.get("prompt_tokens_details"))
    return Usage(
        input=_int(usage.get("prompt_tokens")),
        cache_read=_int(details.get("cached_tokens")),
        output=_int(usage.get("completion_tokens")),
    )


def _object(value: object) -> dict[str, object]:
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def _int(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0
