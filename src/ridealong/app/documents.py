"""A tenant's documents as the web sees them: read, checked, kept in versions, and tried on a past call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

from ridealong.app.template_check import check_template
from ridealong.core.errors import InvalidDocument, Refused, RidealongError
from ridealong.live.taxonomy import default_taxonomy_text, load_taxonomy
from ridealong.postcall.chosen_rubric import RUBRIC_NAME
from ridealong.postcall.forms import form_of
from ridealong.postcall.render import shipped_template, shipped_templates
from ridealong.postcall.rubric import DEFAULT_RUBRIC, SHIPPED, load_rubric, shipped_rubric_text
from ridealong.store import Store, document_versions, tenants

if TYPE_CHECKING:
    from ridealong.core.author import Author

Json = Mapping[str, object]

SHIPPED_DOCUMENTS: Final = (
    ("taxonomy", "default"),
    *(("rubric", name) for name in (RUBRIC_NAME, *SHIPPED)),
    *(("template", f"{name}.{form}") for name, form in shipped_templates()),
)


@dataclass(frozen=True, slots=True)
class StoredDocuments:
    """Implements `web.services.Documents`. `kept` hears of each tenant whose taxonomy is another now."""

    store: Store
    kept: Callable[[UUID], None] = lambda _tenant_id: None

    async def read(self, tenant_id: UUID, kind: str, name: str) -> str:
        async with self.store.tenant(tenant_id) as conn:
            own = await tenants.active_document(conn, tenants.DocumentKind(kind), name)
        return own.body if own is not None else shipped_document(kind, name)

    async def write(self, tenant_id: UUID, kind: str, name: str, text: str, author: Author | None = None) -> None:
        await self.check(kind, name, text, tenant_id)
        async with self.store.tenant(tenant_id) as conn:
            await tenants.put_document(conn, tenants.DocumentKind(kind), name, text, author)
        if kind == "taxonomy":
            self.kept(tenant_id)

    async def check(self, kind: str, name: str, text: str, tenant_id: UUID | None = None) -> Sequence[Json]:
        partials: Mapping[str, str] = {}
        if kind == "template" and tenant_id is not None:
            async with self.store.tenant(tenant_id) as conn:
                partials = await document_versions.load_partials(conn, form_of(name) or "md")
        # In a thread: reading the YAML of a rubric takes a quarter of a second of one core.
        return await asyncio.to_thread(check_document, kind, text, source=name, partials=partials)

    async def all(self, tenant_id: UUID) -> Sequence[Json]:
        async with self.store.tenant(tenant_id) as conn:
            own = {(v.kind.value, v.name): v for v in await document_versions.list_versions(conn, active=True)}
        found: list[Json] = []
        for kind, name in sorted({*SHIPPED_DOCUMENTS, *own}):
            held = own.get((kind, name))
            found.append(
                {
                    "kind": kind,
                    "name": name,
                    "own": held is not None,
                    "version": None if held is None else held.version,
                    "changed_at": None if held is None else held.created_at.isoformat(),
                    "changed_by": None if held is None else held.author_name,
                }
            )
        return found

    async def versions(self, tenant_id: UUID, kind: str, name: str) -> Sequence[Json]:
        async with self.store.tenant(tenant_id) as conn:
            found = await document_versions.list_versions(conn, tenants.DocumentKind(kind), name)
        if not found:
            # One that ships and was never changed has no versions; one that nobody knows does not exist.
            shipped_document(kind, name)
        return [
            {
                "version": v.version,
                "active": v.active,
                "created_at": v.created_at.isoformat(),
                "created_by": v.author_name,
                "size": v.size,
            }
            for v in found
        ]

    async def version(self, tenant_id: UUID, kind: str, name: str, version: int) -> str:
        async with self.store.tenant(tenant_id) as conn:
            return await document_versions.read_version(conn, tenants.DocumentKind(kind), name, version)

    async def activate(self, tenant_id: UUID, kind: str, name: str, version: int) -> None:
        async with self.store.tenant(tenant_id) as conn:
            text = await document_versions.read_version(conn, tenants.DocumentKind(kind), name, version)
        # What was right when it was kept may be wrong for the version that runs now.
        await self.check(kind, name, text, tenant_id)
        async with self.store.tenant(tenant_id) as conn:
            await document_versions.activate_version(conn, tenants.DocumentKind(kind), name, version)
        if kind == "taxonomy":
            self.kept(tenant_id)

    async def withdraw(self, tenant_id: UUID, kind: str, name: str) -> None:
        async with self.store.tenant(tenant_id) as conn:
            await tenants.withdraw_document(conn, tenants.DocumentKind(kind), name)


def check_document(
    kind: str, text: str, *, source: str, partials: Mapping[str, str] | None = None
) -> list[dict[str, object]]:
    """What should be looked at, each with its line. Raises InvalidDocument with the line of a mistake.

    `partials` are the tenant's own, by name.
    """
    match kind:
        case "taxonomy":
            load_taxonomy(text, source)
        case "rubric":
            load_rubric(text, source)
        case "template":
            return [warning.as_json() for warning in check_template(text, source=source, partials=partials)]
        case _:
            raise InvalidDocument("a document is a taxonomy, a rubric or a template", source=source)
    return []


def shipped_document(kind: str, name: str) -> str:
    """The text that comes with the product. Raises Refused('not_found')."""
    if kind == "taxonomy" and name == "default":
        return default_taxonomy_text()
    try:
        if kind == "rubric":
            # What calls are reviewed with while the tenant has no `default` of its own.
            return shipped_rubric_text(DEFAULT_RUBRIC if name == RUBRIC_NAME else name)
        if kind == "template":
            return shipped_template(name.rpartition(".")[0], form_of(name) or "md")
    except InvalidDocument as error:
        raise Refused("not_found", RidealongError.__str__(error)) from None
    raise Refused("not_found", f"there is no {kind} of that name")
