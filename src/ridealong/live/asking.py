"""The open questions of one call: asked beside the transcript, answered within the deadline, or decided locally."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import structlog

from ridealong import telemetry
from ridealong.core.errors import BadAnswer, BudgetSpent, ModelFailed, ModelRefused, QuestionRefused
from ridealong.live.cascade import Cascade
from ridealong.live.second_opinion import SecondOpinion, Unusable

if TYPE_CHECKING:
    from ridealong.core.moments import Detection
    from ridealong.core.transcript import Roles, Transcript
    from ridealong.live.cascade import CascadeSettings, Doubt
    from ridealong.live.second_opinion import Opinion
    from ridealong.live.taxonomy import Taxonomy
    from ridealong.llm import Model

AWAY_AFTER: Final = 2
"""Questions in a row without an answer after which the model counts as away. A refusal counts at once, since it stays,
and so does a day's budget that is spent."""

BAD_AFTER: Final = 4
"""Answers in a row that were no use after which the model counts as away too: it costs and gives nothing."""

LATE_GRACE_S: Final = 0.1
"""So much longer than its deadline a late question lives: its own wrapper's deadline should end it, since a breaker
learns nothing from a question that we cancel."""

LEAST_WAIT_S: Final = 0.1
"""A question that could be waited for no longer than this is not worth its price."""

_NO_ANSWERS: Final = (
    "the live model gives no answers: moments are decided on this machine alone; run `ridealong doctor`"
)
_TOKENS_SPENT: Final = (
    "the organisation's tokens for models are used up: moments are decided on this machine alone until some are back"
)
_DAY_SPENT: Final = (
    "the organisation's tokens for models are used up for today: moments are decided on this machine alone until "
    "00:00 UTC, or until an admin allows more"
)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Hosted:
    """What one call needs to ask a model."""

    model: Model
    opinions: SecondOpinion
    cascade: Cascade
    settings: CascadeSettings

    @classmethod
    def of(cls, model: Model, taxonomy: Taxonomy, *, language: str, settings: CascadeSettings) -> Hosted:
        return cls(
            model=model,
            opinions=SecondOpinion(taxonomy, language=language),
            cascade=Cascade(taxonomy, language=language, wording=settings.wording),
            settings=settings,
        )


@dataclass(slots=True, eq=False)
class _Open:
    """A doubt that is being asked about."""

    doubt: Doubt
    heard_ts: float
    timer: asyncio.TimerHandle | None = None
    settled: bool = False


@dataclass(slots=True, eq=False)
class _Request:
    """One question under way. It is about every utterance in `opens`, the last of which it was asked for."""

    opens: list[_Open]
    asked_at: float
    task: asyncio.Task[None] | None = None
    late: bool = False
    """It came too late for what it was asked for, and counts as unanswered."""

    @property
    def nos(self) -> tuple[int, ...]:
        return tuple(o.doubt.utterance.no for o in self.opens)


