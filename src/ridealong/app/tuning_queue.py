"""The review queue: which utterances would teach the classifier the most if somebody said what they are.

Uncertainty times novelty, greedily (Settles 2009, section 5.3, weighs uncertainty by density; here it is the distance
to what is labelled or chosen already): the next item is the one whose probability is nearest to the type's threshold
and whose words are least like any that somebody has answered for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import numpy as np

from ridealong.core.errors import RidealongError
from ridealong.core.transcript import UNATTRIBUTED
from ridealong.store import calls, labels, taxonomy_versions
from ridealong.store.labels import Said

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from psycopg import AsyncConnection

    from ridealong.core.transcript import Roles, Transcript, TranscriptId
    from ridealong.live.taxonomy import Taxonomy
    from ridealong.store.calls import StoredCall

LOOKED_AT: Final = 500
"""Moments of the latest calls."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Item:
    said: Said
    type: str
    probability: float
    moment_id: UUID | None
    uncertainty: float


async def most_informative(connection: AsyncConnection, taxonomy: Taxonomy, *, limit: int) -> list[dict[str, object]]:
    """At most `limit` items, the most informative first, with the words and where to hear them."""
    known = [*await labels.list_labels(connection), *await labels.feedback_labels(connection)]
    answered = {(label.said, label.type) for label in known}
    items = [i for i in await _candidates(connection, taxonomy) if (i.said, i.type) not in answered]
    places = list({*(i.said for i in items), *(said for said, _ in answered)})
    vectors = await labels.utterance_vectors(connection, places)
    chosen = _chosen(items, vectors, [vectors[said] for said, _ in answered if said in vectors], limit)
    spoken = Spoken(connection)
    return [found for item in chosen if (found := await _shown(spoken, item)) is not None]


async def _candidates(connection: AsyncConnection, taxonomy: Taxonomy) -> list[_Item]:
    """Moments that were recorded, and utterances that the latest training nearly took for one."""
    detect = {t.id: t.detect for t in taxonomy.content_types}
    found: dict[tuple[Said, str], _Item] = {}
    versions = await taxonomy_versions.list_taxonomy_versions(connection)
    latest: dict[str, Any] = next((dict(v.report) for v in versions if v.report), {})
    for near in latest.get("near_misses", ()):
        said = Said(call_id=UUID(near["call_id"]), revision=near["revision"], utterance_no=near["utterance_no"])
        _add(found, detect, said, type_id=near["type"], probability=near["probability"], moment_id=None)
    for moment in await labels.recorded_moments(connection, limit=LOOKED_AT):
        _add(
            found,
            detect,
            moment.said,
            type_id=moment.type,
            probability=moment.confidence,
            moment_id=moment.moment_id,
        )
    return list(found.values())


def _add(
    found: dict[tuple[Said, str], _Item],
    detect: dict[str, float],
    said: Said,
    *,
    type_id: str,
    probability: float,
    moment_id: UUID | None,
) -> None:
    if type_id in detect:
        # 1 at the threshold, 0 where it is certain either way.
        at = detect[type_id]
        width = at if probability < at else 1.0 - at
        uncertainty = 1.0 - min(1.0, abs(probability - at) / max(width, 1e-6))
        found[said, type_id] = _Item(
            said=said, type=type_id, probability=probability, moment_id=moment_id, uncertainty=uncertainty
        )


def _chosen(
    items: Sequence[_Item],
    vectors: dict[Said, NDArray[np.float32]],
    answered: Sequence[NDArray[np.float32]],
    limit: int,
) -> list[_Item]:
    left = sorted(items, key=lambda i: (-i.uncertainty, str(i.said.call_id), i.said.utterance_no, i.type))
    if not left:
        return []
    nothing = np.zeros(384, np.float32)
    rows = np.array([vectors.get(i.said, nothing) for i in left])
    likeness = np.zeros(len(left), np.float32)
    if answered:
        likeness = np.maximum(likeness, (rows @ np.array(answered).T).max(axis=1))
    uncertainty = np.array([i.uncertainty for i in left])
    found: list[_Item] = []
    open_ = np.ones(len(left), np.bool_)
    while len(found) < min(limit, len(left)):
        worth = np.where(open_, (uncertainty + 0.01) * (1.0 - np.clip(likeness, 0.0, 0.99)), -1.0)
        best = int(worth.argmax())
        found.append(left[best])
        open_[best] = False
        likeness = np.maximum(likeness, rows @ rows[best])
    return found


async def _shown(spoken: Spoken, item: _Item) -> dict[str, object] | None:
    told = await spoken.told(item.said)
    if told is None:
        return None
    return {
        **told,
        "moment_id": None if item.moment_id is None else str(item.moment_id),
        "type": item.type,
        "probability": round(item.probability, 3),
    }


@dataclass(frozen=True, slots=True, eq=False)
class Spoken:
    """What was said at places of many calls, each call read once."""

    connection: AsyncConnection
    _read: dict[TranscriptId, tuple[StoredCall, Transcript, Roles] | None] = field(
        default_factory=dict["TranscriptId", "tuple[StoredCall, Transcript, Roles] | None"]
    )

    async def told(self, said: Said) -> dict[str, object] | None:
        """The utterance with its call, its speaker's role and the turns before; None where it is gone or nobody's."""
        if said.transcript_id not in self._read:
            self._read[said.transcript_id] = await self._load(said.transcript_id)
        found = self._read[said.transcript_id]
        if found is None or said.utterance_no not in found[1]:
            return None
        call, transcript, roles = found
        utterance = transcript[said.utterance_no]
        if utterance.speaker is UNATTRIBUTED:
            return None
        return {
            "call_id": str(said.call_id),
            "title": call.title,
            "started_at": call.started_at.isoformat(),
            "revision": said.revision,
            "utterance_no": said.utterance_no,
            "role": roles.role_of(utterance.speaker).value,
            "start_ts": utterance.start_ts,
            "end_ts": utterance.end_ts,
            "text": utterance.text,
            "before": [u.text for u in transcript if u.no < utterance.no][-2:],
        }

    async def _load(self, transcript_id: TranscriptId) -> tuple[StoredCall, Transcript, Roles] | None:
        try:
            call = await calls.load_call(self.connection, transcript_id.call_id)
            transcript = await calls.load_transcript(self.connection, transcript_id)
        except RidealongError:
            return None
        return call, transcript, await calls.load_roles(self.connection, transcript_id)
