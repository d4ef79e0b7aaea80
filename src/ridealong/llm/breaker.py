"""A model that is left alone for a while after it failed again and again."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable

from ridealong import telemetry
from ridealong.core.errors import ModelAway, ModelBusy, ModelLeftAlone, ModelRefused, QuestionRefused
from ridealong.llm import Answer, Model, Question

Changed = Callable[[str, bool, str], None]
"""Told (model name, whether it is now left alone, the last error's own words) when that changes."""


class Breaker:
    """The state of one model, shared by everything that asks it (`guard`).

    Closed: questions pass. `failures` of them within `window_s` open it: for `rest_s` questions are refused at once
    with ModelLeftAlone. Then one probe passes, alone; its success closes it, its failure opens it for twice as long, up
    to `longest_rest_s`: an overload is mostly over in seconds, and a review that runs meanwhile can wait for that.
    ModelAway, ModelBusy and ModelRefused count; BadAnswer and QuestionRefused do not, since the vendor is there, and
    what one call holds must not take the model from all others. A question that is cancelled counts as nothing, so a
    deadline belongs inside; where the asker's own deadline changes from question to question, one that was cancelled
    after `given_up_s` counts as well.
    """

    def __init__(
        self,
        name: str,
        *,
        failures: int = 5,
        window_s: float = 30.0,
        rest_s: float = 2.0,
        longest_rest_s: float = 15.0,
        changed: Changed | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._failures = failures
        self._window_s = window_s
        self._first_rest_s = self._rest_s = rest_s
        self._longest_rest_s = longest_rest_s
        self._listeners: list[Changed] = [changed] if changed is not None else []
        self._clock = clock
        self._failed_at: deque[float] = deque(maxlen=failures)
        self._opened_at: float | None = None
        self._probing = False

    @property
    def open(self) -> bool:
        """Whether the model is left alone; also while a probe is out."""
        return self._opened_at is not None

    def listen(self, changed: Changed) -> Callable[[], None]:
        """Tell `changed` as well. Returns what ends that."""
        self._listeners.append(changed)
        return lambda: self._listeners.remove(changed)

    def guard(self, model: Model, *, given_up_s: float = math.inf) -> Guarded:
        """`model`, asked through this breaker."""
        return Guarded(model, self, given_up_s=given_up_s)

    def admit(self) -> bool:
        """Let a question pass. True: it is the probe. Raises ModelLeftAlone where none may pass."""
        if self._opened_at is None:
            return False
        left = self._opened_at + self._rest_s - self._clock()
        if left > 0 or self._probing:
            raise ModelLeftAlone(
                f"{self.name} is left alone for {max(0.0, left):.0f} s more: it failed again and again"
            )
        self._probing = True
        return True

    def succeeded(self) -> None:
        self._failed_at.clear()
        if self._opened_at is not None:
            self._opened_at = None
            self._tell(False, "it answers again")

    def failed(self, reason: str, *, probe: bool) -> None:
        now = self._clock()
        if probe:
            self._opened_at = now
            self._rest_s = min(2 * self._rest_s, self._longest_rest_s)
            return
        self._failed_at.append(now)
        full = len(self._failed_at) == self._failures
        if self._opened_at is None and full and now - self._failed_at[0] <= self._window_s:
            self._opened_at = now
            self._rest_s = self._first_rest_s
            self._tell(True, reason)

    def probe_ended(self) -> None:
        self._probing = False

    def _tell(self, is_open: bool, reason: str) -> None:
        telemetry.model_breaker_open.labels(self.name).set(int(is_open))
        for listener in tuple(self._listeners):
            listener(self.name, is_open, reason)


class Guarded:
    """A model behind a breaker."""

    def __init__(self, model: Model, breaker: Breaker, *, given_up_s: float) -> None:
        self._model = model
        self._breaker = breaker
        self._given_up_s = given_up_s

    @property
    def name(self) -> str:
        return self._model.name

    async def answer(self, question: Question) -> Answer:
        probe = self._breaker.admit()
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            answer = await self._model.answer(question)
        except QuestionRefused:
            if probe:
                self._breaker.succeeded()
            raise
        except (ModelAway, ModelBusy, ModelRefused) as error:
            self._breaker.failed(str(error), probe=probe)
            raise
        except asyncio.CancelledError:
            if loop.time() - began >= self._given_up_s:
                self._breaker.failed(f"{self.name} did not answer in {self._given_up_s:.0f} s", probe=probe)
            raise
        finally:
            if probe:
                self._breaker.probe_ended()
        if probe or not self._breaker.open:
            # A straggler from before it opened says nothing about now.
            self._breaker.succeeded()
        return answer

    async def close(self) -> None:
        await self._model.close()
