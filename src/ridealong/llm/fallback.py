"""Several models in order: the next one answers where one fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ridealong.core.errors import ModelFailed
from ridealong.llm import Answer, Model, Question


class Fallback:
    """Asks the first; after any ModelFailed the next. The last one's error is raised when none answered.

    `passed_over(name, error)` is told of each that failed while another was left.
    """

    def __init__(
        self, models: Sequence[Model], *, passed_over: Callable[[str, ModelFailed], None] | None = None
    ) -> None:
        if not models:
            raise ValueError("a fallback needs at least one model")
        self._models = tuple(models)
        self._passed_over = passed_over

    @property
    def name(self) -> str:
        """The first one's: the one that is meant to answer. An Answer tells which did."""
        return self._models[0].name

    async def answer(self, question: Question) -> Answer:
        for model in self._models[:-1]:
            try:
                return await model.answer(question)
            except ModelFailed as error:
                if self._passed_over is not None:
                    self._passed_over(model.name, error)
        return await self._models[-1].answer(question)

    async def close(self) -> None:
        for model in self._models:
            await model.close()
