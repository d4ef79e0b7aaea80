"""A firm with a CRM: its server, its reviewed calls, and what writes them."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from ridealong.app.calendars import StoredCalendars
from ridealong.app.call_context import ContextIn
from ridealong.app.crm_accounts import CrmAccounts
from ridealong.app.crm_writing import CrmWriter
from ridealong.app.deals import StoredDeals
from ridealong.core.claims import Claim
from ridealong.core.outline import NextAction, Stage, Who
from ridealong.core.rubric import Finding, Score, SectionReview
from ridealong.core.transcript import TranscriptId
from ridealong.embedding import Embedder
from ridealong.postcall.evidence import EvidenceFinder
from ridealong.store import Store
from ridealong.store.calls import load_transcript, queue_review
from ridealong.store.outline import save_next_actions, save_outline
from ridealong.store.reviews import (
    find_review,
    finish_review,
    mark_running,
    requeue_review,
    save_section,
    save_statistics,
)
from tests.integration.across.calls import CUSTOMER, NOW, REP, spoken
from tests.integration.web.people import SEALING, Browser, House

ADMIN = "ada@acme.example"
HOME = "https://calls.example"
LINES = (
    (REP, "What does it cost you today?"),
    (CUSTOMER, "We lose <b>twelve hours</b> a week on rework."),
    (CUSTOMER, "Ms Larsen signs everything above ten thousand."),
    (REP, "I will send you the contract on Friday."),
)
MAPPING = """\
fields:
  pain: meddic_pain
summary: last_call
next_steps: hs_next_step
"""


@dataclass(kw_only=True)
class Firm:
    house: House
    embedder: Embedder
    finder: EvidenceFinder
    threads: ThreadPoolExecutor
    allow_private: bool = True

    @property
    def store(self) -> Store:
        return self.house.store

    @property
    def tenant_id(self) -> UUID:
        return self.house.tenant_id

    @property
    def context_in(self) -> ContextIn:
        return ContextIn(
            store=self.store,
            accounts=CrmAccounts(store=self.store, sealing=SEALING, allow_private=self.allow_private),
            calendars=StoredCalendars(store=self.store, sealing=SEALING, allow_private=self.allow_private),
        )

    @property
    def writer(self) -> CrmWriter:
        context_in = self.context_in
        deals = StoredDeals(store=self.store, embedder=self.embedder, finder=self.finder, threads=self.threads)
        return CrmWriter(
            store=self.store, accounts=context_in.accounts, deals=deals, people_of=context_in.people_of, home=HOME
        )

    @contextlib.asynccontextmanager
    async def admin(self) -> AsyncIterator[Browser]:
        async with self.house.browser(Authorization=f"Bearer {self.house.token}") as browser:
            yield browser

    async def connected(self, **crm: Any) -> None:
        async with self.admin() as admin:
            answer = await admin.ask("PUT", "/v1/crm", crm)
        assert answer.status_code == 200, answer.text

    async def reviewed(
        self,
        *,
        customer: str = "Acme",
        deal: str = "",
        on: datetime = NOW,
        lines: Sequence[tuple[int | None, str]] = LINES,
        title: str = "",
    ) -> UUID:
        """An ended call whose review is done."""
        call_id = await spoken(self.store, self.tenant_id, lines, on=on, customer=customer, deal=deal)
        async with self.store.tenant(self.tenant_id) as connection:
            if title:
                await connection.execute("UPDATE call SET title = %s WHERE call_id = %s", [title, call_id])
            await queue_review(connection, TranscriptId(call_id=call_id))
        await self.review(call_id)
        return call_id

    async def review(self, call_id: UUID, *, summary: str = "They talked about rework.", sure: float = 0.8) -> None:
        """Make the call's review, or make it again."""
        async with self.store.tenant(self.tenant_id) as connection:
            transcript = await load_transcript(connection, TranscriptId(call_id=call_id))
            review = await find_review(connection, call_id)
            if review.status.value == "finished":
                await requeue_review(connection, review.review_id)
            review_id = review.review_id
            await mark_running(
                connection, review_id, reviewer="local", rubric_id="meddic", rubric_title="MEDDIC", rubric="id: meddic"
            )
            pain = Claim(statement="The customer has pain.", confidence=sure, evidence=(transcript.cite_whole(1),))
            section = SectionReview(
                section_id="pain",
                title="Pain",
                score=100.0,
                confidence=0.8,
                findings=(Finding(criterion_id="pain", score=Score.YES, claim=pain),),
            )
            await save_statistics(connection, review_id, {})
            await save_section(connection, review_id, section)
            told = Claim(statement=summary, confidence=0.8, evidence=(transcript.cite_whole(1),))
            await save_outline(connection, review_id, [Stage.of(transcript, "discovery", 0, 2, told)])
            sending = Claim(statement="Ana sends the contract", confidence=0.8, evidence=(transcript.cite_whole(3),))
            await save_next_actions(connection, review_id, [NextAction(who=Who.REP, claim=sending, due="on Friday")])
            await finish_review(connection, review_id, score=50.0, assessed=True)

    async def due_now(self) -> None:
        """What waits in the CRM's queue is due."""
        async with self.store.tenant(self.tenant_id) as connection:
            await connection.execute("UPDATE crm_call SET due_at = now() WHERE status = 'waiting'")

    async def log(self, call_id: UUID) -> dict[str, Any]:
        async with self.admin() as admin:
            answer = await admin.get(f"/v1/calls/{call_id}/crm")
        assert answer.status_code == 200, answer.text
        return answer.json()
