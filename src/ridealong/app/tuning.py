"""A tenant's classifier: trained, promoted, run in shadow, rolled back; and what feedback did to it.

A training runs in a process of its own (`live.tuning_worker`): the server neither carries scipy nor stops for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal
from uuid import UUID, uuid4

import structlog

from ridealong.app.tuning_job import TuningJob, all_labels, gather, keep, load_tenant_taxonomy
from ridealong.app.tuning_queue import Spoken, most_informative
from ridealong.core.artifact import StoredMoment
from ridealong.core.errors import Refused, RidealongError, Unavailable
from ridealong.core.moments import TIMING_TYPES, Moment, Reason, Tier
from ridealong.core.sight import whole
from ridealong.core.transcript import Citation, TranscriptId
from ridealong.live.classify import end_of
from ridealong.live.taxonomy import Kind
from ridealong.live.tuning_base import features_name
from ridealong.live.tuning_worker import read_views, write_views
from ridealong.store import Store, calls, labels, moments, taxonomy_versions
from ridealong.store.taxonomy_versions import StoredTaxonomyVersion, VersionState

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from ridealong.core.author import Author
    from ridealong.live.taxonomy import Taxonomy

_log = structlog.get_logger(__name__)

Then = Literal["if_not_worse", "live", "shadow", "candidate"]
"""What becomes of a version that was trained: it goes live if it is not worse, or on this word alone; or it is kept."""

MOST_SECONDS: Final = 600.0
BY_PERSON: Final = "person"
"""`decided_by` of a moment that a person added."""

Json = Mapping[str, object]


@dataclass(slots=True, eq=False)
class TenantTuning:
    """Implements `web.tuning.TuningOfTenants`. `close` must be awaited by whoever made it."""

    store: Store
    models_dir: Path | None
    _running: set[asyncio.Task[None]] = field(default_factory=set["asyncio.Task[None]"])

    async def begin(self, tenant_id: UUID, author: Author, *, then: Then, trust_feedback: bool) -> Json:
        """Start a training and answer with its version; the rest goes on without the caller.

        Raises Refused('nothing_to_train' | 'already_training').
        """
        job, features = await self._gather(tenant_id, trust_feedback=trust_feedback)
        async with self.store.tenant(tenant_id) as conn:
            version = await taxonomy_versions.begin_training(conn, author)
        work = self._train(whole(tenant_id), version, job, features, author=author, then=then)
        task = asyncio.create_task(work, name=f"training {version}")
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await self.version(tenant_id, version)

    async def train(self, tenant_id: UUID, author: Author, *, then: Then, trust_feedback: bool) -> Json:
        """The same, awaited. A version that failed is in the answer with its reason."""
        # It loads what it needs, for a second or more, while the job is gathered.
        async with _worker(self.models_dir) as worker:
            job, features = await self._gather(tenant_id, trust_feedback=trust_feedback)
            async with self.store.tenant(tenant_id) as conn:
                version = await taxonomy_versions.begin_training(conn, author)
            await self._train(tenant_id, version, job, features, author=author, then=then, worker=worker)
        return await self.version(tenant_id, version)

    async def close(self) -> None:
        """End what is being trained: it is told as failed."""
        for task in list(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def versions(self, tenant_id: UUID) -> Json:
        """Every version, newest first, and what judges new calls."""
        features = await asyncio.to_thread(features_name)
        async with self.store.tenant(tenant_id) as conn:
            found = await taxonomy_versions.list_taxonomy_versions(conn)
            taxonomy = await load_tenant_taxonomy(conn)
        live = next((v for v in found if v.state is VersionState.LIVE), None)
        usable = live is not None and live.features == features
        trained = set(_trained(live)) if usable and live is not None else set[str]()
        return {
            "judged_by": live.version if usable and live is not None else None,
            "notes": _notes(taxonomy, live, usable=usable, trained=trained),
            "versions": [_version_json(v, features) for v in found],
        }

    async def version(self, tenant_id: UUID, version: int) -> Json:
        """Raises Refused('unknown_version')."""
        features = await asyncio.to_thread(features_name)
        async with self.store.tenant(tenant_id) as conn:
            return _version_json(await taxonomy_versions.load_version(conn, version), features)

    async def changes(self, tenant_id: UUID, version: int) -> Json:
        """Where in past calls it finds something that what ran before does not, or no longer finds it, with the words.

        Raises Refused('unknown_version').
        """
        async with self.store.tenant(tenant_id) as conn:
            report = (await taxonomy_versions.load_version(conn, version)).report
            spoken = Spoken(conn)
            places: list[Json] = []
            for place in report.get("changes", {}).get("places", ()):
                told = await spoken.told(
                    labels.Said(
                        call_id=UUID(place["call_id"]), revision=place["revision"], utterance_no=place["utterance_no"]
                    )
                )
                # A call that was erased since is in the counts, and nowhere else.
                if told is not None:
                    places.append({**told, "type": place["type"], "change": place["change"]})
        return {"version": version, "places": places}

    async def move(
        self, tenant_id: UUID, version: int, to: Literal["live", "shadow", "retired"], author: Author
    ) -> Json:
        """Promote, roll back, run in shadow, or retire; from the next call on.

        Raises Refused('unknown_version' | 'not_trained' | 'other_features').
        """
        features = await asyncio.to_thread(features_name)
        async with self.store.tenant(tenant_id) as conn:
            found = await taxonomy_versions.load_version(conn, version)
            if to != "retired" and found.features not in ("", features):
                raise Refused(
                    "other_features", f"version {version} was trained for another text model: train a new version"
                )
            await taxonomy_versions.move(conn, version, VersionState(to), author)
        return await self.version(tenant_id, version)

    async def shadow(self, tenant_id: UUID, version: int, call_id: UUID | None) -> Json:
        """What that version found beside the live one, and how both compare over the calls that it heard."""
        async with self.store.tenant(tenant_id) as conn:
            await taxonomy_versions.load_version(conn, version)
            heard, counts = await taxonomy_versions.compare_shadow(conn, version, TIMING_TYPES)
            found = await taxonomy_versions.list_shadow_moments(conn, version=version, call_id=call_id)
        return {
            "version": version,
            "calls": heard,
            "types": [
                {
                    "type": c.type,
                    "both": c.both,
                    "live_only": c.live_only,
                    "shadow_only": c.shadow_only,
                    "live_nudged": c.live_nudged,
                    "shadow_would_nudge": c.shadow_would_nudge,
                }
                for c in counts
            ],
            "moments": [
                {
                    "call_id": str(m.call_id),
                    "version": m.version,
                    "type": m.type,
                    "tier": Tier.NOTED.value,
                    "reason": "shadow",
                    "would": m.would.value,
                    "confidence": m.confidence,
                    "trigger_ts": m.trigger_ts,
                    "revision": m.revision,
                    "utterance_no": m.utterance_no,
                    "start_ts": m.start_ts,
                    "end_ts": m.end_ts,
                    "quote": m.quote,
                }
                for m in found
            ],
        }

    # ---- what people say

    async def add_moment(
        self, tenant_id: UUID, call_id: UUID, author: Author, *, type_id: str, utterance_no: int, quote: str
    ) -> Json:
        """A moment that nothing found, and an example. Raises Refused('unknown_call' | …), Ungrounded."""
        async with self.store.tenant(tenant_id) as conn:
            await calls.load_call(conn, call_id)
            await self._known_type(conn, type_id)
            transcript = await calls.load_transcript(conn, await calls.latest_revision(conn, call_id))
            if utterance_no not in transcript:
                raise Refused("unknown_utterance", f"the call has no utterance {utterance_no}")
            words = quote.strip() or transcript[utterance_no].text
            evidence = transcript.cite(Citation(utterance_no=utterance_no, quote=words))
            stored = StoredMoment(
                moment_id=uuid4(),
                moment=Moment(
                    type=type_id,
                    tier=Tier.NOTED,
                    reason=Reason.ADDED,
                    confidence=1.0,
                    nudge="",
                    trigger_ts=end_of(evidence.utterance, evidence.quote_end),
                    evidence=(evidence,),
                    decided_by=BY_PERSON,
                ),
            )
            await moments.record_moments(conn, [stored])
            await labels.put_label(
                conn, evidence, author, type_id=type_id, holds=True, source="added", moment_id=stored.moment_id
            )
        return {"moment_id": str(stored.moment_id), "type": type_id, "label": type_id}

    async def label_moment(
        self, tenant_id: UUID, call_id: UUID, moment_id: UUID, author: Author, *, type_id: str | None
    ) -> Json:
        """Say what a moment is: its own type (agreed), another one, or none. Raises Refused."""
        async with self.store.tenant(tenant_id) as conn:
            await calls.load_call(conn, call_id)
            found, said, start, end = await labels.place_of_moment(conn, call_id, moment_id)
            if found in TIMING_TYPES or type_id in TIMING_TYPES:
                raise Refused("bad_request", "a timing moment comes of the clock: there is nothing to learn from it")
            transcript = await calls.load_transcript(conn, said.transcript_id)
            words = transcript[said.utterance_no].text[start:end]
            evidence = transcript.cite(Citation(utterance_no=said.utterance_no, quote=words))
            if type_id is not None and type_id != found:
                await self._known_type(conn, type_id)
            agreed = type_id == found
            # What one said of it before gives way as a whole: a correction to a third type too.
            await labels.take_labels_back(conn, call_id, moment_id, author)
            await labels.put_label(
                conn,
                evidence,
                author,
                type_id=found,
                holds=agreed,
                source="agreed" if agreed else "corrected",
                moment_id=moment_id,
            )
            if type_id is not None and not agreed:
                await labels.put_label(
                    conn, evidence, author, type_id=type_id, holds=True, source="corrected", moment_id=moment_id
                )
        return {"moment_id": str(moment_id), "type": found, "label": type_id}

    async def take_label_back(self, tenant_id: UUID, call_id: UUID, moment_id: UUID, author: Author) -> None:
        """Forget what the author said of the moment. Raises Refused('unknown_call' | 'unknown_moment')."""
        async with self.store.tenant(tenant_id) as conn:
            await calls.load_call(conn, call_id)
            await labels.place_of_moment(conn, call_id, moment_id)
            await labels.take_labels_back(conn, call_id, moment_id, author)

    async def labels(self, tenant_id: UUID, call_id: UUID) -> Json:
        """What people say that utterances of the call are, newest first. Raises Refused('unknown_call')."""
        async with self.store.tenant(tenant_id) as conn:
            await calls.load_call(conn, call_id)
            given = await labels.list_labels(conn, call_id)
        return {
            "labels": [
                {
                    "moment_id": None if label.moment_id is None else str(label.moment_id),
                    "revision": label.said.revision,
                    "utterance_no": label.said.utterance_no,
                    "type": label.type,
                    "holds": label.holds,
                    "source": label.source,
                    "by": label.author.as_json(),
                    "at": label.at.isoformat(),
                }
                for label in given
            ]
        }

    async def queue(self, tenant_id: UUID, *, limit: int) -> Json:
        """What would teach the most, first."""
        async with self.store.tenant(tenant_id) as conn:
            taxonomy = await load_tenant_taxonomy(conn)
            return {"items": await most_informative(conn, taxonomy, limit=limit)}

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
    ) -> None:
        """Label one item, or take the label back (None). Raises Refused('unknown_call' | 'unknown_utterance' |
        'bad_request')."""
        async with self.store.tenant(tenant_id) as conn:
            await calls.load_call(conn, call_id)
            await self._known_type(conn, type_id)
            transcript = await calls.load_transcript(conn, TranscriptId(call_id=call_id, revision=revision))
            if utterance_no not in transcript:
                raise Refused("unknown_utterance", f"the call has no utterance {utterance_no}")
            if holds is None:
                said = labels.Said(call_id=call_id, revision=revision, utterance_no=utterance_no)
                await labels.take_answer_back(conn, said, author, type_id=type_id)
                return
            evidence = transcript.cite(Citation(utterance_no=utterance_no, quote=transcript[utterance_no].text))
            await labels.put_label(conn, evidence, author, type_id=type_id, holds=holds, source="queue")

    async def feedback(self, tenant_id: UUID) -> Json:
        """The examples that people gave, and what the latest version made of them."""
        async with self.store.tenant(tenant_id) as conn:
            given = await all_labels(conn)
            found = await taxonomy_versions.list_taxonomy_versions(conn)
        latest = next((v for v in found if v.report), None)
        people: Counter[tuple[str, str]] = Counter()
        for label in given:
            people[str(label.author.member_id or ""), label.author.name] += 1
        return {
            "labels": len(given),
            "by_source": dict(sorted(Counter(label.source for label in given).items())),
            "by_type": {
                name: {
                    "holds": sum(label.holds for label in given if label.type == name),
                    "holds_not": sum(not label.holds for label in given if label.type == name),
                }
                for name in sorted({label.type for label in given})
            },
            "by_person": [
                {"member_id": member or None, "name": name, "labels": count}
                for (member, name), count in people.most_common(100)
            ],
            "version": None if latest is None else latest.version,
            "since_version": len([g for g in given if latest is None or g.at > latest.created_at]),
            "changed": None
            if latest is None
            else {
                key: latest.report.get(key)
                for key in ("examples", "left_out", "trusted", "guard", "own_calls", "changes", "verdict", "outcome")
            },
        }

    async def _known_type(self, conn: Any, type_id: str) -> None:
        taxonomy = await load_tenant_taxonomy(conn)
        found = taxonomy.find(type_id)
        if found is None or found.kind is Kind.TIMING:
            names = ", ".join(t.id for t in taxonomy.content_types)
            raise Refused("bad_request", f"the taxonomy has no such content type; it has {names}")

    # ---- a training

    async def _gather(self, tenant_id: UUID, *, trust_feedback: bool) -> tuple[TuningJob, str]:
        features = await asyncio.to_thread(features_name)
        async with self.store.tenant(tenant_id) as conn:
            job = await gather(conn, features=features, trust_feedback=trust_feedback)
        return job, features

    async def _train(
        self,
        tenant_id: UUID,
        version: int,
        job: TuningJob,
        features: str,
        *,
        author: Author,
        then: Then,
        worker: _Worker | None = None,
    ) -> None:
        try:
            async with self.store.tenant(tenant_id) as conn:
                running = (await taxonomy_versions.heads_in_use(conn)).live
            async with contextlib.AsyncExitStack() as stack:
                worker = worker or await stack.enter_async_context(_worker(self.models_dir))
                folder = worker.folder
                if running is not None and running.features == features:
                    (folder / "running.npz").write_bytes(running.head)
                await asyncio.to_thread(_write_job, folder, job)
                await worker.work()
                report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
                head = (folder / "head.npz").read_bytes()
                fresh = await asyncio.to_thread(read_views, folder / "fresh.npz")
            async with self.store.tenant(tenant_id) as conn:
                await keep(conn, job, fresh, features)
                report["seconds"] = round(time.monotonic() - worker.began, 2)
                await taxonomy_versions.finish_training(conn, version, head=head, features=features, report=report)
                state, outcome = _outcome(report, then)
                if state is not VersionState.CANDIDATE:
                    await taxonomy_versions.move(conn, version, state, author)
                await taxonomy_versions.add_report(
                    conn, version, {"outcome": outcome, "compared_with": _named(running)}
                )
        except asyncio.CancelledError:
            await self._failed(tenant_id, version, "the server ended while it was trained: train again")
            raise
        except RidealongError as error:
            await self._failed(tenant_id, version, str(error))
        except Exception as error:
            _log.exception("training_failed", version=version, error=type(error).__name__)
            await self._failed(tenant_id, version, f"the training ended with {type(error).__name__}; the log says more")

    async def _failed(self, tenant_id: UUID, version: int, why: str) -> None:
        with contextlib.suppress(RidealongError):
            async with self.store.tenant(tenant_id) as conn:
                await taxonomy_versions.fail_training(conn, version, why)


def _named(running: taxonomy_versions.StoredHead | None) -> str:
    return "the shipped classifier" if running is None else f"version {running.version}"


def _outcome(report: Mapping[str, Any], then: Then) -> tuple[VersionState, str]:
    """What becomes of a trained version, and the sentence that says so."""
    reasons: Sequence[str] = report["verdict"]["reasons"]
    if then == "live":
        said = "promoted on an explicit word"
        return VersionState.LIVE, said if not reasons else f"{said}, although it may be worse: {'; '.join(reasons)}"
    if then == "shadow":
        return VersionState.SHADOW, "runs in shadow beside the live one from the next call on"
    if then == "candidate":
        return VersionState.CANDIDATE, "kept as a candidate"
    if reasons:
        return VersionState.CANDIDATE, f"not promoted: {'; '.join(reasons)}"
    return VersionState.LIVE, "promoted: it is not worse than what ran before"


def _write_job(folder: Path, job: TuningJob) -> None:
    (folder / "job.json").write_text(json.dumps(job.job), encoding="utf-8")
    write_views(folder / "views.npz", {text: view for text, view in job.views.items()})  # noqa: C416 - of another type


@dataclass(frozen=True, slots=True, eq=False)
class _Worker:
    """A training process that waits for the job in its folder. Made by `_worker`."""

    folder: Path
    process: asyncio.subprocess.Process
    began: float
    """By the monotonic clock: from here on a training is timed."""

    async def work(self) -> None:
        """Have it train. Raises Unavailable with the kind of what went wrong, never with its words."""
        try:
            async with asyncio.timeout(MOST_SECONDS):
                _, errors = await self.process.communicate(b"\n")
        except TimeoutError:
            raise Unavailable(f"the training took longer than {MOST_SECONDS:.0f} s: give it fewer examples") from None
        if self.process.returncode:
            last = (errors.decode(errors="replace").strip().splitlines() or [""])[-1]
            kind = re.match(r"[\w.]+", last)
            raise Unavailable(
                f"the training process ended with {kind[0] if kind else 'an error'} ({self.process.returncode})"
            )


@contextlib.asynccontextmanager
async def _worker(models_dir: Path | None) -> AsyncGenerator[_Worker]:
    """Start the process; it ends with the context, whatever it does then."""
    with tempfile.TemporaryDirectory(prefix="ridealong-training-") as scratch:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "ridealong.live.tuning_worker",
            scratch,
            *([] if models_dir is None else [str(models_dir)]),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            # Spinning threads of the algebra library would take the cores from running calls.
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
        )
        try:
            yield _Worker(Path(scratch), process, time.monotonic())
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


def _trained(version: StoredTaxonomyVersion | None) -> list[str]:
    if version is None:
        return []
    return [t["type"] for t in version.report.get("types", ()) if t.get("trained")]


def _notes(taxonomy: Taxonomy, live: StoredTaxonomyVersion | None, *, usable: bool, trained: set[str]) -> list[str]:
    """What a tenant should know of how its calls are judged."""
    found: list[str] = []
    if live is not None and not usable:
        found.append(
            f"version {live.version} was trained for another text model:"
            " the shipped classifier judges until you train again"
        )
    waiting = [t.id for t in taxonomy.content_types if t.examples and t.id not in trained]
    if waiting:
        found.append(f"examples that are not learned yet, train to use them: {', '.join(waiting)}")
    return found


def _version_json(version: StoredTaxonomyVersion, features: str) -> dict[str, object]:
    return {
        "version": version.version,
        "state": version.state.value,
        "usable": version.features == features,
        "failure": version.failure,
        "created_at": version.created_at.isoformat(),
        "created_by": version.author.as_json(),
        "changed_at": version.changed_at.isoformat(),
        "changed_by": version.changed_by,
        "report": dict(version.report),
    }
