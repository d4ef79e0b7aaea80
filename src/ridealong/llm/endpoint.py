"""Where a model answers, and what it can do: all that an adapter is made from."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from ridealong.core.errors import InvalidSettings
from ridealong.outside import lies_inside

if TYPE_CHECKING:
    from ridealong.llm.capabilities import Capability
    from ridealong.llm.wire import Wire

_USUAL: Final = {
    "groq": ("https://api.groq.com", "/openai/v1"),
    "openai": ("https://api.openai.com", "/v1"),
    "compatible": ("", "/v1"),
    "anthropic": ("https://api.anthropic.com", "/v1"),
    "google": ("https://generativelanguage.googleapis.com", "/v1beta"),
    "scripted": ("", ""),
}

_VERBS: Final = {"anthropic": "/messages", "google": "/models"}
"""What the adapters add; of the others `/chat/completions`."""
_NAME: Final = re.compile(r"[\w./:@+-]{1,200}", re.ASCII)
"""It is stored with what the model decided, so it may not be anything at all."""
_VERSION: Final = re.compile(r"/v\d")
_VERSION_ADDED: Final = ("anthropic", "google")
"""Vendors whose own libraries add the version to a base URL, so that gateways are given without it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """One model of one vendor under one key. `base_url` has no slash at its end and needs none."""

    vendor: str
    model_id: str
    capability: Capability
    wire: Wire
    base_url: str = ""
    key: str = field(default="", repr=False)

    @property
    def name(self) -> str:
        return f"{self.vendor}:{self.model_id}"

    def told(self, name: object) -> str:
        """The model that answered, as its vendor names it; the one that was asked where that is no name."""
        return name if isinstance(name, str) and _NAME.fullmatch(name) else self.model_id


def usual_url(vendor: str) -> str:
    """The vendor's own address; empty where there is none."""
    host, path = _USUAL[vendor]
    return host + path if host else ""


def checked_url(
    vendor: str, url: str, *, allow_http: bool = False, allow_inside: bool = True, setting: str | None = None
) -> str:
    """The base URL as the adapters want it. One without a path gets the vendor's usual one, and one that goes on to the
    verb (`/chat/completions`) loses it.

    Transcripts and keys travel over it, so plain http is for this machine alone unless `allow_http`. Without
    `allow_inside` the server's own network is out of bounds. `setting` is what the address is called where it was
    given. Raises InvalidSettings.
    """
    setting = setting or f"RIDEALONG_{vendor.upper()}_URL"
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if parts.scheme not in ("http", "https") or not host:
        raise InvalidSettings(f"{setting} is no address: write it like https://models.example.com/v1")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise InvalidSettings(f"{setting} may hold no user, password or query: the key has a setting of its own")
    if not allow_inside and lies_inside(host):
        raise InvalidSettings(f"{setting} lies inside the server's own network: RIDEALONG_MODELS_PRIVATE allows that")
    if parts.scheme == "http" and not _is_here(host) and not allow_http:
        raise InvalidSettings(
            f"{setting} would send what was said unencrypted to {host}: use https, "
            "or set RIDEALONG_MODELS_ALLOW_HTTP=true where the network itself is private"
        )
    return f"{parts.scheme}://{parts.netloc}{_path(vendor, parts.path.rstrip('/'))}"


def _path(vendor: str, path: str) -> str:
    """The path as meant: addresses are also copied with the verb at their end, or without the version."""
    usual = _USUAL[vendor][1]
    path = path.removesuffix(_VERBS.get(vendor, "/chat/completions"))
    if usual.startswith(f"{path}/"):
        return usual
    if vendor in _VERSION_ADDED and not _VERSION.search(path):
        return path + usual
    return path


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
