"""Addresses that a tenant gives lead outside: an admin of a tenant is not one of the network the server stands in."""

from __future__ import annotations

import ipaddress
import socket
from typing import Final

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import DefaultResolver

_BEHIND: Final = tuple(
    # What leads on to an IPv4 address that stands in the last 32 bits, or right behind 2002:.
    ipaddress.IPv6Network(network)
    for network in ("::/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "fec0::/10")
)


def lies_inside(host: str) -> bool:
    """Whether a literal address, or a name of the machine itself, is one that the internet does not know."""
    name = host.lower().rstrip(".")
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        try:
            # `127.1`, `2130706433` and `0x7f.1` are addresses to whoever connects: what looks like none here would
            # be taken for one there, and asked of no resolver.
            address = ipaddress.IPv4Address(socket.inet_aton(name))
        except (OSError, ValueError):
            return name == "localhost" or name.endswith(".localhost")
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        elif any(address in network for network in _BEHIND):
            return True
    return not address.is_global or address.is_multicast


class Outside(AbstractResolver):
    """Names that lead inside the network are not found."""

    def __init__(self) -> None:
        self._resolver = DefaultResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        outside = [one for one in found if not lies_inside(one["host"])]
        if not outside:
            raise OSError("the name leads inside the server's own network")
        return outside

    async def close(self) -> None:
        await self._resolver.close()
