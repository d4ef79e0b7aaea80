"""The backup and the restore of docs/operations.md, step by step, with the programs that come with the wheel."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr

from ridealong.config import Settings
from ridealong.core.transcript import Transcript
from ridealong.store import Store, artifacts, calls, tenants
from ridealong.store.embedded import DATABASE, OWNER, SUPERUSER, EmbeddedPostgres, programs
from tests.integration.store.conversation import record_call


@pytest.fixture
def folder() -> Iterator[Path]:
    # Not pytest's own folder: its path is too long for a socket.
    made = Path(tempfile.mkdtemp(prefix="ridealong-restore-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


def run(program: str, *arguments: str) -> None:
    done = subprocess.run([str(programs() / program), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


async def test_a_restored_database_holds_the_call_and_still_keeps_its_rules(
    store: Store, store_settings: Settings, postgres: EmbeddedPostgres, database: str, folder: Path
) -> None:
    tenant = await tenants.create_tenant(store, "acme", "Acme")
    token = await tenants.issue_token(store, tenant.tenant_id, [tenants.Scope.READ])
    made = await record_call(store, tenant.tenant_id)
    dump = folder / "ridealong.dump"
    run("pg_dump", "--format=custom", f"--file={dump}", f"--dbname={postgres.url(user=SUPERUSER, database=database)}")

    server = EmbeddedPostgres(folder / "postgres")
    server.start()
    try:
        settings = Settings(data_dir=folder, database_url=SecretStr(server.url(user=OWNER, database=DATABASE)))
        # The first start makes the roles; the tables that it made give way to those of the backup.
        await (await Store.open(settings)).close()
        run(
            "pg_restore",
            *("--clean", "--if-exists", "--exit-on-error"),
            *(f"--dbname={server.url(user=SUPERUSER, database=DATABASE)}", str(dump)),
        )
        restored = await Store.open(settings)
        try:
            assert (await tenants.resolve_token(restored, token)).tenant_id == tenant.tenant_id
            async with restored.tenant(tenant.tenant_id) as conn:
                found = await calls.load_transcript(conn, await calls.latest_revision(conn, made.call_id))
                assert texts(found) == texts(made.transcript)
                artifact = await artifacts.load_artifact(conn, made.call_id)
                assert artifact.sections[0].findings[0].claim.evidence[0].quote == "two hours every morning"
                with pytest.raises(psycopg.errors.Error, match="permission denied"):
                    await conn.execute("UPDATE utterance SET text = 'something else'")
            other = await tenants.create_tenant(restored, "other", "Other")
            async with restored.tenant(other.tenant_id) as conn:
                rows = await (await conn.execute("SELECT count(*) FROM utterance")).fetchone()
                assert rows is not None
                assert rows[0] == 0, "the row filter did not come back with the tables"
        finally:
            await restored.close()
    finally:
        server.stop()


def texts(transcript: Transcript) -> list[str]:
    return [u.text for u in transcript]
