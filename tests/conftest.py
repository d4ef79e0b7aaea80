"""A real PostgreSQL for the tests: one embedded server for the session, a fresh database for each test."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from pydantic import SecretStr

from ridealong.config import Settings
from ridealong.store import Store
from ridealong.store.database import prepare
from ridealong.store.embedded import DATABASE, OWNER, SUPERUSER, EmbeddedPostgres


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """The session's server. Its database `ridealong` is migrated and empty: the template of every test's own."""
    # Not pytest's own folder: its path is too long for a socket.
    folder = Path(tempfile.mkdtemp(prefix="ridealong-test-"))
    server = EmbeddedPostgres(folder / "postgres")
    server.start()
    with psycopg.connect(server.url(user=SUPERUSER, database="postgres"), autocommit=True) as connection:
        # Test data need not survive a power cut.
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("ALTER SYSTEM SET synchronous_commit = off")
        connection.execute("ALTER SYSTEM SET full_page_writes = off")
        connection.execute("SELECT pg_reload_conf()")
    prepare(server.url(user=OWNER, database=DATABASE))
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def database(postgres: EmbeddedPostgres) -> Iterator[str]:
    """The name of a fresh database with the tables and nothing in them."""
    name = f"test_{uuid4().hex[:12]}"
    with psycopg.connect(postgres.url(user=SUPERUSER, database="postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {DATABASE} OWNER {OWNER} STRATEGY FILE_COPY")
    yield name
    with psycopg.connect(postgres.url(user=SUPERUSER, database="postgres"), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def store_settings(postgres: EmbeddedPostgres, database: str, tmp_path: Path) -> Settings:
    """Settings that lead to this test's own database.

    The live model's deadline is far: a busy machine takes a second to open its first connection. Tests of the deadline
    itself set their own.
    """
    return Settings(
        data_dir=tmp_path,
        database_url=SecretStr(postgres.url(user=OWNER, database=database)),
        live_deadline_ms=10_000,
    )


@pytest.fixture
async def store(store_settings: Settings) -> AsyncIterator[Store]:
    """An open store on this test's own database."""
    opened = await Store.open(store_settings)
    yield opened
    await opened.close()