@dataclass(slots=True, eq=False, kw_only=True)
class Asking:
    """Asks the model about doubts and reports each decision once, through `decided(detections, heard_ts)`.

    Every doubt is settled by its own timer at the latest, whatever the model or its adapter do. One question that was
    given up is heard out nevertheless: where people talk fast, each is given up before its deadline, and nobody would
    learn that the vendor hangs. Not thread-safe.
    """

    hosted: Hosted
    transcript: Transcript
    roles: Callable[[], Roles]
    decided: Callable[[Sequence[Detection], float], None]
    warn: Callable[[str, str], None]
    _requests: list[_Request] = field(default_factory=list[_Request], init=False)
    _heard_out: _Request | None = field(default=None, init=False)
    _idle: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _group: asyncio.TaskGroup | None = field(default=None, init=False)
    _unanswered: int = field(default=0, init=False)
    _bad: int = field(default=0, init=False)
    _away: bool = field(default=False, init=False)

    def begin(self, group: asyncio.TaskGroup) -> None:
        """Ask in tasks of `group` from now on."""
        self._group = group
        self._idle.set()

    def ask(self, doubt: Doubt, *, heard_ts: float, heard_at: float, now_ts: float) -> None:
        """Ask about `doubt` without waiting. Its utterance was finished at `heard_at` (the event loop's time), at
        `heard_ts` of call audio; now it is `now_ts`.
        """
        opened = _Open(doubt=doubt, heard_ts=heard_ts)
        loop = asyncio.get_running_loop()
        until = heard_at + self.hosted.settings.deadline_ms / 1000
        latest_ts = self.hosted.cascade.latest_ts(doubt)
        if latest_ts is not None and latest_ts > now_ts:
            # What would be shown without the model must not come too late because of it.
            until = min(until, loop.time() + (latest_ts - now_ts) / 1000 - LEAST_WAIT_S / 2)
        if self._group is None or until - loop.time() < LEAST_WAIT_S:
            self._settle(opened, None)
            return
        opens = [*self._superseded(doubt), opened]
        while len(self._requests) >= self.hosted.settings.in_flight:
            self._drop(self._requests[0], "superseded")
        request = _Request(opens=opens, asked_at=loop.time())
        self._requests.append(request)
        self._idle.clear()
        opened.timer = loop.call_at(until, self._late, opened)
        request.task = self._group.create_task(self._run(request))

    def _superseded(self, doubt: Doubt) -> list[_Open]:
        """The undecided parts of the same turn: the new question's window holds them, so their own are cancelled."""
        taken: list[_Open] = []
        for request in list(self._requests):
            first = request.opens[0].doubt.utterance.no
            between = [u for u in self.transcript.recent(10) if first <= u.no <= doubt.utterance.no]
            if between and between[0].no == first and all(u.speaker == doubt.utterance.speaker for u in between):
                taken += [o for o in request.opens if not o.settled]
                self._cancel(request, "superseded")
        return taken

    async def settled(self) -> None:
        """Wait until nothing is open: at most the deadline."""
        await self._idle.wait()

    def close(self) -> None:
        """Stop asking: what is open is decided locally, now."""
        self._group = None
        for request in list(self._requests):
            self._drop(request, "closed")
        if self._heard_out is not None and self._heard_out.task is not None:
            self._heard_out.task.cancel()

    # ---- one question

    async def _run(self, request: _Request) -> None:
        try:
            opinion = await self._opinion(request)
            if request in self._requests:
                for opened in request.opens:
                    self._settle(opened, opinion)
        finally:
            if self._heard_out is request:
                self._heard_out = None
            # Else somebody has taken its doubts over. What the end of the process cuts off is decided locally.
            if request in self._requests:
                self._requests.remove(request)
                for opened in request.opens:
                    self._settle(opened, None)

    async def _opinion(self, request: _Request) -> Opinion | None:
        nos, opinions = request.nos, self.hosted.opinions
        failure: Exception | None = None
        found: Opinion | Unusable | None = None
        try:
            answer = await self.hosted.model.answer(opinions.question(self.transcript, nos, self.roles()))
            found = opinions.read(answer, self.transcript, nos, self.roles())
        except ModelFailed as error:
            failure = error
        except Exception as error:
            # An adapter's mistake must not end the call.
            _log.error("live_model_failed", error=type(error).__name__)
            failure = error
        if request.late:
            return None  # counted as late already, and decided
        given_up = request is self._heard_out
        if failure is not None:
            if not given_up:
                self._count("bad_answer" if isinstance(failure, BadAnswer) else "failed")
            self._no_answer(failure)
            return None
        self._answered()
        if given_up:
            return None  # counted when it was given up
        if isinstance(found, Unusable):
            self._count(found.value)
            if found is Unusable.UNGROUNDED:
                telemetry.drafts_ungrounded_total.inc()
            return None
        self._count("answered")
        return found

    def _late(self, opened: _Open) -> None:
        """The deadline is over: the local decision stands."""
        self._settle(opened, None)
        for request in self._requests:
            if not request.late and all(o.settled for o in request.opens):
                self._count("late")
                self._too_late(request)

    def _too_late(self, request: _Request) -> None:
        if request.late or request.task is None or request.task.done():
            return
        request.late = True
        self._no_answer(None)
        # Asked some time after its utterance was finished, it is still within what the vendor is given.
        loop = asyncio.get_running_loop()
        loop.call_at(max(loop.time(), self._ends_at(request)) + LATE_GRACE_S, request.task.cancel)

    def _ends_at(self, request: _Request) -> float:
        return request.asked_at + self.hosted.settings.deadline_ms / 1000

    def _drop(self, request: _Request, outcome: str) -> None:
        self._cancel(request, outcome)
        for opened in request.opens:
            self._settle(opened, None)

    def _cancel(self, request: _Request, outcome: str) -> None:
        if not request.late:
            self._count(outcome)
        self._requests.remove(request)
        if request.task is None:
            return
        if self._heard_out is None and self._group is not None:
            self._heard_out = request
            asyncio.get_running_loop().call_at(self._ends_at(request), self._too_late, request)
        else:
            request.task.cancel()

    def _settle(self, opened: _Open, opinion: Opinion | None) -> None:
        if opened.settled:
            return
        opened.settled = True
        if opened.timer is not None:
            opened.timer.cancel()
        detections = self.hosted.cascade.settle(opened.doubt, opinion, self.roles())
        if detections:
            self.decided(detections, opened.heard_ts)
        if all(o.settled for r in self._requests for o in r.opens):
            self._idle.set()

    def _count(self, outcome: str) -> None:
        telemetry.live_questions_total.labels(outcome).inc()

    # ---- away and back

    def _no_answer(self, error: Exception | None) -> None:
        answers = isinstance(error, BadAnswer | QuestionRefused)
        if answers:
            self._bad += 1
        else:
            self._unanswered += 1
        refused = isinstance(error, ModelRefused) and not answers
        spent = isinstance(error, BudgetSpent) and error.for_today
        gone = self._unanswered >= AWAY_AFTER or self._bad >= BAD_AFTER or refused or spent
        if not self._away and gone:
            self._away = True
            # Our own errors hold nothing of what was said; others may, and are named by their kind.
            known = isinstance(error, ModelFailed)
            reason = str(error) if known else type(error).__name__ if error is not None else "late"
            _log.warning("live_model_away", model=self.hosted.model.name, reason=reason)
            self.warn("live_model_away", _told(error))

    def _answered(self) -> None:
        self._unanswered = self._bad = 0
        if self._away:
            self._away = False
            self.warn("live_model_back", "the live model answers again")


def _told(error: Exception | None) -> str:
    """What whoever watches is told of a model that counts as away because of `error`."""
    if not isinstance(error, BudgetSpent):
        return _NO_ANSWERS
    return _DAY_SPENT if error.for_today else _TOKENS_SPENT
