"""Which template a report for somebody is made with, and the reports that are sent."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

from ridealong.core.errors import Refused
from ridealong.postcall.forms import Format
from ridealong.postcall.outdated import artifact_as_it_stands
from ridealong.postcall.render import render, render_email, shipped_templates
from ridealong.store import Store, audiences, document_versions, tenant_settings, tenants
from ridealong.web.audiences import AudienceTemplate

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from ridealong.core.artifact import Artifact
    from ridealong.postcall.email_form import Email

_LAST_RESORT: Final = "manager"


@dataclass(frozen=True, slots=True)
class StoredAudiences:
    """Implements `web.audiences.Audiences`."""

    store: Store

    async def read(self, tenant_id: UUID) -> list[AudienceTemplate]:
        async with self.store.tenant(tenant_id) as connection:
            return [
                AudienceTemplate.model_validate(one, from_attributes=True)
                for one in await audiences.load_audiences(connection)
            ]

    async def write(self, tenant_id: UUID, chosen: Sequence[AudienceTemplate]) -> None:
        if len({(one.audience, one.form) for one in chosen}) < len(chosen):
            raise Refused("bad_request", "`audiences`: an audience is named twice with the same form")
        async with self.store.tenant(tenant_id) as connection:
            for one in chosen:
                if not await _there(connection, one.template, one.form):
                    raise Refused("not_found", f"there is no template {one.template}.{one.form}: write it first")
            await audiences.put_audiences(
                connection,
                [
                    audiences.AudienceTemplate(audience=one.audience, form=one.form, template=one.template)
                    for one in chosen
                ],
            )

    async def template(self, tenant_id: UUID, audience: str, form: Format) -> str:
        async with self.store.tenant(tenant_id) as connection:
            return await template_for(connection, audience, form)


async def template_for(connection: AsyncConnection, audience: str, form: Format) -> str:
    """What the tenant chose for that audience, else the template of its name, else the tenant's default, else ours."""
    chosen = await audiences.template_for(connection, audience, form)
    default = (await tenant_settings.load_settings_of(connection)).default_template
    for name in (chosen, audience, default):
        # One that was chosen may have been withdrawn since: a report of ours is better than none.
        if name is not None and await _there(connection, name, form):
            return name
    return _LAST_RESORT


async def _there(connection: AsyncConnection, name: str, form: str) -> bool:
    if any((name, form) == shipped for shipped in shipped_templates()):
        return True
    return await tenants.active_document(connection, tenants.DocumentKind.TEMPLATE, f"{name}.{form}") is not None


@dataclass(frozen=True, kw_only=True, slots=True)
class SentReports:
    """Reports as they are sent: rendered for their audience, with links to the page of the call."""

    store: Store
    home: str
    """The address that people open, without a path."""

    async def slack(self, tenant_id: UUID, call_id: UUID, audience: str) -> bytes:
        """The body for an incoming webhook. Raises Refused, InvalidDocument."""
        artifact, template, text, partials = await self._read(tenant_id, call_id, audience, "slack")
        made = await asyncio.to_thread(
            render, artifact, template, "slack", self._play_url(call_id), text=text, partials=partials
        )
        return made.encode()

    async def email(self, tenant_id: UUID, call_id: UUID, audience: str) -> Email:
        """Raises Refused, InvalidDocument."""
        artifact, template, text, partials = await self._read(tenant_id, call_id, audience, "email")
        return await asyncio.to_thread(
            render_email, artifact, template, self._play_url(call_id), text=text, partials=partials
        )

    def _play_url(self, call_id: UUID) -> _PlayAt:
        return _PlayAt(f"{self.home}/calls/{call_id}")

    async def _read(
        self, tenant_id: UUID, call_id: UUID, audience: str, form: Format
    ) -> tuple[Artifact, str, str | None, dict[str, str]]:
        async with self.store.tenant(tenant_id) as connection:
            artifact = await artifact_as_it_stands(connection, call_id)
            template = await template_for(connection, audience, form)
            own = await tenants.active_document(connection, tenants.DocumentKind.TEMPLATE, f"{template}.{form}")
            partials = await document_versions.load_partials(connection, form)
        return artifact, template, None if own is None else own.body, partials


@dataclass(frozen=True, slots=True)
class _PlayAt:
    """The page of the call, at that millisecond."""

    page: str

    def __call__(self, start_ts: int, _end_ts: int) -> str:
        return f"{self.page}?t={start_ts}"
