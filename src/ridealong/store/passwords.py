"""Passwords: argon2id in threads, a few at a time, and the same work for somebody who does not exist."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from ridealong.core.errors import Refused

T = TypeVar("T")

AT_ONCE: Final = 2
"""Each takes 64 MiB (the library's defaults, RFC 9106's second choice) for a tenth of a second."""
MOST_WAITING: Final = 32
"""More than these would wait longer than anybody looks at a sign-in page."""


class Passwords:
    """Hashes and checks passwords for one process."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0
        self._nobodys: str | None = None

    async def hash(self, password: str) -> str:
        """What is kept of a password. Raises Refused('too_busy')."""
        return await self._in_turn(lambda: self._hasher.hash(password))

    async def verify(self, kept: str | None, password: str) -> bool:
        """Whether it is that password. `kept` None (nobody, or no password): False, after the same work."""

        def check() -> bool:
            if self._nobodys is None:
                self._nobodys = self._hasher.hash("nobody has this password")
            try:
                return self._hasher.verify(kept or self._nobodys, password) and kept is not None
            except (Argon2Error, InvalidHashError):
                return False

        return await self._in_turn(check)

    def outdated(self, kept: str) -> bool:
        """Whether it was hashed with other parameters than today's: then hash it again at the next sign-in."""
        return self._hasher.check_needs_rehash(kept)

    async def _in_turn(self, work: Callable[[], T]) -> T:
        if self._waiting >= MOST_WAITING:
            raise Refused("too_busy", "too many people sign in at this moment: try again in a few seconds")
        self._waiting += 1
        try:
            async with self._turn:
                return await asyncio.to_thread(work)
        finally:
            self._waiting -= 1
