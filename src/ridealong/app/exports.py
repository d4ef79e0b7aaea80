"""Findings and moments as CSV and as Parquet."""

from __future__ import annotations

import asyncio
import csv
import importlib
import io
import tempfile
from codecs import BOM_UTF8
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from ridealong.core.errors import MissingPart, Refused
from ridealong.store import Store
from ridealong.store.exports import COLUMNS, Column, ExportKind, export_rows

if TYPE_CHECKING:
    from ridealong.web.exports import ExportFormat

_PIECE_BYTES: Final = 256 * 1024
_FORMULA: Final = tuple("=+-@\t\r\n＝＋－＠")
"""What makes a spreadsheet compute a cell instead of showing it (OWASP, "CSV Injection")."""


@dataclass(frozen=True, slots=True)
class StoredExports:
    """Implements `web.exports.Exports`."""

    store: Store

    async def open(
        self, tenant_id: UUID, kind: ExportKind, form: ExportFormat, *, since: date | None, until: date | None
    ) -> AsyncGenerator[bytes]:
        if since is not None and until is not None and until < since:
            raise Refused("bad_request", "`to` lies before `from`")
        # Both days count, in UTC.
        start = None if since is None else datetime.combine(since, time.min, UTC)
        end = None if until is None else datetime.combine(until + timedelta(days=1), time.min, UTC)
        rows = export_rows(self.store, tenant_id, kind, since=start, before=end)
        if form == "csv":
            return as_csv(COLUMNS[kind], rows)
        # Before the first byte is sent: what is missing is told as an answer, not as an answer that breaks off.
        return as_parquet(await asyncio.to_thread(_arrow), COLUMNS[kind], rows)


async def as_csv(columns: Sequence[Column], rows: AsyncGenerator[list[tuple[Any, ...]]]) -> AsyncGenerator[bytes]:
    """RFC 4180 in UTF-8, piece by piece as it is read. No cell of text is a formula.

    It begins with a byte order mark: without one Excel takes it for the letters of the reader's country.
    """
    yield BOM_UTF8 + _lines([[column.name for column in columns]])
    async with aclosing(rows):
        async for piece in rows:
            yield _lines([[_cell(value) for value in row] for row in piece])


def _lines(rows: Sequence[Sequence[str]]) -> bytes:
    written = io.StringIO()
    csv.writer(written).writerows(rows)
    return written.getvalue().encode()


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case str():
            # A spreadsheet shows the rest as text; it does not show the apostrophe.
            return f"'{value}" if value.startswith(_FORMULA) else value
        case float():
            return f"{value:.4f}"
        case datetime():
            return value.astimezone(UTC).isoformat()
        case _:
            return str(value)


def _arrow() -> Any:
    """Raises MissingPart."""
    try:
        importlib.import_module("pyarrow.parquet")
        return importlib.import_module("pyarrow")
    except ImportError:
        raise MissingPart("this server writes no Parquet: install ridealong[parquet], or ask for format=csv") from None


async def as_parquet(
    arrow: Any, columns: Sequence[Column], rows: AsyncGenerator[list[tuple[Any, ...]]]
) -> AsyncGenerator[bytes]:
    """A Parquet file, written to disk piece by piece, since its directory stands at its end."""
    kinds = {
        "text": arrow.string(),
        # As text: few readers know Parquet's own kind for them.
        "id": arrow.string(),
        "time": arrow.timestamp("ms", tz="UTC"),
        "whole": arrow.int64(),
        "real": arrow.float64(),
    }
    schema = arrow.schema([(column.name, kinds[column.kind]) for column in columns])

    def table(piece: list[tuple[Any, ...]]) -> Any:
        turned = list(zip(*piece, strict=True))
        found = [
            arrow.array([str(v) for v in values] if column.kind == "id" else list(values), type=kinds[column.kind])
            for column, values in zip(columns, turned, strict=True)
        ]
        return arrow.Table.from_arrays(found, schema=schema)

    def write(writer: Any, piece: list[tuple[Any, ...]]) -> None:
        writer.write_table(table(piece))

    with tempfile.TemporaryFile(prefix="ridealong-export-") as file:
        async with aclosing(rows):
            writer = await asyncio.to_thread(arrow.parquet.ParquetWriter, file, schema)
            try:
                async for piece in rows:
                    await asyncio.to_thread(write, writer, piece)
            finally:
                await asyncio.to_thread(writer.close)
        await asyncio.to_thread(file.seek, 0)
        while found := await asyncio.to_thread(file.read, _PIECE_BYTES):
            yield found
