"""The built pages, served from the package: what nobody else's route answers. No Node is needed where they are served.

`ui/` is built into the folder `pages` beside this file. Where it is not, the API works alone and `/` says how to build.
A page is a dozen files at once, beside calls whose audio arrives: so they are read once and sent from memory, in the
shortest form that the build made of them (`.br`, `.gz`) and the browser takes.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from mimetypes import guess_type
from pathlib import Path
from typing import Final

from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
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


_PACKED: Final = {"br": ".br", "gzip": ".gz"}
"""Content codings, the shorter first, and what the build calls a file packed so."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Kept:
    """A file of the build, as it was read."""

    forms: Mapping[str, bytes]
    """By content coding; plain under the empty name."""
    changed_ns: int
    tag: str
    policy: str

    def answer(self, request: Request, cache: str, media_type: str) -> Response:
        headers = _headers(cache, self.policy)
        accepted = accepted_codings(request.headers.get("accept-encoding", ""))
        coding = next((one for one in _PACKED if one in self.forms and one in accepted), "")
        # Each form is an answer of its own, so that no cache on the way mixes them up.
        etag = f'"{self.tag}{coding and "-" + coding}"'
        headers |= {"ETag": etag, "Vary": "Accept-Encoding"}
        if etag in request.headers.get("if-none-match", "").replace("W/", "").split(", "):
            return Response(status_code=304, headers=headers)
        if coding:
            headers["Content-Encoding"] = coding
        return Response(self.forms[coding], media_type=media_type, headers=headers)


class _Folder:
    """The build: its files by the path that asks for them."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._kept: dict[Path, _Kept] = {}
        self._found: dict[str, Path] = {}
        """Files by the path that asks for them."""

    async def read(self, path: str) -> tuple[Path, _Kept] | None:
        """The file that `path` names, None where it names none."""
        file = self._found.get(path)
        kept = None if file is None else self._kept.get(file)
        if file is not None and kept is not None and kept.changed_ns == _changed_ns(file):
            # Without a thread, which at the opening of a page would wait for a dozen others.
            return file, kept
        return await run_in_threadpool(self._read, path)

    def _read(self, path: str) -> tuple[Path, _Kept] | None:
        file = file_of(self._root, path)
        if file is None:
            return None
        kept = self._kept.get(file)
        # Built anew while the server runs: the next request has it.
        if kept is None or kept.changed_ns != _changed_ns(file):
            kept = self._kept[file] = _read_file(file)
        if path == f"/{path.strip('/')}":
            # As the build names it alone: slashes could be added without end.
            self._found[path] = file
        return file, kept


def _changed_ns(file: Path) -> int | None:
    """When the file was last written; None where there is none any more."""
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return None


def _read_file(file: Path) -> _Kept:
    changed_ns = file.stat().st_mtime_ns
    plain = file.read_bytes()
    forms = {"": plain}
    for coding, suffix in _PACKED.items():
        packed = file.with_name(file.name + suffix)
        if packed.is_file():
            forms[coding] = packed.read_bytes()
    policy = policy_of(plain) if file.suffix == ".html" else PAGES_POLICY
    return _Kept(forms=forms, changed_ns=changed_ns, tag=hashlib.sha256(plain).hexdigest()[:20], policy=policy)


def policy_of(page: bytes) -> str:
    """The policy for a page as it was built: its own files, and what stands in it as a script, to the letter."""
    hashes = [
        f" 'sha256-{base64.b64encode(hashlib.sha256(script).digest()).decode()}'"
        for script in re.findall(rb"<script>(.*?)</script>", page, re.DOTALL)
    ]
    return PAGES_POLICY.replace("script-src 'self'", f"script-src 'self'{''.join(hashes)}")


def accepted_codings(header: str) -> set[str]:
    """The codings that an `Accept-Encoding` header names and does not exclude."""
    found: set[str] = set()
    for one in header.lower().split(","):
        name, _, weight = one.replace(" ", "").partition(";q=")
        if name and not re.fullmatch(r"0(\.0{0,3})?", weight):
            found.add(name)
    return found


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

    files = _Folder(folder)

    async def page(request: Request) -> Response:
        path = request.url.path
        found = await files.read(path)
        if found is None:
            if "." in path.rsplit("/", 1)[-1]:
                # An asset of an earlier build: a page in its place would be read as a broken script.
                raise Refused("not_found", "there is no such file")
            found = await files.read("rep.html" if _first(path) == "rep" else "index.html")
        if found is None:
            return Response(NOT_BUILT, media_type="text/html", headers=_headers("no-store", PAGES_POLICY))
        file, kept = found
        hashed = file.parent == folder / "assets" and _HASHED.search(file.name) is not None
        media_type = _TYPES.get(file.suffix) or guess_type(file.name)[0] or "application/octet-stream"
        cache = "public, max-age=31536000, immutable" if hashed else "no-cache"
        return kept.answer(request, cache, media_type)

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


def _headers(cache: str, policy: str) -> dict[str, str]:
    return {"Content-Security-Policy": policy, "Cache-Control": cache, "Permissions-Policy": _PERMISSIONS}


_PERMISSIONS: Final = "microphone=(self), screen-wake-lock=(self), camera=(), geolocation=(), payment=(), usb=()"
