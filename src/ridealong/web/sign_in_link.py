"""One sign-in by a link, for a demonstration on this machine: no password, one use, and it is soon too old.

Not among the server's own routes: whoever composes a demonstration adds it, and `ridealong serve` never does.
"""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from ridealong.core.errors import Refused
from ridealong.web.credentials import cookie_of
from ridealong.web.oidc import own_page
from ridealong.web.people import Opened
from ridealong.web.sessions import Reception

LIFE_S: Final = 24 * 3600.0

_PATH: Final = "/v1/session/link"


@dataclass(kw_only=True, slots=True, eq=False)
class SignInLink:
    """Who is signed in by it (`open_session`), and whether it still holds. It is kept in memory alone."""

    open_session: Callable[[], Awaitable[Opened]]
    life_s: float = LIFE_S
    clock: Callable[[], float] = time.monotonic
    _hash: bytes | None = field(default=None, repr=False)
    _until: float = field(default=0.0, repr=False)

    def renew(self, page: str) -> str:
        """A new link's path, which leads on to `page`; an earlier one holds no more."""
        key = secrets.token_urlsafe(32)
        self._hash, self._until = _hash(key), self.clock() + self.life_s
        return f"{_PATH}?{urlencode({'key': key, 'next': page})}"

    def use(self, key: str) -> bool:
        """Whether it is the newest link's, in time and for the first time; it holds no more then."""
        fits = self._hash is not None and secrets.compare_digest(self._hash, _hash(key))
        if not fits or self.clock() > self._until:
            return False
        # Before anything is awaited: of two at once one comes in.
        self._hash = None
        return True


def link_api(link: SignInLink, reception: Reception) -> APIRouter:
    """The route `/v1/session/link`, which a browser on this machine opens."""
    api = APIRouter(include_in_schema=False)

    @api.get(_PATH)
    async def enter(
        request: Request,
        key: Annotated[str, Query(max_length=200)] = "",
        page: Annotated[str | None, Query(alias="next")] = None,
    ) -> Response:
        """Signed in and at `next`; or at the sign-in page, which says that the link holds no more."""
        if not _on_this_machine(request):
            raise Refused("not_found", "there is nothing at this address")
        answer = RedirectResponse(own_page(page), status_code=303)
        if link.use(key):
            await reception.opened(request, answer, await link.open_session())
        elif not await _signed_in(request):
            # (The same browser may come again, by its history or because it fetched the address ahead of the click.)
            answer = RedirectResponse("/sign-in?error=used_link", status_code=303)
        answer.headers["Cache-Control"] = "no-store"
        answer.headers["Referrer-Policy"] = "no-referrer"
        return answer

    return api


async def _signed_in(request: Request) -> bool:
    cookie = cookie_of(request)
    if cookie is None:
        return False
    try:
        await cookie.session()
    except Refused:
        return False
    return True


def _on_this_machine(request: Request) -> bool:
    try:
        return ipaddress.ip_address(request.client.host if request.client else "").is_loopback
    except ValueError:
        return False


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode(errors="replace")).digest()
