"""Signing in with the company's account: to its provider and back (OpenID Connect, authorization code with PKCE)."""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import asdict, dataclass
from typing import Annotated, Final
from urllib.parse import urlsplit

import structlog
from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from ridealong.core.errors import MissingPart, Refused, RidealongError
from ridealong.web.asking import PROBLEMS
from ridealong.web.credentials import by_https
from ridealong.web.people import IdentityProvider
from ridealong.web.refusals import code_of
from ridealong.web.services import Services
from ridealong.web.sessions import Reception

_log = structlog.get_logger(__name__)

_COOKIE: Final = "ridealong_oidc"
_PATH: Final = "/v1/oidc"
_LIFE_S: Final = 600
"""How long somebody may take at the provider."""
MOST_NEXT: Final = 1000

Words = Annotated[str | None, Query(max_length=4000)]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Journey:
    """What the browser keeps while it is at the provider. It proves that who comes back is who went.

    It lies in the browser alone, so any of several servers may be the one that it comes back to. Nothing in it is
    worth changing: whoever does gets a sign-in that does not work out, or another page of ours.
    """

    state: str
    nonce: str
    verifier: str
    next: str

    def cookie(self) -> str:
        return base64.urlsafe_b64encode(json.dumps(asdict(self)).encode()).decode()

    @classmethod
    def read(cls, cookie: str | None) -> _Journey | None:
        try:
            found = json.loads(base64.urlsafe_b64decode((cookie or "").encode()))
            made = cls(**{name: str(found[name]) for name in ("state", "nonce", "verifier", "next")})
        except (ValueError, KeyError, TypeError):
            return None
        return made if all((made.state, made.nonce, made.verifier)) else None


def own_page(path: str | None) -> str:
    """`path` where it is an address of this server, else the first page. Never anybody else's address."""
    if not path or len(path) > MOST_NEXT or not path.startswith("/") or path.startswith(("//", "/v1/")):
        return "/"
    # A backslash is a slash to browsers, and they drop tabs and line breaks before they read an address.
    if "\\" in path or any(ord(character) <= 0x20 or ord(character) == 0x7F for character in path):
        return "/"
    try:
        parts = urlsplit(path)
    except ValueError:
        return "/"
    return "/" if parts.scheme or parts.netloc else path


def oidc_api(services: Services, reception: Reception) -> APIRouter:
    """Routes under `/v1/oidc`, which a browser opens."""
    api = APIRouter(prefix=_PATH, tags=["people"], responses=PROBLEMS)

    def provider() -> IdentityProvider:
        if services.identity is None:
            raise MissingPart("this server has no company sign-in: sign in with your e-mail address and password")
        return services.identity

    @api.get("/start", status_code=302, response_class=Response)
    async def oidc_start(request: Request, page: Annotated[str | None, Query(alias="next")] = None) -> Response:
        """To the provider. `next`: the page to show afterwards."""
        journey = _Journey(
            state=secrets.token_urlsafe(32),
            nonce=secrets.token_urlsafe(32),
            verifier=secrets.token_urlsafe(64),
            next=own_page(page),
        )
        address = await provider().address(state=journey.state, nonce=journey.nonce, verifier=journey.verifier)
        answer = RedirectResponse(address, status_code=302)
        answer.set_cookie(
            _COOKIE,
            journey.cookie(),
            max_age=_LIFE_S,
            path=_PATH,
            httponly=True,
            samesite="lax",
            secure=by_https(request),
        )
        return answer

    @api.get("/callback", status_code=302, response_class=Response)
    async def oidc_callback(request: Request, code: Words = None, state: Words = None, error: Words = None) -> Response:
        """Back from the provider: signed in, or at the sign-in page with `?error=` and a code."""
        known = provider()
        journey = _Journey.read(request.cookies.get(_COOKIE))
        try:
            if journey is None or not state or not secrets.compare_digest(journey.state.encode(), state.encode()):
                raise Refused("oidc_refused", "this sign-in was not begun in this browser, or took too long")
            if error or not code:
                raise Refused("oidc_refused", "the provider did not sign anybody in")
            identity = await known.identify(code=code, nonce=journey.nonce, verifier=journey.verifier)
            new = await reception.people.sign_in_identified(identity)
        except RidealongError as refused:
            # Which rule it was helps whoever set this up, and holds nothing of the person or the token.
            _log.warning("oidc_refused", reason=str(refused))
            answer = RedirectResponse(f"/sign-in?error={code_of(refused)}", status_code=302)
        else:
            assert journey is not None  # noqa: S101
            answer = RedirectResponse(own_page(journey.next), status_code=302)
            await reception.opened(request, answer, new)
        answer.delete_cookie(_COOKIE, path=_PATH, httponly=True, samesite="lax", secure=by_https(request))
        return answer

    return api
