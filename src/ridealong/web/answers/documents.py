"""A tenant's documents, their versions, and what one would do to a past call."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from ridealong.web.answers import Answer
from ridealong.web.answers.artifact import ArtifactShown
from ridealong.web.answers.team import LiveMoment

DocumentKindName = Literal["taxonomy", "rubric", "template"]


class DocumentListed(Answer):
    """`own`: the tenant's own holds, in this `version`; else the one that ships."""

    kind: DocumentKindName
    name: str
    own: bool
    version: int | None
    changed_at: datetime | None
    changed_by: str | None


class DocumentsAnswer(Answer):
    documents: list[DocumentListed]


class DocumentVersion(Answer):
    """`size` in characters. `created_by` is null for one written before people signed in."""

    version: int
    active: bool
    created_at: datetime
    created_by: str | None
    size: int


class VersionsAnswer(Answer):
    """The newest first."""

    versions: list[DocumentVersion]


class DocumentWarning(Answer):
    """`line`: one-based, in the document."""

    line: int
    message: str


class DocumentFine(Answer):
    """`warnings`: what can be kept and should be looked at."""

    ok: Literal[True]
    warnings: list[DocumentWarning]


class EmailShown(Answer):
    """What an e-mail's template makes: the subject, and the same as HTML and as text."""

    subject: str
    html: str
    text: str


class DocumentPreview(Answer):
    """What the document makes of the call; nothing of it is stored. One key has a value, by the document's kind.

    template: the key of its form, `slack` and `json_text` as JSON; rubric: `artifact`, scored by the local reviewer;
    taxonomy: `moments`, as they would have been decided live, by the local classifier.
    """

    html: str | None = None
    md: str | None = None
    email: EmailShown | None = None
    slack: str | None = None
    txt: str | None = None
    json_text: str | None = None
    artifact: ArtifactShown | None = None
    moments: list[LiveMoment] | None = None
