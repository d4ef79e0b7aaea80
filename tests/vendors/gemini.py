"""Google's generateContent on loopback. Run by hand: `python -m tests.vendors.gemini --port 9004`."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from tests.vendors.loopback import Asked, Fault, Json, Refusal, StandIn, hang_up, no_answer, run, tokens

_KNOWN = {
    *("contents", "systemInstruction", "generationConfig", "safetySettings", "tools", "toolConfig", "cachedContent"),
    *("system_instruction", "generation_config", "safety_settings"),
}
_CONFIG = {
    *("responseMimeType", "responseSchema", "responseJsonSchema", "maxOutputTokens", "temperature", "topP", "topK"),
    *("thinkingConfig", "candidateCount", "seed", "stopSequences"),
}


@dataclass(kw_only=True)
class Gemini(StandIn):
    """generateContent as the Gemini API answers it."""

    @property
    def base_path(self) -> str:
        return "/v1beta"

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/v1beta/models/{call:.+}", self._generate)]

    async def _generate(self, request: web.Request) -> web.StreamResponse:
        fault = self.took_fault()
        try:
            asked = self._read(request, await request.json())
            self.note(asked)
            _refuse(fault, asked)
        except Refusal as refusal:
            return web.json_response(refusal.body, status=refusal.status)
        if fault is Fault.HANG_UP:
            hang_up(request)
            return web.Response()
        if (nonsense := no_answer(fault)) is not None:
            return nonsense
        text = await self.said(asked, fault)
        prompt = tokens(asked.system + asked.user)
        usage: Json = {
            "promptTokenCount": prompt,
            "totalTokenCount": prompt + tokens(text) + 5,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": prompt}],
            "thoughtsTokenCount": 5,
        }
        body: Json = {"usageMetadata": usage, "modelVersion": asked.model, "responseId": "r1"}
        if fault is Fault.REFUSES:
            body["promptFeedback"] = {"blockReason": "PROHIBITED_CONTENT"}
            return await self.whole(request, body, fault, {})
        usage["candidatesTokenCount"] = tokens(text)
        thought: Json = {"text": "{not the answer", "thought": True}
        parts: list[Json] = [thought, {"text": text, "thoughtSignature": "c2ln"}]
        if fault is Fault.UNKNOWN_EVENTS:
            parts.insert(0, {"weather": {"sun": True}})
            body["mood"] = "fine"
        finish = "MAX_TOKENS" if fault is Fault.TOO_LONG else "STOP"
        body["candidates"] = [{"content": {"parts": parts, "role": "model"}, "finishReason": finish, "index": 0}]
        return await self.whole(request, body, fault, {})

    def _read(self, request: web.Request, body: Json) -> Asked:
        model, _, verb = request.match_info["call"].rpartition(":")
        if verb != "generateContent":
            raise _refusal(404, "NOT_FOUND", "Not found")
        if request.headers.get("x-goog-api-key", request.query.get("key")) != self.key:
            raise _bad_key()
        config = body.get("generationConfig") or {}
        for unknown in (*(body.keys() - _KNOWN), *(config.keys() - _CONFIG)):
            raise _refusal(400, "INVALID_ARGUMENT", f'Invalid JSON payload received. Unknown name "{unknown}"')
        if "responseSchema" in config and "responseJsonSchema" in config:
            raise _refusal(400, "INVALID_ARGUMENT", "only one of response_schema and response_json_schema may be set")
        if "responseJsonSchema" in config and config.get("responseMimeType") != "application/json":
            raise _refusal(400, "INVALID_ARGUMENT", "response_json_schema needs response_mime_type application/json")
        thinking = config.get("thinkingConfig") or {}
        if "thinkingLevel" in thinking and "thinkingBudget" in thinking:
            raise _refusal(400, "INVALID_ARGUMENT", "You can only set only one of thinking budget and thinking level.")
        system = body.get("systemInstruction") or {}
        return Asked(
            model=model,
            system="\n\n".join(part["text"] for part in system.get("parts", ())),
            user="\n\n".join(part["text"] for content in body["contents"] for part in content["parts"]),
            schema=config.get("responseJsonSchema"),
            schema_name=None,
            headers=dict(request.headers),
            body=body,
        )


def _refuse(fault: Fault | None, asked: Asked) -> None:
    match fault:
        case Fault.BAD_KEY:
            raise _bad_key()
        case Fault.NO_CREDIT:
            raise _refusal(402, "FAILED_PRECONDITION", "Billing is not enabled for this project")
        case Fault.NO_MODEL:
            raise _refusal(404, "NOT_FOUND", f"models/{asked.model} is not found for API version v1beta")
        case Fault.BUSY:
            retry = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "7s"}
            quota = {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaMetric": "m"}]}
            raise _refusal(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota", [quota, retry])
        case Fault.BUSY_BARE:
            raise _refusal(429, "RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota).")
        case Fault.BROKEN:
            raise _refusal(500, "INTERNAL", "An internal error has occurred.")
        case Fault.OVERLOADED | Fault.ERROR_EVENT:
            raise _refusal(503, "UNAVAILABLE", "The model is overloaded. Please try again later.")
        case _:
            return


def _bad_key() -> Refusal:
    """Google answers a wrong key with 400."""
    info = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "API_KEY_INVALID",
        "domain": "googleapis.com",
    }
    return _refusal(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", [info])


def _refusal(status: int, state: str, message: str, details: list[Json] | None = None) -> Refusal:
    error: Json = {"code": status, "message": message, "status": state}
    if details:
        error["details"] = details
    return Refusal(status, {"error": error})


if __name__ == "__main__":
    run(Gemini)
