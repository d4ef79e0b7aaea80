"""Secrets that tenants give us, encrypted at rest: AES-256-GCM under the operator's key, bound to whom they belong to.

A sealed secret is one byte of format, four bytes that name the key, twelve of nonce, then the ciphertext with its tag.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ridealong.core.errors import InvalidSettings, MissingPart, RidealongError

if TYPE_CHECKING:
    from ridealong.config import Settings

_FORMAT: Final = b"\x01"
_NAME_BYTES: Final = 4
_NONCE_BYTES: Final = 12
_HEAD_BYTES: Final = len(_FORMAT) + _NAME_BYTES
_SHORTEST: Final = 32
KEY_FILE: Final = "secret.key"


class Unreadable(RidealongError):
    """A sealed secret cannot be decrypted with the keys of this server."""


@dataclass(frozen=True, slots=True)
class _Key:
    name: bytes
    cipher: AESGCM = field(repr=False)

    @classmethod
    def of(cls, secret: str) -> _Key:
        # The operator's secret is random by demand: one fast derivation is enough, and fits any length to 256 bits.
        derived = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"ridealong: sealed secrets, 1").derive(
            secret.encode()
        )
        return cls(name=hashlib.sha256(b"name of " + derived).digest()[:_NAME_BYTES], cipher=AESGCM(derived))


class Sealing:
    """Seals with one key and opens with several. Made by `of_settings`."""

    def __init__(self, key: str | None, old: Sequence[str] = (), *, file: Path | None = None) -> None:
        """`key` seals; `old` open as well. `file` holds a key that opens, and that seals where there is no `key`: it is
        made when the first secret is sealed. Without both nothing can be sealed.
        """
        self._file = file
        self._writer = None if key is None else _Key.of(key)
        self._readers = {known.name: known for known in map(_Key.of, old)}
        if self._writer is not None:
            self._readers[self._writer.name] = self._writer

    @classmethod
    def of_settings(cls, settings: Settings) -> Sealing:
        """`RIDEALONG_SECRET_KEY`, the old ones, and with an embedded database the key file of its data folder.

        Raises InvalidSettings for a key that is too short.
        """
        key = None if settings.secret_key is None else settings.secret_key.get_secret_value().strip()
        listed = "" if settings.secret_keys_old is None else settings.secret_keys_old.get_secret_value()
        old = [part.strip() for part in listed.split(",") if part.strip()]
        for name, given in (("RIDEALONG_SECRET_KEY", key), *(("RIDEALONG_SECRET_KEYS_OLD", each) for each in old)):
            if given is not None and (len(given) < _SHORTEST or "," in given):
                raise InvalidSettings(
                    f"{name} holds a key of fewer than {_SHORTEST} characters or with a comma: make one with "
                    "`openssl rand -base64 32`"
                )
        return cls(key, old, file=settings.data_dir / KEY_FILE if settings.database_url is None else None)

    def seal(self, secret: str, *, bound_to: bytes) -> bytes:
        """The sealed secret; it opens with the same `bound_to` alone. Blocks on the first use of a key file.

        Raises MissingPart where there is no key to seal with, InvalidSettings for a key file that cannot be used.
        """
        if self._writer is None:
            if self._file is None:
                raise MissingPart(
                    "this server keeps no keys of tenants: its operator has to set RIDEALONG_SECRET_KEY first"
                )
            self._writer = _Key.of(_read_key(self._file) or _make_key(self._file))
            self._readers[self._writer.name] = self._writer
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._writer.cipher.encrypt(nonce, secret.encode(), bound_to)
        return _FORMAT + self._writer.name + nonce + sealed

    def open(self, sealed: bytes, *, bound_to: bytes) -> str:
        """The secret. Raises Unreadable, which says why, or InvalidSettings for a key file that cannot be used."""
        rest = sealed[_HEAD_BYTES:]
        if sealed[:1] != _FORMAT or len(rest) <= _NONCE_BYTES:
            raise Unreadable("the sealed secret has an unknown format: it was damaged, or a newer Ridealong wrote it")
        key = self._reader(sealed[1:_HEAD_BYTES])
        if key is None:
            raise Unreadable(
                "it was sealed under a key that this server does not have: set RIDEALONG_SECRET_KEY to that key, list "
                f"it in RIDEALONG_SECRET_KEYS_OLD, or bring {KEY_FILE} back into the data folder"
            )
        try:
            return key.cipher.decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], bound_to).decode()
        except InvalidTag:
            raise Unreadable("it was changed or moved in the database since it was given: give it again") from None

    def current(self, sealed: bytes) -> bool:
        """Whether the key that seals now sealed it; else it should be sealed anew."""
        name = sealed[1:_HEAD_BYTES]
        if self._writer is None:
            found = self._reader(name)
            return found is not None and self._file is not None and found.name == self._name_in_file()
        return name == self._writer.name

    def _reader(self, name: bytes) -> _Key | None:
        if name not in self._readers and self._file is not None:
            # Another process of this data folder may have made it since.
            kept = _read_key(self._file)
            if kept is not None:
                key = _Key.of(kept)
                self._readers[key.name] = key
        return self._readers.get(name)

    def _name_in_file(self) -> bytes | None:
        kept = None if self._file is None else _read_key(self._file)
        return None if kept is None else _Key.of(kept).name


def _read_key(file: Path) -> str | None:
    """The key of that file; None where there is no file. Raises InvalidSettings where it cannot be trusted."""
    try:
        with file.open(encoding="ascii") as opened:
            mode = os.fstat(opened.fileno()).st_mode
            key = opened.read(1024).strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSettings(
            f"{file} cannot be read ({type(error).__name__}): it must be readable for us alone"
        ) from None
    if mode & 0o077:
        raise InvalidSettings(f"{file} may be read by others: run `chmod 600` on it, and give the keys of tenants anew")
    if len(key) < _SHORTEST:
        raise InvalidSettings(f"{file} holds no key: bring it back from a backup, or delete it and give all keys anew")
    return key


def _make_key(file: Path) -> str:
    """A new key in that file, or the one that another process put there in the same moment."""
    file.parent.mkdir(parents=True, exist_ok=True)
    # mkstemp makes it with mode 0600. A link appears whole or not at all, and never takes another's place.
    handle, unfinished = tempfile.mkstemp(dir=file.parent, prefix=f".{KEY_FILE}-")
    try:
        with os.fdopen(handle, "w", encoding="ascii") as opened:
            opened.write(secrets.token_urlsafe(32) + "\n")
            opened.flush()
            os.fsync(opened.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(unfinished, file)
    finally:
        Path(unfinished).unlink()
    key = _read_key(file)
    if key is None:
        raise InvalidSettings(f"{file} disappeared while it was made: let nothing else clear the data folder")
    return key
