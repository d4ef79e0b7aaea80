"""Who signs in: members of a tenant, what they are there, and what may be an e-mail address or a password."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from ridealong.core.errors import Refused

LEAST_PASSWORD: Final = 10
MOST_PASSWORD: Final = 200
"""Characters. The bound keeps hashing cheap, not passwords short."""

_EMAIL: Final = re.compile(r"[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]{1,250}")


class MemberRole(StrEnum):
    REP = "rep"
    """Own calls only."""
    MANAGER = "manager"
    """All calls of the tenant."""
    ADMIN = "admin"
    """Also settings, members and erasing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """A person of a tenant. Everybody has a rep's id: whose calls are the own ones."""

    member_id: UUID
    email: str
    name: str
    role: MemberRole
    rep_id: str
    created_at: datetime
    disabled_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """A member that is signed in somewhere."""

    session_id: UUID
    tenant_id: UUID
    slug: str
    organisation: str
    """The tenant's name."""
    member: Member
    expires_at: datetime


def read_email(text: str) -> str:
    """The address as it is kept: in lower case. Raises Refused('bad_email')."""
    email = text.strip().lower()
    if len(email) > 254 or _EMAIL.fullmatch(email) is None:
        raise Refused("bad_email", "this is not an e-mail address: write name@example.com")
    return email


def check_password(password: str, *, email: str) -> None:
    """Raises Refused('weak_password') with what to choose. Length is what counts: no rule asks for special signs."""
    if len(password) < LEAST_PASSWORD:
        raise Refused("weak_password", f"choose a password of at least {LEAST_PASSWORD} characters: a few words do")
    if len(password) > MOST_PASSWORD:
        raise Refused("weak_password", f"choose a password of at most {MOST_PASSWORD} characters")
    plain = password.lower()
    if len(set(plain)) < 4 or plain in (email, email.partition("@")[0]) or plain in _COMMON:
        raise Refused("weak_password", "this password is among the first that are tried: choose a few words")


_COMMON: Final = frozenset(
    {
        *("1234567890", "12345678910", "0123456789", "0987654321", "1q2w3e4r5t", "qwertyuiop", "qwerty12345"),
        *("password12", "password123", "password1234", "passw0rd123", "iloveyou12", "administrator", "letmein123"),
        *("changeme123", "welcome123", "ridealong1", "ridealong123", "abcdefghij", "asdfghjkl1", "q1w2e3r4t5"),
    }
)
