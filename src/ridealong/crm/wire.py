"""HTTP to a CRM: one request, its JSON or its fault. What it answers beyond that is neither kept nor logged."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

import aiohttp

from ridealong.core.crm import CrmFailed, CrmFault
from ridealong.outside import Outside
from ridealong.waits import wait_s

if TYPE_CHECKING:
    from types import TracebackType

TIMEOUT: Final = aiohttp.ClientTimeout(total=20, sock_connect=10)
LONGEST_ANSWER: Final = 8 * 1024 * 1024
LONGEST_WAIT_S: Final = 24 * 3600.0

Judge = Callable[[int, Any], CrmFailed | None]
"""What a vendor's own words (status, body) say is wrong, where its words say more than the status."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: Any
    """The JSON; None where there was none."""


def session(url: str, *, allow_private: bool) -> aiohttp.ClientSession:
    """A session for one account. Names that lead inside the server's network are not found."""
    return aiohttp.ClientSession(
        base_url=url.rstrip("/") + "/",
        timeout=TIMEOUT,
        connector=aiohttp.TCPConnector(resolver=None if allow_private else Outside()),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": "Ridealong", "Accept": "application/json"},
    )


@dataclass(slots=True)
class Connected:
    """What an adapter keeps of one account: connections to `url` inside its `async with`."""

    url: str
    allow_private: bool = False
    _http: aiohttp.ClientSession | None = field(default=None, init=False, repr=False)

    async def __aenter__(self) -> Self:
        self._http = session(self.url, allow_private=self.allow_private)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._http is not None:
            await self._http.close()

    @property
    def http(self) -> aiohttp.ClientSession:
        if self._http is None:
            raise RuntimeError("a CRM is used inside its `async with`")
        return self._http


async def ask(
    http: aiohttp.ClientSession,
    method: str,
    path: str,
    *,
    judge: Judge,
    body: Any = None,
    form: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """The answer of a request that succeeded. Raises CrmFailed; of 404 with DEAL_GONE, whatever it was that is gone."""
    try:
        async with http.request(
            method,
            path.lstrip("/"),
            json=body,
            data=form,
            params=query,
            headers=headers,
            # A token is for this address: a redirect would carry it elsewhere.
            allow_redirects=False,
        ) as answer:
            raw = await answer.content.read(LONGEST_ANSWER + 1)
            while raw and len(raw) <= LONGEST_ANSWER and (more := await answer.content.read(LONGEST_ANSWER + 1)):
                raw += more
            status, asked_wait_s = answer.status, wait_s(answer.headers)
    except TimeoutError:
        raise CrmFailed(CrmFault.LATE, "the CRM does not answer in time") from None
    except (aiohttp.ClientError, OSError) as error:
        raise CrmFailed(CrmFault.AWAY, f"the CRM is not reached ({type(error).__name__})") from None
    found = _json(raw)
    if 200 <= status < 300:
        if len(raw) > LONGEST_ANSWER or (raw.strip() and found is None):
            raise CrmFailed(CrmFault.NOT_UNDERSTOOD, "the CRM's answer is no JSON", answer=status)
        return Answer(status=status, body=found)
    failed = judge(status, found) or by_status(status)
    failed.answer = status
    failed.wait_s = min(asked_wait_s or 0.0, LONGEST_WAIT_S)
    raise failed


def by_status(status: int) -> CrmFailed:  # noqa: PLR0911 - a table
    """What a status alone says."""
    match status:
        case 401:
            return CrmFailed(CrmFault.TOKEN_REFUSED, "the CRM refuses the token: give it a new one")
        case 403:
            return CrmFailed(CrmFault.NOT_ALLOWED, "the CRM does not let this token do that: look at its scopes")
        case 404:
            return CrmFailed(CrmFault.DEAL_GONE, "the CRM has no such record")
        case 429:
            return CrmFailed(CrmFault.BUSY, "the CRM's rate limit is reached")
        case 408 | 423 | 425:
            return CrmFailed(CrmFault.AWAY, f"the CRM cannot do it now ({status})")
        case _ if status >= 500:
            return CrmFailed(CrmFault.AWAY, f"the CRM is out of order ({status})")
        case _ if 300 <= status < 400:
            return CrmFailed(CrmFault.NOT_ALLOWED, "the CRM lives at another address: change `url`")
        case _:
            return CrmFailed(CrmFault.VALUE_REFUSED, f"the CRM refuses the request ({status})")


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return None


def of(body: Any, *names: str | int) -> Any:
    """What lies at that place of an answer, None where there is none: an answer may be anything."""
    for name in names:
        if isinstance(body, dict) and isinstance(name, str):
            body = body.get(name)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        elif isinstance(body, list) and isinstance(name, int) and -len(body) <= name < len(body):  # pyright: ignore[reportUnknownArgumentType]
            body = body[name]  # pyright: ignore[reportUnknownVariableType]
        else:
            return None
    return body  # pyright: ignore[reportUnknownVariableType]


def text_of(body: Any, *names: str | int) -> str:
    """The same as text; empty where there is none."""
    found = of(body, *names)
    if isinstance(found, bool):
        return "true" if found else "false"
    return str(found) if isinstance(found, (str, int, float)) else ""


def rows_of(body: Any, *names: str | int) -> list[Any]:
    """The same as a list; empty where there is none."""
    found = of(body, *names)
    return list(found) if isinstance(found, list) else []  # pyright: ignore[reportUnknownArgumentType]
