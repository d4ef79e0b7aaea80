"""A model asked again where that may help, as long as there is time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

from ridealong.core.errors import ModelAway, ModelBusy
from ridealong.llm import Answer, Model, Question


class Retry:
    """Asks up to `attempts` times after ModelAway or ModelBusy, and waits between: as long as the vendor says, else
    `pause_s`, doubled each time, of which up to half is left out by chance so that calls do not knock together.

    A wait that would end after `within_s` from the first attempt is not begun: the error is raised at once, and the
    time is left to a fallback. The attempts themselves are limited by a Deadline around or within.
    """

    def __init__(
        self,
        model: Model,
        *,
        attempts: int = 3,
        within_s: float,
        pause_s: float = 0.25,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._model = model
        self._attempts = attempts
        self._within_s = within_s
        self._pause_s = pause_s
        self._chance = chance

    @property
    def name(self) -> str:
        return self._model.name

    async def answer(self, question: Question) -> Answer:
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + self._within_s
        for attempt in range(1, self._attempts):
            try:
                return await self._model.answer(question)
            except (ModelAway, ModelBusy) as error:
                told = error.retry_after_s if isinstance(error, ModelBusy) else None
                pause = self._pause_s * 2 ** (attempt - 1) * (1 - self._chance() / 2)
                wait = pause if told is None else told
                if loop.time() + wait >= ends_at:
                    raise
            await asyncio.sleep(wait)
        return await self._model.answer(question)

    async def close(self) -> None:
        await self._model.close()
