"""The migrations arrive at `schema.sql`, and a database that cannot serve says why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo
from pydantic import SecretStr
from yoyo import get_backend, read_migrations

from ridealong.config import Settings
from ridealong.core.errors import InvalidSettings, Unavailable
from ridealong.store import Store
from ridealong.store.database import MIGRATIONS, SCHEMA, app_password, prepare, url_of
from ridealong.store.embedded import OWNER, SUPERUSER, EmbeddedPostgres
from ridealong.store.tenants import list_tenants
from tests.integration.store.conversation import record_call

CATALOG = """
    SELECT 'table', relname::text, concat_ws(' ', relkind, relrowsecurity, relforcerowsecurity, reloptions, relacl,
        relowner::regrole) FROM pg_class WHERE relnamespace = 'ridealong'::regnamespace
    UNION ALL
    SELECT 'column', concat_ws('.', c.relname, a.attnum, a.attname),
        concat_ws(' ', format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attgenerated,
        a.attstorage, a.attstattarget, pg_get_expr(d.adbin, d.adrelid))
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relnamespace = 'ridealong'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT 'constraint', concat_ws('.', conrelid::regclass, conname), pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = 'ridealong'::regnamespace
    UNION ALL
    SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'ridealong'
    UNION ALL
    SELECT 'view', viewname, definition FROM pg_views WHERE schemaname = 'ridealong'
    UNION ALL
    SELECT 'function', oid::regprocedure::text, concat_ws(' ', pg_get_functiondef(oid), proacl, proowner::regrole)
    FROM pg_proc WHERE pronamespace = 'ridealong'::regnamespace
    UNION ALL
    SELECT 'trigger', concat_ws('.', c.relname, t.tgname), concat_ws(' ', pg_get_triggerdef(t.oid), t.tgenabled)
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    WHERE c.relnamespace = 'ridealong'::regnamespace AND NOT t.tgisinternal
    UNION ALL
    SELECT 'policy', concat_ws('.', tablename, policyname), concat_ws(' ', permissive, roles, cmd, qual, with_check)
    FROM pg_policies WHERE schemaname = 'ridealong'
    UNION ALL
    SELECT 'schema', nspname::text, concat_ws(' ', nspacl, nspowner::regrole)
    FROM pg_namespace WHERE nspname = 'ridealong'
    ORDER BY 1, 2, 3
