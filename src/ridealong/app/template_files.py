"""`ridealong template check`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ridealong.app.template_check import check_template
from ridealong.core.errors import InvalidDocument
from ridealong.postcall.forms import FORMS, form_of
from ridealong.postcall.render import PARTIAL

if TYPE_CHECKING:
    from pathlib import Path


def check_template_file(file: Path) -> str:
    """What is to be said of it. Raises InvalidDocument with the line of a mistake."""
    form = form_of(file.name)
    if form is None:
        raise InvalidDocument(f"name it by its form, for example own.html.liquid: {', '.join(FORMS)}", source=file.name)
    ending = f".{form}"
    partials = {
        beside.name.removesuffix(".liquid").removesuffix(ending): _text(beside)
        for beside in sorted(file.parent.glob(f"{PARTIAL}*"))
        if beside.name.removesuffix(".liquid").endswith(ending)
    }
    warnings = check_template(_text(file), source=file.name.removesuffix(".liquid"), partials=partials)
    lines = [f"{file.name}, line {warning.line}: warning: {warning.message}" for warning in warnings]
    return "".join(f"{line}\n" for line in lines or [f"{file.name}: fine"])


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise InvalidDocument("the file cannot be read as UTF-8 text", source=file.name) from None
