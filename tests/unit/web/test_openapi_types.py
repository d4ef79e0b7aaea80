"""The browser's client speaks of the server as it is."""

from __future__ import annotations

from tools.openapi_types import SCHEMA, first_line


def test_the_browsers_types_are_made_from_the_servers_description() -> None:
    made_from = SCHEMA.read_text().split("\n", 1)[0]
    assert made_from == first_line(), "run `python tools/openapi_types.py`, and commit what it writes"
