"""A tenant's own models, and its keys with their vendors. Keys go in and never come out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request
from pydantic import Field, SecretStr, StringConstraints, ValidationError
from starlette.responses import Response

from ridealong.core.errors import MissingPart, Refused
from ridealong.core.usage import LEAST_TOKENS, MOST_TOKENS
from ridealong.web.access import ADMIN, admit
from ridealong.web.answers.voices import ModelsAnswer
from ridealong.web.asking import PROBLEMS, Token, json_answer
from ridealong.web.bodies import Strict
from ridealong.web.documents import whole_body
from ridealong.web.services import ModelChoices, Services

MOST_BYTES: Final = 64 * 1024

_Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[!-~]+$")]
_Tokens = Annotated[int, Field(strict=True, ge=LEAST_TOKENS, le=MOST_TOKENS)]
_Url = Annotated[str, StringConstraints(max_length=500, pattern=r"^[!-~]*$")]


class AccountChange(Strict):
    """An account with a vendor. `key`: the new key, or null to forget it; `url`: null for the usual address."""

    key: SecretStr | None = None
    url: _Url | None = None


class ModelsChange(Strict):
    """What to change. What is left out stays as it is; null goes back to the server's own setting.

    `live_model`: a model, or `none`. `review_models`: in order; empty: the local reviewer. `vendors`: null for one
    forgets its account. `tokens_per_day`: tokens from midnight to midnight UTC for all models together;
    `live_tokens_per_day`: so many of them are for questions during calls, and no more.
    """

    live_model: _Name | None = None
    review_models: Annotated[tuple[_Name, ...], Field(max_length=8)] | None = None
    verify_model: _Name | None = None
    tokens_per_day: _Tokens | None = None
    live_tokens_per_day: _Tokens | None = None
    vendors: dict[str, AccountChange | None] = Field(default_factory=dict[str, AccountChange | None])

    def given(self) -> Mapping[str, object]:
        """The fields that the request holds, null or not, as plain values; an account is a mapping again."""
        found: dict[str, object] = {name: getattr(self, name) for name in self.model_fields_set}
        found["vendors"] = {
            vendor: None
            if account is None
            else {
                name: value.get_secret_value() if isinstance(value := getattr(account, name), SecretStr) else value
                for name in account.model_fields_set
            }
            for vendor, account in self.vendors.items()
        }
        return found


_SHOWN: Final = frozenset({*ModelsChange.model_fields, *AccountChange.model_fields})


def models_api(services: Services) -> APIRouter:
    """Routes under `/v1/models`."""
    api = APIRouter(prefix="/v1", tags=["models"], responses=PROBLEMS)
    tokens = services.tokens

    def choices() -> ModelChoices:
        if services.models is None:
            raise MissingPart("this server keeps no models of tenants")
        return services.models

    @api.get("/models", response_model=ModelsAnswer)
    async def read_models(token: Token) -> Response:
        """The tenant's own models, what its calls ask now, for which vendors it has a key, and its tokens of today."""
        principal = await admit(tokens, token, scope=ADMIN)
        return json_answer(await choices().read(principal.tenant_id))

    @api.put("/models", response_model=ModelsAnswer, openapi_extra={"requestBody": _body()})
    async def write_models(request: Request, token: Token) -> Response:
        """Change the tenant's models and keys, from the next call or review on, and its tokens, at once.

        A mistake is told, and nothing changes.
        """
        principal = await admit(tokens, token, scope=ADMIN)
        change = _read(await whole_body(request, MOST_BYTES))
        return json_answer(await choices().write(principal.tenant_id, change.given()))

    return api


def _read(body: bytes) -> ModelsChange:
    """Raises Refused('bad_request'), which repeats nothing of the body: a key may stand anywhere in it."""
    try:
        return ModelsChange.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        if first["type"] == "json_invalid":
            raise Refused("bad_request", "the body must be JSON: an object") from None
        where = ".".join(str(part) if isinstance(part, int) or part in _SHOWN else "…" for part in first["loc"])
        raise Refused("bad_request", f"`{where or 'body'}`: {first['msg']}") from None


def _body() -> dict[str, Any]:
    # Written out in place: a reference would have to point into the document's own components.
    schema = ModelsChange.model_json_schema()
    schema.pop("$defs", None)
    account = {**AccountChange.model_json_schema(), "writeOnly": True}
    schema["properties"]["vendors"]["additionalProperties"] = {"anyOf": [account, {"type": "null"}]}
    return {"required": True, "content": {"application/json": {"schema": schema}}}
