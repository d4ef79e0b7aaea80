"""Salesforce's REST API: opportunities, and a completed task for each call.

Signs in by OAuth's client credentials at the customer's My Domain address, or with an access token as it is. Every
request goes to the configured address: the `instance_url` that a token names is not followed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any, Final
from urllib.parse import quote

import aiohttp

from ridealong.core.crm import CallNote, CrmDeal, CrmFailed, CrmFault, DealProperty, NotePart, printed
from ridealong.crm import wire

API: Final = "services/data/v61.0"
LONGEST_SUBJECT: Final = 255
LONGEST_DESCRIPTION: Final = 32_000
SUBJECT: Final = "Ridealong: "
_MOST: Final = 10
_TEXT_TYPES: Final = ("string", "textarea", "url")


@dataclass(slots=True)
class Salesforce(wire.Connected):
    """Implements `crm.Crm`. Either `token` or `client_id` with `client_secret`.

    `external_id`: the name of a unique external-id field of tasks; with it Salesforce itself keeps one task a call.
    """

    token: str = field(default="", kw_only=True, repr=False)
    client_id: str = field(default="", kw_only=True)
    client_secret: str = field(default="", kw_only=True, repr=False)
    external_id: str | None = field(default=None, kw_only=True)

    def is_deal_id(self, text: str) -> bool:
        return re.fullmatch(r"006[0-9A-Za-z]{12}([0-9A-Za-z]{3})?", text) is not None

    async def account(self) -> str:
        found = await self._ask("GET", "services/oauth2/userinfo")
        return f"Salesforce organization {wire.text_of(found, 'organization_id')}"

    async def properties(self) -> Mapping[str, DealProperty]:
        found = await self._ask("GET", f"{API}/sobjects/Opportunity/describe")
        return {
            name: DealProperty(
                name=name,
                writable=wire.of(one, "updateable") is True,
                text=wire.of(one, "type") in _TEXT_TYPES,
                longest=length if isinstance(length := wire.of(one, "length"), int) and length > 0 else None,
            )
            for one in wire.rows_of(found, "fields")
            if (name := wire.text_of(one, "name"))
        }

    async def deal(self, deal_id: str, properties: Sequence[str] = ()) -> CrmDeal:
        found = await self._deals(f"Id = {_quoted(deal_id)}", properties)
        if not found:
            raise CrmFailed(CrmFault.DEAL_GONE, "Salesforce has no such opportunity", answer=200)
        return found[0]

    async def deals_named(self, name: str) -> list[CrmDeal]:
        return await self._deals(f"Name = {_quoted(name)}")

    async def deals_of_person(self, email: str) -> list[CrmDeal]:
        by_role = f"SELECT OpportunityId FROM OpportunityContactRole WHERE Contact.Email = {_quoted(email)}"
        found = await self._deals(f"Id IN ({by_role})")
        # Not everybody keeps contact roles; SOQL lets no two subqueries be joined by OR.
        by_account = f"SELECT AccountId FROM Contact WHERE Email = {_quoted(email)}"
        return found or await self._deals(f"AccountId IN ({by_account})")

    async def deals_of_customer(self, name: str) -> list[CrmDeal]:
        return await self._deals(f"Account.Name = {_quoted(name)}")

    async def write(self, deal_id: str, values: Mapping[str, str]) -> None:
        await self._ask("PATCH", f"{API}/sobjects/Opportunity/{quote(deal_id, safe='')}", dict(values))

    async def find_note(self, deal_id: str, mark: str) -> str | None:
        # A description cannot be compared in SOQL: ours are known by their subject, and told apart here.
        found = await self._query(
            f"SELECT Id, Description FROM Task WHERE WhatId = {_quoted(deal_id)} AND Subject LIKE 'Ridealong: %'"
            " ORDER BY CreatedDate DESC LIMIT 500"
        )
        return next(
            (wire.text_of(one, "Id") for one in found if mark in wire.text_of(one, "Description")),
            None,
        )

    def note_text(self, note: CallNote) -> str:
        parts = list(note.parts)
        while len(text := "\n\n".join((note.page, *map(_plain, parts)))) > LONGEST_DESCRIPTION and parts:
            last = parts.pop()
            if len(last.lines) > 1:
                parts.append(NotePart(title=last.title, lines=last.lines[: len(last.lines) // 2]))
        return text

    async def write_note(self, deal_id: str, note: CallNote, note_id: str | None) -> str:
        body: dict[str, object] = {
            "Subject": (SUBJECT + (note.title or "call"))[:LONGEST_SUBJECT],
            "Description": self.note_text(note),
        }
        made: dict[str, object] = {
            "WhatId": deal_id,
            "Status": "Completed",
            "TaskSubtype": "Call",
            "ActivityDate": note.started_at.astimezone(UTC).date().isoformat(),
            "CallDurationInSeconds": round(note.duration_ms / 1000),
        }
        if self.external_id is not None:
            answer = await self._ask("PATCH", f"{API}/sobjects/Task/{self.external_id}/{note.call_id}", body | made)
            return wire.text_of(answer, "id") or note_id or ""
        if note_id is not None:
            try:
                await self._ask("PATCH", f"{API}/sobjects/Task/{quote(note_id, safe='')}", body)
            except CrmFailed as error:
                if error.fault is not CrmFault.DEAL_GONE:
                    raise
            else:
                return note_id
        answer = await self._ask("POST", f"{API}/sobjects/Task", body | made)
        made_id = wire.text_of(answer, "id")
        if not made_id:
            raise CrmFailed(CrmFault.NOT_UNDERSTOOD, "Salesforce does not say which task it made")
        return made_id

    async def _deals(self, where: str, properties: Sequence[str] = ()) -> list[CrmDeal]:
        columns = ("Id", "Name", "StageName", "IsClosed", "Account.Name", *properties)
        # A column that is named twice is an error.
        rows = await self._query(
            f"SELECT {', '.join(dict.fromkeys(columns))} FROM Opportunity WHERE {where}"
            f" ORDER BY LastModifiedDate DESC LIMIT {_MOST}"
        )
        return [
            CrmDeal(
                deal_id=wire.text_of(one, "Id"),
                name=wire.text_of(one, "Name"),
                customer=wire.text_of(one, "Account", "Name"),
                stage=(stage := wire.text_of(one, "StageName")),
                stage_label=stage,
                closed=wire.of(one, "IsClosed") is True,
                values={name: wire.text_of(one, name) for name in properties},
            )
            for one in rows
        ]

    async def _query(self, soql: str) -> list[Any]:
        return wire.rows_of(await self._ask("GET", f"{API}/query", query={"q": soql}), "records")

    async def _ask(self, method: str, path: str, body: Any = None, *, query: Mapping[str, str] | None = None) -> Any:
        if not self.token:
            self.token = await self._sign_in(self.http)
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = await wire.ask(self.http, method, path, judge=_judge, body=body, query=query, headers=headers)
        return answer.body

    async def _sign_in(self, http: aiohttp.ClientSession) -> str:
        wanted = {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
        }
        answer = await wire.ask(http, "POST", "services/oauth2/token", judge=_judge_sign_in, form=wanted)
        token = wire.text_of(answer.body, "access_token")
        if not token:
            raise CrmFailed(CrmFault.NOT_UNDERSTOOD, "Salesforce answers the sign-in without a token")
        return token


def _quoted(text: str) -> str:
    """A literal of SOQL."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
    return f"'{escaped}'"


