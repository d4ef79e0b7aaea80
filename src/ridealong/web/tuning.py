"""A tenant's own classifier over HTTP: trainings, versions, shadow, labels, review queue, and what feedback changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Literal, Protocol
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import Field
from starlette.responses import Response

from ridealong.core.author import Author
from ridealong.core.errors import MissingPart
from ridealong.web.access import ADMIN, MANAGE, READ, Credential, Tokens, admit, author_of
from ridealong.web.answers.tuning import (
    ChangesAnswer,
    FeedbackReport,
    LabelGiven,
    LabelsAnswer,
    QueueAnswer,
    ShadowAnswer,
    TaxonomyVersion,
    TaxonomyVersions,
)
from ridealong.web.asking import PROBLEMS, Body, CallId, Text, Token, json_answer

Json = Mapping[str, object]
Then = Literal["if_not_worse", "live", "shadow", "candidate"]
State = Literal["live", "shadow", "retired"]
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]
TypeId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


class TuningOfTenants(Protocol):
    """What tenants teach their classifier. Every method sees one tenant. Raises Unavailable."""

    async def begin(self, tenant_id: UUID, author: Author, *, then: Then, trust_feedback: bool) -> Json:
        """Raises Refused('nothing_to_train' | 'already_training')."""
        ...

    async def versions(self, tenant_id: UUID) -> Json: ...

    async def version(self, tenant_id: UUID, version: int) -> Json:
        """Raises Refused('unknown_version')."""
        ...

    async def changes(self, tenant_id: UUID, version: int) -> Json:
        """Raises Refused('unknown_version')."""
        ...

    async def move(self, tenant_id: UUID, version: int, to: State, author: Author) -> Json:
        """Raises Refused('unknown_version' | 'not_trained' | 'other_features')."""
        ...

    async def shadow(self, tenant_id: UUID, version: int, call_id: UUID | None) -> Json: ...

    async def add_moment(
        self, tenant_id: UUID, call_id: UUID, author: Author, *, type_id: str, utterance_no: int, quote: str
    ) -> Json:
        """Raises Refused, or Ungrounded where the quote does not stand in the utterance."""
        ...

    async def label_moment(
        self, tenant_id: UUID, call_id: UUID, moment_id: UUID, author: Author, *, type_id: str | None
    ) -> Json: ...

    async def take_label_back(self, tenant_id: UUID, call_id: UUID, moment_id: UUID, author: Author) -> None:
        """Forget what the author said of the moment. Raises Refused('unknown_call' | 'unknown_moment')."""
        ...

    async def labels(self, tenant_id: UUID, call_id: UUID) -> Json:
        """What people say that utterances of the call are. Raises Refused('unknown_call')."""
        ...

    async def queue(self, tenant_id: UUID, *, limit: int) -> Json: ...

    async def answer_queue(
        self,
        tenant_id: UUID,
        author: Author,
        *,
        call_id: UUID,
        revision: int,
        utterance_no: int,
        type_id: str,
        holds: bool | None,
    ) -> None: ...

    async def feedback(self, tenant_id: UUID) -> Json: ...


class TrainingWanted(Body):
    """`then`: what becomes of the version. `trust_feedback`: an admin has looked at feedback that was left out."""

    then: Then = "if_not_worse"
    trust_feedback: bool = False


class MomentWanted(Body):
    """`quote`: words of the utterance, as they stand there; all of it when left out."""

    type: TypeId
    utterance_no: Annotated[int, Field(ge=0, le=2**31 - 1)]
    quote: Annotated[Text, Field(max_length=4000)] = ""


class LabelWanted(Body):
    """`type` null: it is no moment at all."""

    type: TypeId | None


class QueueLabel(Body):
    """Whether that utterance is a moment of the type; null takes one's answer back."""

    call_id: UUID
    revision: Annotated[int, Field(ge=1, le=2**31 - 1)]
    utterance_no: Annotated[int, Field(ge=0, le=2**31 - 1)]
    type: TypeId
    holds: bool | None


