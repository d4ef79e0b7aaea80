"""A model within its means: the tenant's tokens, and what the vendor's rate limit leaves."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final

from ridealong import telemetry
from ridealong.core.errors import BudgetSpent, ModelBusy, ModelFailed, ModelLate, ModelLeftAlone
from ridealong.core.usage import DayLimits, DayTokens
from ridealong.llm import Answer, Limits, Model, Question, Usage
from ridealong.llm.vendor_limits import VendorLimits

MINUTE_S: Final = 60.0
_CHARACTERS_A_TOKEN = 3.5
"""English has about four; a little less keeps the estimate on the safe side."""
_EXPECTED_OUTPUT = 0.5
"""Of the tokens that an answer may have, how many are set aside: most answers are far from their limit."""
_DAYS_KEPT: Final = 2
"""A question that began before midnight ends after it, and clocks are set back."""


def estimated_tokens(question: Question) -> int:
    """About how many tokens a question and its answer take."""
    characters = sum(len(block.text) for block in (*question.instructions, *question.material))
    return round(characters / _CHARACTERS_A_TOKEN + question.max_output_tokens * _EXPECTED_OUTPUT)


@dataclass(slots=True)
class _Minute:
    """Tokens that refill evenly: `size` of them in a minute."""

    size: float
    level: float
    filled_at: float

    def refill(self, now: float) -> None:
        self.level = min(self.size, self.level + (now - self.filled_at) * self.size / MINUTE_S)
        self.filled_at = now

    def wait_s(self, need: float) -> float:
        # What is larger than the bucket passes when the bucket is full: it would never pass otherwise.
        missing = min(need, self.size) - self.level
        return max(0.0, missing * MINUTE_S / self.size)


@dataclass(slots=True)
class _Day:
    """One day's tokens: those counted here, and those of all other processes, the ones of earlier starts among them."""

    here: DayTokens = field(default_factory=DayTokens)
    others: DayTokens = field(default_factory=DayTokens)
    written: DayTokens = field(default_factory=DayTokens)

    @property
    def spent(self) -> DayTokens:
        return self.here + self.others


@dataclass(slots=True, eq=False)
class Taken:
    """Tokens that were taken for one question; settled on the day on which they were taken."""

    tokens: int
    live: bool
    _day: _Day
    _minute: _Minute | None

    def settle(self, tokens: int) -> None:
        """It took that many in truth."""
        more = tokens - self.tokens
        self.tokens = tokens
        self._day.here += DayTokens(total=more, live=more if self.live else 0)
        if self._minute is not None:
            self._minute.level = min(self._minute.size, self._minute.level - more)


