"""Making a database ready: its version, the extension, the roles and the tables. Done at each start, as the owner."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path
from typing import Final, LiteralString
from urllib.parse import quote, urlencode

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ridealong.core.errors import InvalidSettings, Unavailable

APP_ROLE: Final = "ridealong_app"
LOOKUP_ROLE: Final = "ridealong_lookup"

MIGRATIONS: Final = Path(__file__).with_name("migrations")
SCHEMA: Final = Path(__file__).with_name("schema.sql")

_OLDEST: Final = 160_000
_PREPARING: Final = 0x52494445_414C4F4E
"""Key of the advisory lock that lets one process at a time prepare the database ("RIDEALON")."""


def url_of(conninfo: str) -> str:
    """`conninfo`, a URL or libpq's `key=value` form, as a URL that SQLAlchemy, yoyo and psycopg all read.

    Raises InvalidSettings.
    """
    try:
        parts = {k: str(v) for k, v in conninfo_to_dict(conninfo).items() if v is not None}
    except psycopg.ProgrammingError:
        raise InvalidSettings(
            "RIDEALONG_DATABASE_URL is not a PostgreSQL address: write postgresql://user:password@host:5432/database"
        ) from None
    user, password = parts.pop("user", ""), parts.pop("password", "")
    database, host, port = parts.pop("dbname", user), parts.pop("host", ""), parts.pop("port", "")
    login = quote(user, safe="") + (f":{quote(password, safe='')}" if password else "")
    if host.startswith("/") or not host or "," in host:
        parts |= {key: value for key, value in (("host", host), ("port", port)) if value}
        place = ""
    else:
        place = (f"[{host}]" if ":" in host else host) + (f":{port}" if port else "")
    query = f"?{urlencode(parts, quote_via=quote)}" if parts else ""
    return f"postgresql://{login}{'@' if login else ''}{place}/{quote(database, safe='')}{query}"


def prepare(owner_url: str) -> str:
    """Bring the database of `owner_url` to this version and return the conninfo of the application's own login.

    Blocks. Raises InvalidSettings when the database cannot serve, Unavailable when it does not answer.
    """
    try:
        with psycopg.connect(owner_url, autocommit=True, connect_timeout=10) as connection:
            connection.execute("SELECT pg_advisory_lock(%s)", [_PREPARING])
            _check_version(connection)
            _ensure_extension(connection)
            app = _ensure_roles(connection, owner_url)
            _migrate(connection, owner_url)
            return app
    except psycopg.OperationalError as error:
        raise Unavailable(
            "the database does not answer: check RIDEALONG_DATABASE_URL and that the server runs"
        ) from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise InvalidSettings(
            f"the database's owner lacks a right ({error.diag.message_primary}): see 'Roles' in docs/operations.md"
        ) from error


def _check_version(connection: psycopg.Connection) -> None:
    if connection.info.server_version < _OLDEST:
        raise InvalidSettings(
            f"PostgreSQL {connection.info.server_version // 10_000} is too old: Ridealong needs 16 or later"
        )


def _ensure_extension(connection: psycopg.Connection) -> None:
    found = connection.execute(
        "SELECT n.nspname, e.extversion FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace"
        " WHERE e.extname = 'vector'"
    ).fetchone()
    if found is None:
        try:
            connection.execute("CREATE EXTENSION vector SCHEMA public")
        except psycopg.errors.InsufficientPrivilege:
            raise InvalidSettings(
                "the database lacks pgvector and its owner may not add it: "
                "have an administrator run `CREATE EXTENSION vector` in it"
            ) from None
        except psycopg.errors.FeatureNotSupported:
            raise InvalidSettings("the database server lacks pgvector: install it there (0.8 or later)") from None
        return
    schema, version = found
    if schema != "public":
        raise InvalidSettings(f"pgvector is in schema {schema}: run `ALTER EXTENSION vector SET SCHEMA public`")
    if tuple(int(part) for part in str(version).split(".")[:2]) < (0, 8):
        raise InvalidSettings(f"pgvector {version} is too old: run `ALTER EXTENSION vector UPDATE` to get 0.8 or later")


def _ensure_roles(connection: psycopg.Connection, owner_url: str) -> str:
    for role in (LOOKUP_ROLE, APP_ROLE):
        if connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [role]).fetchone() is None:
            login = "LOGIN" if role == APP_ROLE else "NOLOGIN"
            try:
                connection.execute(f"CREATE ROLE {role} {login} NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE")
            except psycopg.errors.InsufficientPrivilege:
                raise InvalidSettings(
                    f"the database's owner may not make the role {role}: have an administrator run "
                    f"`ALTER ROLE {connection.info.user} CREATEROLE`"
                ) from None
            except (psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
                pass  # the same moment, another database of this server
        _refuse_powerful(connection, role)
    if not _one(connection, f"SELECT pg_has_role(current_user, '{LOOKUP_ROLE}', 'SET')"):
        # Not inherited: the owner itself must not see past the row filter.
        connection.execute(f"GRANT {LOOKUP_ROLE} TO CURRENT_USER WITH INHERIT FALSE, SET TRUE")
    return _ensure_login(connection, owner_url)


def _refuse_powerful(connection: psycopg.Connection, role: str) -> None:
    powerful = _one(
        connection,
        "SELECT r.rolsuper OR r.rolbypassrls OR r.rolcreaterole OR EXISTS"
        " (SELECT FROM pg_auth_members m WHERE m.member = r.oid) FROM pg_roles r WHERE r.rolname = %s",
        role,
    )
    if powerful:
        raise InvalidSettings(
            f"the role {role} can do more than it may, so it could see past the tenants' row filter: run "
            f"`ALTER ROLE {role} NOSUPERUSER NOBYPASSRLS NOCREATEROLE` and take it out of every other role"
        )


def _ensure_login(connection: psycopg.Connection, owner_url: str) -> str:
    """The conninfo with which the application's role really logs in (it never starts as somebody mightier)."""
    owner_password = connection.info.password
    options = f"{conninfo_to_dict(owner_url).get('options') or ''} -c search_path=ridealong,public".strip()
    app = make_conninfo(
        owner_url, user=APP_ROLE, password=app_password(owner_password) if owner_password else "", options=options
    )
    if _logs_in(app):
        return app
    if owner_password:
        # The verifier is made here, so that no log of the server's ever holds the password.
        verifier = connection.pgconn.encrypt_password(app_password(owner_password).encode(), APP_ROLE.encode())
        connection.execute(sql.SQL("ALTER ROLE ridealong_app LOGIN PASSWORD {}").format(verifier.decode()))
        if _logs_in(app):
            return app
    raise InvalidSettings(
        f"the role {APP_ROLE} cannot log in to the database: give RIDEALONG_DATABASE_URL the owner's password, and let "
        f"the server's pg_hba.conf admit {APP_ROLE} as it admits the owner"
    )


