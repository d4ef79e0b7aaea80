"""A tenant's documents as the web sees them: read, checked, kept in versions, and tried on a past call."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

from ridealong.app.sample_artifact import sample_artifact
from ridealong.core.errors import InvalidDocument, Refused, RidealongError
from ridealong.live.taxonomy import default_taxonomy_text, load_taxonomy
from ridealong.postcall.pipeline import RUBRIC_NAME
from ridealong.postcall.render import SHIPPED_TEMPLATES, render, shipped_template
from ridealong.postcall.rubric import DEFAULT_RUBRIC, SHIPPED, load_rubric, shipped_rubric_text
from ridealong.store import Store, document_versions, tenants

if TYPE_CHECKING:
    from ridealong.core.author import Author

Json = Mapping[str, object]

SHIPPED_DOCUMENTS: Final = (
    ("taxonomy", "default"),
    *(("rubric", name) for name in (RUBRIC_NAME, *SHIPPED)),
    *(("template", f"{name}.{form}") for name in SHIPPED_TEMPLATES for form in ("html", "md")),
)


@dataclass(frozen=True, slots=True)
class StoredDocuments:
    """Implements `web.services.Documents`."""

    store: Store

    async def read(self, tenant_id: UUID, kind: str, name: str) -> str:
        async with self.store.tenant(tenant_id) as conn:
            own = await tenants.active_document(conn, tenants.DocumentKind(kind), name)
        return own.body if own is not None else shipped_document(kind, name)

    async def write(self, tenant_id: UUID, kind: str, name: str, text: str, author: Author | None = None) -> None:
        await self.check(kind, name, text)
        async with self.store.tenant(tenant_id) as conn:
            await tenants.put_document(conn, tenants.DocumentKind(kind), name, text, author)

    async def check(self, kind: str, name: str, text: str) -> None:
        # In a thread: reading the YAML of a rubric takes a quarter of a second of one core.
        await asyncio.to_thread(check_document, kind, text, source=name)

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
        await self.check(kind, name, text)
        async with self.store.tenant(tenant_id) as conn:
            await document_versions.activate_version(conn, tenants.DocumentKind(kind), name, version)

    async def withdraw(self, tenant_id: UUID, kind: str, name: str) -> None:
        async with self.store.tenant(tenant_id) as conn:
            await tenants.withdraw_document(conn, tenants.DocumentKind(kind), name)


def check_document(kind: str, text: str, *, source: str) -> None:
    """Raises InvalidDocument with the line of the mistake."""
    match kind:
        case "taxonomy":
            load_taxonomy(text, source)
        case "rubric":
            load_rubric(text, source)
        case "template":
            # Rendered once with something of everything in it: what is wrong in a branch shows only there.
            form = "html" if source.endswith((".html", ".html.liquid")) else "md"
            render(sample_artifact(), source, form, lambda start_ts, end_ts: f"#t={start_ts},{end_ts}", text=text)
        case _:
            raise InvalidDocument("a document is a taxonomy, a rubric or a template", source=source)


def shipped_document(kind: str, name: str) -> str:
    """The text that comes with the product. Raises Refused('not_found')."""
    if kind == "taxonomy" and name == "default":
        return default_taxonomy_text()
    try:
        if kind == "rubric":
            # What calls are reviewed with while the tenant has no `default` of its own.
            return shipped_rubric_text(DEFAULT_RUBRIC if name == RUBRIC_NAME else name)
        if kind == "template":
            base, _, form = name.rpartition(".")
            return shipped_template(base, "html" if form == "html" else "md")
    except InvalidDocument as error:
        raise Refused("not_found", RidealongError.__str__(error)) from None
    raise Refused("not_found", f"there is no {kind} of that name")
