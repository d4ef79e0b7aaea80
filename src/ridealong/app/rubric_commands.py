"""`ridealong rubric …`: check a rubric, try it on a call without storing anything, compare two."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import UUID

from rich.console import Console

from ridealong.app import models
from ridealong.app.artifact_view import ArtifactView
from ridealong.app.document_preview import decide_again
from ridealong.app.rubric_trial import try_rubric
from ridealong.app.terminal import printable
from ridealong.core.artifact import Artifact
from ridealong.core.context import CallContext
from ridealong.core.errors import InvalidDocument
from ridealong.core.rubric import Rubric
from ridealong.core.transcript import Role, RoleAssignment, Roles, RoleSource, SpeakerId, Transcript, TranscriptId
from ridealong.live.taxonomy import default_taxonomy_text, load_taxonomy
from ridealong.postcall.absence import AbsenceSearch
from ridealong.postcall.chosen_rubric import chosen_rubric_text
from ridealong.postcall.review import embed_call
from ridealong.postcall.reviewer import InThreads, ReviewContext, reviewed_moments
from ridealong.postcall.rubric import DEFAULT_RUBRIC, SHIPPED, load_rubric, shipped_rubric_text
from ridealong.postcall.rubric_difference import difference
from ridealong.postcall.rules import RuleJudge
from ridealong.speech.session_file import read_session
from ridealong.store import Store, calls, moments, tenants

if TYPE_CHECKING:
    from ridealong.config import Settings

FEW_EXAMPLES: Final = 6
"""With fewer the local reviewer misses most of what is said in other words."""


def check_rubric(path: Path) -> str:
    """What the rubric in `path` holds, and what would make it better. Raises InvalidDocument with the line."""
    rubric = load_rubric(_read(path), path.name)
    criteria = sum(len(s.criteria) for s in rubric.sections)
    rules = sum(len(s.rules) for s in rubric.sections)
    lines = [f"{path.name} is a rubric: {_count(criteria, 'criterion', 'criteria')}, {_count(rules, 'rule', 'rules')}."]
    weight = sum(s.weight for s in rubric.sections)
    for section in rubric.sections:
        lines.append(f"  {section.id}: {section.weight / weight:.0%} of the call's score")
        own = sum(c.weight for c in section.criteria)
        lines += [f"    {c.id}: {c.weight / own:.0%} of the section" for c in section.criteria]
        for rule in section.rules:
            effect = rule.effect
            parts = [f"-{effect.deduct:g} points"] if effect.deduct else []
            parts += [f"at most {effect.cap:g}"] if effect.cap < 100 else []
            lines.append(f"    {rule.id} ({rule.kind.value}): broken, {', '.join(parts)} of the {effect.of.value}")
    hints = list(_hints(rubric))
    return "\n".join([*lines, *(["", "It would find more with:", *hints] if hints else [])])


def _hints(rubric: Rubric) -> Iterator[str]:
    for section in rubric.sections:
        for c in section.criteria:
            if len(c.shown_by) < FEW_EXAMPLES:
                yield f"  {c.id}: {FEW_EXAMPLES} or more varied sentences in shown_by; it has {len(c.shown_by)}"
            if not c.not_shown_by:
                yield f"  {c.id}: sentences in not_shown_by, which look alike and are not it"
            if not (c.good or c.poor):
                yield f"  {c.id}: good, partial and poor in words, for people and hosted models"


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


@dataclass(frozen=True, kw_only=True, slots=True)
class CallToTry:
    """A call in the store or in a transcript file, ready to be reviewed."""

    name: str
    title: str
    context: ReviewContext


class Trials:
    """Tries rubrics on calls. Opens the database only where a call or a rubric is in it."""

    def __init__(self, settings: Settings, tenant: str) -> None:
        self._settings = settings
        self._tenant = tenant
        self._models: models.Models | None = None

    async def rubric(self, wanted: str | None, *, stored: bool = False) -> Rubric:
        """The rubric in a file, else the tenant's own or the shipped one of that name; None: what calls are reviewed
        with. `stored`: the tenant may have its own. Raises InvalidDocument or Refused.
        """
        if wanted is not None and (wanted.endswith((".yaml", ".yml")) or "/" in wanted):
            path = Path(wanted)
            return await asyncio.to_thread(lambda: load_rubric(_read(path), path.name))
        if not stored and (wanted is None or wanted in SHIPPED):
            text = shipped_rubric_text(wanted or DEFAULT_RUBRIC)
        else:
            async with self._store() as (store, tenant_id), store.tenant(tenant_id) as conn:
                text = await chosen_rubric_text(conn, wanted)
        return await asyncio.to_thread(load_rubric, text, wanted or "rubric", moment_types=None)

    async def call(self, wanted: str, rep_speakers: Sequence[int] = ()) -> CallToTry:
        """A stored call by its id, or a transcript file. Raises InvalidDocument or Refused."""
        try:
            call_id = UUID(wanted)
        except ValueError:
            return await self._transcript(Path(wanted), rep_speakers)
        async with self._store() as (store, tenant_id), store.tenant(tenant_id) as conn:
            call = await calls.load_call(conn, call_id)
            transcript = await calls.load_transcript(conn, await calls.latest_revision(conn, call_id))
            roles = await calls.load_roles(conn, transcript.id)
            heard = await calls.load_roles(conn, transcript.id, corrected=False)
            vectors = await calls.load_vectors(conn, transcript.id)
            found = await moments.load_moments(conn, transcript)
        embedder = (await self._loaded()).embedder
        context = ReviewContext(
            transcript=transcript,
            roles=roles,
            moments=reviewed_moments(found, transcript, roles, heard=heard),
            vectors=await asyncio.to_thread(embed_call, transcript, embedder, vectors),
            duration_ms=max(call.audio_ms, transcript.end_ts),
            about=call.context,
        )
        return CallToTry(name=str(call_id), title=call.title, context=context)

    async def _transcript(self, path: Path, rep_speakers: Sequence[int]) -> CallToTry:
        session = await asyncio.to_thread(read_session, path)
        stated = [_stated(SpeakerId(rep)) for rep in rep_speakers or session.rep_speakers]
        transcript = Transcript.of(TranscriptId(call_id=UUID(int=0)), session.utterances)
        loaded = await self._loaded()
        taxonomy = load_taxonomy(default_taxonomy_text(), "taxonomy")
        with ThreadPoolExecutor(1) as threads:
            found = await decide_again(taxonomy, transcript, Roles(stated), loaded, threads)
        context = ReviewContext(
            transcript=transcript,
            roles=Roles(stated),
            moments=tuple(found),
            vectors=await asyncio.to_thread(embed_call, transcript, loaded.embedder, {}),
            duration_ms=transcript.end_ts,
            about=session.context,
        )
        return CallToTry(name=path.name, title=session.call, context=context)

    async def artifact(self, rubric: Rubric, call: CallToTry) -> Artifact:
        loaded = await self._loaded()
        local = loaded.local_reviewer()
        return await try_rubric(
            rubric,
            call.context,
            reviewer=InThreads(local),
            rules=RuleJudge(loaded.embedder),
            tenant_id=UUID(int=0),
            title=call.title,
            search=AbsenceSearch(local.finder, loaded.embedder),
        )

    async def _loaded(self) -> models.Models:
        if self._models is None:
            self._models = await asyncio.to_thread(models.load, self._settings)
        return self._models

    @asynccontextmanager
    async def _store(self) -> AsyncGenerator[tuple[Store, UUID]]:
        store = await Store.open(self._settings)
        try:
            yield store, (await tenants.find_tenant(store, self._tenant)).tenant_id
        finally:
            await store.close()


def _stated(rep: SpeakerId) -> RoleAssignment:
    return RoleAssignment(speaker_id=rep, role=Role.REP, source=RoleSource.STATED, confidence=1.0)


async def show_trial(
    settings: Settings,
    *,
    call: str,
    rubric: str | None,
    tenant: str,
    rep_speakers: Sequence[int],
    about: CallContext,
    as_json: bool,
) -> str:
    """What a rubric makes of a call, by the local reviewer; nothing is stored. Raises InvalidDocument or Refused."""
    trials = Trials(settings, tenant)
    wanted = await trials.rubric(rubric, stored=_is_stored(call))
    to_try = await trials.call(call, rep_speakers)
    context = replace(to_try.context, about=about.over(to_try.context.about))
    artifact = await trials.artifact(wanted, replace(to_try, context=context))
    if as_json:
        return json.dumps(artifact.as_json(), indent=2, ensure_ascii=False)
    out = StringIO()
    ArtifactView(Console(file=out, width=100, highlight=False), printable).show(artifact.as_json())
    return out.getvalue()


async def show_difference(settings: Settings, *, old: str, new: str, calls_to_try: Sequence[str], tenant: str) -> str:
    """What differs between two rubrics, and how the calls' scores change. Raises InvalidDocument or Refused."""
    trials = Trials(settings, tenant)
    stored = any(_is_stored(call) for call in calls_to_try)
    before, after = [await trials.rubric(name, stored=stored) for name in (old, new)]
    lines = difference(before, after) or ["The rubrics ask the same."]
    for name in calls_to_try:
        call = await trials.call(name)
        scored = [await trials.artifact(rubric, call) for rubric in (before, after)]
        lines += ["", call.name, *_scores(*scored)]
    return "\n".join(_inert(line) for line in lines)


