"""A model whose use is counted: tokens, money, time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ridealong import telemetry
from ridealong.core.errors import BadAnswer, ModelAway, ModelBusy, ModelFailed
from ridealong.llm import Answer, Model, Question, Usage
from ridealong.llm.capabilities import Price


@dataclass(frozen=True, kw_only=True, slots=True)
class Spent:
    """What one question took. `cost_usd` is None where the price table has no price, or the vendor told no usage."""

    model: str
    """`vendor:model id`, as asked."""
    outcome: str
    """`answered`, `busy`, `away`, `bad_answer`, `refused` or `cancelled`."""
    usage: Usage
    cost_usd: float | None
    seconds: float


class Metered:
    """Counts every question into the metrics, and tells `spent` of it, also when it fails or is cancelled.

    A failed question has the usage that its vendor stated: an answer that did not fit is billed, a refusal is not.
    """

    def __init__(self, model: Model, *, price: Price | None, spent: Callable[[Spent], None] | None = None) -> None:
        self._model = model
        self._price = price
        self._spent = spent

    @property
    def name(self) -> str:
        return self._model.name

    async def answer(self, question: Question) -> Answer:
        loop = asyncio.get_running_loop()
        started = loop.time()
        outcome, usage = "cancelled", Usage()
        try:
            answer = await self._model.answer(question)
            outcome, usage = "answered", answer.usage
        except ModelFailed as error:
            outcome, usage = _outcome(error), error.billed
            raise
        finally:
            self._count(outcome, usage, loop.time() - started)
        return answer

    async def close(self) -> None:
        await self._model.close()

    def _count(self, outcome: str, usage: Usage, seconds: float) -> None:
        told = outcome != "answered" or usage != Usage()
        cost = self._price.cost(usage) if self._price is not None and told else None
        telemetry.model_requests_total.labels(self.name, outcome).inc()
        if outcome == "answered":
            telemetry.model_seconds.labels(self.name).observe(seconds)
        if usage != Usage():
            for kind, tokens in (
                ("input", usage.input - usage.cache_read),
                ("cached", usage.cache_read),
                ("output", usage.output),
            ):
                telemetry.model_tokens_total.labels(self.name, kind).inc(max(0, tokens))
            if cost is not None:
                telemetry.model_cost_usd_total.labels(self.name).inc(cost)
        if self._spent is not None:
            self._spent(Spent(model=self.name, outcome=outcome, usage=usage, cost_usd=cost, seconds=seconds))


def _outcome(error: ModelFailed) -> str:
    return next((outcome for kind, outcome in _OUTCOMES if isinstance(error, kind)), "refused")


_OUTCOMES: Final[tuple[tuple[type[ModelFailed], str], ...]] = (
    (ModelBusy, "busy"),
    (ModelAway, "away"),
    (BadAnswer, "bad_answer"),
)
