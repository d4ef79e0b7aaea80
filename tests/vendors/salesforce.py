"""A stand-in of Salesforce's REST API, as its documentation describes it: sign-in, the SOQL that is asked, sObjects."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.vendors.crm import CrmStandIn
from tests.vendors.loopback import Refusal

CLIENT, SECRET, TOKEN = "3MVG9client", "client-secret-0123", "00D000000000001!token"
API = "/services/data/v61.0"


def problem(status: int, code: str, message: str, fields: list[str] | None = None) -> Refusal:
    body: Any = [{"message": message, "errorCode": code} | ({"fields": fields} if fields is not None else {})]
    return Refusal(status, body)


@dataclass(kw_only=True)
class SalesforceStandIn(CrmStandIn):
    """`fields` of opportunities: type, whether they can be written, and length."""

    fields: dict[str, tuple[str, bool, int]] = field(
        default_factory=lambda: {
            "Id": ("id", False, 18),
            "Name": ("string", True, 120),
            "StageName": ("picklist", True, 255),
            "IsClosed": ("boolean", False, 0),
            "NextStep": ("string", True, 255),
            "Amount": ("currency", True, 0),
        }
    )
    opportunities: dict[str, dict[str, Any]] = field(default_factory=dict)
    contacts: dict[str, list[str]] = field(default_factory=dict)
    """By address: the opportunities in which they have a role."""
    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)
    external_id: str | None = None
    sign_ins: int = 0
    asked_soql: list[str] = field(default_factory=list)

    def opportunity(self, id_: str, name: str, *, stage: str = "Negotiation/Review", account: str = "") -> str:
        self.opportunities[id_] = {
            "Id": id_,
            "Name": name,
            "StageName": stage,
            "IsClosed": stage.startswith("Closed"),
            "Account": {"attributes": {"type": "Account"}, "Name": account} if account else None,
        }
        return id_

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/services/oauth2/token", self._sign_in),
            web.get("/services/oauth2/userinfo", self._userinfo),
            web.get(f"{API}/sobjects/Opportunity/describe", self._describe),
            web.get(f"{API}/query", self._query),
            web.patch(f"{API}/sobjects/Opportunity/{{id}}", self._change),
            web.post(f"{API}/sobjects/Task", self._make_task),
            web.patch(f"{API}/sobjects/Task/{{id}}", self._change_task),
            web.patch(f"{API}/sobjects/Task/{{field}}/{{value}}", self._upsert_task),
        ]

    def refuse(self, request: web.Request) -> Refusal | None:
        if request.path == "/services/oauth2/token" or request.headers.get("Authorization") == f"Bearer {TOKEN}":
            return None
        return problem(401, "INVALID_SESSION_ID", "Session expired or invalid")

    async def _sign_in(self, request: web.Request) -> web.Response:
        form = await request.post()
        if form.get("grant_type") != "client_credentials":
            raise Refusal(400, {"error": "unsupported_grant_type", "error_description": "grant type not supported"})
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT, SECRET):
            raise Refusal(400, {"error": "invalid_client", "error_description": "invalid client credentials"})
        self.sign_ins += 1
        return web.json_response(
            # Whoever followed this would send the token to somebody else.
            {"access_token": TOKEN, "instance_url": "http://127.0.0.1:1", "token_type": "Bearer", "scope": "api"}
        )

    async def _userinfo(self, _request: web.Request) -> web.Response:
        return web.json_response({"organization_id": "00D000000000001", "preferred_username": "api@acme.example"})

    async def _describe(self, _request: web.Request) -> web.Response:
        told = [
            {"name": name, "label": name, "type": type_, "updateable": writable, "length": length}
            for name, (type_, writable, length) in self.fields.items()
        ]
        return web.json_response({"name": "Opportunity", "fields": told})

    async def _query(self, request: web.Request) -> web.Response:
        soql = request.query["q"]
        self.asked_soql.append(soql)
        asked = re.fullmatch(r"SELECT (.+?) FROM (\w+) WHERE (.+) ORDER BY \w+ DESC LIMIT \d+", soql)
        assert asked is not None, soql
        columns, of, where = asked[1].split(", "), asked[2], asked[3]
        if of == "Task":
            what = _literal(where)
            rows = [task for task in self.tasks.values() if task["WhatId"] == what]
        else:
            for name in columns:
                if name != "Account.Name" and name not in self.fields:
                    message = f"\nSELECT Id,{name} FROM Opportunity\nERROR at Row:1:Column:11\nNo such column '{name}'"
                    raise problem(400, "INVALID_FIELD", message)
            rows = [one for one in self.opportunities.values() if self._meant(one, where)]
        records = [
            {"attributes": {"type": of}} | {c.split(".")[0]: r.get(c.split(".")[0]) for c in columns} for r in rows
        ]
        return web.json_response({"totalSize": len(records), "done": True, "records": records})

    def _meant(self, one: dict[str, Any], where: str) -> bool:
        value = _literal(where)
        if where.startswith("Id = "):
            return one["Id"] == value
        if where.startswith("Name = "):
            return one["Name"] == value
        if where.startswith("Account.Name = "):
            return (one["Account"] or {}).get("Name") == value
        if where.startswith("Id IN (SELECT OpportunityId FROM OpportunityContactRole WHERE Contact.Email = "):
            return one["Id"] in self.contacts.get(value, ())
        assert where.startswith("AccountId IN (SELECT AccountId FROM Contact WHERE Email = "), where
        return False

    async def _change(self, request: web.Request) -> web.Response:
        found = self.opportunities.get(request.match_info["id"])
        if found is None:
            raise problem(404, "NOT_FOUND", "Provided external ID field does not exist or is not accessible", [])
        wanted = await request.json()
        for name, value in wanted.items():
            type_, writable, length = self.fields.get(name, ("", False, 0))
            if not type_:
                message = f"No such column '{name}' on sobject of type Opportunity"
                raise problem(400, "INVALID_FIELD", message)
            if not writable:
                raise problem(400, "INVALID_FIELD_FOR_INSERT_UPDATE", f"Unable to create/update fields: {name}", [name])
            if len(value) > length:
                raise problem(400, "STRING_TOO_LONG", f"{name}: data value too large: (max length={length})", [name])
        # Salesforce keeps line ends of its own.
        found |= {name: value.replace("\n", "\r\n") for name, value in wanted.items()}
        return web.Response(status=204)

    async def _make_task(self, request: web.Request) -> web.Response:
        wanted = await request.json()
        id_ = f"00T{len(self.tasks):015d}"
        self.tasks[id_] = {"Id": id_} | wanted
        return web.json_response({"id": id_, "success": True, "errors": []}, status=201)

    async def _change_task(self, request: web.Request) -> web.Response:
        task = self.tasks.get(request.match_info["id"])
        if task is None:
            raise problem(404, "ENTITY_IS_DELETED", "entity is deleted", [])
        task |= await request.json()
        return web.Response(status=204)

    async def _upsert_task(self, request: web.Request) -> web.Response:
        name, value = request.match_info["field"], request.match_info["value"]
        if name != self.external_id:
            raise problem(404, "NOT_FOUND", "Provided external ID field does not exist or is not accessible", [name])
        known = next((task for task in self.tasks.values() if task.get(name) == value), None)
        id_ = f"00T{len(self.tasks):015d}" if known is None else known["Id"]
        self.tasks[id_] = (known or {"Id": id_, name: value}) | await request.json()
        made = known is None
        return web.json_response(
            {"id": id_, "success": True, "errors": [], "created": made}, status=201 if made else 200
        )


def _literal(where: str) -> str:
    found = re.search(r"'((?:[^'\\]|\\.)*)'", where)
    assert found is not None, where
    return re.sub(r"\\(.)", r"\1", found[1])
