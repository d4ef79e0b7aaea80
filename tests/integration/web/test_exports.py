"""Exports: one row a finding or moment, safe in a spreadsheet, own calls alone for a rep."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ridealong.app.exports import StoredExports, as_csv
from ridealong.config import Settings
from ridealong.core.people import MemberRole
from ridealong.store.exports import COLUMNS, export_rows
from tests.integration.store.conversation import LINES, record_call
from tests.integration.web.people import House, house, is_problem


@pytest.fixture
async def acme(store_settings: Settings, tmp_path: Path) -> AsyncIterator[House]:
    async with house(store_settings, tmp_path / "recordings") as made:
        yield made


def rows(text: str) -> list[dict[str, str]]:
    # By its mark Excel knows that it is UTF-8.
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


async def test_findings_and_moments_are_rows_with_what_proves_them(acme: House) -> None:
    call = await record_call(acme.store, acme.tenant_id)
    await record_call(acme.store, slug="rival")
    async with acme.browser(Authorization=f"Bearer {acme.token}") as admin:
        answer = await admin.get("/v1/exports/findings")
        assert answer.headers["content-type"].startswith("text/csv")
        assert answer.headers["content-disposition"] == 'attachment; filename="findings.csv"'
        findings = rows(answer.text)
        assert list(findings[0]) == [column.name for column in COLUMNS["findings"]]
        said = [text for _, text in LINES]
        for found in findings:
            assert found["call_id"] == str(call.call_id)
            assert found["quote"] and any(found["quote"] in text for text in said)
            assert int(found["end_ts"]) > int(found["start_ts"])
            assert found["statement"] and found["criterion_id"] and found["score"] in ("yes", "partly", "no")
        (moment,) = rows((await admin.get("/v1/exports/moments")).text)
        assert (moment["moment_id"], moment["call_title"]) == (str(call.moment_id), "Route planning")
        for days, count in (("from=2000-01-01&to=2000-01-02", 0), ("from=2000-01-01", 1), ("to=2000-01-01", 0)):
            assert len(rows((await admin.get(f"/v1/exports/moments?{days}")).text)) == count, days
        backwards = await admin.get("/v1/exports/moments?from=2001-01-02&to=2001-01-01")
        assert is_problem(backwards, 422, "bad_request")


async def test_a_rep_exports_own_calls_alone(acme: House) -> None:
    await acme.member("rita@acme.example", MemberRole.REP)
    await record_call(acme.store, acme.tenant_id)
    async with acme.browser("rita@acme.example") as rita:
        assert rows((await rita.get("/v1/exports/findings")).text) == []
        assert rows((await rita.get("/v1/exports/moments")).text) == []


async def test_more_calls_than_are_read_at_once_come_each_once(acme: House) -> None:
    made = [await record_call(acme.store, acme.tenant_id) for _ in range(5)]
    pieces = [piece async for piece in export_rows(acme.store, acme.tenant_id, "moments", at_once=2)]
    assert [len(piece) for piece in pieces] == [2, 2, 1]
    assert [row[0] for piece in pieces for row in piece] == [call.call_id for call in made]


@pytest.mark.parametrize("said", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1"])
async def test_no_cell_of_text_is_a_formula(said: str) -> None:
    columns = [column for column in COLUMNS["findings"] if column.name in ("statement", "confidence", "start_ts")]

    async def piece() -> AsyncIterator[list[tuple[Any, ...]]]:
        yield [(-0.5, said, -3)]

    text = b"".join([part async for part in as_csv(columns, piece())]).decode()  # pyright: ignore[reportArgumentType]
    ((_, row)) = list(csv.reader(io.StringIO(text, newline="")))
    assert row == ["-0.5000", f"'{said}", "-3"]


async def test_parquet_holds_the_same_rows_or_says_what_is_missing(acme: House) -> None:
    call = await record_call(acme.store, acme.tenant_id)
    try:
        from pyarrow import parquet  # pyright: ignore[reportMissingImports]
    except ImportError:
        async with acme.browser(Authorization=f"Bearer {acme.token}") as admin:
            answer = await admin.get("/v1/exports/findings?format=parquet")
            assert "ridealong[parquet]" in answer.json()["detail"], answer.text
        return
    pieces = await StoredExports(acme.store).open(acme.tenant_id, "moments", "parquet", since=None, until=None)
    table = parquet.read_table(io.BytesIO(b"".join([piece async for piece in pieces])))
    (moment,) = table.to_pylist()
    assert moment["moment_id"] == str(call.moment_id)
    assert moment["call_started_at"].tzinfo is not None
    assert isinstance(moment["start_ts"], int) and isinstance(moment["confidence"], float)
