"""A model within its means: the tenant's tokens, and what the vendor's rate limit leaves."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from ridealong import telemetry
from ridealong.core.errors import BudgetSpent, ModelBusy, ModelFailed
from ridealong.llm import Answer, Limits, Model, Question, Usage

MINUTE_S: Final = 60.0
DAY_S: Final = 86_400.0
_CHARACTERS_A_TOKEN = 3.5
"""English has about four; a little less keeps the estimate on the safe side."""
_EXPECTED_OUTPUT = 0.5
"""Of the tokens that an answer may have, how many are set aside: most answers are far from their limit."""


def estimated_tokens(question: Question) -> int:
    """About how many tokens a question and its answer take."""
    characters = sum(len(block.text) for block in (*question.instructions, *question.material))
    return round(characters / _CHARACTERS_A_TOKEN + question.max_output_tokens * _EXPECTED_OUTPUT)


@dataclass(slots=True)
class _Bucket:
    """Tokens that refill evenly: `size` of them in `period_s`."""

    size: float
    period_s: float
    level: float
    filled_at: float

    def refill(self, now: float) -> None:
        self.level = min(self.size, self.level + (now - self.filled_at) * self.size / self.period_s)
        self.filled_at = now

    def wait_s(self, need: float) -> float:
        # What is larger than the bucket passes when the bucket is full: it would never pass otherwise.
        missing = min(need, self.size) - self.level
        return max(0.0, missing * self.period_s / self.size)


class TokenBudget:
    """One tenant's tokens, over all models. 0: without a limit.

    Kept in this process: a restart fills it up, and two processes have one each.
    """

    def __init__(self, *, per_minute: int, per_day: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        now = clock()
        self._buckets = [
            _Bucket(size=float(size), period_s=period_s, level=float(size), filled_at=now)
            for size, period_s in ((per_minute, MINUTE_S), (per_day, DAY_S))
            if size > 0
        ]

    def take(self, tokens: int) -> float:
        """Take that many. 0.0: taken. Otherwise nothing is taken, and it is the seconds until it could be."""
        now = self._clock()
        for bucket in self._buckets:
            bucket.refill(now)
        wait = max((bucket.wait_s(tokens) for bucket in self._buckets), default=0.0)
        if wait > 0:
            return wait
        self.settle(tokens)
        return 0.0

    def left(self) -> Mapping[float, tuple[int, int]]:
        """Of each limit, by its seconds (`MINUTE_S`, `DAY_S`): (its tokens, those that are left now, 0 or more)."""
        now = self._clock()
        for bucket in self._buckets:
            bucket.refill(now)
        return {bucket.period_s: (int(bucket.size), max(0, int(bucket.level))) for bucket in self._buckets}

    def settle(self, tokens: int) -> None:
        """Take that many more without asking, or give them back where the number is negative."""
        for bucket in self._buckets:
            bucket.level = min(bucket.size, bucket.level - tokens)


class VendorLimits:
    """What the rate limit of one key and model leaves, as the last answer said, less what was sent since."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._limits = Limits()
        self._seen_at = clock()
        self._requests_since = 0
        self._tokens_since = 0
        self._closed_until = 0.0

    def wait_s(self, tokens: int) -> float:
        """Seconds until a question of that many tokens would pass; 0.0: now."""
        now = self._clock()
        passed, limits = now - self._seen_at, self._limits
        requests, tokens = 1 + self._requests_since, tokens + self._tokens_since
        return max(
            0.0,
            self._closed_until - now,
            _missing_s(limits.requests, limits.requests_left, limits.requests_reset_s, requests, passed),
            _missing_s(limits.tokens, limits.tokens_left, limits.tokens_reset_s, tokens, passed),
        )

    def sent(self, tokens: int) -> None:
        self._requests_since += 1
        self._tokens_since += tokens

    def answered(self, limits: Limits | None) -> None:
        if limits is not None:
            self._limits, self._seen_at = limits, self._clock()
            self._requests_since = self._tokens_since = 0

    def refused(self, retry_after_s: float | None) -> None:
        """The vendor said that it is busy; without a time a second is waited."""
        self._closed_until = max(self._closed_until, self._clock() + (1.0 if retry_after_s is None else retry_after_s))


def _missing_s(size: int | None, left: int | None, reset_s: float | None, need: int, passed: float) -> float:
    """Seconds until `need` are there. The window refills evenly: `reset_s` after the answer it is full."""
    if left is None or reset_s is None:
        return 0.0
    if passed >= reset_s or need <= left:
        return 0.0
    if size is None or size <= left:
        return reset_s - passed
    missing = min(need, size) - left
    return max(0.0, missing * reset_s / (size - left) - passed)


def _counted(usage: Usage) -> int:
    """The tokens that vendors count against a limit: those read from a cache are not."""
    return usage.input - usage.cache_read + usage.output


class Budgeted:
    """A model asked only while the tenant has tokens and the vendor has room; otherwise ModelBusy at once, which says
    when to come back. Nothing waits here: during a call a late answer is worth nothing."""

    def __init__(self, model: Model, *, budget: TokenBudget, limits: VendorLimits) -> None:
        self._model = model
        self._budget = budget
        self._limits = limits

    @property
    def name(self) -> str:
        return self._model.name

    async def answer(self, question: Question) -> Answer:
        tokens = estimated_tokens(question)
        wait = self._limits.wait_s(tokens)
        if wait > 0:
            raise ModelBusy(f"the rate limit of {self.name} leaves no room for {wait:.1f} s", retry_after_s=wait)
        wait = self._budget.take(tokens)
        if wait > 0:
            telemetry.model_requests_total.labels(self.name, "budget_spent").inc()
            raise BudgetSpent(
                f"the tokens of this tenant are used up for {wait:.0f} s: "
                "raise RIDEALONG_TENANT_TOKENS_PER_MINUTE or RIDEALONG_TENANT_TOKENS_PER_DAY",
                retry_after_s=wait,
            )
        self._limits.sent(tokens)
        try:
            answer = await self._model.answer(question)
        except ModelBusy as error:
            self._limits.refused(error.retry_after_s)
            self._budget.settle(_counted(error.billed) - tokens)
            raise
        except ModelFailed as error:
            # What was asked in vain is mostly not billed. A cancelled question mostly is: its tokens stay taken.
            self._budget.settle(_counted(error.billed) - tokens)
            raise
        self._limits.answered(answer.limits)
        if answer.usage != Usage():
            # A vendor that does not say what it used is not free: what was set aside stays taken.
            self._budget.settle(_counted(answer.usage) - tokens)
        return answer

    async def close(self) -> None:
        await self._model.close()
