"""What the tests of the model seam ask, and models that do as they are told."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from ridealong.core.errors import ModelFailed
from ridealong.llm import Answer, AnswerSchema, Block, Limits, Question, Usage

SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["type"],
    "properties": {"type": {"type": "string"}},
}
QUESTION = Question(
    instructions=(Block(text="Find the moment."),),
    material=(Block(text="1 customer: it costs too much"),),
    schema=AnswerSchema(name="moment", schema=SCHEMA),
    max_output_tokens=100,
)


class Stub:
    """Does the next thing of `acts`, and the last one from then on: raise an error, or answer."""

    def __init__(
        self,
        *acts: ModelFailed | None,
        takes_s: float = 0.0,
        name: str = "scripted:stub",
        usage: Usage | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.acts: Sequence[ModelFailed | None] = acts or (None,)
        self.takes_s = takes_s
        self.name = name
        self.usage = usage or Usage(input=100, output=20)
        self.limits = limits
        self.asked_at: list[float] = []
        self.cancelled = 0

    @property
    def asked(self) -> int:
        return len(self.asked_at)

    async def answer(self, question: Question) -> Answer:
        act = self.acts[min(self.asked, len(self.acts) - 1)]
        self.asked_at.append(asyncio.get_running_loop().time())
        try:
            await asyncio.sleep(self.takes_s)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if act is not None:
            raise act
        return Answer(content={"type": "none"}, model="stub", vendor="scripted", usage=self.usage, limits=self.limits)

    async def close(self) -> None:
        return
