"""A model that answers in time or not at all."""

from __future__ import annotations

import asyncio

from ridealong.core.errors import ModelLate
from ridealong.llm import Answer, Model, Question


class Deadline:
    """Ends a question after `seconds`: its request is cancelled, and ModelLate raised."""

    def __init__(self, model: Model, *, seconds: float) -> None:
        self._model = model
        self._seconds = seconds

    @property
    def name(self) -> str:
        return self._model.name

    async def answer(self, question: Question) -> Answer:
        try:
            async with asyncio.timeout(self._seconds):
                return await self._model.answer(question)
        except TimeoutError:
            raise ModelLate(f"{self.name} did not answer within {self._seconds:g} s") from None

    async def close(self) -> None:
        await self._model.close()
