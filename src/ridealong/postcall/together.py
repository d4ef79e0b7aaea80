"""Steps of a review that ask a model together: one question for several of them, and one for what they want checked.

Each question about a call pays for reading it, and a model answers several small sections as soon as the one about
the whole call. The steps stay steps: each takes its own part of the answer, and is durable by itself.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

if TYPE_CHECKING:
    from ridealong.core.claims import Claim
    from ridealong.core.rubric import Section
    from ridealong.postcall.reviewer import StepLog, Support

T = TypeVar("T")

MOST_CRITERIA: Final = 8
"""That one question asks about, where a section has not more by itself: their findings are about as long as the
coaching moments or the outline, which other questions ask for meanwhile, so that nobody waits longer."""
GATHER_S: Final = 0.05
"""How long what is to be checked waits for more: what one answer brought is proved within this time."""
MOST_CLAIMS: Final = 40
"""That one question has checked: more verdicts would outgrow its answer."""


def groups_of(sections: Sequence[Section]) -> list[tuple[Section, ...]]:
    """The sections in their order, parted into as few groups of about the same number of criteria as may be."""
    wanted = [s for s in sections if s.criteria]
    total = sum(len(s.criteria) for s in wanted)
    groups = max(1, math.ceil(total / MOST_CRITERIA))
    found: list[list[Section]] = []
    taken = 0
    for section in wanted:
        # By where its middle falls: a section is not parted.
        place = min(groups - 1, int((taken + len(section.criteria) / 2) * groups / total))
        taken += len(section.criteria)
        full = found and sum(len(s.criteria) for s in found[-1]) + len(section.criteria) > MOST_CRITERIA
        if not found or full or place > len(found) - 1:
            found.append([])
        found[-1].append(section)
    return [tuple(group) for group in found]


@dataclass(slots=True)
class _Asked:
    log: StepLog
    answer: asyncio.Task[Any]
    waiting: int = 0


class SharedAnswers:
    """Answers to questions of several steps: whoever comes first asks, and the others wait for the same answer."""

    def __init__(self) -> None:
        self._asked: dict[str, _Asked] = {}

    async def get(self, name: str, log: StepLog, ask: Callable[[StepLog], Awaitable[T]]) -> T:
        """The answer of that name. `log` notes what it took where its step asked. Raises what `ask` raises, each time.

        Nothing is asked twice: a step that is tried again after its answer came finds it here.
        """
        found = self._asked.get(name)
        if found is None:
            found = self._asked[name] = _Asked(log, asyncio.ensure_future(ask(log)))
        found.waiting += 1
        try:
            return cast("T", await asyncio.shield(found.answer))
        finally:
            found.waiting -= 1
            if not found.waiting and not found.answer.done():
                found.answer.cancel()
            if log is not found.log:
                log.read = found.log.read
                if log.step == found.log.step:
                    log.asked[:0] = found.log.asked


@dataclass(slots=True, eq=False)
class _Waiting:
    claims: Mapping[str, Claim]
    log: StepLog
    verdicts: asyncio.Future[Mapping[str, Support]]


Check = Callable[["Mapping[str, Claim]", "StepLog"], Awaitable["Mapping[str, Support]"]]


@dataclass(slots=True, eq=False)
class SharedChecks:
    """Gathers the claims that steps want checked at the same time, so that a model reads their instructions once."""

    check: Check
    _waiting: list[_Waiting] = field(default_factory=list[_Waiting])
    _gathering: asyncio.Task[None] | None = None

    async def verdicts(self, claims: Mapping[str, Claim], log: StepLog) -> Mapping[str, Support]:
        """As `check`, whose log is the first comer's. Raises what `check` raises."""
        one = _Waiting(claims, log, asyncio.get_running_loop().create_future())
        self._waiting.append(one)
        if self._gathering is None:
            self._gathering = asyncio.ensure_future(self._gather())
        return await one.verdicts

    async def _gather(self) -> None:
        await asyncio.sleep(GATHER_S)
        waiting, self._waiting, self._gathering = self._waiting, [], None
        parcels: list[list[_Waiting]] = []
        for one in waiting:
            if not parcels or sum(len(w.claims) for w in parcels[-1]) + len(one.claims) > MOST_CLAIMS:
                parcels.append([])
            parcels[-1].append(one)
        await asyncio.gather(*(self._checked(parcel) for parcel in parcels))

    async def _checked(self, parcel: Sequence[_Waiting]) -> None:
        together = {f"{n}/{key}": claim for n, one in enumerate(parcel) for key, claim in one.claims.items()}
        try:
            found = await self.check(together, parcel[0].log)
        except Exception as error:
            for one in parcel:
                if not one.verdicts.done():
                    one.verdicts.set_exception(error)
            return
        for n, one in enumerate(parcel):
            if not one.verdicts.done():
                one.verdicts.set_result({key: found[k] for key in one.claims if (k := f"{n}/{key}") in found})
