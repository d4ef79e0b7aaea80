"""`ridealong ask`, `deals`, `deal` and `themes`: what is said over many calls, in a terminal."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ridealong.app import models, reviewing
from ridealong.app.across import StoredAcross
from ridealong.app.tenant_models import TenantModels
from ridealong.app.token_counts import TokenCounts
from ridealong.core.errors import Refused
from ridealong.llm.house import ModelHouse
from ridealong.postcall.reading import plain
from ridealong.store import Store, tenants
from ridealong.store.sealing import Sealing

if TYPE_CHECKING:
    from uuid import UUID

    from ridealong.config import Settings
    from ridealong.core.answer import Answer, CitedCall, Scope
    from ridealong.core.deals import Deal, ListedDeal
    from ridealong.core.themes import ThemeMoment, Themes

MOST_SHOWN = 5
"""Moments under a theme; `--json` has all."""


@dataclass(frozen=True, slots=True)
class _Opened:
    across: StoredAcross
    tenant_id: UUID


@asynccontextmanager
async def _opened(settings: Settings, tenant: str) -> AsyncGenerator[_Opened]:
    async with AsyncExitStack() as stack:
        store = await Store.open(settings)
        stack.push_async_callback(store.close)
        threads = stack.enter_context(ThreadPoolExecutor(1, "models"))
        embedder = await asyncio.to_thread(models.load_text_model, settings)
        house = ModelHouse(settings)
        stack.push_async_callback(house.close)
        counts = TokenCounts(store, house)
        await stack.enter_async_context(counts.writing())
        own = TenantModels(store, Sealing.of_settings(settings), counts=counts)
        answering = reviewing.models_of(settings, house, own)
        tenant_id = (await tenants.find_tenant(store, tenant)).tenant_id
        yield _Opened(StoredAcross.of(store, embedder, threads, answering), tenant_id)


async def show_answer(settings: Settings, *, tenant: str, question: str, scope: Scope, as_json: bool) -> str:
    """Raises Refused."""
    async with _opened(settings, tenant) as opened:
        answer = await opened.across.asking.ask(opened.tenant_id, question, scope)
    return _json(answer.as_json()) if as_json else "\n".join(_answer(answer, _address(settings)))


async def show_deals(settings: Settings, *, tenant: str, as_json: bool) -> str:
    async with _opened(settings, tenant) as opened:
        found = await opened.across.stored_deals.all(opened.tenant_id)
    return _json([deal.as_json() for deal in found]) if as_json else "\n".join(_deals(found))


async def show_deal(settings: Settings, *, tenant: str, customer: str, deal: str | None, as_json: bool) -> str:
    """Raises Refused('unknown_deal')."""
    async with _opened(settings, tenant) as opened:
        found = await opened.across.stored_deals.of(opened.tenant_id, customer, deal)
    return _json(found.as_json()) if as_json else "\n".join(_deal(found, _address(settings)))


async def show_themes(settings: Settings, *, tenant: str, scope: Scope, as_json: bool) -> str:
    async with _opened(settings, tenant) as opened:
        found = await opened.across.read_themes(opened.tenant_id, scope)
    return _json(found.as_json(200)) if as_json else "\n".join(_themes(found, _address(settings)))


def day(text: str | None) -> datetime | None:
    """A day (`2026-11-25`, midnight UTC) or a time with its zone. Raises Refused('bad_request')."""
    if text is None:
        return None
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise Refused("bad_request", f"write the day as 2026-11-25, not {plain(text)[:40]!r}") from None
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _address(settings: Settings) -> str:
    return settings.public_url or f"http://{settings.host}:{settings.port}"


def _answer(answer: Answer, address: str) -> Iterator[str]:
    scope = answer.scope
    read_as = [
        f"from {scope.started_from:%d %b %Y}" if scope.started_from else "",
        f"to {scope.started_to:%d %b %Y}" if scope.started_to else "",
        f"calls of {scope.rep_id}" if scope.rep_id else "",
        f"calls with {scope.customer}" if scope.customer else "",
        f"words of the {scope.role.value}" if scope.role.value != "unknown" else "",
        f"moments of type {', '.join(scope.moments)}" if scope.moments else "",
    ]
    yield plain(f"{answer.calls} calls searched: {', '.join(filter(None, read_as)) or 'all'}. {answer.answered_by}.")
    for sentence in answer.sentences:
        yield ""
        yield plain(f"{sentence.statement} ({sentence.confidence:.0%})")
        for cited in sentence.cited:
            yield from _cited(cited, address)
    if answer.dropped_drafts or answer.removed_sentences:
        yield ""
        yield f"Left out: {answer.dropped_drafts} sentences that nothing proved, {answer.removed_sentences} in doubt."
    yield ""
    yield from answer.notes


def _cited(cited: CitedCall, address: str) -> Iterator[str]:
    where = f"{cited.call.started_at:%d %b}, {cited.call.customer or cited.call.title or cited.call.call_id}"
    for evidence in cited.claim.evidence:
        minutes, seconds = divmod(evidence.start_ts // 1000, 60)
        yield plain(f"  “{evidence.quote}”")
        link = f"{address}/calls/{cited.call.call_id}?t={evidence.start_ts}"
        yield f"  {minutes:02d}:{seconds:02d} {plain(where)}  {link}"


def _deals(found: list[ListedDeal]) -> Iterator[str]:
    if not found:
        yield "No ended call names its customer."
    for deal in found:
        named = f"{deal.customer}: {deal.deal}" if deal.deal else deal.customer
        stage = f", {deal.stage}" if deal.stage else ""
        yield plain(f"{named}  ({deal.calls} calls, the last on {deal.last_call_at:%d %b %Y}{stage})")


def _deal(deal: Deal, address: str) -> Iterator[str]:
    named = f"{deal.customer}: {deal.deal}" if deal.deal else deal.customer
    yield plain(f"{named}, {len(deal.calls)} calls{f', {deal.stage}' if deal.stage else ''}")
    for known in deal.fields:
        yield ""
        title = known.field.value.replace("_", " ").capitalize()
        holds = known.holds
        if holds is None:
            yield f"{title}: not known"
            continue
        sureness = f"{'' if holds.score.value == 'yes' else 'in part, '}{holds.cited.claim.confidence:.0%}"
        yield f"{title} ({holds.effect.value}, {sureness})"
        yield from _cited(holds.cited, address)
        earlier = [entry for entry in known.history if entry is not holds]
        for entry in earlier:
            yield plain(f"  {entry.effect.value} on {entry.cited.call.started_at:%d %b}: “{entry.value}”")
    yield ""
    yield from deal.notes


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _themes(found: Themes, address: str) -> Iterator[str]:
    yield f"{_counted(found.counted, 'moment')}{', the newest; there are older ones' if found.more else ''}."
    for theme in found.themes:
        yield ""
        calls = len({moment.call.call_id for moment in theme.moments})
        kind = theme.kind.value.replace("_", " ")
        yield plain(f"{kind}: {theme.name} ({_counted(len(theme.moments), 'moment')} in {_counted(calls, 'call')})")
        yield from _said(theme.moments, address)
    for competitor in found.competitors:
        yield ""
        shown = competitor.as_json(0)
        yield plain(
            f"alternative: {competitor.name or '(no name heard)'} ({_counted(len(competitor.moments), 'moment')})"
        )
        weeks = shown["weeks"]
        if isinstance(weeks, list):
            yield "  " + ", ".join(f"{week['week']}: {week['count']}" for week in weeks)
        yield from _said(competitor.moments, address)


def _said(moments: Sequence[ThemeMoment], address: str) -> Iterator[str]:
    for moment in moments[:MOST_SHOWN]:
        evidence = moment.evidence
        yield plain(f"  “{evidence.quote}”  {moment.call.started_at:%d %b} {moment.call.customer}")
        yield f"  {address}/calls/{moment.call.call_id}?t={evidence.start_ts}"
