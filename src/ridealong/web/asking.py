"""What every HTTP route shares: whose request it is, and how answers and errors look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Depends, Header, Path, Query, Request
from pydantic import AfterValidator, BaseModel, Field
from starlette.responses import Response

from ridealong.core.errors import Refused
from ridealong.core.visible import unturned
from ridealong.web.access import READ, Credential, Principal, Tokens, admit, bearer_of
from ridealong.web.bodies import Strict
from ridealong.web.credentials import cookie_of
from ridealong.web.wire import dumps


class Problem(BaseModel):
    """Every error, as `application/problem+json`. `code` is stable; `detail` is for people."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    retry: bool


PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    401: {"model": Problem, "description": "Nobody is signed in, or the token is missing, unknown or expired"},
    403: {"model": Problem, "description": "The token or the role does not allow this"},
    404: {"model": Problem, "description": "There is no such thing in this tenant"},
    422: {"model": Problem, "description": "The request or the document in it has a mistake"},
    503: {"model": Problem, "description": "Something that this needs is away: try again"},
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Viewer:
    """Who asks, by header or cookie, or for reading one call by `?view=` or `?share=`."""

    token: Credential | None
    view: str | None
    share: str | None = None


def _viewer(
    request: Request,
    authorization: Annotated[str | None, Header()] = None,
    view: Annotated[str | None, Query(max_length=512, description="A view token, see `links`")] = None,
    share: Annotated[str | None, Query(max_length=200, description="A share's token, see `shares`")] = None,
) -> Viewer:
    # An address that somebody was sent shows what it shows, whoever is signed in beside it.
    token = bearer_of(authorization) or (None if view or share else cookie_of(request))
    return Viewer(token=token, view=view, share=share)


def _token(request: Request, authorization: Annotated[str | None, Header()] = None) -> Credential | None:
    return bearer_of(authorization) or cookie_of(request)


CallId = Annotated[UUID, Path(description="The call")]
Token = Annotated[Credential | None, Depends(_token)]
"""Who asks: hand it to `admit`."""
View = Annotated[Viewer, Depends(_viewer)]


def json_answer(value: object, *, status: int = 200) -> Response:
    """`value` as JSON, with the same rules as on the sockets (no NaN)."""
    return Response(dumps(value), status_code=status, media_type="application/json")


async def reader(tokens: Tokens, viewer: Viewer, call_id: UUID) -> Principal:
    """Who reads this call: by header or cookie, or by a view token in the URL. Raises as `admit` does."""
    if viewer.token is None and viewer.view is not None:
        principal = await admit(tokens, viewer.view, scope=READ, call_id=call_id)
        if not is_view(principal):
            raise Refused("forbidden", "only a view token may stand in a URL: send others in `Authorization`")
        return principal
    return await admit(tokens, viewer.token, scope=READ, call_id=call_id)


async def insider(tokens: Tokens, credential: Credential | None, call_id: UUID) -> Principal:
    """Who reads what the tenant's people say among themselves about a call: not who was sent a link to it.

    Raises as `admit` does.
    """
    principal = await admit(tokens, credential, scope=READ, call_id=call_id)
    if is_view(principal):
        raise Refused("forbidden", "a view token shows the call, and not what people say about it")
    return principal


def is_view(principal: Principal) -> bool:
    """A token that can do nothing but read one call: the only kind that is made for URLs."""
    return principal.call_id is not None and principal.scopes == frozenset({READ})


def _storable(text: str) -> str:
    # PostgreSQL's text holds no NUL, and no other control character belongs into what people write.
    if any(ord(character) < 0x20 and character not in "\t\n\r" for character in text):
        raise ValueError("control characters are not allowed")
    return unturned(text)


Text = Annotated[str, AfterValidator(_storable)]
"""What people write, as it can be kept, and turning nothing around that stands behind it."""
At = Annotated[int, Field(ge=0, le=2**31 - 1, description="Milliseconds of call audio")]


class Body(Strict):
    """Base of the bodies of what is asked about calls."""
