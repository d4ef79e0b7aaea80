"""Reviews in a CRM: written once, with the play link of what proves them, by sockets to stand-ins that misbehave."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ridealong.core.sight import OwnCalls
from ridealong.store.crm import list_crm_calls, load_account
from tests.integration.across.calls import NOW
from tests.integration.crm.firm import HOME, LINES, MAPPING, Firm
from tests.integration.web.people import is_problem
from tests.vendors.crm import CrmFaults
from tests.vendors.hubspot import TOKEN, HubSpotStandIn
from tests.vendors.salesforce import CLIENT, SECRET, SalesforceStandIn

SF_MAPPING = "fields:\n  pain: Pain__c\nsummary: Summary__c\nnext_steps: NextStep\n"
OPPORTUNITY = "006000000000001AAA"


async def with_hubspot(firm: Firm, hubspot: HubSpotStandIn, mapping: str = MAPPING, token: str = TOKEN) -> None:
    hubspot.deal("77", "Renewal", company="Acme")
    await firm.connected(vendor="hubspot", url=hubspot.url, secret=token, mapping=mapping)


async def test_a_review_is_written_with_the_links_that_play_what_proves_it(firm: Firm, hubspot: HubSpotStandIn) -> None:
    await with_hubspot(firm, hubspot)
    call_id = await firm.reviewed(title="Call with <Acme>")
    assert await firm.writer.write_due() == 1
    page = f"{HOME}/calls/{call_id}"
    (note,) = hubspot.notes.values()
    body = note["hs_note_body"]
    assert f'<a href="{page}">Call with &lt;Acme&gt;</a>' in body
    assert f'<li>They talked about rework. <a href="{page}?t=4000">play</a></li>' in body
    assert f'<li>Ana sends the contract (on Friday) <a href="{page}?t=12000">play</a></li>' in body
    assert "&lt;b&gt;twelve hours&lt;/b&gt;" in body and "<b>" not in body
    assert note["hs_timestamp"] == "2026-11-25T15:00:00.000Z"
    deal = hubspot.deals["77"]
    assert deal["meddic_pain"] == f"“We lose <b>twelve hours</b> a week on rework” {page}?t=4000"
    assert deal["hs_next_step"] == f"Ana sends the contract (on Friday) {page}?t=12000"
    assert deal["last_call"] == f"They talked about rework. {page}?t=4000"
    log = await firm.log(call_id)
    assert (log["status"], log["deal_id"], log["due_at"]) == ("written", "77", None)
    (attempt,) = log["attempts"]
    assert (attempt["outcome"], attempt["note"]) == ("written", "made")
    assert set(attempt["written"]) == {"meddic_pain", "hs_next_step", "last_call"}


async def test_the_same_review_once_more_changes_nothing(firm: Firm, hubspot: HubSpotStandIn) -> None:
    await with_hubspot(firm, hubspot)
    call_id = await firm.reviewed()
    await firm.writer.write_due()
    written = len(hubspot.writes())
    async with firm.admin() as admin:
        assert (await admin.ask("POST", f"/v1/calls/{call_id}/crm/push")).status_code == 202
    assert await firm.writer.write_due() == 1
    assert len(hubspot.writes()) == written
    assert [a["outcome"] for a in (await firm.log(call_id))["attempts"]] == ["written", "unchanged"]
    assert await firm.writer.write_due() == 0


async def test_a_later_review_of_the_call_rewrites_the_same_note(firm: Firm, hubspot: HubSpotStandIn) -> None:
    await with_hubspot(firm, hubspot)
    call_id = await firm.reviewed()
    await firm.writer.write_due()
    await firm.review(call_id, summary="They talked about hours.")
    await firm.writer.write_due()
    (note,) = hubspot.notes.values()
    assert "They talked about hours." in note["hs_note_body"] and "rework. <a" not in note["hs_note_body"]
    assert hubspot.deals["77"]["last_call"].startswith("They talked about hours.")
    assert (await firm.log(call_id))["attempts"][-1]["note"] == "rewritten"


async def test_a_note_whose_making_was_not_answered_is_found_and_not_doubled(
    firm: Firm, hubspot: HubSpotStandIn
) -> None:
    await with_hubspot(firm, hubspot)
    for name in ("one", "two", "three"):
        hubspot.notes[name] = {"hs_note_body": "somebody's own"}
    hubspot.notes = {str(n): note for n, note in enumerate(hubspot.notes.values())}
    for number in hubspot.notes:
        hubspot.link("notes", number, "deals", "77")
    call_id = await firm.reviewed()
    hubspot.faults.append(CrmFaults(at="POST /crm/v3/objects/notes", status=0, after=True))
    await firm.writer.write_due()
    log = await firm.log(call_id)
    assert log["status"] == "waiting" and log["attempts"][0]["reason"].startswith("not reached")
    await firm.due_now()
    await firm.writer.write_due()
    assert (await firm.log(call_id))["status"] == "written"
    assert len([note for note in hubspot.notes.values() if str(call_id) in note["hs_note_body"]]) == 1


async def test_what_somebody_wrote_by_hand_stays_and_is_told(firm: Firm, hubspot: HubSpotStandIn) -> None:
    await with_hubspot(firm, hubspot)
    hubspot.deals["77"]["hs_next_step"] = "Call Ms Larsen"
    call_id = await firm.reviewed()
    await firm.writer.write_due()
    assert hubspot.deals["77"]["hs_next_step"] == "Call Ms Larsen"
    assert (await firm.log(call_id))["attempts"][0]["kept"] == ["hs_next_step"]
    hubspot.deals["77"]["meddic_pain"] = "mine"
    await firm.review(call_id, summary="Another one.")
    await firm.writer.write_due()
    assert hubspot.deals["77"]["meddic_pain"] == "mine", "it was ours before somebody changed it"
    await firm.connected(vendor="hubspot", url=hubspot.url, mapping=MAPPING + "overwrite: all\n")
    await firm.review(call_id, summary="A third one.")
    await firm.writer.write_due()
    assert "twelve hours" in hubspot.deals["77"]["meddic_pain"]


async def test_a_property_that_is_missing_keeps_no_other_from_being_written(
    firm: Firm, hubspot: HubSpotStandIn
) -> None:
    await with_hubspot(firm, hubspot, mapping=MAPPING)
    del hubspot.properties["meddic_pain"]
    hubspot.properties["last_call"] = ("number", False)
    async with firm.admin() as admin:
        checked = (await admin.ask("POST", "/v1/crm/check")).json()
    assert checked["account"] == "HubSpot account 4711" and not checked["works"]
    assert checked["problems"] == [
        "meddic_pain: the CRM has no such property of deals",
        "last_call: it holds no text",
    ]
    call_id = await firm.reviewed()
    await firm.writer.write_due()
    assert "contract" in hubspot.deals["77"]["hs_next_step"] and len(hubspot.notes) == 1
    log = await firm.log(call_id)
    assert log["status"] == "partly"
    assert log["attempts"][0]["reason"] == "property missing: meddic_pain, last_call"


async def test_busy_and_broken_crms_are_asked_again_when_they_said_so(firm: Firm, hubspot: HubSpotStandIn) -> None:
    await with_hubspot(firm, hubspot)
    call_id = await firm.reviewed()
    limit = {"status": "error", "message": "limit", "errorType": "RATE_LIMIT", "policyName": "TEN_SECONDLY_ROLLING"}
    for fault in (
        CrmFaults(at="GET /crm/v3/properties", status=429, body=limit, headers={"Retry-After": "7200"}),
        CrmFaults(at="PATCH /crm/v3/objects/deals", status=502, body="<html>bad gateway</html>"),
        CrmFaults(at="GET /crm/v3/objects/deals", status=200, body="<html>a proxy</html>"),
    ):
        hubspot.faults.append(fault)
        assert await firm.writer.write_due() == 1
        assert not hubspot.faults
        async with firm.store.tenant(firm.tenant_id) as connection:
            row = await (await connection.execute("SELECT due_at - now() FROM crm_call")).fetchone()
        least = timedelta(hours=1, minutes=50) if fault.headers else timedelta(0)
        assert row is not None and row[0] > least
        await firm.due_now()
    assert await firm.writer.write_due() == 1
    log = await firm.log(call_id)
    reasons = [(a["answer"], a["reason"].partition(":")[0]) for a in log["attempts"]]
    assert reasons == [(429, "busy"), (502, "not reached"), (200, "not understood"), (None, "")]
    assert log["status"] == "written" and len(hubspot.notes) == 1


@pytest.mark.parametrize(
    ("at", "status", "reason"),
    [
        ("GET /crm", 401, "token refused"),
        ("GET /crm", 403, "not allowed"),
        ("GET /crm/v3/objects/deals/", 404, "deal not found"),
        ("PATCH /crm", 400, "value refused"),
    ],
)
async def test_what_time_does_not_mend_is_given_up_and_says_why(
    firm: Firm, hubspot: HubSpotStandIn, at: str, status: int, reason: str
) -> None:
    await with_hubspot(firm, hubspot)
    call_id = await firm.reviewed()
    told = {"status": "error", "message": "They said: twelve hours", "category": "X"}
    hubspot.faults.append(CrmFaults(at=at, status=status, body=told, times=99))
    await firm.writer.write_due()
    log = await firm.log(call_id)
    assert (log["status"], log["due_at"]) == ("dead", None)
    assert log["attempts"][0]["reason"].startswith(reason) and log["attempts"][0]["answer"] == status
    assert "twelve" not in str(log)


async def test_no_deal_and_several_deals_are_told_and_not_guessed(firm: Firm, hubspot: HubSpotStandIn) -> None:
    await with_hubspot(firm, hubspot)
    stranger = await firm.reviewed(customer="Nobody")
    await firm.writer.write_due()
    assert (await firm.log(stranger))["attempts"][0]["reason"].startswith("no deal")
    hubspot.deal("78", "Second", company="Acme")
    hubspot.deal("79", "Lost", company="Acme", stage="closedlost")
    call_id = await firm.reviewed()
    await firm.writer.write_due()
    log = await firm.log(call_id)
    assert log["status"] == "dead" and "2 deals of that customer" in log["attempts"][0]["reason"]
    assert hubspot.writes() == []
    async with firm.admin() as admin:
        assert is_problem(await admin.ask("PUT", f"/v1/calls/{call_id}/crm", {"deal_id": "006AB"}), 422, "bad_request")
        assert (await admin.ask("PUT", f"/v1/calls/{call_id}/crm", {"deal_id": "78"})).status_code == 204
        assert (await admin.ask("POST", f"/v1/calls/{call_id}/crm/push")).status_code == 202
    await firm.writer.write_due()
    assert (await firm.log(call_id))["status"] == "written" and "twelve" in hubspot.deals["78"]["meddic_pain"]


async def test_an_older_call_does_not_put_its_summary_over_a_newer_one(firm: Firm, hubspot: HubSpotStandIn) -> None:
    await with_hubspot(firm, hubspot)
    older = await firm.reviewed(on=NOW - timedelta(days=7))
    newer = await firm.reviewed()
    await firm.writer.write_due()
    await firm.review(newer, summary="The newer one.")
    await firm.writer.write_due()
    await firm.review(older, summary="The older one.")
    await firm.writer.write_due()
    assert hubspot.deals["77"]["last_call"].startswith("The newer one.")
    assert len(hubspot.notes) == 2 and any("The older one." in note["hs_note_body"] for note in hubspot.notes.values())


async def test_what_we_are_less_sure_of_is_not_written(firm: Firm, hubspot: HubSpotStandIn) -> None:
    await with_hubspot(firm, hubspot, mapping=MAPPING + "min_confidence: 0.9\n")
    await firm.reviewed()
    await firm.writer.write_due()
    assert not {"meddic_pain", "hs_next_step", "last_call"} & set(hubspot.deals["77"])
    (note,) = hubspot.notes.values()
    assert "<li>" not in note["hs_note_body"]


async def test_a_link_may_have_a_property_of_its_own(firm: Firm, hubspot: HubSpotStandIn) -> None:
    await with_hubspot(
        firm, hubspot, mapping="fields:\n  pain: {property: meddic_pain, link: pain_link}\nnote: false\n"
    )
    call_id = await firm.reviewed()
    await firm.writer.write_due()
    assert hubspot.deals["77"]["meddic_pain"] == "“We lose <b>twelve hours</b> a week on rework”"
    assert hubspot.deals["77"]["pain_link"] == f"{HOME}/calls/{call_id}?t=4000"
    assert hubspot.notes == {}


async def test_salesforce_gets_a_task_and_fields_that_fit(firm: Firm, salesforce: SalesforceStandIn) -> None:
    salesforce.opportunity(OPPORTUNITY, "O'Hara \\ renewal", account="O'Hara")
    await firm.connected(vendor="salesforce", url=salesforce.url, client_id=CLIENT, secret=SECRET, mapping=SF_MAPPING)
    call_id = await firm.reviewed(customer="O'Hara", deal="O'Hara \\ renewal")
    await firm.writer.write_due()
    log = await firm.log(call_id)
    assert log["status"] == "written", log
    (task,) = salesforce.tasks.values()
    assert (task["WhatId"], task["Subject"], task["Status"]) == (OPPORTUNITY, "Ridealong: O'Hara", "Completed")
    assert (task["ActivityDate"], task["CallDurationInSeconds"]) == ("2026-11-25", 16)
    assert task["Description"].splitlines()[0] == f"{HOME}/calls/{call_id}"
    assert f"They talked about rework. {HOME}/calls/{call_id}?t=4000" in task["Description"]
    found = salesforce.opportunities[OPPORTUNITY]
    assert found["NextStep"] == f"Ana sends the contract (on Friday) {HOME}/calls/{call_id}?t=12000"
    written = len(salesforce.writes())
    async with firm.admin() as admin:
        await admin.ask("POST", f"/v1/calls/{call_id}/crm/push")
    await firm.writer.write_due()
    assert len(salesforce.writes()) == written
    assert salesforce.sign_ins == 2


async def test_salesforce_keeps_one_task_by_an_external_id(firm: Firm, salesforce: SalesforceStandIn) -> None:
    salesforce.opportunity(OPPORTUNITY, "Renewal", account="Acme")
    salesforce.external_id = "Ridealong__c"
    mapping = SF_MAPPING + "task_external_id: Ridealong__c\n"
    await firm.connected(vendor="salesforce", url=salesforce.url, client_id=CLIENT, secret=SECRET, mapping=mapping)
    call_id = await firm.reviewed()
    salesforce.faults.append(
        CrmFaults(at="PATCH /services/data/v61.0/sobjects/Task/Ridealong__c", status=503, body=[], after=True)
    )
    await firm.writer.write_due()
    await firm.due_now()
    await firm.writer.write_due()
    assert (await firm.log(call_id))["status"] == "written"
    (task,) = salesforce.tasks.values()
    assert task["Ridealong__c"] == str(call_id)


@pytest.mark.parametrize(
    ("status", "code", "reason", "waits"),
    [
        (403, "REQUEST_LIMIT_EXCEEDED", "busy", True),
        (400, "UNABLE_TO_LOCK_ROW", "busy", True),
        (401, "INVALID_SESSION_ID", "token refused", False),
        (403, "API_DISABLED_FOR_ORG", "not allowed", False),
        (404, "ENTITY_IS_DELETED", "deal not found", False),
        (400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", "value refused", False),
    ],
)
async def test_salesforces_own_words_for_what_is_wrong_are_known(
    firm: Firm, salesforce: SalesforceStandIn, status: int, code: str, reason: str, *, waits: bool
) -> None:
    salesforce.opportunity(OPPORTUNITY, "Renewal", account="Acme")
    await firm.connected(vendor="salesforce", url=salesforce.url, client_id=CLIENT, secret=SECRET, mapping=SF_MAPPING)
    call_id = await firm.reviewed()
    body = [{"errorCode": code, "message": "twelve hours"}]
    salesforce.faults.append(CrmFaults(at="PATCH /services/data/v61.0/sobjects/Opp", status=status, body=body))
    await firm.writer.write_due()
    log = await firm.log(call_id)
    assert log["attempts"][0]["reason"].startswith(reason), log
    assert (log["status"] == "waiting") is waits and "twelve" not in str(log)


@pytest.mark.parametrize("status", [403, 404])
async def test_a_token_that_may_not_see_whose_account_it_is_works_all_the_same(
    firm: Firm, salesforce: SalesforceStandIn, status: int
) -> None:
    await firm.connected(vendor="salesforce", url=salesforce.url, client_id=CLIENT, secret=SECRET, mapping=SF_MAPPING)
    salesforce.faults.append(CrmFaults(at="GET /services/oauth2/userinfo", status=status, body="Bad_OAuth_Token"))
    async with firm.admin() as admin:
        checked = (await admin.ask("POST", "/v1/crm/check")).json()
    assert (checked["reason"], checked["message"], checked["account"]) == ("", "", "")


async def test_a_wrong_client_secret_is_told(firm: Firm, salesforce: SalesforceStandIn) -> None:
    await firm.connected(vendor="salesforce", url=salesforce.url, client_id=CLIENT, secret="wrong", mapping=SF_MAPPING)
    async with firm.admin() as admin:
        checked = (await admin.ask("POST", "/v1/crm/check")).json()
    assert (checked["works"], checked["reason"]) == (False, "token refused")


async def test_the_secret_is_sealed_never_shown_and_does_not_follow_another_address(
    firm: Firm, hubspot: HubSpotStandIn
) -> None:
    await with_hubspot(firm, hubspot)
    async with firm.admin() as admin:
        shown = await admin.get("/v1/crm")
        assert TOKEN not in shown.text and shown.json()["crm"]["secret_set_at"]
        moved = {"vendor": "hubspot", "url": "https://evil.example"}
        assert is_problem(await admin.ask("PUT", "/v1/crm", moved), 422, "bad_request")
        wrong = {"vendor": "hubspot", "url": hubspot.url, "mapping": "fields:\n  pain: x\n  pian: y\n"}
        refused = await admin.ask("PUT", "/v1/crm", wrong)
        assert is_problem(refused, 422, "bad_document") and refused.json()["line"] == 3
        assert (await admin.ask("DELETE", "/v1/crm")).status_code == 204
        assert (await admin.get("/v1/crm")).json() == {"crm": None}
    await with_hubspot(firm, hubspot)
    async with firm.store.tenant(firm.tenant_id) as connection:
        account = await load_account(connection)
        assert account is not None and TOKEN.encode() not in account.sealed_secret
        await connection.execute("UPDATE crm_account SET url = 'https://evil.example'")
    call_id = await firm.reviewed()
    await firm.writer.write_due()
    assert (await firm.log(call_id))["attempts"][0]["reason"].startswith("not set up")


async def test_a_mapping_that_is_being_written_is_read_back_and_stored_nowhere(firm: Firm) -> None:
    text = "fields:\n  pain: {property: x, link: y}\nsummary: z\nstages:\n  won: closed\n"
    async with firm.admin() as admin:
        read = await admin.ask("POST", "/v1/crm/mapping/check", {"vendor": "hubspot", "mapping": text})
        assert read.json() == {
            "writes": [
                {"value": "pain", "property": "x", "link": "y"},
                {"value": "summary", "property": "z", "link": None},
            ],
            **{"note": True, "overwrite": "own", "min_confidence": 0.5, "stages": {"won": "closed"}},
        }
        only_theirs = {"vendor": "hubspot", "mapping": "note: true\ntask_external_id: Ride__c\n"}
        refused = await admin.ask("POST", "/v1/crm/mapping/check", only_theirs)
        assert is_problem(refused, 422, "bad_document") and refused.json()["line"] == 2
        taken = await admin.ask("POST", "/v1/crm/mapping/check", only_theirs | {"vendor": "salesforce"})
        assert taken.status_code == 200
        assert (await admin.get("/v1/crm")).json() == {"crm": None}


async def test_addresses_inside_the_network_are_refused(firm: Firm, hubspot: HubSpotStandIn) -> None:
    await with_hubspot(firm, hubspot)
    call_id = await firm.reviewed()
    firm.allow_private = False
    await firm.writer.write_due()
    assert (await firm.log(call_id))["attempts"][0]["reason"].startswith("not set up: `url` must begin with https://")
    assert hubspot.asked == []


async def test_the_log_is_a_tenants_and_a_rep_sees_own_calls_alone(firm: Firm, hubspot: HubSpotStandIn) -> None:
    await with_hubspot(firm, hubspot)
    await firm.reviewed()
    async with firm.store.tenant(OwnCalls(firm.tenant_id, "somebody-else")) as connection:
        assert await list_crm_calls(connection) == []
    async with firm.store.tenant(OwnCalls(firm.tenant_id, "ana@example.org")) as connection:
        assert len(await list_crm_calls(connection)) == 1


async def test_erasing_a_call_takes_it_out_of_queue_and_log(firm: Firm, hubspot: HubSpotStandIn) -> None:
    await with_hubspot(firm, hubspot)
    call_id = await firm.reviewed()
    async with firm.admin() as admin:
        assert (await admin.ask("DELETE", f"/v1/calls/{call_id}")).status_code in (200, 204)
    assert await firm.writer.write_due() == 0
    assert LINES and hubspot.asked == []
