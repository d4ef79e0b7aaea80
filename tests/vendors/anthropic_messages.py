"""Anthropic's Messages API on loopback. Run by hand: `python -m tests.vendors.anthropic_messages --port 9003`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.vendors.loopback import Asked, Fault, Json, Refusal, StandIn, hang_up, no_answer, pieces, run, tokens

_KNOWN = {
    *("model", "max_tokens", "messages", "system", "stream", "temperature", "top_p", "top_k", "metadata"),
    *("output_config", "thinking", "tools", "tool_choice", "stop_sequences", "service_tier", "cache_control"),
}
_BOUNDS = ("minimum", "maximum", "minLength", "maxLength", "maxItems", "multipleOf", "oneOf", "pattern")
_SAMPLED = ("claude-haiku-4-5", "claude-sonnet-4-5", "claude-sonnet-4-6", "claude-opus-4-6")
"""The models that still take sampling parameters."""


@dataclass(kw_only=True)
class AnthropicMessages(StandIn):
    """Messages as Anthropic answers them, with its prompt cache."""

    cache_minimum: int = 512
    _cached: set[str] = field(default_factory=set)

    @property
    def base_path(self) -> str:
        return "/v1"

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/v1/messages", self._message)]

    async def _message(self, request: web.Request) -> web.StreamResponse:
        fault = self.took_fault()
        try:
            asked = self._read(request, await request.json())
            self.note(asked)
            _refuse(fault, asked)
        except Refusal as refusal:
            headers = {"request-id": "req_1", **refusal.headers}
            return web.json_response(refusal.body, status=refusal.status, headers=headers)
        if fault is Fault.HANG_UP:
            hang_up(request)
            return web.Response()
        if (nonsense := no_answer(fault)) is not None:
            return nonsense
        usage = self._usage(asked)
        if asked.body.get("stream"):
            return await self._stream(request, asked, usage, fault)
        text = await self.said(asked, fault)
        body: Json = {
            **_frame(asked),
            "content": _content(text, fault),
            "stop_reason": _stop(fault),
            "usage": {**usage, "output_tokens": tokens(text)},
        }
        return await self.whole(request, body, fault, _limit_headers())

    def _read(self, request: web.Request, body: Json) -> Asked:
        if request.headers.get("x-api-key") != self.key:
            raise _refusal(401, "authentication_error", "invalid x-api-key")
        if request.headers.get("anthropic-version") != "2023-06-01":
            raise _refusal(400, "invalid_request_error", "anthropic-version: header is required")
        for name in ("model", "max_tokens", "messages"):
            if name not in body:
                raise _refusal(400, "invalid_request_error", f"{name}: Field required")
        if unknown := body.keys() - _KNOWN:
            raise _refusal(400, "invalid_request_error", f"{min(unknown)}: Extra inputs are not permitted")
        sampled = [name for name in ("temperature", "top_p", "top_k") if name in body]
        if sampled and not body["model"].startswith(_SAMPLED):
            raise _refusal(400, "invalid_request_error", f"`{sampled[0]}` is deprecated for this model.")
        schema = ((body.get("output_config") or {}).get("format") or {}).get("schema")
        if schema is not None:
            _check_schema(schema)
        system = body.get("system") or []
        blocks: list[Json] = [{"type": "text", "text": system}] if isinstance(system, str) else list(system)
        ahead = len(blocks)
        for message in body["messages"]:
            content = message["content"]
            blocks += [{"type": "text", "text": content}] if isinstance(content, str) else content
        for block in blocks:
            if schema is not None and "citations" in block:
                raise _refusal(400, "invalid_request_error", "citations are incompatible with output_config.format")
            if not block.get("text"):
                raise _refusal(400, "invalid_request_error", "text content blocks must be non-empty")
        if sum("cache_control" in block for block in blocks) > 4:
            raise _refusal(400, "invalid_request_error", "A maximum of 4 blocks with cache_control may be provided.")
        return Asked(
            model=body["model"],
            system="\n\n".join(block["text"] for block in blocks[:ahead]),
            user="\n\n".join(block["text"] for block in blocks[ahead:]),
            schema=schema,
            schema_name=None,
            headers=dict(request.headers),
            body=body,
        )

    def _usage(self, asked: Asked) -> Json:
        """What is read from the cache is the longest marked prefix that was marked before, under the same schema."""
        system = asked.body.get("system") or []
        blocks = [*(system if isinstance(system, list) else [{"text": system}])]
        for message in asked.body["messages"]:
            content = message["content"]
            blocks += content if isinstance(content, list) else [{"text": content}]
        seen = hashlib.sha256(f"{asked.model}{json.dumps(asked.schema, sort_keys=True)}".encode())
        total = read = written = 0
        for block in blocks:
            seen.update(block["text"].encode())
            total += tokens(block["text"])
            if "cache_control" in block and total >= self.cache_minimum:
                if seen.hexdigest() in self._cached:
                    read = total
                else:
                    written = total - read
                    self._cached.add(seen.hexdigest())
        return {
            "input_tokens": total - read - written,
            "cache_creation_input_tokens": written,
            "cache_read_input_tokens": read,
            "cache_creation": {"ephemeral_5m_input_tokens": written, "ephemeral_1h_input_tokens": 0},
            "output_tokens": 1,
            "service_tier": "standard",
        }

    async def _stream(self, request: web.Request, asked: Asked, usage: Json, fault: Fault | None) -> web.StreamResponse:
        if fault in (Fault.SLOW, Fault.NEVER):
            text = await self.said(asked, fault)
        response = web.StreamResponse(
            headers={**_limit_headers(), "Content-Type": "text/event-stream; charset=utf-8", "request-id": "req_1"}
        )
        await response.prepare(request)

        async def send(kind: str, **event: object) -> None:
            await response.write(f"event: {kind}\ndata: {json.dumps({'type': kind, **event})}\n\n".encode())

        start = {**_frame(asked), "content": [], "stop_reason": None, "usage": usage}
        await send("message_start", message=start)
        await send("ping")
        if fault not in (Fault.SLOW, Fault.NEVER):
            text = await self.said(asked, fault)
        index = 0
        if asked.body.get("thinking", {}).get("type") == "adaptive":
            await send(
                "content_block_start", index=0, content_block={"type": "thinking", "thinking": "", "signature": ""}
            )
            await send("content_block_delta", index=0, delta={"type": "thinking_delta", "thinking": "{not the answer"})
            await send("content_block_delta", index=0, delta={"type": "signature_delta", "signature": "c2ln"})
            await send("content_block_stop", index=0)
            index = 1
        await send("content_block_start", index=index, content_block={"type": "text", "text": ""})
        parts = pieces(text)
        for n, part in enumerate(parts):
            if n >= len(parts) // 2 and fault in (Fault.CUT, Fault.ENDS_EARLY, Fault.ERROR_EVENT):
                if fault is Fault.CUT:
                    hang_up(request)
                if fault is Fault.ERROR_EVENT:
                    await send("error", error={"type": "overloaded_error", "message": "Overloaded"})
                return response
            if fault is Fault.UNKNOWN_EVENTS:
                await send("weather_report", sun=True)
                await send("content_block_delta", index=index, delta={"type": "mood_delta", "mood": "fine"})
            await send("content_block_delta", index=index, delta={"type": "text_delta", "text": part})
        await send("content_block_stop", index=index)
        stop = {"stop_reason": _stop(fault), "stop_sequence": None}
        await send("message_delta", delta=stop, usage={"output_tokens": tokens(text)})
        await send("message_stop")
        return response


def _refuse(fault: Fault | None, asked: Asked) -> None:
    if fault is Fault.ERROR_EVENT and not asked.body.get("stream"):
        fault = Fault.OVERLOADED
    match fault:
        case Fault.BAD_KEY:
            raise _refusal(401, "authentication_error", "invalid x-api-key")
        case Fault.NO_CREDIT:
            raise _refusal(402, "billing_error", "Your credit balance is too low to access the Anthropic API.")
        case Fault.NO_MODEL:
            raise _refusal(404, "not_found_error", f"model: {asked.model}")
        case Fault.BUSY:
            headers = {**_limit_headers(), "anthropic-ratelimit-tokens-remaining": "0", "retry-after": "7"}
            raise _refusal(429, "rate_limit_error", "This request would exceed your rate limit", headers)
        case Fault.BUSY_BARE:
            raise _refusal(429, "rate_limit_error", "This request would exceed your rate limit")
        case Fault.BROKEN:
            raise _refusal(500, "api_error", "Internal server error")
        case Fault.OVERLOADED:
            raise _refusal(529, "overloaded_error", "Overloaded")
        case _:
            return


def _check_schema(part: Any, path: str = "schema") -> None:
    if isinstance(part, list):
        for one in part:
            _check_schema(one, path)
        return
    if not isinstance(part, dict):
        return
    if part.get("type") == "object" and part.get("additionalProperties") is not False:
        raise _refusal(400, "invalid_request_error", f"{path}: 'additionalProperties' must be set to false")
    for bound in _BOUNDS:
        if bound in part:
            raise _refusal(400, "invalid_request_error", f"{path}: property '{bound}' is not supported")
    for key, value in part.items():
        if key in ("properties", "$defs"):
            for name, inner in value.items():
                _check_schema(inner, f"{path}.{name}")
        elif key != "enum":
            _check_schema(value, f"{path}.{key}")


def _frame(asked: Asked) -> Json:
    return {"id": "msg_1", "type": "message", "role": "assistant", "model": asked.model, "stop_sequence": None}


def _content(text: str, fault: Fault | None) -> list[Json]:
    strange = [{"type": "weather_block", "sun": True}] if fault is Fault.UNKNOWN_EVENTS else []
    return [*strange, {"type": "text", "text": text}]


def _stop(fault: Fault | None) -> str:
    if fault is Fault.TOO_LONG:
        return "max_tokens"
    return "refusal" if fault is Fault.REFUSES else "end_turn"


def _limit_headers() -> dict[str, str]:
    return {
        "anthropic-ratelimit-requests-limit": "1000",
        "anthropic-ratelimit-requests-remaining": "999",
        "anthropic-ratelimit-requests-reset": "2026-11-01T12:00:00Z",
        "anthropic-ratelimit-tokens-limit": "400000",
        "anthropic-ratelimit-tokens-remaining": "399000",
        "anthropic-ratelimit-tokens-reset": "2026-11-01T12:00:00Z",
    }


def _refusal(status: int, kind: str, message: str, headers: Mapping[str, str] | None = None) -> Refusal:
    body = {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}
    return Refusal(status, body, headers)


if __name__ == "__main__":
    run(AnthropicMessages)