"""


def fresh(postgres: EmbeddedPostgres, name: str, owner: str = OWNER) -> None:
    with psycopg.connect(postgres.url(user=SUPERUSER, database="postgres"), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")  # pyright: ignore
        connection.execute(f"CREATE DATABASE {name} OWNER {owner}")  # pyright: ignore


def catalog(postgres: EmbeddedPostgres, database: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(postgres.url(user=OWNER, database=database)) as connection:
        return connection.execute(CATALOG).fetchall()


def test_the_migrations_arrive_at_the_schema(postgres: EmbeddedPostgres, database: str) -> None:
    fresh(postgres, "by_schema")
    with psycopg.connect(postgres.url(user=SUPERUSER, database="by_schema"), autocommit=True) as connection:
        connection.execute("CREATE EXTENSION vector")
    with psycopg.connect(postgres.url(user=OWNER, database="by_schema"), autocommit=True) as connection:
        connection.execute(SCHEMA.read_bytes())
    migrated = catalog(postgres, database)
    assert len(migrated) > 200
    assert migrated == catalog(postgres, "by_schema")


def test_a_database_of_an_earlier_version_is_brought_to_this_one(postgres: EmbeddedPostgres, database: str) -> None:
    fresh(postgres, "earlier")
    with psycopg.connect(postgres.url(user=SUPERUSER, database="earlier"), autocommit=True) as connection:
        connection.execute("CREATE EXTENSION vector")
        # As an embedded database is made: the first migration makes the first schema of the path.
        connection.execute("ALTER DATABASE earlier SET search_path = ridealong, public")
    earlier = postgres.url(user=OWNER, database="earlier")
    backend = get_backend(earlier.replace("postgresql:", "postgresql+psycopg:", 1))
    with backend:
        migrations = backend.to_apply(read_migrations(str(MIGRATIONS)))
        backend.apply_migrations(type(migrations)(list(migrations)[:-1]))
    prepare(earlier)
    assert catalog(postgres, "earlier") == catalog(postgres, database)


def test_preparing_again_changes_nothing(postgres: EmbeddedPostgres, database: str) -> None:
    before = catalog(postgres, database)
    prepare(postgres.url(user=OWNER, database=database))
    assert catalog(postgres, database) == before


async def test_a_database_of_a_newer_version_is_left_alone(
    postgres: EmbeddedPostgres, database: str, store_settings: Settings
) -> None:
    with psycopg.connect(postgres.url(user=OWNER, database=database)) as connection:
        connection.execute(
            "INSERT INTO public._yoyo_migration (migration_hash, migration_id) VALUES ('x', '9999-from-the-future')"
        )
    with pytest.raises(InvalidSettings, match="9999-from-the-future"):
        await Store.open(store_settings)


async def test_an_external_database_needs_one_setting(postgres: EmbeddedPostgres, tmp_path: Path) -> None:
    superuser = psycopg.connect(postgres.url(user=SUPERUSER, database="postgres"), autocommit=True)
    superuser.execute("CREATE ROLE stranger LOGIN CREATEROLE PASSWORD 'a secret'")
    # Another role of the same server made them: here the stranger is given what it would have made itself.
    superuser.execute("GRANT ridealong_app, ridealong_lookup TO stranger WITH ADMIN TRUE, INHERIT FALSE, SET TRUE")
    fresh(postgres, "elsewhere", "stranger")
    with psycopg.connect(postgres.url(user=SUPERUSER, database="elsewhere"), autocommit=True) as connection:
        connection.execute("CREATE EXTENSION vector")
    # Here, as on a server of somebody else's, everybody needs a password.
    rules = postgres.directory / "pg_hba.conf"
    rules.write_text("local elsewhere all scram-sha-256\n" + rules.read_text())
    superuser.execute("SELECT pg_reload_conf()")
    for password in ("a secret", "p@ss/w:rd 2"):
        superuser.execute(sql.SQL("ALTER ROLE stranger PASSWORD {}").format(password))
        url = make_conninfo(postgres.url(user="stranger", database="elsewhere"), password=password)
        store = await Store.open(Settings(data_dir=tmp_path, database_url=SecretStr(url)))
        try:
            assert store.server is None
            async with store.without_tenant() as connection:
                cursor = await connection.execute("SELECT session_user::text, current_setting('is_superuser')")
                row = await cursor.fetchone()
            assert row == ("ridealong_app", "off")
            await record_call(store, slug=f"acme-{len(password)}")
            assert len(await list_tenants(store)) > 0
            with psycopg.connect(store.owner_url) as owner:
                assert owner.execute("SELECT count(*) FROM ridealong.call").fetchone() == (0,)
        finally:
            await store.close()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(postgres.url(user="ridealong_app", database="elsewhere"))
    without = Settings(data_dir=tmp_path, database_url=SecretStr(postgres.url(user="stranger", database="elsewhere")))
    with pytest.raises(Unavailable, match="RIDEALONG_DATABASE_URL"):
        await Store.open(without)
    superuser.execute("DROP DATABASE elsewhere WITH (FORCE)")
    superuser.execute("DROP ROLE stranger")
    superuser.close()


async def test_an_owner_without_the_rights_is_told_which(postgres: EmbeddedPostgres, tmp_path: Path) -> None:
    with psycopg.connect(postgres.url(user=SUPERUSER, database="postgres"), autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS weak WITH (FORCE)")
        connection.execute("DROP ROLE IF EXISTS weakling")
        connection.execute("CREATE ROLE weakling LOGIN")
    fresh(postgres, "weak", "weakling")
    settings = Settings(data_dir=tmp_path, database_url=SecretStr(postgres.url(user="weakling", database="weak")))
    with pytest.raises(InvalidSettings, match="CREATE EXTENSION vector"):
        await Store.open(settings)
    with psycopg.connect(postgres.url(user=SUPERUSER, database="weak"), autocommit=True) as connection:
        connection.execute("CREATE EXTENSION vector")
    with pytest.raises(InvalidSettings, match=r"see 'Roles' in docs/operations\.md"):
        await Store.open(settings)


async def test_a_mighty_application_role_is_refused(postgres: EmbeddedPostgres, store_settings: Settings) -> None:
    with psycopg.connect(postgres.url(user=SUPERUSER, database="postgres"), autocommit=True) as connection:
        try:
            for power in ("BYPASSRLS", "SUPERUSER", "CREATEROLE"):
                connection.execute(f"ALTER ROLE ridealong_app {power}")  # pyright: ignore
                with pytest.raises(InvalidSettings, match="ridealong_app can do more than it may"):
                    await Store.open(store_settings)
                connection.execute(f"ALTER ROLE ridealong_app NO{power}")  # pyright: ignore
            connection.execute("GRANT ridealong_lookup TO ridealong_app")
            with pytest.raises(InvalidSettings, match="ridealong_app can do more than it may"):
                await Store.open(store_settings)
        finally:
            connection.execute("ALTER ROLE ridealong_app NOBYPASSRLS NOSUPERUSER NOCREATEROLE")
            connection.execute("REVOKE ridealong_lookup FROM ridealong_app")


@pytest.mark.parametrize(
    ("conninfo", "url"),
    [
        ("postgresql://me:p%40ss@db.example:6432/calls?sslmode=require",) * 2,
        ("postgres://me@db/calls", "postgresql://me@db/calls"),
        ("host=db.example user=me password='p @/' dbname=calls", "postgresql://me:p%20%40%2F@db.example/calls"),
        ("postgresql://me@/calls?host=/var/run", "postgresql://me@/calls?host=%2Fvar%2Frun"),
        ("postgresql://me@[::1]:5432/calls", "postgresql://me@[::1]:5432/calls"),
    ],
)
def test_every_way_to_write_an_address_becomes_one_url(conninfo: str, url: str) -> None:
    assert url_of(conninfo) == url
    assert url_of(url) == url


async def test_an_address_that_cannot_work_is_told_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match="RIDEALONG_DATABASE_URL") as refused:
        await Store.open(Settings(data_dir=tmp_path, database_url=SecretStr("mysql://me:hush@db/x")))
    assert "hush" not in str(refused.value)
    nobody = "postgresql://me:hush@127.0.0.1:1/x?connect_timeout=2"
    with pytest.raises(Unavailable, match="does not answer") as away:
        await Store.open(Settings(data_dir=tmp_path, database_url=SecretStr(nobody)))
    assert "hush" not in f"{away.value} {away.value.__cause__}"


def test_the_applications_password_is_not_the_owners() -> None:
    assert app_password("secret") == app_password("secret") != app_password("secret2")
    assert "secret" not in app_password("secret")
