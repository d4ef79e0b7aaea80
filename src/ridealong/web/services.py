"""What the server is given. The composition root fills `Services`; tests fill it with what they ship."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol
from uuid import UUID

from ridealong.core.author import Author
from ridealong.core.events import CallEvent
from ridealong.core.sight import only_rep
from ridealong.live import RunningCalls
from ridealong.store.call_list import CallFilter, Sort
from ridealong.web.access import Principal, Tokens
from ridealong.web.confidence import ConfidenceOfTenants
from ridealong.web.pages import BUILT
from ridealong.web.people import IdentityProvider, People
from ridealong.web.settings import SettingsOfTenants
from ridealong.web.shelves import Across, CallPages, Effects, Playlists, Shares, Talk, Team
from ridealong.web.socket import Limits
from ridealong.web.taxonomy import TaxonomyOfTenants
from ridealong.web.tuning import TuningOfTenants
from ridealong.web.webhooks import WebhooksOfTenants

if TYPE_CHECKING:
    from ridealong.web.audiences import Audiences
    from ridealong.web.calendars import CalendarsOfTenants
    from ridealong.web.crm import Crms
    from ridealong.web.events import Events
    from ridealong.web.exports import Exports
    from ridealong.web.mail import MailOfTenants

Json = Mapping[str, object]

DocumentKind = Literal["taxonomy", "rubric", "template"]
ReportForm = Literal["html", "md", "email", "slack", "txt", "json"]


class Library(Protocol):
    """What is stored about calls. Every method sees one tenant; what another owns does not exist.

    All raise Unavailable while the database is away; those that take a `call_id` raise Refused('unknown_call').
    """

    async def calls(
        self, tenant_id: UUID, wanted: CallFilter, *, sort: Sort, descending: bool, limit: int, before: str | None
    ) -> Json:
        """One page: `calls`, `next` (the `before` of the next page, None on the last) and `total` over all pages."""
        ...

    async def moment_types(self, tenant_id: UUID) -> Sequence[str]:
        """The types of moments that there are, in order."""
        ...

    async def call(self, tenant_id: UUID, call_id: UUID) -> Json:
        """The call itself: state, roles, gaps, length, review state."""
        ...

    async def transcript(self, tenant_id: UUID, call_id: UUID, *, revision: int | None) -> Json: ...

    async def moments(self, tenant_id: UUID, call_id: UUID) -> Sequence[Json]: ...

    async def artifact(self, tenant_id: UUID, call_id: UUID) -> Json:
        """Raises Refused('not_reviewed') while there is no review yet."""
        ...

    async def events(self, tenant_id: UUID, call_id: UUID) -> Sequence[CallEvent]:
        """What is stored of an ended call as events, in the order of the call: utterances, moments, end, artifact."""
        ...

    async def search(self, tenant_id: UUID, query: str, *, limit: int, call_id: UUID | None) -> Sequence[Json]:
        """One ranked list of hits, each with its call and span."""
        ...

    async def erase(self, tenant_id: UUID, call_id: UUID) -> None:
        """Remove the call with everything that cites it. Raises Refused('call_running') while it is being heard."""
        ...


class ArtifactsOfCalls(Protocol):
    """A call's artifacts over time. Both raise Refused('unknown_call')."""

    async def all(self, tenant_id: UUID, call_id: UUID) -> Sequence[Json]:
        """Oldest first, numbered from 1."""
        ...

    async def difference(self, tenant_id: UUID, call_id: UUID, before: int, after: int) -> Json:
        """What changed from artifact `before` to artifact `after`. Raises Refused('unknown_artifact')."""
        ...


class Recording(Protocol):
    """One call's audio as PCM16, whatever it was sent as."""

    @property
    def sample_rate(self) -> int: ...

    @property
    def channels(self) -> int: ...

    @property
    def size(self) -> int:
        """Bytes of PCM at the time it was opened."""
        ...

    async def read(self, offset: int, size: int) -> bytes:
        """Exactly `size` bytes from `offset`, fewer only at the end."""
        ...


class Recordings(Protocol):
    async def open(self, tenant_id: UUID, call_id: UUID) -> Recording:
        """Raises Refused('unknown_call' | 'no_recording')."""
        ...


class Renderer(Protocol):
    async def __call__(self, tenant_id: UUID, call_id: UUID, *, template: str, form: ReportForm, audio_url: str) -> str:
        """The report. `audio_url` is where the page finds the call's audio.

        Raises Refused('unknown_call' | 'not_reviewed' | 'not_found'), InvalidDocument or Unavailable.
        """
        ...


