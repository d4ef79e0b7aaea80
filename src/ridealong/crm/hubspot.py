"""HubSpot's CRM v3 objects: deals, companies, contacts and notes, with the token of a private app.

Scopes it needs: crm.objects.deals.read and .write, crm.objects.contacts.read and .write (HubSpot counts notes to
contacts), crm.objects.companies.read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from html import escape
from typing import Any, Final
from urllib.parse import quote

from ridealong.core.crm import CallNote, CrmDeal, CrmFailed, CrmFault, DealProperty, NotePart
from ridealong.crm import wire

BASE_URL: Final = "https://api.hubapi.com"
NOTE_TO_DEAL: Final = 214
"""HubSpot's own number of the association from a note to a deal."""
LONGEST_NOTE: Final = 65_536
LONGEST_TEXT: Final = 65_536
_DEAL: Final = ("dealname", "dealstage", "pipeline", "hs_is_closed")
_MOST: Final = 10
_MOST_NOTES: Final = 500


@dataclass(slots=True)
class HubSpot(wire.Connected):
    """Implements `crm.Crm`."""

    url: str = BASE_URL
    token: str = field(kw_only=True, repr=False)

    def is_deal_id(self, text: str) -> bool:
        return re.fullmatch(r"[0-9]{1,20}", text) is not None

    async def account(self) -> str:
        found = await self._ask("GET", "account-info/v3/details")
        return f"HubSpot account {wire.text_of(found, 'portalId')}"

    async def properties(self) -> Mapping[str, DealProperty]:
        found = await self._ask("GET", "crm/v3/properties/deals")
        return {
            name: DealProperty(
                name=name,
                writable=wire.of(one, "modificationMetadata", "readOnlyValue") is not True
                and wire.of(one, "calculated") is not True,
                text=wire.of(one, "type") == "string",
                longest=LONGEST_TEXT,
            )
            for one in wire.rows_of(found, "results")
            if (name := wire.text_of(one, "name"))
        }

    async def deal(self, deal_id: str, properties: Sequence[str] = ()) -> CrmDeal:
        found = await self._ask(
            "GET",
            f"crm/v3/objects/deals/{quote(deal_id, safe='')}",
            query={"properties": ",".join((*_DEAL, *properties)), "associations": "companies"},
        )
        company_id = wire.text_of(found, "associations", "companies", "results", 0, "id")
        customer = stage_label = ""
        if company_id:
            company = await self._ask("GET", f"crm/v3/objects/companies/{company_id}", query={"properties": "name"})
            customer = wire.text_of(company, "properties", "name")
        stage, pipeline = wire.text_of(found, "properties", "dealstage"), wire.text_of(found, "properties", "pipeline")
        if stage and pipeline:
            told = await self._ask(
                "GET", f"crm/v3/pipelines/deals/{quote(pipeline, safe='')}/stages/{quote(stage, safe='')}"
            )
            stage_label = wire.text_of(told, "label")
        return CrmDeal(
            deal_id=wire.text_of(found, "id"),
            name=wire.text_of(found, "properties", "dealname"),
            customer=customer,
            stage=stage,
            stage_label=stage_label,
            closed=wire.text_of(found, "properties", "hs_is_closed") == "true",
            values={name: wire.text_of(found, "properties", name) for name in properties},
        )

    async def deals_named(self, name: str) -> list[CrmDeal]:
        return _deals(await self._search("deals", "dealname", name, _DEAL))

    async def deals_of_person(self, email: str) -> list[CrmDeal]:
        try:
            person = await self._ask(
                "GET",
                f"crm/v3/objects/contacts/{quote(email, safe='')}",
                query={"idProperty": "email", "associations": "deals"},
            )
        except CrmFailed as error:
            if error.fault is CrmFault.DEAL_GONE:
                return []
            raise
        return await self._associated(person)

    async def deals_of_customer(self, name: str) -> list[CrmDeal]:
        found: list[CrmDeal] = []
        for company in wire.rows_of(await self._search("companies", "name", name, ("name",)), "results"):
            company_id = wire.text_of(company, "id")
            found += await self._associated(
                await self._ask("GET", f"crm/v3/objects/companies/{company_id}", query={"associations": "deals"})
            )
        return found[:_MOST]

    async def write(self, deal_id: str, values: Mapping[str, str]) -> None:
        await self._ask("PATCH", f"crm/v3/objects/deals/{quote(deal_id, safe='')}", {"properties": dict(values)})

    async def find_note(self, deal_id: str, mark: str) -> str | None:
        # By the deal's own notes: HubSpot's search lags behind what was just written, and would let a note be doubled.
        ids: list[str] = []
        after = ""
        while len(ids) < _MOST_NOTES:
            found = await self._ask(
                "GET",
                f"crm/v4/objects/deals/{quote(deal_id, safe='')}/associations/notes",
                query={"limit": "100"} | ({"after": after} if after else {}),
            )
            ids += [note_id for one in wire.rows_of(found, "results") if (note_id := wire.text_of(one, "toObjectId"))]
            after = wire.text_of(found, "paging", "next", "after")
            if not after:
                break
        for start in range(0, len(ids), 100):
            found = await self._ask(
                "POST",
                "crm/v3/objects/notes/batch/read",
                {"properties": ["hs_note_body"], "inputs": [{"id": one} for one in ids[start : start + 100]]},
            )
            for one in wire.rows_of(found, "results"):
                if mark in wire.text_of(one, "properties", "hs_note_body"):
                    return wire.text_of(one, "id")
        return None

    def note_text(self, note: CallNote) -> str:
        head = f'<p><a href="{escape(note.page)}">{escape(note.title or "Call")}</a></p>'
        parts = list(note.parts)
        while len(text := head + "".join(_html(part) for part in parts)) > LONGEST_NOTE and parts:
            # Whole lines go, from the end: what is left still carries its links.
            last = parts.pop()
            if len(last.lines) > 1:
                parts.append(NotePart(title=last.title, lines=last.lines[: len(last.lines) // 2]))
        return text

    async def write_note(self, deal_id: str, note: CallNote, note_id: str | None) -> str:
        body = {"hs_note_body": self.note_text(note), "hs_timestamp": _at(note)}
        if note_id is not None:
            try:
                found = await self._ask(
                    "PATCH", f"crm/v3/objects/notes/{quote(note_id, safe='')}", {"properties": body}
                )
            except CrmFailed as error:
                if error.fault is not CrmFault.DEAL_GONE:
                    raise
            else:
                return wire.text_of(found, "id") or note_id
        kind = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": NOTE_TO_DEAL}
        made = await self._ask(
            "POST",
            "crm/v3/objects/notes",
            {"properties": body, "associations": [{"to": {"id": deal_id}, "types": [kind]}]},
        )
        made_id = wire.text_of(made, "id")
        if not made_id:
            raise CrmFailed(CrmFault.NOT_UNDERSTOOD, "HubSpot does not say which note it made")
        return made_id

    async def _search(self, objects: str, name: str, value: str, properties: Sequence[str]) -> Any:
        same = {"propertyName": name, "operator": "EQ", "value": value}
        wanted = {"filterGroups": [{"filters": [same]}], "properties": list(properties), "limit": _MOST}
        return await self._ask("POST", f"crm/v3/objects/{objects}/search", wanted)

    async def _associated(self, record: Any) -> list[CrmDeal]:
        ids = [wire.text_of(one, "id") for one in wire.rows_of(record, "associations", "deals", "results")]
        if not ids:
            return []
        # An association that has labels is listed once for each.
        inputs = [{"id": one} for one in dict.fromkeys(ids)]
        return _deals(
            await self._ask(
                "POST", "crm/v3/objects/deals/batch/read", {"properties": list(_DEAL), "inputs": inputs[:100]}
            )
        )

    async def _ask(self, method: str, path: str, body: Any = None, *, query: Mapping[str, str] | None = None) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = await wire.ask(self.http, method, path, judge=_judge, body=body, query=query, headers=headers)
        return answer.body


def _at(note: CallNote) -> str:
    return note.started_at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _deals(found: Any) -> list[CrmDeal]:
    return [
        CrmDeal(
            deal_id=wire.text_of(one, "id"),
            name=wire.text_of(one, "properties", "dealname"),
            stage=wire.text_of(one, "properties", "dealstage"),
            closed=wire.text_of(one, "properties", "hs_is_closed") == "true",
        )
        for one in wire.rows_of(found, "results")
    ][:_MOST]


def _html(part: NotePart) -> str:
    """What was said is text: HubSpot shows the body of a note as HTML."""
    lines = "".join(
        f'<li>{escape(" ".join(one.text.split()))} <a href="{escape(one.link)}">play</a></li>' for one in part.lines
    )
    return f"<p><strong>{escape(part.title)}</strong></p><ul>{lines}</ul>"


def _judge(status: int, body: Any) -> CrmFailed | None:
    """HubSpot's categories and codes of errors. Its sentences may repeat values: they are read for names alone."""
    if status != 400:
        return None
    named: list[str] = []
    missing = False
    for one in wire.rows_of(body, "errors"):
        code = wire.text_of(one, "code")
        missing = missing or code == "PROPERTY_DOESNT_EXIST"
        named += [str(name) for name in wire.rows_of(one, "context", "propertyName")]
    named = [name for name in named if re.fullmatch(r"\w{1,100}", name)]
    if missing:
        return CrmFailed(CrmFault.PROPERTY_MISSING, "HubSpot has no such property of deals", properties=tuple(named))
    return CrmFailed(CrmFault.VALUE_REFUSED, "HubSpot refuses a value", properties=tuple(named))
