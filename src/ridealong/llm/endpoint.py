"""Where a model answers, and what it can do: all that an adapter is made from."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from ridealong.core.errors import InvalidSettings

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


def usual_url(vendor: str) -> str:
    """The vendor's own address; empty where there is none."""
    host, path = _USUAL[vendor]
    return host + path if host else ""


def checked_url(vendor: str, url: str, *, allow_http: bool = False) -> str:
    """The base URL as the adapters want it. One without a path gets the vendor's usual one.

    Transcripts and keys travel over it, so plain http is for this machine alone unless `allow_http`. Raises
    InvalidSettings.
    """
    setting = f"RIDEALONG_{vendor.upper()}_URL"
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if parts.scheme not in ("http", "https") or not host:
        raise InvalidSettings(f"{setting} is no address: write it like https://models.example.com/v1")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise InvalidSettings(f"{setting} may hold no user, password or query: the key has a setting of its own")
    if parts.scheme == "http" and not _is_here(host) and not allow_http:
        raise InvalidSettings(
            f"{setting} would send what was said unencrypted to {host}: use https, "
            "or set RIDEALONG_MODELS_ALLOW_HTTP=true where the network itself is private"
        )
    path = parts.path.rstrip("/") or _USUAL[vendor][1]
    return f"{parts.scheme}://{parts.netloc}{path}"


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
