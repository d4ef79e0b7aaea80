"""Around every HTTP answer: security headers, a problem document for every error, and a count."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ridealong.core.errors import InvalidDocument, RidealongError
from ridealong.web import measures
from ridealong.web.refusals import code_of, refusal_of
from ridealong.web.socket import place_of
from ridealong.web.throttle import TooManyAttempts

_log = structlog.get_logger(__name__)

PROBLEM: Final = "application/problem+json"
PAGE_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; media-src 'self'; frame-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""A report is text, style and the call's audio, in a frame of its own: a link can play there without any script."""

_HEADERS: Final = (
    ("Content-Security-Policy", PAGE_POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Frame-Options", "DENY"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cache-Control", "no-store"),
)


class Shell:
    """ASGI middleware: adds the headers, counts, and keeps foreign errors' texts out of answers and logs."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS:
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception as error:
            _log.error("request_failed", route=_route(scope), error=type(error).__name__, **place_of(error))
            if status == 0:
                await problem("internal", "the server made a mistake: try again")(scope, receive, sending)
        finally:
            measures.requests_total.labels(_method(scope), _route(scope), str(status)).inc()


def _route(scope: Scope) -> str:
    # The pattern, never the path: a path holds ids, and a stranger can make up as many as he likes.
    return str(getattr(scope.get("route"), "path", "other"))


def _method(scope: Scope) -> str:
    method = str(scope["method"])
    return method if method in {"GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"} else "other"


def problem(code: str, detail: str, *, headers: dict[str, str] | None = None, **more: object) -> Response:
    """The answer for an error, as RFC 9457 lays it out; `code` is the stable word for programs."""
    refusal = refusal_of(code)
    body = {
        "type": "about:blank",
        "title": HTTPStatus(refusal.status).phrase,
        "status": refusal.status,
        "code": code,
        "detail": detail,
        "retry": refusal.retry,
        **more,
    }
    said = dict(headers or {})
    if refusal.status == 401:
        said["WWW-Authenticate"] = "Bearer"
    if refusal.status == 503:
        said["Retry-After"] = "5"
    return Response(json.dumps(body), status_code=refusal.status, headers=said, media_type=PROBLEM)


def add_problem_answers(app: FastAPI) -> None:
    """Every error of `app` becomes a problem document."""

    async def ours(_request: Request, error: Exception) -> Response:
        if isinstance(error, InvalidDocument):
            return problem("bad_document", RidealongError.__str__(error), line=error.line, source=error.source)
        if isinstance(error, TooManyAttempts):
            return problem(error.code, str(error), headers={"Retry-After": str(error.retry_after_s)})
        if isinstance(error, RidealongError):
            return problem(code_of(error), str(error))
        raise error

    async def invalid(_request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        if first["loc"][:2] == ("path", "call_id"):
            return problem("unknown_call", "there is no such call")
        return problem("bad_request", f"`{where}`: {first['msg']}")

    async def http(_request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101
        code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "bad_request")
        return problem(code, str(error.detail), headers=dict(error.headers or {}))

    app.add_exception_handler(RidealongError, ours)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)


class ProblemApp(FastAPI):
    """FastAPI whose /openapi.json says that errors are problem documents: by itself it knows of plain JSON alone."""

    def openapi(self) -> dict[str, Any]:
        described = super().openapi()
        for path in described.get("paths", {}).values():
            for operation in path.values():
                for status, response in operation["responses"].items():
                    content = response.get("content", {})
                    if status >= "400" and "application/json" in content:
                        content[PROBLEM] = content.pop("application/json")
        return described