def _inert(line: str) -> str:
    """The line with its indent, and with nothing that steers a terminal."""
    words = line.lstrip(" ")
    return " " * (len(line) - len(words)) + printable(words)


def _scores(before: Artifact, after: Artifact) -> Iterator[str]:
    """The call's and the sections' scores under both, and the criteria whose answer changed."""
    rows: list[tuple[str, float | None, float | None]] = [
        ("the call", before.score if before.assessed else None, after.score if after.assessed else None)
    ]
    sections = [{s.section_id: s.score if s.assessed else None for s in a.sections} for a in (before, after)]
    rows += [(name, sections[0].get(name), sections[1].get(name)) for name in {**sections[0], **sections[1]}]
    for name, was, now in rows:
        moved = "" if was is None or now is None else f" {now - was:+.1f}"
        yield f"  {name}: {_score(was)} → {_score(now)}{moved}"
    answers = [_answers(a) for a in (before, after)]
    for name in {**answers[0], **answers[1]}:
        was, now = answers[0].get(name, "–"), answers[1].get(name, "–")
        if was != now:
            yield f"    {name}: {was} → {now}"


def _score(score: float | None) -> str:
    return "–" if score is None else f"{score:.1f}"


def _answers(artifact: Artifact) -> Mapping[str, str]:
    """What became of each criterion and rule."""
    found: dict[str, str] = {}
    for section in artifact.sections:
        found |= dict.fromkeys(section.not_assessed, "not assessed")
        found |= {n.criterion_id: "not applicable" for n in section.not_applicable}
        found |= {f.criterion_id: f.score.value for f in section.findings}
        found |= {r.rule_id: r.state.value.replace("_", " ") for r in section.rules}
    return found


def _is_stored(call: str) -> bool:
    try:
        UUID(call)
    except ValueError:
        return False
    return True


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InvalidDocument(
            f"there is no such file: give a path, or one of {', '.join(SHIPPED)}", source=path.name
        ) from None
    except (OSError, UnicodeDecodeError):
        raise InvalidDocument("the file cannot be read as UTF-8 text", source=path.name) from None
