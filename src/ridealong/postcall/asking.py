"""Asking models in their order within the time that is left, and noting what each was asked."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from ridealong.core.artifact import StepOutcome
from ridealong.core.errors import BadAnswer, BudgetSpent, ModelAway, ModelBusy, ModelFailed, ModelRefused
from ridealong.llm import Usage

if TYPE_CHECKING:
    from ridealong.llm import Model, Question
    from ridealong.postcall.reviewer import StepLog

T = TypeVar("T")

FIRST_SHARE: Final = 0.6
"""Of the time left, what a model may use while another one could still be asked after it."""
LEAST_SECONDS: Final = 0.5
"""With less time than this there is no use in asking."""
PAUSE_SECONDS: Final = 0.3
"""Before a model that was away is asked again; twice as long each time, up to `LONGEST_PAUSE_SECONDS`."""
LONGEST_PAUSE_SECONDS: Final = 4.0
ROUNDS: Final = 2
WAITING_ROUNDS: Final = 8
"""How often models are waited for on top where none of them answered at all: a review asks a dozen questions at once,
and a rate limit or an overload of some seconds must not cost a section, nor the whole review."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ReviewModel:
    """A model with what a review must know of it."""

    model: Model
    context_tokens: int
    """Prompt and answer together."""
    lead_tokens: int | None = None
    """From this many tokens on its vendor keeps a marked prefix, and charges more for keeping it: the first question
    is then sent ahead of the others. None: the vendor finds prefixes by itself, or has no cache."""
    price: Callable[[Usage], float | None] = lambda _usage: None
    """US dollars of a usage, None where no price is known."""


async def ask(
    models: Sequence[ReviewModel],
    build: Callable[[ReviewModel], Question],
    read: Callable[[Mapping[str, object]], T],
    *,
    log: StepLog,
    part: str,
    until: float,
    prompt: str = "",
    patience: int = WAITING_ROUNDS,
) -> T:
    """What `read` makes of the first answer that fits. `until`: the event loop's time at which it must be there.
    `prompt`: the version of the prompt, kept with the step.

    One model after the other is asked, and those that were away, busy or answered nonsense once more at the end, while
    there is time; where all were away or busy, up to `patience` times more. Raises the last model's ModelFailed.
    """
    loop = asyncio.get_running_loop()
    last: ModelFailed = ModelAway("no time was left to ask a model: allow a review more in RIDEALONG_REVIEW_BUDGET_S")
    waiting = list(models)
    rounds, waited = ROUNDS, 0
    while rounds:
        again: list[ReviewModel] = []
        wait = math.inf
        none_answered = True
        for place, asked in enumerate(waiting):
            began = loop.time()
            left = until - began
            if left < LEAST_SECONDS:
                raise last
            others = len(waiting) - place - 1
            usage, outcome = Usage(), StepOutcome.ANSWERED
            try:
                async with asyncio.timeout(left * FIRST_SHARE if others else left):
                    answer = await asked.model.answer(build(asked))
                usage = answer.usage
                return read(answer.content)
            except TimeoutError:
                outcome = StepOutcome.LATE
                last = ModelAway(f"{asked.model.name} did not answer in time")
                none_answered = False
            except ModelFailed as error:
                outcome, last = _outcome(error), error
                if usage == Usage():  # an answer that came but could not be read has brought its own
                    usage = error.billed
                if outcome is not StepOutcome.REFUSED:
                    none_answered = none_answered and outcome is not StepOutcome.BAD_ANSWER
                    again.append(asked)
                    wait = min(wait, _pause(error, waited))
            finally:
                log.note(
                    part=part,
                    model=asked.model.name,
                    outcome=outcome,
                    usage=usage,
                    # An answer whose vendor tells no usage is not known to be free.
                    cost_usd=None if usage == Usage() and outcome is StepOutcome.ANSWERED else asked.price(usage),
                    seconds=loop.time() - began,
                    prompt=prompt,
                )
        if not again or loop.time() + wait + LEAST_SECONDS >= until:
            break
        await asyncio.sleep(wait)
        waiting = again
        if none_answered and waited < patience:
            waited += 1
        else:
            rounds -= 1
    raise last


def _pause(error: ModelFailed, waited: int) -> float:
    stated = error.retry_after_s if isinstance(error, ModelBusy) else None
    return min(LONGEST_PAUSE_SECONDS, PAUSE_SECONDS * 2**waited) if stated is None else stated


def _outcome(error: ModelFailed) -> StepOutcome:
    match error:
        case ModelRefused():
            return StepOutcome.REFUSED
        case BudgetSpent():
            return StepOutcome.BUDGET_SPENT
        case ModelBusy():
            return StepOutcome.BUSY
        case BadAnswer():
            return StepOutcome.BAD_ANSWER
        case _:
            return StepOutcome.AWAY


class Lead:
    """Lets the first question of a review go ahead, so that its vendor's cache holds the prefix for the others.

    Without it all of them arrive together, none finds anything kept, and each pays for keeping it.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._begun = asyncio.Event()
        self._taken = False

    def begun(self) -> None:
        self._begun.set()

    async def turn(self) -> bool:
        """True for the first comer, at once; False for the others, when it began to be answered or `seconds` later."""
        if not self._taken:
            self._taken = True
            return True
        try:
            async with asyncio.timeout(self._seconds):
                await self._begun.wait()
        except TimeoutError:
            self._begun.set()
        return False