def _plain(part: NotePart) -> str:
    return f"{part.title}\n{printed(part.lines)}"


def _judge_sign_in(status: int, _body: Any) -> CrmFailed | None:
    if status in (400, 401, 403):
        return CrmFailed(
            CrmFault.TOKEN_REFUSED,
            "Salesforce refuses the client: look at its id and secret, and that its app allows client credentials",
        )
    return None


_CODES: Final[Mapping[str, tuple[CrmFault, str]]] = {
    "INVALID_SESSION_ID": (CrmFault.TOKEN_REFUSED, "Salesforce refuses the token: it is wrong or has expired"),
    "REQUEST_LIMIT_EXCEEDED": (CrmFault.BUSY, "Salesforce's limit of requests is reached"),
    "SERVER_UNAVAILABLE": (CrmFault.AWAY, "Salesforce is out of order"),
    "UNABLE_TO_LOCK_ROW": (CrmFault.BUSY, "somebody else is changing the record in Salesforce"),
    "INVALID_FIELD": (CrmFault.PROPERTY_MISSING, "Salesforce has no such field, or hides it from this user"),
    "INVALID_FIELD_FOR_INSERT_UPDATE": (CrmFault.PROPERTY_MISSING, "Salesforce does not let this field be written"),
    "NOT_FOUND": (CrmFault.DEAL_GONE, "Salesforce has no such record"),
    "ENTITY_IS_DELETED": (CrmFault.DEAL_GONE, "the record was deleted in Salesforce"),
    "MALFORMED_ID": (CrmFault.DEAL_GONE, "that is no id of Salesforce"),
    "INSUFFICIENT_ACCESS_OR_READONLY": (CrmFault.NOT_ALLOWED, "Salesforce does not let this user change the record"),
    "API_DISABLED_FOR_ORG": (CrmFault.NOT_ALLOWED, "the API is not enabled in this Salesforce organization"),
}


def _judge(_status: int, body: Any) -> CrmFailed | None:
    """Salesforce's codes of errors. Its sentences may repeat values: they are read for names alone."""
    code = wire.text_of(body, 0, "errorCode")
    if code not in _CODES:
        return None
    fault, message = _CODES[code]
    named = [str(name) for name in wire.rows_of(body, 0, "fields")]
    # A field that is not there at all is told in the sentence alone.
    named += re.findall(r"No such column '(\w{1,100})'", wire.text_of(body, 0, "message"))
    return CrmFailed(fault, message, properties=tuple(name for name in named if re.fullmatch(r"[\w.]{1,100}", name)))
