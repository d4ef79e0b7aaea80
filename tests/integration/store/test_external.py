"""An external PostgreSQL, over TCP and with a password, made ready as docs/operations.md says."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr

from ridealong.config import Settings
from ridealong.core.errors import InvalidSettings, Unavailable
from ridealong.store import Store, tenants
from ridealong.store.embedded import programs
from tests.integration.store.conversation import record_call

ADMIN_PASSWORD = "admin's own: 100%"
PASSWORD = "p@ss/word: 50% ünd mehr"


@dataclass(frozen=True)
class Server:
    port: int

    def conninfo(self, user: str, password: str, database: str) -> str:
        return psycopg.conninfo.make_conninfo(
            host="127.0.0.1", port=self.port, user=user, password=password, dbname=database
        )

    def admin(self, database: str) -> psycopg.Connection:
        return psycopg.connect(self.conninfo("postgres", ADMIN_PASSWORD, database), autocommit=True)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Somebody else's server: a TCP port, passwords, no socket."""
    folder = Path(tempfile.mkdtemp(prefix="ridealong-tcp-"))
    account = pwd.getpwnam("pgserver") if os.geteuid() == 0 else None
    (folder / "password").write_text(ADMIN_PASSWORD)
    if account is not None:
        for path in (folder, folder / "password"):
            os.chown(path, account.pw_uid, account.pw_gid)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])

    def run(program: str, *arguments: str) -> None:
        with (folder / "output").open("wb") as output:
            subprocess.run(
                [str(programs() / program), *arguments],
                check=True,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                user=account.pw_uid if account else None,
                group=account.pw_gid if account else None,
                extra_groups=[] if account else None,
            )

    data = str(folder / "data")
    run("initdb", "-D", data, "-U", "postgres", "--auth=scram-sha-256", f"--pwfile={folder / 'password'}", "-N")
    options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories= -c fsync=off"
    run("pg_ctl", "-D", data, "-l", str(folder / "log"), "-w", "-t", "120", "-o", options, "start")
    yield Server(port)
    run("pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def url(server: Server) -> str:
    """What an administrator does once, word for word; then the one setting."""
    with server.admin("postgres") as connection:
        connection.execute(psycopg.sql.SQL("CREATE ROLE ridealong LOGIN CREATEROLE PASSWORD {}").format(PASSWORD))
        connection.execute("CREATE DATABASE ridealong OWNER ridealong")
    with server.admin("ridealong") as connection:
        connection.execute("CREATE EXTENSION vector")
    return server.conninfo("ridealong", PASSWORD, "ridealong")


def settings_of(url: str, folder: Path) -> Settings:
    return Settings(data_dir=folder, database_url=SecretStr(url))


async def test_a_database_over_tcp_with_a_password_serves_like_the_embedded_one(
    url: str, server: Server, tmp_path: Path
) -> None:
    store = await Store.open(settings_of(url, tmp_path))
    try:
        made = await record_call(store, slug="over-tcp")
        async with store.tenant(made.tenant_id) as conn:
            row = await (await conn.execute("SELECT current_user, inet_server_port()")).fetchone()
        assert row == ("ridealong_app", server.port)
        other = await tenants.create_tenant(store, "other-over-tcp", "Other")
        async with store.tenant(other.tenant_id) as conn:
            row = await (await conn.execute("SELECT count(*) FROM utterance")).fetchone()
        assert row == (0,)
    finally:
        await store.close()
    # And once more, as the next process does: the application's own password holds.
    await (await Store.open(settings_of(url, tmp_path))).close()


async def test_a_wrong_password_is_told_without_the_password(url: str, tmp_path: Path) -> None:
    wrong = psycopg.conninfo.make_conninfo(url, password="guessed")
    with pytest.raises((Unavailable, InvalidSettings), match="RIDEALONG_DATABASE_URL") as refused:
        await Store.open(settings_of(wrong, tmp_path))
    assert "guessed" not in str(refused.value)


async def test_a_database_without_pgvector_says_what_to_do(url: str, server: Server, tmp_path: Path) -> None:
    with server.admin("postgres") as connection:
        connection.execute("CREATE DATABASE bare OWNER ridealong")
    with pytest.raises(InvalidSettings, match="CREATE EXTENSION vector"):
        await Store.open(settings_of(server.conninfo("ridealong", PASSWORD, "bare"), tmp_path))


def test_a_call_is_coached_through_it(url: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "ridealong.app.cli", "coach", "--jsonl"),
            *("--transcript", str(files("ridealong.sample") / "call.jsonl")),
        ],
        env={**os.environ, "RIDEALONG_DATA_DIR": str(tmp_path), "RIDEALONG_DATABASE_URL": url},
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events[-1]["event"] == "summary"
    assert next(e for e in events if e["event"] == "artifact")["sections"]
    assert not (tmp_path / "postgres").exists(), "the embedded server was started all the same"
