"""Direct SQL, as the application, the tables' owner and the server's superuser: what is not grounded is not stored.

Each test begins with rows that are accepted and changes one thing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import AsyncConnection, errors

from ridealong.core.transcript import Transcript, TranscriptId
from ridealong.store import Store
from ridealong.store.calls import append_utterances, begin_revision, queue_review
from ridealong.store.embedded import SUPERUSER, EmbeddedPostgres
from tests.integration.store.conversation import Recorded, record_call, utterances

WRITERS = ("ridealong_app", "ridealong", SUPERUSER)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Two tenants, a call each, and a second revision of the first one's."""

    ours: Recorded
    theirs: Recorded
    our_other_call: Recorded
    second_review_id: UUID


@pytest.fixture
async def place(store: Store) -> Place:
    ours = await record_call(store, slug="acme")
    second = TranscriptId(call_id=ours.call_id, revision=2)
    async with store.tenant(ours.tenant_id) as connection:
        await begin_revision(connection, second)
        await append_utterances(connection, second, [*utterances(), *utterances_after()])
        second_review_id = await queue_review(connection, second)
    return Place(
        ours=ours,
        our_other_call=await record_call(store, ours.tenant_id),
        theirs=await record_call(store, slug="rival"),
        second_review_id=second_review_id,
    )


def utterances_after() -> list[Any]:
    return [u for u in utterances(tuple((0, f"one more thing number {n}") for n in range(9))) if u.no > 5]


@pytest.fixture(params=WRITERS)
async def writer(request: pytest.FixtureRequest, postgres: EmbeddedPostgres, database: str, place: Place) -> Any:
    connection = await AsyncConnection.connect(postgres.url(user=request.param, database=database), autocommit=True)
    await connection.execute("SET search_path = ridealong, public")
    await connection.execute("SELECT set_config('ridealong.tenant', %s, false)", [str(place.ours.tenant_id)])
    yield connection
    await connection.close()


def evidence_row(call: Recorded, utterance_no: int = 3) -> dict[str, Any]:
    said = call.transcript[utterance_no]
    return {
        "tenant_id": call.tenant_id,
        "call_id": call.call_id,
        "revision": 1,
        "utterance_no": said.no,
        "speaker_id": said.speaker if isinstance(said.speaker, int) else 0,
        "start_ts": said.start_ts,
        "end_ts": said.end_ts,
        "text_length": len(said.text),
        "quote_start": 0,
        "quote_end": len(said.text),
    }


def claim_row(place: Place) -> dict[str, Any]:
    return {
        **evidence_row(place.ours),
        "claim_id": uuid4(),
        "review_id": place.ours.review_id,
        "kind": "finding",
        "position": 7,
        "section_id": "need",
        "criterion_id": "pain",
        "score": "yes",
        "statement": "The customer named a price problem.",
        "confidence": 0.5,
        "through": None,
    }


def moment_row(place: Place) -> dict[str, Any]:
    return {
        **evidence_row(place.ours),
        "moment_id": uuid4(),
        "type": "objection_raised",
        "tier": "noted",
        "reason": "late",
        "confidence": 0.5,
        "nudge": "",
        "trigger_ts": 11_000,
    }


async def insert(connection: AsyncConnection, table: str, row: Mapping[str, Any]) -> None:
    names = ", ".join(row)
    values = ", ".join(f"%({name})s" for name in row)
    await connection.execute(f"INSERT INTO ridealong.{table} ({names}) VALUES ({values})", row)  # pyright: ignore


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "another speaker": ({"speaker_id": 0}, "cites_an_utterance_as_it_was_said"),
    "no speaker": ({"speaker_id": None}, "speaker_id"),
    "an unattributed utterance": (
        {"utterance_no": 4, "start_ts": 12_000, "end_ts": 14_500, "text_length": 35, "quote_end": 35},
        "cites_an_utterance_as_it_was_said",
    ),
    "a wrong start": ({"start_ts": 9001}, "cites_an_utterance_as_it_was_said"),
    "a wrong end": ({"end_ts": 11_499}, "cites_an_utterance_as_it_was_said"),
    "no start": ({"start_ts": None}, "start_ts"),
    "no end": ({"end_ts": None}, "end_ts"),
    "an utterance that is not there": ({"utterance_no": 99}, "cites_an_utterance_as_it_was_said"),
    "no utterance": ({"utterance_no": None}, "utterance_no"),
    "no quote": ({"quote_start": None, "quote_end": None}, "quote_start"),
    "an empty quote": ({"quote_start": 4, "quote_end": 4}, "quotes_words_inside_the_utterance"),
    "a quote that runs backwards": ({"quote_start": 9, "quote_end": 4}, "quotes_words_inside_the_utterance"),
    "a quote before the text": ({"quote_start": -1}, "quotes_words_inside_the_utterance"),
    "a quote past the text": ({"quote_end": 500}, "quotes_words_inside_the_utterance"),
    "a text made longer for its quote": ({"quote_end": 500, "text_length": 500}, "cites_an_utterance_as_it_was_said"),
    "more than full confidence": ({"confidence": 1.01}, "confidence_lies_between_0_and_1"),
    "less than no confidence": ({"confidence": -0.01}, "confidence_lies_between_0_and_1"),
    "a confidence that is no number": ({"confidence": float("nan")}, "confidence_lies_between_0_and_1"),
}


