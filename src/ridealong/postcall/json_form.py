"""What a template writes as JSON: read once more, so that whoever gets it can."""

from __future__ import annotations

import json

from ridealong.core.errors import InvalidDocument


def valid_json(text: str, *, source: str) -> str:
    """`text` written as JSON is usually written. Raises InvalidDocument where it is none, without quoting it."""
    try:
        value = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        where = f" (line {error.lineno} of the result)" if isinstance(error, json.JSONDecodeError) else ""
        raise InvalidDocument(
            f"what the template makes is no valid JSON{where}: mind commas between items, and write values as"
            " {{ value | json }}",
            source=source,
        ) from None
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _refuse(_: str) -> object:
    raise ValueError("NaN and Infinity are no JSON")