class TokenBudget:
    """One tenant's tokens, over all models: so many a minute, and so many a day from midnight to midnight UTC.

    Counts in memory alone, so that nothing waits for it. Who keeps the counts writes `unwritten` down behind it, and
    tells what others counted and what the limits are (`know`). The minute is this process's own.
    """

    def __init__(
        self,
        *,
        per_minute: int = 0,
        limits: DayLimits | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._clock = clock
        self._now = now
        self._minute = (
            _Minute(size=float(per_minute), level=float(per_minute), filled_at=clock()) if per_minute > 0 else None
        )
        self._limits = limits or DayLimits()
        self._days: dict[date, _Day] = {}
        self.asked_at = -1e9
        """When it was last asked for tokens, by its clock."""

    def take(self, tokens: int, *, live: bool = False) -> Taken:
        """Take that many; `live`: for a question during a call. Raises BudgetSpent, and takes nothing then."""
        self.asked_at = self._clock()
        day = self._day_of(self.today)
        left = self._limits.left(day.spent, live=live)
        if left is not None and tokens > left:
            raise BudgetSpent(
                f"the tokens of this tenant for today are used up until 00:00 UTC: raise its tokens_per_day or, "
                f"for calls, its live_tokens_per_day ({left} are left, this question takes {tokens})",
                retry_after_s=self.day_ends_in_s,
                for_today=True,
            )
        if self._minute is not None:
            self._minute.refill(self.asked_at)
            wait = self._minute.wait_s(tokens)
            if wait > 0:
                raise BudgetSpent(
                    f"the tokens of this tenant are used up for {wait:.0f} s: raise RIDEALONG_TENANT_TOKENS_PER_MINUTE",
                    retry_after_s=wait,
                )
        taken = Taken(0, live, day, self._minute)
        taken.settle(tokens)
        return taken

    @property
    def today(self) -> date:
        return datetime.fromtimestamp(self._now(), UTC).date()

    @property
    def day_ends_in_s(self) -> float:
        now = datetime.fromtimestamp(self._now(), UTC)
        tomorrow = datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), UTC)
        return (tomorrow - now).total_seconds()

    @property
    def limits(self) -> DayLimits:
        """Those of a day."""
        return self._limits

    @property
    def spent_today(self) -> DayTokens:
        """As far as it is known here."""
        return self._day_of(self.today).spent

    def minute(self) -> tuple[int, int] | None:
        """(tokens a minute, those that are left now, 0 or more); None: no limit."""
        if self._minute is None:
            return None
        self._minute.refill(self._clock())
        return int(self._minute.size), max(0, int(self._minute.level))

    # ---- for who keeps the counts

    def unwritten(self) -> dict[date, DayTokens]:
        """What was counted here, of each day of which that changed since it was `written`."""
        return {at: day.here for at, day in self._days.items() if day.here != day.written}

    def written(self, at: date, tokens: DayTokens) -> None:
        """So many of that day are written down as counted here."""
        self._day_of(at).written = tokens

    def know(self, at: date, *, others: DayTokens, limits: DayLimits) -> None:
        """What all others counted on that day, and what holds from now on."""
        self._day_of(at).others = others
        self._limits = limits

    def _day_of(self, at: date) -> _Day:
        found = self._days.get(at)
        if found is None:
            found = self._days[at] = _Day()
            for old in [each for each in self._days if each < at - timedelta(days=_DAYS_KEPT)]:
                if self._days[old].here == self._days[old].written:
                    del self._days[old]
        return found


def _counted(usage: Usage) -> int:
    """The tokens that vendors count against a limit: those read from a cache are not."""
    return max(0, usage.input - usage.cache_read + usage.output)


class Budgeted:
    """A model asked only while the tenant has tokens and the vendor has room; otherwise ModelBusy at once, which says
    when to come back. Nothing waits here: during a call a late answer is worth nothing. `live`: it is asked by calls.
    """

    def __init__(self, model: Model, *, budget: TokenBudget, limits: VendorLimits, live: bool = False) -> None:
        self._model = model
        self._budget = budget
        self._limits = limits
        self._live = live

    @property
    def name(self) -> str:
        return self._model.name

    async def answer(self, question: Question) -> Answer:
        tokens = estimated_tokens(question)
        wait = self._limits.wait_s(tokens)
        if wait > 0:
            raise ModelBusy(f"the rate limit of {self.name} leaves no room for {wait:.1f} s", retry_after_s=wait)
        try:
            taken = self._budget.take(tokens, live=self._live)
        except BudgetSpent:
            telemetry.model_requests_total.labels(self.name, "budget_spent").inc()
            raise
        self._limits.sent(tokens)
        told: Limits | None = None
        try:
            answer = await self._model.answer(question)
            told = answer.limits
        except ModelLate:
            raise  # the vendor went on with it until we hung up, and mostly bills that: as of a cancelled one
        except ModelFailed as error:
            if isinstance(error, ModelBusy):
                self._limits.refused(error.retry_after_s)
            if isinstance(error, ModelLeftAlone):
                self._limits.not_sent(tokens)
            # What was asked in vain is mostly not billed.
            taken.settle(_counted(error.billed))
            raise
        finally:
            self._limits.ended(tokens, told)
        if answer.usage != Usage():
            # A vendor that does not say what it used is not free: what was set aside stays taken.
            taken.settle(_counted(answer.usage))
        return answer

    async def close(self) -> None:
        await self._model.close()
