"""OpenAI's chat completions on loopback, and Groq's variant of them.

Run by hand: `python -m tests.vendors.openai_chat --port 9001`, `python -m tests.vendors.groq_chat --port 9002`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.vendors.loopback import Asked, Fault, Json, Refusal, StandIn, hang_up, no_answer, pieces, run, tokens

_KNOWN = {
    *("model", "messages", "response_format", "max_tokens", "max_completion_tokens", "temperature", "stream"),
    *("stream_options", "reasoning_effort", "n", "seed", "user", "store", "service_tier", "top_p", "stop"),
}


@dataclass(kw_only=True)
class OpenAIChat(StandIn):
    """Chat completions as OpenAI answers them."""

    tokens_left: int = 8000
    requests_left: int = 14_400
    reports_usage: bool = True

    @property
    def base_path(self) -> str:
        return "/v1"

    def routes(self) -> list[web.RouteDef]:
        return [web.post(f"{self.base_path}/chat/completions", self._complete)]

    def limit_headers(self) -> dict[str, str]:
        return {
            "x-ratelimit-limit-requests": "10000",
            "x-ratelimit-limit-tokens": "200000",
            "x-ratelimit-remaining-requests": str(self.requests_left),
            "x-ratelimit-remaining-tokens": str(self.tokens_left),
            "x-ratelimit-reset-requests": "8.64s",
            "x-ratelimit-reset-tokens": "6m0s",
        }

    def check_model(self, body: Json, schema: Json | None) -> None:
        """What this vendor refuses for this model."""
        if body["model"].startswith("gpt-5") and "temperature" in body:
            raise _refusal(400, "Unsupported value: 'temperature'", "invalid_request_error", "unsupported_value")

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        fault = self.took_fault()
        try:
            asked = self._read(request, await request.json())
            self.note(asked)
            self._refuse(fault, asked)
        except Refusal as refusal:
            return web.json_response(refusal.body, status=refusal.status, headers=refusal.headers)
        if fault is Fault.HANG_UP:
            hang_up(request)
            return web.Response()
        if (nonsense := no_answer(fault)) is not None:
            return nonsense
        text = await self.said(asked, fault)
        if asked.body.get("stream"):
            return await self._stream(request, asked, text, fault)
        message: Json = {"role": "assistant", "content": text, "reasoning": "It is short."}
        if fault is Fault.REFUSES:
            message |= {"content": None, "refusal": "I cannot help with that."}
        choice: Json = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish(fault)}
        body: Json = {
            **_frame(asked, "chat.completion"),
            "choices": [choice],
            "usage": self._usage(asked, text),
            "usage_breakdown": None,
        }
        if fault is Fault.UNKNOWN_EVENTS:
            body["moderation"] = [{"kind": "new"}]
            message["annotations"] = [{"type": "unheard_of"}]
        return await self.whole(request, body, fault, self.limit_headers())

    def _read(self, request: web.Request, body: Json) -> Asked:
        if request.headers.get("Authorization") != f"Bearer {self.key}":
            raise _refusal(401, "Invalid API Key", "invalid_request_error", "invalid_api_key")
        if unknown := body.keys() - _KNOWN:
            raise _refusal(400, f"Unknown parameter: '{min(unknown)}'", "invalid_request_error", "unknown_parameter")
        form = body.get("response_format") or {}
        held = form.get("json_schema") or {}
        schema: Json | None = held.get("schema")
        if schema is not None and held.get("strict"):
            check_strict(schema)
        self.check_model(body, schema)
        messages = body["messages"]
        system = "\n\n".join(m["content"] for m in messages if m["role"] == "system")
        user = "\n\n".join(m["content"] for m in messages if m["role"] == "user")
        if form.get("type") == "json_object" and "json" not in (system + user).lower():
            raise _refusal(400, "'messages' must contain the word 'json'", "invalid_request_error", None)
        return Asked(
            model=body["model"],
            system=system,
            user=user,
            schema=schema,
            schema_name=held.get("name"),
            headers=dict(request.headers),
            body=body,
        )

    def _refuse(self, fault: Fault | None, asked: Asked) -> None:
        if fault is Fault.ERROR_EVENT and not asked.body.get("stream"):
            fault = Fault.OVERLOADED
        match fault:
            case Fault.BAD_KEY:
                raise _refusal(401, "Invalid API Key", "invalid_request_error", "invalid_api_key")
            case Fault.NO_CREDIT:
                raise _refusal(402, "Payment required", "insufficient_quota", "insufficient_quota")
            case Fault.NO_MODEL:
                message = f"The model `{asked.model}` does not exist or you do not have access to it."
                raise _refusal(404, message, "invalid_request_error", "model_not_found")
            case Fault.BUSY:
                message = f"Rate limit reached for model `{asked.model}` on tokens per minute (TPM)"
                headers = {**self.limit_headers(), "x-ratelimit-remaining-tokens": "0", "retry-after": "7"}
                raise _refusal(429, message, "tokens", "rate_limit_exceeded", headers)
            case Fault.BUSY_BARE:
                raise _refusal(429, "Too many requests", "requests", "rate_limit_exceeded")
            case Fault.BROKEN:
                raise _refusal(500, "Internal server error", "internal_server_error", None)
            case Fault.OVERLOADED:
                raise _refusal(503, "Service unavailable", "service_unavailable", None)
            case _:
                return

    async def _stream(self, request: web.Request, asked: Asked, text: str, fault: Fault | None) -> web.StreamResponse:
        headers = {**self.limit_headers(), "Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)

        async def send(delta: Json, finish: str | None = None, **more: object) -> None:
            choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
            chunk = {**_frame(asked, "chat.completion.chunk"), "choices": [choice], **more}
            await response.write(f"data: {json.dumps(chunk)}\n\n".encode())

        await send({"role": "assistant", "content": ""})
        await send({"reasoning": "It is short.", "channel": "analysis"})
        parts = pieces(text)
        for n, part in enumerate(parts):
            if n >= len(parts) // 2 and fault in (Fault.CUT, Fault.ENDS_EARLY, Fault.ERROR_EVENT):
                if fault is Fault.CUT:
                    hang_up(request)
                if fault is Fault.ERROR_EVENT:
                    error = {"message": "Over capacity", "type": "internal_server_error", "status_code": 503}
                    await response.write(f"event: error\ndata: {json.dumps({'error': error})}\n\n".encode())
                return response
            if fault is Fault.UNKNOWN_EVENTS:
                await response.write(b': a comment\n\nevent: weather\ndata: {"sun": true}\n\ndata: not json\n\n')
                await send({"mood": "fine"})
            await send({"content": part})
        if fault is Fault.REFUSES:
            await send({"refusal": "I cannot help with that."})
        usage = self._usage(asked, text)
        await send({}, _finish(fault), x_groq={"id": "req_1", "usage": usage})
        if (asked.body.get("stream_options") or {}).get("include_usage"):
            last = {**_frame(asked, "chat.completion.chunk"), "choices": [], "usage": usage}
            await response.write(f"data: {json.dumps(last)}\n\n".encode())
        await response.write(b"data: [DONE]\n\n")
        return response

    def _usage(self, asked: Asked, text: str) -> Json | None:
        if not self.reports_usage:
            return None
        prompt, completion = tokens(asked.system + asked.user), tokens(text)
        return {
            "queue_time": 0.05,
            "prompt_tokens": prompt,
            "prompt_time": 0.008,
            "completion_tokens": completion,
            "completion_time": 0.1,
            "total_tokens": prompt + completion,
            "total_time": 0.108,
            "prompt_tokens_details": {"cached_tokens": prompt // 2 // 128 * 128},
        }


def check_strict(part: Any, path: str = "$") -> None:
    """Strict mode's rules: every object closed, all of its properties required, each with a type, no bounds."""
    if isinstance(part, list):
        for one in part:
            check_strict(one, path)
    if not isinstance(part, dict):
        return
    if wrong := _strict_mistake(part):
        raise _refusal(400, f"Invalid schema in context {path}: {wrong}", "invalid_request_error", None)
    for key, value in part.items():
        if key in ("properties", "$defs"):
            for name, inner in value.items():
                check_strict(inner, f"{path}/{name}")
        elif key != "enum":
            check_strict(value, f"{path}/{key}")