def tuning_api(tokens: Tokens, known: TuningOfTenants | None) -> APIRouter:
    """Routes under `/v1/taxonomy`, and the labels under `/v1/calls/{call_id}/moments`."""
    api = APIRouter(prefix="/v1", tags=["taxonomy"], responses=PROBLEMS)

    def tuning() -> TuningOfTenants:
        if known is None:
            raise MissingPart("this server trains no classifiers of tenants")
        return known

    _versions(api, tokens, tuning)

    @api.post("/calls/{call_id}/moments", status_code=201, response_model=LabelGiven)
    async def add_moment(call_id: CallId, token: Token, wanted: MomentWanted) -> Response:
        """Add a moment that nothing found: it stands in the call as `added`, and is an example to learn from."""
        principal = await admit(tokens, token, scope=MANAGE, call_id=call_id)
        made = await tuning().add_moment(
            principal.tenant_id,
            call_id,
            author_of(principal),
            type_id=wanted.type,
            utterance_no=wanted.utterance_no,
            quote=wanted.quote,
        )
        return json_answer(made, status=201)

    @api.put("/calls/{call_id}/moments/{moment_id}/label", response_model=LabelGiven)
    async def label_moment(call_id: CallId, moment_id: UUID, token: Token, wanted: LabelWanted) -> Response:
        """Agree with a moment (its own type), correct it (another type), or say that it is none (null)."""
        principal = await admit(tokens, token, scope=MANAGE, call_id=call_id)
        return json_answer(
            await tuning().label_moment(
                principal.tenant_id, call_id, moment_id, author_of(principal), type_id=wanted.type
            )
        )

    @api.delete("/calls/{call_id}/moments/{moment_id}/label", status_code=204)
    async def take_label_back(call_id: CallId, moment_id: UUID, token: Token) -> Response:
        """Take back what one said of the moment: it is no example any more. Of an added moment too."""
        principal = await admit(tokens, token, scope=MANAGE, call_id=call_id)
        await tuning().take_label_back(principal.tenant_id, call_id, moment_id, author_of(principal))
        return Response(status_code=204)

    @api.get("/calls/{call_id}/labels", response_model=LabelsAnswer)
    async def read_labels(call_id: CallId, token: Token) -> Response:
        """What managers said that utterances of the call are, the newest first: what the classifier learns from it."""
        principal = await admit(tokens, token, scope=READ, call_id=call_id)
        return json_answer(await tuning().labels(principal.tenant_id, call_id))

    @api.get("/taxonomy/queue", response_model=QueueAnswer)
    async def review_queue(token: Token, limit: Annotated[int, Query(ge=1, le=100)] = 20) -> Response:
        """Utterances that would teach the classifier the most if somebody said what they are, the best first."""
        principal = await admit(tokens, token, scope=MANAGE)
        return json_answer(await tuning().queue(principal.tenant_id, limit=limit))

    @api.post("/taxonomy/queue", status_code=204)
    async def answer_queue(token: Token, wanted: QueueLabel) -> Response:
        """Answer an item of the queue, in place of what one said before."""
        principal = await admit(tokens, token, scope=MANAGE)
        await tuning().answer_queue(
            principal.tenant_id,
            author_of(principal),
            call_id=wanted.call_id,
            revision=wanted.revision,
            utterance_no=wanted.utterance_no,
            type_id=wanted.type,
            holds=wanted.holds,
        )
        return Response(status_code=204)

    @api.get("/taxonomy/feedback", response_model=FeedbackReport)
    async def feedback_report(token: Token) -> Response:
        """What people taught, by source, type and person, and what the latest version made of it."""
        principal = await admit(tokens, token, scope=MANAGE)
        return json_answer(await tuning().feedback(principal.tenant_id))

    return api


def _versions(api: APIRouter, tokens: Tokens, tuning: Callable[[], TuningOfTenants]) -> None:
    place = "/taxonomy/versions"

    @api.post(place, status_code=202, response_model=TaxonomyVersion)
    async def train_taxonomy(token: Token, wanted: TrainingWanted) -> Response:
        """Begin to train a version. Answers at once; ask for the version until its state is no longer `training`."""
        principal = await admit(tokens, token, scope=ADMIN)
        made = await tuning().begin(
            principal.tenant_id, author_of(principal), then=wanted.then, trust_feedback=wanted.trust_feedback
        )
        return json_answer(made, status=202)

    @api.get(place, response_model=TaxonomyVersions)
    async def list_taxonomy_versions(token: Token) -> Response:
        """Every version, the newest first, and which one judges new calls (null: the shipped classifier)."""
        principal = await admit(tokens, token, scope=MANAGE)
        return json_answer(await tuning().versions(principal.tenant_id))

    @api.get(f"{place}/{{version}}", response_model=TaxonomyVersion)
    async def read_taxonomy_version(token: Token, version: Number) -> Response:
        """One version with all that its training reported."""
        principal = await admit(tokens, token, scope=MANAGE)
        return json_answer(await tuning().version(principal.tenant_id, version))

    @api.get(f"{place}/{{version}}/changes", response_model=ChangesAnswer)
    async def read_changes(token: Token, version: Number) -> Response:
        """Utterances of past calls that the version takes for a moment and what ran before it does not, or no longer.

        At most 50; the report counts them all.
        """
        principal = await admit(tokens, token, scope=MANAGE)
        return json_answer(await tuning().changes(principal.tenant_id, version))

    @api.get(f"{place}/{{version}}/shadow", response_model=ShadowAnswer)
    async def read_shadow(token: Token, version: Number, call_id: UUID | None = None) -> Response:
        """What the version found in shadow (of one call, or all), and how it compares with the live one."""
        principal = await admit(tokens, token, scope=MANAGE)
        return json_answer(await tuning().shadow(principal.tenant_id, version, call_id))

    async def move(token: Credential | None, version: int, to: State) -> Response:
        principal = await admit(tokens, token, scope=ADMIN)
        return json_answer(await tuning().move(principal.tenant_id, version, to, author_of(principal)))

    @api.post(f"{place}/{{version}}/promote", response_model=TaxonomyVersion)
    async def promote_taxonomy_version(token: Token, version: Number) -> Response:
        """Let the version judge new calls: a promotion or a roll-back, on an explicit word."""
        return await move(token, version, "live")

    @api.post(f"{place}/{{version}}/shadow", response_model=TaxonomyVersion)
    async def shadow_taxonomy_version(token: Token, version: Number) -> Response:
        """Run the version beside the live one on new calls. What it finds is never shown."""
        return await move(token, version, "shadow")

    @api.post(f"{place}/{{version}}/retire", response_model=TaxonomyVersion)
    async def retire_taxonomy_version(token: Token, version: Number) -> Response:
        """Let the version judge nothing; the live one gives way to the shipped classifier."""
        return await move(token, version, "retired")
