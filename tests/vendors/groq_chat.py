"""Groq's chat completions on loopback. Run by hand: `python -m tests.vendors.groq_chat --port 9002 --delay-ms 260`."""

from __future__ import annotations

from dataclasses import dataclass

from tests.vendors.loopback import Json, Refusal, run
from tests.vendors.openai_chat import OpenAIChat

_STRICT = ("openai/gpt-oss-20b", "openai/gpt-oss-120b")


@dataclass(kw_only=True)
class GroqChat(OpenAIChat):
    """Chat completions as Groq answers them: requests are limited by the day, tokens by the minute."""

    @property
    def base_path(self) -> str:
        return "/openai/v1"

    def limit_headers(self) -> dict[str, str]:
        return {
            "x-ratelimit-limit-requests": "14400",
            "x-ratelimit-limit-tokens": "8000",
            "x-ratelimit-remaining-requests": str(self.requests_left),
            "x-ratelimit-remaining-tokens": str(self.tokens_left),
            "x-ratelimit-reset-requests": "24m3.6s",
            "x-ratelimit-reset-tokens": "1.2s",
        }

    def check_model(self, body: Json, schema: Json | None) -> None:
        if body["model"] == "llama-3.3-70b-versatile":
            message = f"The model `{body['model']}` has been decommissioned and is no longer supported."
            error = {"message": message, "type": "invalid_request_error", "code": "model_decommissioned"}
            raise Refusal(400, {"error": error})
        if schema is None:
            return
        if body["model"] not in _STRICT and body["response_format"]["json_schema"].get("strict"):
            error = {"message": "This model does not support strict", "type": "invalid_request_error"}
            raise Refusal(400, {"error": error})
        if body.get("stream"):
            error = {"message": "response_format `json_schema` cannot be streamed", "type": "invalid_request_error"}
            raise Refusal(400, {"error": error})


if __name__ == "__main__":
    run(GroqChat)
