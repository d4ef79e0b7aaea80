"""The built pages, served from the package: what nobody else's route answers. No Node is needed where they are served.

`ui/` is built into the folder `pages` beside this file. Where it is not, the API works alone and `/` says how to build.
"""

from __future__ import annotations

import re
from mimetypes import guess_type
from pathlib import Path
from typing import Final

from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse, Response
from starlette.routing import Match, Route
from starlette.types import Scope

from ridealong.core.errors import Refused

BUILT: Final = Path(__file__).with_name("pages")

PAGES_POLICY: Final = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "media-src 'self' blob:; font-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; "
    "frame-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""Styles alone may stand inline: the component library sets widths and positions there."""

_OURS: Final = frozenset({"v1", "healthz", "readyz", "metrics", "openapi.json"})
"""First parts of paths that belong to the API: what it does not answer there is a 404 in JSON, not a page."""
_HASHED: Final = re.compile(r"[-.][A-Za-z0-9_-]{8,}\.[a-z0-9]+$")
"""Names that change with their content: what was once fetched under one never has to be asked for again."""
_NAME: Final = re.compile(r"^[A-Za-z0-9_@-][A-Za-z0-9._@-]*$")
_TYPES: Final = {
    # The machine's own table may lack these or say something else.
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".css": "text/css",
    ".html": "text/html",
    ".webmanifest": "application/manifest+json",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".wasm": "application/wasm",
}

NOT_BUILT: Final = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Ridealong</title>
<body style="font-family: system-ui; max-width: 40rem; margin: 4rem auto; padding: 0 1rem">
<h1>Ridealong runs; its pages are not built</h1>
<p>The API works all the same: it is described at <a href="/openapi.json">/openapi.json</a>.</p>
<p>To build the pages, install Node.js 20 or later and run <code>make setup</code> in Ridealong's folder,
then restart the server. A released wheel has them built in.</p>
"""


class _Pages(Route):
    """Every address that is not the API's."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] != "http" or _first(str(scope["path"])) in _OURS:
            return Match.NONE, {}
        return super().matches(scope)


def built(folder: Path = BUILT) -> bool:
    """Whether there are pages to serve."""
    return (folder / "index.html").is_file()


def add_pages(app: FastAPI, folder: Path = BUILT) -> None:
    """Serve the files of `folder`, and its pages for every other address. Belongs behind all other routes."""

    async def page(request: Request) -> Response:
        path = request.url.path
        file = await run_in_threadpool(file_of, folder, path)
        if file is not None:
            return _file(file, folder)
        if "." in path.rsplit("/", 1)[-1]:
            # An asset of an earlier build: a page in its place would be read as a broken script.
            raise Refused("not_found", "there is no such file")
        shell = folder / ("rep.html" if _first(path) == "rep" else "index.html")
        if not await run_in_threadpool(shell.is_file):
            return Response(NOT_BUILT, media_type="text/html", headers=_headers("no-store"))
        return _file(shell, folder)

    app.router.routes.append(_Pages("/{path:path}", page, methods=["GET"], name="pages", include_in_schema=False))


def _first(path: str) -> str:
    return path.lstrip("/").split("/", 1)[0]


def file_of(folder: Path, path: str) -> Path | None:
    """The file of `folder` that `path` names, None where it names none. It never leaves the folder."""
    parts = path.strip("/").split("/")
    # By what may stand in a name, not by what may not: no dots at its start, no separators, no control characters.
    if not all(_NAME.fullmatch(part) for part in parts):
        return None
    found = folder.joinpath(*parts)
    root = folder.resolve()
    if not found.is_file() or not found.resolve().is_relative_to(root):
        return None
    return found


def _file(file: Path, folder: Path) -> Response:
    hashed = file.parent == folder / "assets" and _HASHED.search(file.name) is not None
    media_type = _TYPES.get(file.suffix) or guess_type(file.name)[0] or "application/octet-stream"
    return FileResponse(
        file,
        media_type=media_type,
        headers=_headers("public, max-age=31536000, immutable" if hashed else "no-cache"),
    )


def _headers(cache: str) -> dict[str, str]:
    return {"Content-Security-Policy": PAGES_POLICY, "Cache-Control": cache, "Permissions-Policy": _PERMISSIONS}


_PERMISSIONS: Final = "microphone=(self), screen-wake-lock=(self), camera=(), geolocation=(), payment=(), usb=()"