def app_password(owner_password: str) -> str:
    """The application role's password, the same in every process that knows the owner's."""
    return hmac.new(owner_password.encode(), b"ridealong: password of ridealong_app, 1", hashlib.sha256).hexdigest()


def _logs_in(conninfo: str) -> bool:
    try:
        with psycopg.connect(conninfo, connect_timeout=10):
            return True
    except psycopg.OperationalError:
        return False


def _migrate(connection: psycopg.Connection, owner_url: str) -> None:
    files = sorted(path.stem for path in MIGRATIONS.glob("*.sql"))
    known = _one(connection, "SELECT to_regclass('public._yoyo_migration')::text")
    if known:
        rows = connection.execute("SELECT migration_id FROM public._yoyo_migration").fetchall()
        applied = {str(row[0]) for row in rows}
        if newer := applied - set(files):
            raise InvalidSettings(
                f"the database was used by a newer Ridealong (it has {', '.join(sorted(newer))}): update this one"
            )
        if applied == set(files):
            return
    # Imported here: a start without migrations to apply does without it.
    from yoyo import get_backend, read_migrations  # noqa: PLC0415

    # yoyo looks for its tables in the first schema of the search path, and keeps them in it. Once there is a schema
    # `ridealong`, that would be another one than at the first time, and all migrations would be applied once more.
    address = f"{owner_url}{'&' if '?' in owner_url else '?'}schema=public"
    backend = get_backend(address.replace("postgresql:", "postgresql+psycopg:", 1))
    with backend:
        # yoyo's own lock is a row that a killed process leaves behind; the advisory lock held above is not.
        backend.apply_migrations(backend.to_apply(read_migrations(str(MIGRATIONS))))


def _one(connection: psycopg.Connection, statement: LiteralString, *arguments: object) -> object:
    row = connection.execute(statement, arguments).fetchone()
    return row[0] if row is not None else None