async def test_what_the_transcript_does_not_prove_is_refused(writer: AsyncConnection, place: Place) -> None:
    for table, row in (("claim", claim_row(place)), ("moment", moment_row(place))):
        for wrong, (change, rule) in WRONG.items():
            with pytest.raises(errors.IntegrityError) as refused:
                await insert(writer, table, {**row, **change})
            named = refused.value.diag.constraint_name or refused.value.diag.column_name or ""
            assert named.endswith(rule), wrong
        await insert(writer, table, row)


@pytest.mark.parametrize("table", ["claim", "moment"])
async def test_further_evidence_is_held_to_the_same_rules(writer: AsyncConnection, place: Place, table: str) -> None:
    owner = claim_row(place) if table == "claim" else moment_row(place)
    await insert(writer, table, owner)
    row = {**evidence_row(place.ours, 1), f"{table}_id": owner[f"{table}_id"], "position": 1}
    wrong_changes: list[dict[str, Any]] = [
        {"speaker_id": 0},
        {"start_ts": 1},
        {"end_ts": 1},
        {"utterance_no": 77},
        {"quote_end": 999},
        {"quote_start": 3, "quote_end": 3},
        {"position": 0},
        evidence_row(place.our_other_call, 1),
        {"revision": 2},
        {f"{table}_id": uuid4()},
    ]
    for change in wrong_changes:
        with pytest.raises(errors.IntegrityError):
            await insert(writer, f"{table}_evidence", {**row, **change})
    await insert(writer, f"{table}_evidence", row)


async def test_another_tenants_utterance_cannot_be_cited(writer: AsyncConnection, place: Place) -> None:
    for table, row in (("claim", claim_row(place)), ("moment", moment_row(place))):
        with pytest.raises(errors.ForeignKeyViolation):
            await insert(writer, table, {**row, **evidence_row(place.theirs), "tenant_id": place.ours.tenant_id})
        if writer.info.user != SUPERUSER:
            with pytest.raises(errors.InsufficientPrivilege):
                await insert(writer, table, {**row, **evidence_row(place.theirs)})


async def test_a_claim_cites_the_call_and_the_revision_of_its_review(writer: AsyncConnection, place: Place) -> None:
    row = claim_row(place)
    for change in (evidence_row(place.our_other_call), {"revision": 2}, {"review_id": place.our_other_call.review_id}):
        with pytest.raises(errors.ForeignKeyViolation) as refused:
            await insert(writer, "claim", {**row, **change})
        assert refused.value.diag.constraint_name in {
            "claim_is_about_its_reviews_own_transcript",
            "claim_belongs_to_a_section_of_its_review",
        }


async def test_a_claim_of_absence_says_honestly_how_far_it_looked(writer: AsyncConnection, place: Place) -> None:
    row = claim_row(place)
    for through, rule in (
        (2, "claim_of_absence_searched_not_less_than_it_cites"),
        (99, "claim_of_absence_searched_through_an_utterance"),
        (7, "claim_of_absence_searched_through_an_utterance"),  # only the second revision has it
    ):
        with pytest.raises(errors.IntegrityError) as refused:
            await insert(writer, "claim", {**row, "through": through})
        assert refused.value.diag.constraint_name == rule
    for change in ({"cited_as": "nearest"}, {"through": 4, "cited_as": "proof"}):
        with pytest.raises(errors.CheckViolation) as refused:
            await insert(writer, "claim", {**row, **change})
        assert refused.value.diag.constraint_name == "claim_of_absence_says_what_it_cites"
    await insert(writer, "claim", {**row, "through": 4, "cited_as": "nearest"})
    later = {**evidence_row(place.ours, 5), "claim_id": row["claim_id"], "position": 1}
    with pytest.raises(errors.CheckViolation) as refused:
        await insert(writer, "claim_evidence", later)
    assert refused.value.diag.constraint_name == "claim_of_absence_searched_not_less_than_its_evidence"


