"""What CRM and calendars say of a call, filled in where nobody said it, with where it comes from."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from aiohttp import web

from ridealong.core.context import CallContext
from ridealong.core.errors import Refused
from ridealong.core.people import MemberRole
from ridealong.core.rubric import Section
from ridealong.postcall.local import LocalReviewer
from ridealong.postcall.pipeline import ReviewPipeline
from ridealong.postcall.reviewer import CriterionDraft, InThreads, Refusal, ReviewContext
from ridealong.store.reviews import ReviewStatus
from ridealong.store.tenants import DocumentKind, put_document
from ridealong.web.calendars import NewCalendarFeed
from tests.integration.across.calls import NOW, spoken
from tests.integration.crm.firm import LINES, Firm
from tests.integration.web.people import Browser, is_problem
from tests.unit.postcall.embedder import LetterEmbedder
from tests.vendors.crm import CrmFaults
from tests.vendors.hubspot import TOKEN, HubSpotStandIn

ANA = "ana@example.org"


def meeting(*lines: str, uid: str = "m1", start: str = "20261125T150000Z", method: str = "REQUEST") -> str:
    told = (
        *("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN", f"METHOD:{method}", "BEGIN:VEVENT", f"UID:{uid}"),
        *(f"DTSTART:{start}", "DURATION:PT30M", f"ORGANIZER;CN=Ana:MAILTO:{ANA}", *lines, "END:VEVENT"),
        *("END:VCALENDAR", ""),
    )
    return "\r\n".join(told)


async def sent(browser: Browser, text: str) -> Any:
    answer = await browser.http.post(
        "/v1/calendars/invitations", content=text.encode(), headers={"Content-Type": "text/calendar"}
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


async def pulled(firm: Firm, call_id: UUID) -> dict[str, Any]:
    async with firm.admin() as admin:
        answer = await admin.ask("POST", f"/v1/calls/{call_id}/context/pull")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def call(firm: Firm, **context: str) -> UUID:
    return await spoken(firm.store, firm.tenant_id, LINES, **context)


async def with_hubspot(firm: Firm, hubspot: HubSpotStandIn, mapping: str = "") -> None:
    await firm.connected(vendor="hubspot", url=hubspot.url, secret=TOKEN, mapping=mapping)


async def test_an_invitation_tells_customer_deal_and_type_and_the_crm_finds_the_deal_by_who_took_part(
    firm: Firm, hubspot: HubSpotStandIn
) -> None:
    hubspot.deal("77", "Acme renewal", company="Acme GmbH", contact="bob@kunde.example")
    hubspot.deal("76", "Old one", company="Acme GmbH", contact="bob@kunde.example", stage="closedwon")
    await with_hubspot(firm, hubspot, mapping="stages: {contractsent: negotiation}\n")
    call_id = await call(firm)
    async with firm.admin() as admin:
        reading = {"call_types": [{"call_type": "demo", "words": ["Demo", "walkthrough"]}]}
        assert (await admin.ask("PUT", "/v1/calendars/reading", reading)).status_code == 200
        taken = await sent(
            admin, meeting("SUMMARY:Demo for Acme", "ATTENDEE;PARTSTAT=ACCEPTED:mailto:Bob@kunde.example")
        )
        assert taken == {"uid": "m1", "cancelled": False, "kept": True}
    told = await pulled(firm, call_id)
    assert (told["customer"], told["deal"]) == ("Acme GmbH", "Acme renewal")
    assert (told["call_type"], told["stage"]) == ("demo", "negotiation")
    assert {part: (one["source"], one["detail"]) for part, one in told["sources"].items()} == {
        "customer": ("crm", "hubspot deal 77"),
        "deal": ("crm", "hubspot deal 77"),
        "stage": ("crm", "hubspot deal 77"),
        "call_type": ("calendar", "meeting m1"),
    }
    hubspot.deals["77"] |= {"dealstage": "closedwon", "dealname": "Acme 2027"}
    told = await pulled(firm, call_id)
    assert (told["stage"], told["deal"]) == ("closed_won", "Acme 2027"), "the deal went on, and so does what is known"


async def test_what_a_person_said_and_what_the_call_began_with_stays(firm: Firm, hubspot: HubSpotStandIn) -> None:
    hubspot.deal("77", "Renewal", company="Acme GmbH")
    await with_hubspot(firm, hubspot)
    call_id = await call(firm, customer="Acme GmbH")
    async with firm.admin() as admin:
        said = {"stage": "discovery", "deal": ""}
        assert (await admin.ask("PUT", f"/v1/calls/{call_id}/context", said)).status_code == 200
    hubspot.companies = {i: {"name": "Acme GmbH"} for i in hubspot.companies}
    told = await pulled(firm, call_id)
    assert (told["customer"], told["deal"], told["stage"]) == ("Acme GmbH", "", "discovery")
    assert {part: one["source"] for part, one in told["sources"].items()} == {"stage": "person", "deal": "person"}


async def test_without_a_crm_a_calendar_tells_the_customer_by_its_domain_or_in_words(firm: Firm) -> None:
    await firm.house.member("max@our.example", MemberRole.MANAGER)
    by_domain, in_words = await call(firm), await call(firm)
    async with firm.store.tenant(firm.tenant_id) as connection:
        later = NOW + timedelta(days=1)
        await connection.execute("UPDATE call SET started_at = %s WHERE call_id = %s", [later, in_words])
    people = ("ATTENDEE:mailto:max@our.example", "ATTENDEE:mailto:bob@kunde.example", "ATTENDEE:mailto:x@gmail.com")
    words = r"DESCRIPTION:Hello\nCustomer: Acme GmbH\nDeal: Renewal\nStage: negotiation\nhttps://meet.example/1: x"
    async with firm.admin() as admin:
        await sent(admin, meeting(*people))
        await sent(admin, meeting(*people, words, uid="m2", start="20261126T151000Z"))
    assert (await pulled(firm, by_domain))["customer"] == "kunde.example"
    told = await pulled(firm, in_words)
    assert (told["customer"], told["deal"], told["stage"]) == ("Acme GmbH", "Renewal", "negotiation")


async def test_meetings_that_moved_or_were_called_off_say_nothing(firm: Firm) -> None:
    call_id = await call(firm)
    customer = "ATTENDEE:mailto:bob@kunde.example"
    async with firm.admin() as admin:
        await sent(admin, meeting(customer, "SEQUENCE:2", start="20261125T200000Z"))
        assert not (await sent(admin, meeting(customer, "SEQUENCE:1")))["kept"], "an older message about it came late"
        told = await pulled(firm, call_id)
        assert told["customer"] == "" and told["reasons"] == ["calendar: no meeting at the time of the call"]
        await sent(admin, meeting(customer, "SEQUENCE:3"))
        taken = await sent(admin, meeting(customer, "SEQUENCE:4", "STATUS:CANCELLED", method="CANCEL"))
        assert taken == {"uid": "m1", "cancelled": True, "kept": True}
        assert (await pulled(firm, call_id))["customer"] == ""
        refused = await admin.http.post("/v1/calendars/invitations", content=b"hello")
        assert is_problem(refused, 422, "bad_document")


@asynccontextmanager
async def calendar(text: str) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """(its address, how it answers)"""
    state: dict[str, Any] = {"text": text, "status": 200, "asked": 0}

    async def answer(_request: web.Request) -> web.Response:
        state["asked"] += 1
        return web.Response(status=state["status"], text=state["text"], headers={"Location": "http://127.0.0.1:1/"})

    app = web.Application()
    app.router.add_get("/secret/basic.ics", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/secret/basic.ics?key=k", state
    finally:
        await runner.cleanup()


async def test_a_reps_calendar_is_read_by_its_address_which_is_never_shown(firm: Firm) -> None:
    call_id = await call(firm)
    weekly = meeting(
        "RRULE:FREQ=WEEKLY;BYDAY=WE", "DESCRIPTION:Customer: Acme GmbH", start="20261104T150000Z", method="PUBLISH"
    )
    async with calendar(weekly) as (url, state), firm.admin() as admin:
        new = {"label": "Ana", "url": url, "rep_id": ANA}
        made = await admin.ask("POST", "/v1/calendars/feeds", new)
        assert made.status_code == 201 and "secret" not in made.text and made.json()["host"] == "127.0.0.1"
        state["status"] = 302
        told = await pulled(firm, call_id)
        assert told["reasons"][0] == "calendar Ana: its server answers 302"
        assert (await admin.get("/v1/calendars")).json()["feeds"][0]["last_fault"] == "its server answers 302"
        state["status"] = 200
        assert (await pulled(firm, call_id))["customer"] == "Acme GmbH"
        feed = (await admin.get("/v1/calendars")).json()["feeds"][0]
        assert feed["last_fault"] == "" and "secret" not in str(feed)
        asked = state["asked"]
        await pulled(firm, call_id)
        assert state["asked"] == asked, "it was read a moment ago"
        assert (await admin.ask("DELETE", f"/v1/calendars/feeds/{feed['feed_id']}")).status_code == 204


@pytest.mark.parametrize("url", ["https://10.0.0.1/x.ics", "https://localhost/x.ics", "http://cal.example/x.ics"])
async def test_a_calendar_inside_the_network_is_refused(firm: Firm, url: str) -> None:
    firm.allow_private = False
    with pytest.raises(Refused, match="url"):
        await firm.context_in.calendars.add_feed(firm.tenant_id, NewCalendarFeed(label="x", url=url))


async def test_reps_say_nothing_about_others_meetings(firm: Firm) -> None:
    await firm.house.member("rita@acme.example", MemberRole.REP)
    async with firm.house.browser("rita@acme.example") as rita:
        answer = await rita.ask("POST", "/v1/calendars/invitations", "x")
        assert is_problem(answer, 403, "forbidden")
        assert is_problem(await rita.get("/v1/calendars"), 403, "forbidden")
        assert is_problem(await rita.get("/v1/crm"), 403, "forbidden")


async def test_a_crm_that_is_away_keeps_no_context_and_says_why(firm: Firm, hubspot: HubSpotStandIn) -> None:
    await with_hubspot(firm, hubspot)
    call_id = await call(firm, customer="Acme")
    hubspot.faults.append(CrmFaults(at="POST", status=0, times=5))
    told = await pulled(firm, call_id)
    assert told["reasons"][0].startswith("crm: not reached") and told["sources"] == {}
    assert await firm.context_in.before_review(firm.tenant_id, call_id) == 0


class Watching(LocalReviewer):
    """The local reviewer, which notes what it is told of the call beside its words."""

    def __init__(self) -> None:
        super().__init__(LetterEmbedder())
        self.about: set[CallContext] = set()

    def draft_section(
        self, section: Section, context: ReviewContext, refused: Sequence[Refusal] = ()
    ) -> Sequence[CriterionDraft]:
        self.about.add(context.about)
        return super().draft_section(section, context, refused)


RUBRIC = """\
id: own
title: Our own
sections:
  - id: late
    title: Late
    when:
      stage: contract_sent
    criteria:
      - id: asked
        question: Did the rep ask?
        role: rep
        shown_by: ["What does it cost you today?"]
"""


async def test_a_review_knows_the_stage_that_the_crm_told_before_it(firm: Firm, hubspot: HubSpotStandIn) -> None:
    hubspot.deal("77", "Renewal", company="Acme GmbH")
    await with_hubspot(firm, hubspot)
    call_id = await call(firm, customer="Acme GmbH")
    async with firm.store.tenant(firm.tenant_id) as connection:
        await put_document(connection, DocumentKind.RUBRIC, "default", RUBRIC)
    watching = Watching()
    pipeline = await ReviewPipeline.open(
        firm.store,
        LetterEmbedder(),
        InThreads(watching),
        know_more=firm.context_in.before_review,
        sweep_seconds=0.3,
    )
    try:
        await pipeline.start(firm.tenant_id, call_id)
        assert await asyncio.wait_for(pipeline.wait(firm.tenant_id, call_id), 600) is ReviewStatus.FINISHED
    finally:
        await pipeline.close()
    assert watching.about == {CallContext(customer="Acme GmbH", deal="Renewal", stage="contract_sent")}
    assert await firm.writer.write_due() == 1
    assert (await firm.log(call_id))["status"] == "written" and len(hubspot.notes) == 1
