"""The smaller commands: report, search, erase, and those of `ridealong db`."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from ridealong.app import models
from ridealong.app.artifacts import artifact_difference
from ridealong.app.documents import check_document
from ridealong.app.library import StoredReports, erase_everywhere, hit_json
from ridealong.app.people import StoredPeople
from ridealong.app.reading_ahead import ReadingAhead
from ridealong.app.steps_report import steps_json, steps_report
from ridealong.app.stored_models import StoredModels
from ridealong.app.tenant_models import TenantModels
from ridealong.app.token_counts import TokenCounts
from ridealong.core.errors import InvalidDocument, InvalidSettings, Refused, RidealongError
from ridealong.core.people import MemberRole, read_email
from ridealong.cores import cores
from ridealong.embedding.minilm import load_embedder
from ridealong.live.taxonomy import load_taxonomy
from ridealong.llm.house import ModelHouse
from ridealong.postcall.changes import changes_as_markdown
from ridealong.postcall.outdated import artifact_as_it_stands
from ridealong.recording.folder import Recordings
from ridealong.speech.audio import read_recording
from ridealong.speech.voices import enrol
from ridealong.store import Store, calls, members, tenants
from ridealong.store.connections import seal_connections_anew
from ridealong.store.model_choices import seal_anew
from ridealong.store.sealing import Sealing
from ridealong.store.search import search
from ridealong.web.people import join_path

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path
    from uuid import UUID

    from ridealong.config import Settings
    from ridealong.postcall.forms import Format


@asynccontextmanager
async def _store(settings: Settings) -> AsyncGenerator[Store]:
    store = await Store.open(settings)
    try:
        yield store
    finally:
        await store.close()


async def show_report(
    settings: Settings,
    *,
    tenant: str,
    call_id: UUID | None,
    template: str,
    form: Format = "md",
    as_json: bool = False,
    steps: bool = False,
    diff: tuple[int, int] | None = None,
) -> str:
    """The review of a call, by default of the tenant's latest. `diff`: what changed between two of its artifacts.

    Raises Refused.
    """
    async with _store(settings) as store:
        tenant_id = (await tenants.find_tenant(store, tenant)).tenant_id
        async with store.tenant(tenant_id) as conn:
            if call_id is None:
                found = await calls.list_calls(conn, limit=1)
                if not found:
                    raise Refused("unknown_call", f"the tenant {tenant} has no calls yet")
                call_id = found[0].call_id
            if diff is not None:
                changes = await artifact_difference(conn, call_id, *diff)
                return json.dumps(changes, indent=2, ensure_ascii=False) if as_json else changes_as_markdown(changes)
            artifact = await artifact_as_it_stands(conn, call_id)
        if steps:
            return json.dumps(steps_json(artifact), indent=2) if as_json else steps_report(artifact)
        if as_json:
            return json.dumps(artifact.as_json(), indent=2, ensure_ascii=False)
        recording = Recordings(settings.recordings_dir).of(tenant_id, call_id)
        audio_url = f"http://{settings.host}:{settings.port}/v1/calls/{recording.call_id}/audio.wav"
        with ThreadPoolExecutor(1) as threads:
            return await StoredReports(store, threads)(
                tenant_id, call_id, template=template, form=form, audio_url=audio_url
            )


async def show_hits(settings: Settings, *, tenant: str, text: str, limit: int, as_json: bool) -> None:
    """Print what is found, best first."""
    async with _store(settings) as store:
        tenant_id = (await tenants.find_tenant(store, tenant)).tenant_id
        embedder = await asyncio.to_thread(models.load_text_model, settings)
        vector = await asyncio.to_thread(lambda: embedder.embed([text])[0])
        async with store.tenant(tenant_id) as conn:
            hits = await search(conn, text=text, vector=vector, limit=limit)
    if as_json:
        sys.stdout.write(json.dumps([hit_json(hit) for hit in hits], indent=2, ensure_ascii=False) + "\n")
        return
    out = Console(highlight=False)
    if not hits:
        out.print("Nothing found.")
    for hit in hits:
        minutes, seconds = divmod(hit.start_ts // 1000, 60)
        line = Text(f"{minutes:02d}:{seconds:02d}  ", style="cyan")
        line.append(f"{hit.type or hit.kind.value:<20} ", style="dim")
        line.append(hit.quote)
        line.append(f"  {hit.call_id}", style="dim")
        out.print(line)


async def erase_call(settings: Settings, *, tenant: str, call_id: UUID) -> None:
    """Erase a call and say what went."""
    async with _store(settings) as store:
        tenant_id = (await tenants.find_tenant(store, tenant)).tenant_id
        counts = await erase_everywhere(store, Recordings(settings.recordings_dir), tenant_id, call_id)
    rows = ", ".join(f"{count} {table}" for table, count in counts.items() if count)
    Console(highlight=False).print(f"Erased: the recording, {rows or 'no rows'}.")


async def database_status(settings: Settings) -> dict[str, object]:
    """Open (and so migrate) the database; its version and how much it holds."""
    async with _store(settings) as store:
        found = await tenants.list_tenants(store)
        counts: dict[str, int] = {}
        for tenant in found:
            async with store.tenant(tenant.tenant_id) as conn:
                row = await (await conn.execute("SELECT count(*) FROM ridealong.call")).fetchone()
                counts[tenant.slug] = 0 if row is None else row[0]
        async with store.without_tenant() as conn:
            row = await (await conn.execute("SELECT current_setting('server_version'), current_user")).fetchone()
        version, role = ("", "") if row is None else row
        return {
            "database": "embedded" if settings.database_url is None else "external",
            "postgresql": version,
            "role": role,
            "calls": counts,
        }


async def add_tenant(settings: Settings, *, slug: str, name: str) -> str:
    async with _store(settings) as store:
        tenant = await tenants.create_tenant(store, slug, name)
        return f"Added the tenant {tenant.slug} ({tenant.tenant_id})."


async def issue_token(settings: Settings, *, tenant: str, scopes: list[str], days: int | None) -> str:
    """A new token. Raises Refused for an unknown scope."""
    known = {scope.value: scope for scope in tenants.Scope}
    unknown = [scope for scope in scopes if scope not in known]
    if unknown:
        raise Refused("unknown_scope", f"unknown scope {unknown[0]}: use {', '.join(known)}")
    async with _store(settings) as store:
        found = await tenants.find_tenant(store, tenant)
        return await tenants.issue_token(
            store,
            found.tenant_id,
            [known[scope] for scope in scopes],
            expires_in=None if days is None else timedelta(days=days),
        )


async def put_document(settings: Settings, *, tenant: str, kind: str, name: str, path: Path) -> str:
    """Validate a document and make it the tenant's. Raises InvalidDocument with the line."""
    try:
        text = await asyncio.to_thread(path.read_text, encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise InvalidDocument("the file cannot be read as UTF-8 text", source=path.name) from None
    check_document(kind, text, source=path.name)
    async with _store(settings) as store:
        found = await tenants.find_tenant(store, tenant)
        async with store.tenant(found.tenant_id) as conn:
            document = await tenants.put_document(conn, tenants.DocumentKind(kind), name, text)
        said = f"{kind} {name} of {tenant} is now version {document.version}."
        if kind == "taxonomy" and any(t.examples for t in load_taxonomy(text, path.name).types):
            said += f" To learn from its examples: ridealong taxonomy train --tenant {tenant}"
            sys.stderr.write("Reading its examples, some seconds for a thousand of them …\n")
            await _read_ahead(settings, store, found.tenant_id)
    return said


async def _read_ahead(settings: Settings, store: Store, tenant_id: UUID) -> None:
    """Without it the training reads the examples: nothing that goes wrong here concerns the document."""
    with contextlib.suppress(RidealongError), ThreadPoolExecutor(1, "reading") as thread:
        embedder = await asyncio.to_thread(load_embedder, settings.models_dir)
        await ReadingAhead(store, embedder, thread, threads=cores()).read(tenant_id)


async def enroll_voice(settings: Settings, *, tenant: str, rep_id: str, path: Path) -> None:
    """Learn a rep's voice. Raises InvalidAudio when there is too little speech."""
    voiceprint = await asyncio.to_thread(lambda: enrol(read_recording(path).samples.mean(axis=1)))
    async with _store(settings) as store:
        found = await tenants.find_tenant(store, tenant)
        async with store.tenant(found.tenant_id) as conn:
            await tenants.put_rep(conn, rep_id)
            await tenants.enrol_voice(conn, rep_id, voiceprint)
    Console(highlight=False).print("Enrolled.")


async def add_member(
    settings: Settings, *, tenant: str, email: str, role: MemberRole, name: str, rep_id: str | None
) -> str:
    """Add a member; the link with which they choose a password. Raises Refused."""
    async with _store(settings) as store:
        found = await tenants.find_tenant(store, tenant)
        member, invite = await StoredPeople(store=store, first_tenant=tenant).add_member(
            found.tenant_id, email=email, name=name.strip() or email, role=role, rep_id=rep_id
        )
    return f"Added {member.email} as {member.role}. To choose a password, within 7 days:\n{_join(settings, invite)}"


async def invite_member(settings: Settings, *, tenant: str, email: str) -> str:
    """A new link for a member. Raises Refused('unknown_member')."""
    async with _store(settings) as store:
        found = await tenants.find_tenant(store, tenant)
        known = await members.known_by_email(store, read_email(email))
        if known is None or known.tenant_id != found.tenant_id:
            raise Refused("unknown_member", f"{tenant} has no member with this address who may sign in")
        invite = await StoredPeople(store=store, first_tenant=tenant).invite(found.tenant_id, known.member_id)
    return _join(settings, invite)


async def list_members(settings: Settings, *, tenant: str) -> str:
    """One line a member: address, role, rep's id, whether disabled."""
    async with _store(settings) as store:
        found = await tenants.find_tenant(store, tenant)
        async with store.tenant(found.tenant_id) as conn:
            known = await members.list_members(conn)
    lines = (f"{m.email}  {m.role}  {m.rep_id}{'  disabled' if m.disabled_at else ''}" for m in known)
    return "".join(f"{line}\n" for line in lines)


def _join(settings: Settings, invite: str) -> str:
    return (settings.public_url or f"http://{settings.host}:{settings.port}") + join_path(invite)


async def show_models(settings: Settings, *, tenant: str) -> str:
    """The tenant's choice of models as JSON, without any key."""
    async with _models(settings, tenant) as (stored, tenant_id):
        return json.dumps(await stored.read(tenant_id), indent=2)


async def set_models(settings: Settings, *, tenant: str, change: dict[str, object]) -> str:
    """Change it. Raises Refused with what is wrong, or MissingPart where keys cannot be encrypted."""
    async with _models(settings, tenant) as (stored, tenant_id):
        return json.dumps(await stored.write(tenant_id, change), indent=2)


async def allow_tokens(settings: Settings, *, tenant: str, change: dict[str, int | None]) -> str:
    """What the operator allows this tenant in place of the settings; `change` as in `StoredModels.allow`."""
    async with _models(settings, tenant) as (stored, tenant_id):
        return json.dumps(await stored.allow(tenant_id, change), indent=2)


async def rotate_keys(settings: Settings) -> str:
    """Encrypt all tenants' keys under the operator's newest key."""
    sealing = Sealing.of_settings(settings)
    async with _store(settings) as store:
        known = await tenants.list_tenants(store)
        counts = [await seal_anew(store, sealing, tenant.tenant_id) for tenant in known]
        counts += [await seal_connections_anew(store, sealing, tenant.tenant_id) for tenant in known]
    changed, unreadable = sum(count[0] for count in counts), sum(count[1] for count in counts)
    if unreadable:
        raise InvalidSettings(
            f"{changed} keys were encrypted anew, but {unreadable} cannot be decrypted: run `ridealong doctor`"
        )
    return f"{changed} keys were encrypted anew; RIDEALONG_SECRET_KEYS_OLD may go."


@asynccontextmanager
async def _models(settings: Settings, tenant: str) -> AsyncGenerator[tuple[StoredModels, UUID]]:
    house = ModelHouse(settings)
    try:
        async with _store(settings) as store:
            found = await tenants.find_tenant(store, tenant)
            own = TenantModels(store, Sealing.of_settings(settings))
            counts = TokenCounts(store, house)
            yield StoredModels(settings=settings, house=house, tenants=own, counts=counts), found.tenant_id
    finally:
        await house.close()