async def test_a_claim_has_the_shape_of_its_kind(writer: AsyncConnection, place: Place) -> None:
    wrong: list[dict[str, Any]] = [
        {"kind": "rumour"},
        {"kind": "coaching_moment"},
        {"section_id": None},
        {"score": "maybe"},
        {"score": None},
        {"statement": " \t"},
    ]
    for change in wrong:
        with pytest.raises(errors.CheckViolation):
            await insert(writer, "claim", {**claim_row(place), **change})


CHANGES = (
    "UPDATE utterance SET text = 'we promise it'",
    "UPDATE utterance SET speaker_id = 1",
    "UPDATE utterance SET start_ts = start_ts + 1, end_ts = end_ts + 1",
    "UPDATE utterance SET words = '[]'",
    "DELETE FROM utterance WHERE utterance_no = 5",
    "TRUNCATE utterance CASCADE",
    "UPDATE moment SET quote_start = 1",
    "UPDATE moment SET tier = 'noted'",
    "DELETE FROM moment",
    "UPDATE moment_evidence SET quote_start = 1",
    "DELETE FROM moment_evidence",
    "UPDATE claim SET quote_start = quote_start + 1",
    "UPDATE claim SET utterance_no = 1, start_ts = 3000, end_ts = 5500",
    "UPDATE claim SET through = 0",
    "UPDATE claim SET statement = 'something else'",
    "UPDATE claim_evidence SET quote_start = 1",
)


async def test_what_was_said_and_concluded_is_never_changed(writer: AsyncConnection, place: Place) -> None:
    for statement in CHANGES:
        with pytest.raises((errors.RestrictViolation, errors.InsufficientPrivilege)):
            await writer.execute(statement)  # pyright: ignore[reportArgumentType, reportCallIssue]


async def test_an_utterance_is_whole_and_belongs_to_a_transcript(writer: AsyncConnection, place: Place) -> None:
    row: dict[str, Any] = {
        "tenant_id": place.ours.tenant_id,
        "call_id": place.ours.call_id,
        "revision": 1,
        "utterance_no": 50,
        "speaker_id": 1,
        "start_ts": 0,
        "end_ts": 900,
        "text": "a late word",
    }
    wrong: list[dict[str, Any]] = [
        {"text": " \t "},
        {"start_ts": -1},
        {"end_ts": 0},
        {"speaker_id": -1},
        {"utterance_no": -1},
        {"speaker_confidence": 2},
        {"utterance_no": 3},
        {"call_id": uuid4()},
        {"revision": 3},
    ]
    for change in wrong:
        with pytest.raises(errors.IntegrityError):
            await insert(writer, "utterance", {**row, **change})
    await insert(writer, "utterance", row)


async def test_the_view_cuts_every_quote_as_the_domain_does(writer: AsyncConnection, place: Place) -> None:
    cursor = await writer.execute(
        "SELECT revision, utterance_no, quote_start, quote_end, quote FROM evidence WHERE tenant_id = %s",
        [place.ours.tenant_id],
    )
    rows = await cursor.fetchall()
    assert len(rows) == 2 * (2 + 4)  # two calls; two of a moment, three of findings, one of a coaching moment
    for _, no, start, end, quote in rows:
        assert quote == place.ours.transcript[no].text[start:end]
    assert "two hours every morning" in {row[4] for row in rows}  # behind an emoji
    assert "cafe\u0301 around" in {row[4] for row in rows}  # across a combining character


async def test_the_row_filter_holds_for_the_view(postgres: EmbeddedPostgres, database: str, place: Place) -> None:
    with psycopg.connect(postgres.url(user="ridealong_app", database=database)) as connection:
        connection.execute("SELECT set_config('ridealong.tenant', %s, false)", [str(place.theirs.tenant_id)])
        found = connection.execute("SELECT DISTINCT tenant_id FROM ridealong.evidence").fetchall()
    assert found == [(place.theirs.tenant_id,)]


def test_a_transcript_of_the_second_revision_is_another_one(place: Place) -> None:
    other = Transcript.of(TranscriptId(call_id=place.ours.call_id, revision=2), utterances())
    assert other.cite_whole(3) != place.ours.transcript.cite_whole(3)