def _strict_mistake(part: Json) -> str | None:
    properties = part.get("properties", {})
    if part.get("type") == "object" or properties:
        if part.get("additionalProperties") is not False:
            return "additionalProperties must be false"
        if set(part.get("required", ())) != set(properties):
            return "all properties must be required"
        if any(not {"type", "anyOf", "$ref"} & inner.keys() for inner in properties.values()):
            return "schema must have a 'type' key"
    bounds = [bound for bound in ("minimum", "maximum", "minLength", "maxLength", "oneOf", "const") if bound in part]
    return f"'{bounds[0]}' is not permitted" if bounds else None


def _frame(asked: Asked, kind: str) -> Json:
    return {
        "id": "chatcmpl-00000000-0000-4000-8000-000000000000",
        "object": kind,
        "created": int(time.time()),
        "model": asked.model,
        "system_fingerprint": "fp_0000000000",
        "service_tier": "on_demand",
    }


def _finish(fault: Fault | None) -> str:
    return "length" if fault is Fault.TOO_LONG else "stop"


def _refusal(
    status: int, message: str, kind: str, code: str | None, headers: Mapping[str, str] | None = None
) -> Refusal:
    error: Json = {"message": message, "type": kind}
    if code is not None:
        error["code"] = code
    return Refusal(status, {"error": error}, headers)


if __name__ == "__main__":
    run(OpenAIChat)
