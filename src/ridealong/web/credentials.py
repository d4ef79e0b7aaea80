"""What a request or a socket brings to say who asks: a bearer token, or a session's cookie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection
from starlette.responses import Response

from ridealong.web.access import Cookie, Credential, Sessions, bearer_of

COOKIE: Final = "ridealong_session"
COOKIE_S: Final = 30 * 24 * 3600
CSRF_HEADER: Final = "X-CSRF-Token"

_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_PORTS: Final = {"http": 80, "https": 443, "ws": 80, "wss": 443}


@dataclass(frozen=True, kw_only=True, slots=True)
class Doorway:
    """What the application knows of people's way in; kept as `app.state.doorway`."""

    sessions: Sessions | None = None
    """None: this server knows no people."""
    public_url: str | None = None
    """The address that people use, where the operator states one."""


def doorway_of(connection: HTTPConnection) -> Doorway:
    found = connection.app.state.doorway
    assert isinstance(found, Doorway)  # noqa: S101
    return found


def credential_of(connection: HTTPConnection) -> Credential | None:
    """The `Authorization` header's token, else the session's cookie, else None. Nothing is looked up yet."""
    return bearer_of(connection.headers.get("authorization")) or cookie_of(connection)


def cookie_of(connection: HTTPConnection) -> Cookie | None:
    """The session's cookie, with the signs of who sent it."""
    sessions, token = doorway_of(connection).sessions, connection.cookies.get(COOKIE)
    if sessions is None or not token or len(token) > 200:
        return None
    socket = connection.scope["type"] == "websocket"
    changes = not socket and connection.scope["method"] not in _READS
    # A browser names the origin of every socket and of every request that changes something; a program need not.
    needed = socket or (changes and connection.headers.get("origin") is not None)
    return Cookie(
        token=token,
        sessions=sessions,
        changes=changes,
        foreign=needed and not own_origin(connection),
        csrf=connection.headers.get(CSRF_HEADER),
    )


def own_origin(connection: HTTPConnection) -> bool:
    """Whether `Origin` is the server's own: the stated public address, else the `Host` that was asked for."""
    origin = _place(connection.headers.get("origin", ""))
    if origin is None:
        return False
    public = doorway_of(connection).public_url
    if public is not None:
        return origin == _place(public)
    # Without the scheme: behind a proxy that ends TLS, http is what arrives here.
    host = _place(f"{origin[0]}://{connection.headers.get('host', '')}")
    return host is not None and origin[1:] == host[1:]


def _place(url: str) -> tuple[str, str, int] | None:
    """(scheme, host, port) of an address, None for what is none (`null`, for example)."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None
    if not parts.hostname or port is None or "@" in parts.netloc:
        return None
    return parts.scheme, parts.hostname.lower(), port


def by_https(connection: HTTPConnection) -> bool:
    """Whether the person's browser speaks https with us, or with the proxy before us."""
    public = doorway_of(connection).public_url or ""
    return connection.url.scheme in {"https", "wss"} or public.startswith("https:")


def set_cookie(response: Response, connection: HTTPConnection, token: str) -> None:
    """Give the browser the session. No script can read it, and no other site's form or frame brings it along."""
    response.set_cookie(
        COOKIE, token, max_age=COOKIE_S, path="/", httponly=True, samesite="lax", secure=by_https(connection)
    )


def drop_cookie(response: Response, connection: HTTPConnection) -> None:
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax", secure=by_https(connection))
