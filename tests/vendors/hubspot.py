"""A stand-in of HubSpot's CRM API, as its documentation describes it: deals, companies, contacts, notes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from aiohttp import web

from tests.vendors.crm import CrmStandIn
from tests.vendors.loopback import Refusal

TOKEN = "pat-eu1-" + "0" * 8
STANDARD = {
    "dealname": ("string", False),
    "dealstage": ("enumeration", False),
    "pipeline": ("enumeration", False),
    "hs_is_closed": ("bool", True),
    "amount": ("number", False),
    "hs_next_step": ("string", False),
    "hs_object_id": ("number", True),
}


def error(category: str, message: str, **more: Any) -> dict[str, Any]:
    return {"status": "error", "message": message, "correlationId": str(uuid4()), "category": category, **more}


@dataclass(kw_only=True)
class HubSpotStandIn(CrmStandIn):
    """`properties` of deals: type and whether they are read-only. Records are their properties."""

    token: str = TOKEN
    properties: dict[str, tuple[str, bool]] = field(default_factory=lambda: dict(STANDARD))
    deals: dict[str, dict[str, str]] = field(default_factory=dict)
    companies: dict[str, dict[str, str]] = field(default_factory=dict)
    contacts: dict[str, dict[str, str]] = field(default_factory=dict)
    notes: dict[str, dict[str, str]] = field(default_factory=dict)
    links: set[tuple[str, str, str, str]] = field(default_factory=set)
    """Kind and id of a record, kind and id of the one that it is linked to; both ways."""
    stages: dict[str, str] = field(default_factory=lambda: {"contractsent": "Contract Sent", "closedwon": "Closed Won"})
    _next: int = 9000

    def link(self, kind: str, id_: str, other: str, other_id: str) -> None:
        self.links |= {(kind, id_, other, other_id), (other, other_id, kind, id_)}

    def deal(self, id_: str, name: str, *, stage: str = "contractsent", company: str = "", contact: str = "") -> str:
        closed = "true" if stage.startswith("closed") else "false"
        self.deals[id_] = {"dealname": name, "dealstage": stage, "pipeline": "default", "hs_is_closed": closed}
        if company:
            company_id = next((i for i, c in self.companies.items() if c["name"] == company), str(len(company) + 500))
            self.companies[company_id] = {"name": company}
            self.link("deals", id_, "companies", company_id)
        if contact:
            contact_id = next((i for i, c in self.contacts.items() if c["email"] == contact), str(len(contact) + 700))
            self.contacts[contact_id] = {"email": contact}
            self.link("deals", id_, "contacts", contact_id)
        return id_

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/account-info/v3/details", self._account),
            web.get("/crm/v3/properties/deals", self._properties),
            web.get("/crm/v3/pipelines/deals/{pipeline}/stages/{stage}", self._stage),
            web.get("/crm/v4/objects/deals/{id}/associations/notes", self._notes_of_deal),
            web.post("/crm/v3/objects/{kind}/search", self._search),
            web.post("/crm/v3/objects/{kind}/batch/read", self._batch),
            web.post("/crm/v3/objects/notes", self._make_note),
            web.get("/crm/v3/objects/{kind}/{id}", self._read),
            web.patch("/crm/v3/objects/{kind}/{id}", self._change),
        ]

    def refuse(self, request: web.Request) -> Refusal | None:
        if request.headers.get("Authorization") == f"Bearer {self.token}":
            return None
        return Refusal(401, error("INVALID_AUTHENTICATION", "Authentication credentials not found."))

    def _records(self, kind: str) -> dict[str, dict[str, str]]:
        known = {"deals": self.deals, "companies": self.companies, "contacts": self.contacts, "notes": self.notes}
        return known[kind]

    def _record(self, kind: str, id_: str) -> dict[str, str]:
        found = self._records(kind).get(id_)
        if found is None:
            raise Refusal(404, error("OBJECT_NOT_FOUND", f"Object not found.  objectId are usually numeric. {id_}"))
        return found

    async def _account(self, _request: web.Request) -> web.Response:
        return web.json_response({"portalId": 4711, "accountType": "STANDARD", "timeZone": "Europe/Berlin"})

    async def _properties(self, _request: web.Request) -> web.Response:
        results = [
            {
                "name": name,
                "label": name,
                "type": type_,
                "fieldType": "textarea" if type_ == "string" else "select",
                "calculated": False,
                "modificationMetadata": {"archivable": True, "readOnlyDefinition": True, "readOnlyValue": fixed},
            }
            for name, (type_, fixed) in self.properties.items()
        ]
        return web.json_response({"results": results})

    async def _stage(self, request: web.Request) -> web.Response:
        stage = request.match_info["stage"]
        return web.json_response({"id": stage, "label": self.stages.get(stage, stage), "metadata": {}})

    def _shown(self, kind: str, id_: str, wanted: list[str]) -> dict[str, Any]:
        # What is not asked for is not told, what does not exist is left out without a word, what is empty is null.
        known = self.properties if kind == "deals" else self._record(kind, id_)
        record = self._record(kind, id_)
        return {"id": id_, "properties": {n: record.get(n) for n in wanted if n in known}, "archived": False}

    async def _read(self, request: web.Request) -> web.Response:
        kind, id_ = request.match_info["kind"], request.match_info["id"]
        if request.query.get("idProperty") == "email":
            id_ = next((i for i, c in self.contacts.items() if c["email"] == id_.lower()), id_)
        body = self._shown(kind, id_, request.query.get("properties", "").split(","))
        for other in filter(None, request.query.get("associations", "").split(",")):
            linked = sorted(i for k, mine, o, i in self.links if (k, mine, o) == (kind, id_, other))
            if linked:
                # A labelled association is told once more.
                results = [{"id": i, "type": f"{kind}_to_{other}"} for i in linked for _ in range(2)]
                body.setdefault("associations", {})[other] = {"results": results}
        return web.json_response(body)

    async def _search(self, request: web.Request) -> web.Response:
        kind, wanted = request.match_info["kind"], await request.json()
        (group,) = wanted["filterGroups"]
        (same,) = group["filters"]
        assert same["operator"] == "EQ"
        found = [i for i, r in self._records(kind).items() if r.get(same["propertyName"]) == same["value"]]
        results = [self._shown(kind, i, wanted["properties"]) for i in found[: wanted["limit"]]]
        return web.json_response({"total": len(found), "results": results})

    async def _batch(self, request: web.Request) -> web.Response:
        kind, wanted = request.match_info["kind"], await request.json()
        if len(wanted["inputs"]) > 100:
            raise Refusal(400, error("VALIDATION_ERROR", "at most 100 inputs"))
        results = [self._shown(kind, one["id"], wanted["properties"]) for one in wanted["inputs"]]
        return web.json_response({"status": "COMPLETE", "results": results})

    async def _notes_of_deal(self, request: web.Request) -> web.Response:
        self._record("deals", request.match_info["id"])
        ids = sorted(i for k, mine, o, i in self.links if (k, mine, o) == ("deals", request.match_info["id"], "notes"))
        start, limit = int(request.query.get("after", "0")), min(int(request.query["limit"]), 2)
        results = [{"toObjectId": int(i), "associationTypes": []} for i in ids[start : start + limit]]
        more = {"paging": {"next": {"after": str(start + limit)}}} if start + limit < len(ids) else {}
        return web.json_response({"results": results} | more)

    async def _make_note(self, request: web.Request) -> web.Response:
        wanted = await request.json()
        if not wanted["properties"].get("hs_timestamp"):
            raise Refusal(400, error("VALIDATION_ERROR", "hs_timestamp is required"))
        self._next += 1
        id_ = str(self._next)
        self.notes[id_] = dict(wanted["properties"])
        for one in wanted.get("associations", ()):
            (kind,) = one["types"]
            assert kind == {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 214}
            self._record("deals", one["to"]["id"])
            self.link("notes", id_, "deals", one["to"]["id"])
        return web.json_response({"id": id_, "properties": self.notes[id_]}, status=201)

    async def _change(self, request: web.Request) -> web.Response:
        kind, id_ = request.match_info["kind"], request.match_info["id"]
        record, wanted = self._record(kind, id_), (await request.json())["properties"]
        if kind == "deals":
            wrong = [
                {
                    "message": f'Property "{name}" does not exist',
                    "code": "PROPERTY_DOESNT_EXIST",
                    "context": {"propertyName": [name]},
                }
                for name in wanted
                if name not in self.properties
            ]
            if wrong:
                raise Refusal(400, error("VALIDATION_ERROR", "Property values were not valid", errors=wrong))
        # HubSpot trims what it is given.
        record |= {name: value.strip() for name, value in wanted.items()}
        return web.json_response({"id": id_, "properties": record})
