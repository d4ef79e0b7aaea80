"""What a training is given: the tenant's document, what its people said of its calls, and what the model saw before."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from uuid import UUID

import numpy as np

from ridealong.core.errors import Refused
from ridealong.core.transcript import UNATTRIBUTED, Role, TranscriptId
from ridealong.live.taxonomy import Kind, Taxonomy, default_taxonomy
from ridealong.live.tenant_heads import read_taxonomy
from ridealong.live.train import plain
from ridealong.live.tuning import DOUBLED
from ridealong.store import calls, labels, tenants
from ridealong.store.labels import Said

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from psycopg import AsyncConnection

    from ridealong.core.transcript import Roles, Transcript
    from ridealong.live.taxonomy import MomentType
    from ridealong.store.labels import StoredLabel

PAST_CALLS: Final = 20
PAST_UTTERANCES: Final = 400
"""Of the tenant's latest calls so much is judged again by the running and the new head, and compared."""

TURNS_BEFORE: Final = 3
MOST_CALLS: Final = 300
"""Calls whose labels are used: the newest."""

Json = dict[str, object]
Views = Mapping[str, "NDArray[np.floating]"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class TuningJob:
    """`job` is what the worker reads; the texts say where what it has to read anew is kept."""

    job: Json
    views: dict[str, NDArray[np.floating]]
    written: dict[str, bytes]
    """Texts that stand in the document, with their SHA-256."""
    spoken: dict[str, list[Said]]
    """Texts of utterances, with where they were said."""


@dataclass(slots=True)
class _Calls:
    """Transcripts and roles, each read once."""

    connection: AsyncConnection
    known: dict[TranscriptId, tuple[Transcript, Roles]] = field(
        default_factory=dict[TranscriptId, "tuple[Transcript, Roles]"]
    )

    async def read(self, transcript_id: TranscriptId) -> tuple[Transcript, Roles]:
        if transcript_id not in self.known:
            transcript = await calls.load_transcript(self.connection, transcript_id)
            self.known[transcript_id] = (transcript, await calls.load_roles(self.connection, transcript_id))
        return self.known[transcript_id]


async def load_tenant_taxonomy(connection: AsyncConnection) -> Taxonomy:
    document = await tenants.active_document(connection, tenants.DocumentKind.TAXONOMY, "default")
    return default_taxonomy() if document is None else read_taxonomy(document.body)


async def all_labels(connection: AsyncConnection) -> list[StoredLabel]:
    """Managers' labels and reps' verdicts, newest first. Where a manager labelled the same, a verdict gives way:
    a manager has the words in view, a rep was in the middle of the call."""
    stated = await labels.list_labels(connection)
    known = {(label.said, label.type) for label in stated}
    verdicts = [v for v in await labels.feedback_labels(connection) if (v.said, v.type) not in known]
    return sorted((*stated, *verdicts), key=lambda label: label.at, reverse=True)[: labels.MOST_STATEMENTS]


async def gather(connection: AsyncConnection, *, features: str, trust_feedback: bool) -> TuningJob:
    """Raises Refused('nothing_to_train') where there is neither an example nor feedback."""
    taxonomy = await load_tenant_taxonomy(connection)
    types = {t.id: t for t in taxonomy.types if t.kind is Kind.CONTENT}
    given = [label for label in await all_labels(connection) if label.type in types]
    statements = [entry for one in types.values() for entry in _of_document(one)]
    if not statements and not given:
        raise Refused(
            "nothing_to_train",
            "there is nothing to learn from yet: give types of the taxonomy `examples`, or feedback on moments",
        )
    read = _Calls(connection)
    newest = list(dict.fromkeys(label.said.call_id for label in given))[:MOST_CALLS]
    for label in given:
        if label.said.call_id in newest:
            entry = await _of_call(read, label.said)
            if entry is not None:
                statements.append(
                    {
                        **entry,
                        "type": label.type,
                        "holds": label.holds,
                        "source": label.source,
                        "by": str(label.author.member_id or f"name:{label.author.name}"),
                        "by_name": label.author.name,
                    }
                )
    past = await _past(connection, read, [label.said for label in given])
    spoken: dict[str, list[Said]] = defaultdict(list)
    for transcript, _ in read.known.values():
        for utterance in transcript:
            spoken[utterance.text].append(
                Said(call_id=transcript.id.call_id, revision=transcript.id.revision, utterance_no=utterance.no)
            )
    written = hashes_of(read_texts(types.values()))
    views = await _known(connection, written, spoken, features)
    job: Json = {
        "trust_feedback": trust_feedback,
        "types": [
            {"id": t.id, "role": t.role, "description": f"{t.label}. {t.description}", "detect": t.detect}
            for t in types.values()
        ],
        "statements": statements,
        "past": past,
    }
    return TuningJob(job=job, views=views, written=written, spoken=dict(spoken))


def _of_document(one: MomentType) -> list[Json]:
    speaker = "unknown" if one.role == "any" else one.role
    other = {"customer": "rep", "rep": "customer"}.get(one.role, "unknown")
    return [
        {
            "text": example.text,
            "role": speaker,
            "before": [{"text": example.after, "role": other}] if example.after else [],
            # Each is a call of its own: they have nothing in common but their author.
            "group": f"document:{example.text}",
            "place": None,
            "type": one.id,
            "holds": holds,
            "source": "document",
            "by": "",
            "by_name": "",
        }
        for holds, examples in ((True, one.examples), (False, one.not_examples))
        for example in examples
    ]


async def _of_call(read: _Calls, said: Said) -> Json | None:
    """An utterance with its speaker and the turns before it; None where nobody is known to have said it."""
    transcript, roles = await read.read(said.transcript_id)
    if said.utterance_no not in transcript:
        return None
    utterance = transcript[said.utterance_no]
    if utterance.speaker is UNATTRIBUTED:
        return None
    before = [
        u
        for u in transcript
        if u.no < utterance.no and u.speaker != utterance.speaker and u.end_ts > utterance.start_ts - 60_000
    ][-TURNS_BEFORE:]
    return {
        "text": utterance.text,
        "role": roles.role_of(utterance.speaker).value,
        "before": [{"text": u.text, "role": roles.role_of(u.speaker).value} for u in before],
        "group": f"call:{said.call_id}",
        "place": {
            "call_id": str(said.call_id),
            "revision": said.revision,
            "utterance_no": said.utterance_no,
        },
    }


async def _past(connection: AsyncConnection, read: _Calls, labelled: Sequence[Said]) -> list[Json]:
    """The labelled utterances, and the customers' and reps' of the latest calls."""
    wanted = dict.fromkeys(said for said in labelled if said.transcript_id in read.known)
    for call in await calls.list_calls(connection, limit=PAST_CALLS, live=False):
        if len(wanted) >= len(labelled) + PAST_UTTERANCES:
            break
        transcript, roles = await read.read(await calls.latest_revision(connection, call.call_id))
        for utterance in transcript:
            if roles.role_of(utterance.speaker) is not Role.UNKNOWN:
                place = Said(call_id=call.call_id, revision=transcript.id.revision, utterance_no=utterance.no)
                wanted.setdefault(place)
    found = [await _of_call(read, said) for said in wanted]
    return [entry for entry in found if entry is not None]


def read_texts(types: Iterable[MomentType]) -> list[str]:
    """What a training reads of a document, each text once."""
    found: list[str] = []
    examples: list[str] = []
    for moment_type in types:
        found.append(f"{moment_type.label}. {moment_type.description}")
        for example in (*moment_type.examples, *moment_type.not_examples):
            examples.append(example.text)
            found.extend([example.text, *([example.after] if example.after else [])])
    # The first of them also as a recogniser writes: see `live.tuning`.
    found.extend(plain(text) for text in examples[:DOUBLED])
    return list(dict.fromkeys(text for text in found if text))


def hashes_of(texts: Iterable[str]) -> dict[str, bytes]:
    """Each text with the SHA-256 that its views are kept by."""
    return {text: hashlib.sha256(text.encode()).digest() for text in texts}


async def _known(
    connection: AsyncConnection, written: Mapping[str, bytes], spoken: Mapping[str, Sequence[Said]], features: str
) -> dict[str, NDArray[np.floating]]:
    by_hash = await labels.known_example_views(connection, list(written.values()), features)
    views: dict[str, NDArray[np.floating]] = {t: by_hash[h] for t, h in written.items() if h in by_hash}
    call_ids: list[UUID] = list({said.call_id for those in spoken.values() for said in those})
    heard = await labels.known_utterance_views(connection, call_ids, features)
    for text, those in spoken.items():
        seen = next((heard[said] for said in those if said in heard), None)
        if seen is not None:
            views.setdefault(text, seen)
    return views


async def keep(connection: AsyncConnection, job: TuningJob, fresh: Views, features: str) -> None:
    """Keep what was read anew, each where it goes with what it is of."""
    written = {job.written[text]: view.astype(np.float16) for text, view in fresh.items() if text in job.written}
    await labels.keep_example_views(connection, written, list(job.written.values()), features)
    spoken = {
        said: view.astype(np.float16)
        for text, view in fresh.items()
        if text not in job.written
        for said in job.spoken.get(text, ())
    }
    await labels.keep_utterance_views(connection, spoken, features)
