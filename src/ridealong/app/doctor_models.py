"""The models of the settings: whether their keys are there and valid, how long an answer takes from here, whether they
will be there next month, and what will be asked of whom.

Each is asked one question of a few words, which holds nothing of any call.
"""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import Final

from ridealong.app.checks import Check, Outcome
from ridealong.app.tenant_models import verify_names
from ridealong.config import Settings
from ridealong.core.errors import ModelBusy, ModelFailed, RidealongError
from ridealong.llm import VENDORS, AnswerSchema, Block, Question
from ridealong.llm.capabilities import Capability
from ridealong.llm.deadline import Deadline
from ridealong.llm.house import ModelHouse
from ridealong.store.model_choices import ModelChoice

_SOON: Final = timedelta(days=90)
_PATIENCE_S: Final = 20.0

_QUESTION: Final = Question(
    instructions=(Block(text="This checks the connection. Answer that all is well."),),
    material=(Block(text="Is all well?"),),
    schema=AnswerSchema(
        name="well",
        schema={
            "type": "object",
            "additionalProperties": False,
            "required": ["well"],
            "properties": {"well": {"type": "boolean"}},
        },
    ),
    max_output_tokens=200,
)


async def check_models(settings: Settings, *, today: date | None = None) -> list[Check]:
    """One check for each model that the settings name, then what they add up to. Never raises."""
    try:
        house = ModelHouse(settings)
    except RidealongError as error:
        return [Check(name="models file", outcome=Outcome.FAIL, message=str(error))]
    live = settings.live_model_name
    asked = [("live model", live)] if live is not None else []
    reviewers = settings.review_model_names
    asked += [(f"review model {n}", name) for n, name in enumerate(reviewers, start=1)]
    verifiers = verify_names(settings, ModelChoice(), house) if reviewers else ()
    known = {name for _, name in asked}
    asked += [("verify model", name) for name in verifiers if name not in known]
    deadline_s = settings.live_deadline_ms / 1000
    day = today or date.today()
    try:
        checks = await asyncio.gather(*(_check(house, label, name, day, deadline_s) for label, name in asked))
    finally:
        await house.close()
    return [*checks, _sum_up(settings, live, reviewers, verifiers)]


async def _check(house: ModelHouse, label: str, name: str, today: date, deadline_s: float) -> Check:
    try:
        model = house.model(name)
    except RidealongError as error:
        return Check(name=label, outcome=Outcome.FAIL, message=str(error))
    can = house.capability(name)
    try:
        answer = await Deadline(model, seconds=_PATIENCE_S).answer(_QUESTION)
    except ModelBusy as error:
        return Check(name=label, outcome=Outcome.WARN, message=f"{name}: the key is valid, but {error}")
    except ModelFailed as error:
        return Check(name=label, outcome=Outcome.FAIL, message=f"{name}: {error}{_successor(can)}")
    return _reached(label, can, answer.seconds, today, deadline_s)


def _reached(label: str, can: Capability, seconds: float, today: date, deadline_s: float) -> Check:
    found = f"{can.id} answers in {seconds:.2f} s from here, connecting included"
    outcome = Outcome.OK
    if can.retires is not None and can.retires <= today + _SOON:
        when = "was to be retired" if can.retires <= today else "will be retired"
        outcome, said = Outcome.WARN, f"it {when} on {can.retires}{_successor(can)}"
    elif label == "live model" and seconds > deadline_s:
        said = (
            f"that is over the {deadline_s:g} s after which the local decision stands: choose a faster model, "
            "or a longer RIDEALONG_LIVE_DEADLINE_MS"
        )
        outcome = Outcome.WARN
    elif can.price is None:
        said = "its price is not known, so no cost is reckoned: add it to RIDEALONG_MODELS_FILE"
    else:
        said = f"${can.price.input:g} in, ${can.price.output:g} out a million tokens, as of {can.price.seen}"
    return Check(name=label, outcome=outcome, message=f"{found}; {said}")


def _successor(can: Capability) -> str:
    return f"; its successor is {can.successor}" if can.successor is not None else ""


def _sum_up(settings: Settings, live: str | None, reviewers: tuple[str, ...], verifiers: tuple[str, ...]) -> Check:
    """What these settings will do, in plain words."""
    ears = " or, while that is away, by ".join(part.strip() for part in settings.transcriber.split(","))
    during = "it is judged by the local classifier alone"
    if live is not None:
        deadline = f"after {settings.live_deadline_ms} ms without an answer the local decision stands"
        during = f"it is judged by the local classifier, and by {live} where that is unsure ({deadline})"
    again = f"its recording is heard again by {settings.retranscriber.strip()}, and " if settings.retranscriber else ""
    keys = [vendor for vendor in VENDORS if settings.model_key(vendor) is not None]
    held = f"keys are here for {', '.join(keys)}" if keys else "there is no key, and none is needed"
    message = f"a call is heard by {ears}; {during}; after it {again}{_review(settings, reviewers, verifiers)}; {held}"
    return Check(name="models", outcome=Outcome.OK, message=message)


def _review(settings: Settings, reviewers: tuple[str, ...], verifiers: tuple[str, ...]) -> str:
    if not reviewers:
        return "the local reviewer makes the review"
    doubt = f", its claims are read a second time by {verifiers[0]}" if verifiers else ""
    last = "the local reviewer makes it" if settings.review_stand_in else "it fails and can be asked for again"
    return (
        f"the review is made within {settings.review_budget_s:g} s by {', then '.join(reviewers)}{doubt}; "
        f"where none answers {last}"
    )
