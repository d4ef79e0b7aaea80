"""A model that says what it was told to: for demonstrations, rehearsals and tests. Nothing leaves the machine."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from ridealong.core.errors import BadAnswer, InvalidDocument
from ridealong.document import read_document
from ridealong.llm import Answer, Question, Usage
from ridealong.llm.endpoint import Endpoint
from ridealong.llm.prompt import joined
from ridealong.llm.schema import Schemas, read_object

Script = Callable[[Question], Mapping[str, object] | str | Awaitable[Mapping[str, object] | str]]
"""Gives the answer to a question: an object, or text to be read as a model's text would be."""


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_name: str | None = Field(default=None, alias="schema")
    contains: str = ""
    answer: dict[str, object]


class _File(BaseModel):
    """`answers`, tried from the top: the first whose `schema` and `contains` fit answers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    delay_s: float = Field(default=0.0, ge=0, le=60)
    answers: tuple[_Line, ...] = Field(min_length=1)


class ScriptedModel:
    """Answers from the YAML file that its model id names (`scripted:answers.yaml`), or from a function (`of`)."""

    def __init__(self, endpoint: Endpoint) -> None:
        path = Path(endpoint.model_id)
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise InvalidDocument("cannot be read: name a YAML file after `scripted:`", source=str(path)) from None
        script = read_document(text, _File, source=str(path))

        async def from_file(question: Question) -> Mapping[str, object] | str:
            if script.delay_s:
                await asyncio.sleep(script.delay_s)
            asked = joined((*question.instructions, *question.material))
            for line in script.answers:
                if line.schema_name in (None, question.schema.name) and line.contains in asked:
                    return line.answer
            raise BadAnswer(f"{path} has no answer to a question of the schema '{question.schema.name}': add one")

        self._name = endpoint.name
        self._script: Script = from_file
        self._schemas = Schemas(None)

    @classmethod
    def of(cls, script: Script, *, name: str = "scripted:function") -> Self:
        """A model that answers by a function, which may also raise what a model would."""
        made = cls.__new__(cls)
        made._name = name
        made._script = script
        made._schemas = Schemas(None)
        return made

    @property
    def name(self) -> str:
        return self._name

    async def answer(self, question: Question) -> Answer:
        prepared = self._schemas.prepare(question.schema)
        loop = asyncio.get_running_loop()
        started = loop.time()
        said = self._script(question)
        if inspect.isawaitable(said):
            said = await said
        text = said if isinstance(said, str) else json.dumps(dict(said))
        content = read_object(text, prepared, who=self.name)
        asked = joined((*question.instructions, *question.material))
        return Answer(
            content=content,
            model=self._name.partition(":")[2],
            vendor="scripted",
            # Words stand in for tokens: budgets and reports have something to count.
            usage=Usage(input=len(re.findall(r"\w+", asked)), output=len(re.findall(r"\w+", text))),
            seconds=loop.time() - started,
        )

    async def close(self) -> None:
        """Nothing was opened."""