class Documents(Protocol):
    """A tenant's own taxonomy, rubrics and templates, as text."""

    async def read(self, tenant_id: UUID, kind: DocumentKind, name: str) -> str:
        """The tenant's own, else the one that ships. Raises Refused('not_found')."""
        ...

    async def write(
        self, tenant_id: UUID, kind: DocumentKind, name: str, text: str, author: Author | None = None
    ) -> None:
        """Validate and store. Raises InvalidDocument with the line of the mistake."""
        ...

    async def check(self, kind: DocumentKind, name: str, text: str, tenant_id: UUID | None = None) -> Sequence[Json]:
        """Validate only, with the partials of `tenant_id`; what should be looked at, each with its `line`.

        Raises InvalidDocument with the line of the mistake.
        """
        ...

    async def all(self, tenant_id: UUID) -> Sequence[Json]:
        """What holds: the tenant's own documents and those that ship."""
        ...

    async def versions(self, tenant_id: UUID, kind: DocumentKind, name: str) -> Sequence[Json]:
        """The tenant's own versions, newest first. Raises Refused('not_found') for a document that nobody knows."""
        ...

    async def version(self, tenant_id: UUID, kind: DocumentKind, name: str, version: int) -> str:
        """Raises Refused('unknown_document')."""
        ...

    async def activate(self, tenant_id: UUID, kind: DocumentKind, name: str, version: int) -> None:
        """Let that version hold again. Raises Refused('unknown_document'), InvalidDocument."""
        ...

    async def withdraw(self, tenant_id: UUID, kind: DocumentKind, name: str) -> None:
        """Let the shipped one hold again. Raises Refused('unknown_document')."""
        ...


class Previews(Protocol):
    async def __call__(
        self, tenant_id: UUID, kind: DocumentKind, name: str, text: str, *, call_id: UUID, form: ReportForm
    ) -> Json:
        """What a document would make of a call. Raises InvalidDocument, Refused('unknown_call' | 'not_reviewed')."""
        ...


class PolicyReplays(Protocol):
    async def __call__(self, tenant_id: UUID, call_ids: Sequence[UUID], *, policy: str, taxonomy: str) -> Json:
        """Past calls under a changed policy; an empty text changes nothing. Raises InvalidDocument with the line,
        Refused('unknown_call')."""
        ...


class Voices(Protocol):
    async def enrol(self, tenant_id: UUID, rep_id: str, wav: bytes) -> Json:
        """Learn a rep's voice from a recording of them alone. Raises InvalidAudio with what to send instead."""
        ...


class ModelChoices(Protocol):
    """A tenant's own models, and its keys with their vendors."""

    async def read(self, tenant_id: UUID) -> Json:
        """What the tenant chose and what is in use. Of keys only whether there is one, since when, and how it ends."""
        ...

    async def write(self, tenant_id: UUID, change: Mapping[str, object]) -> Json:
        """Keep what `change` holds (`web.models.ModelsChange`), and answer as `read`.

        Raises Refused('bad_request'), or MissingPart where the server has nothing to encrypt keys with.
        """
        ...


async def _ready() -> None:
    return


async def refuse_others_call(services: Services, principal: Principal, call_id: UUID) -> None:
    """Raises Refused('unknown_call') for a call that `principal` does not see.

    For what is found in memory: whatever is read from the store is filtered there.
    """
    if only_rep(principal.tenant_id) is not None:
        await services.library.call(principal.tenant_id, call_id)


@dataclass(frozen=True, kw_only=True, slots=True)
class Services:
    """Everything that the server stands on. What is None answers `missing_part`."""

    calls: RunningCalls
    tokens: Tokens
    library: Library
    recordings: Recordings
    render: Renderer
    documents: Documents | None = None
    voices: Voices | None = None
    models: ModelChoices | None = None
    previews: Previews | None = None
    policy_replays: PolicyReplays | None = None
    effects: Effects | None = None
    call_pages: CallPages | None = None
    talk: Talk | None = None
    shares: Shares | None = None
    playlists: Playlists | None = None
    team: Team | None = None
    across: Across | None = None
    settings: SettingsOfTenants | None = None
    webhooks: WebhooksOfTenants | None = None
    crm: Crms | None = None
    calendars: CalendarsOfTenants | None = None
    mail: MailOfTenants | None = None
    tuning: TuningOfTenants | None = None
    taxonomy: TaxonomyOfTenants | None = None
    audiences: Audiences | None = None
    events: Events | None = None
    exports: Exports | None = None
    artifacts: ArtifactsOfCalls | None = None
    confidence: ConfidenceOfTenants | None = None
    people: People | None = None
    """Who signs in; None: programs with tokens alone."""
    identity: IdentityProvider | None = None
    """Where a company's people sign in instead; needs `people`."""
    public_url: str | None = None
    """The address that people use, where the operator states one: without a path, for example https://calls.example."""
    ready: Callable[[], Awaitable[None]] = _ready
    """Returns when calls can be taken, raises RidealongError with the reason when they cannot."""
    limits: Limits = field(default_factory=Limits)
    pages: Path = BUILT
    """The folder of the built pages."""
