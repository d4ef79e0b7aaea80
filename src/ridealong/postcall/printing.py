"""Whose words a template prints: its own are printed as they are, all others escaped at the moment they are printed.

Liquid's own autoescape marks text as safe once and for all, and a template that captures a marked text can cut the
escapes out of it again (`capture`, then `replace: "&lt;", "<"`). Here nothing that came of data is ever marked:
`Rendered` is the bare text to every filter and comparison, and knows beside it how it is printed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from io import StringIO
from typing import Any, Final, TextIO, cast

from liquid import Markup, RenderContext
from liquid.ast import Node
from liquid.builtin.output import Output, OutputNode
from liquid.builtin.tags.capture_tag import CaptureNode, CaptureTag
from liquid.builtin.tags.cycle_tag import CycleNode, CycleTag
from liquid.builtin.tags.echo_tag import EchoNode, EchoTag
from liquid.exceptions import FilterArgumentError
from liquid.filter import flatten
from liquid.stringify import to_liquid_string

Printed = Callable[[str, int, str | None], None]
"""(bare text, one-based line, name of the partial or None for the template itself) of what was printed."""


class WrongUse(FilterArgumentError):
    """A filter was given what it cannot use. Its message holds nothing of the data."""


class Rendered(str):
    """Bare text that knows how it is printed: escaped already, or a link. All that is made of it is bare text again."""

    __slots__ = ("rendered",)
    rendered: str

    def __new__(cls, bare: str, rendered: str) -> Rendered:
        made = super().__new__(cls, bare)
        made.rendered = rendered
        return made


def bare_text(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return "".join(bare_text(item) for item in cast("Sequence[object]", value))
    return to_liquid_string(value, autoescape=False)


def printed_text(value: object, escape: Callable[[str], str]) -> str:
    """`value` as it is printed."""
    if type(value) is Markup:
        return str(value)
    if isinstance(value, Rendered):
        return value.rendered
    if isinstance(value, (int, float)):
        return bare_text(value)
    if isinstance(value, (list, tuple)):
        return "".join(printed_text(item, escape) for item in cast("Sequence[object]", value))
    return escape(to_liquid_string(value, autoescape=False))


def plain(args: Sequence[Any]) -> tuple[Any, ...]:
    """`args` with the template's own words as bare text."""
    return tuple(str(arg) if type(arg) is Markup else arg for arg in args)


def authored(value: Any, args: Sequence[Any], bare: Sequence[Any]) -> Any:
    """`value`, which a filter made of `bare`; marked as the template's own words where all of `args` were."""
    for arg, given in zip(args, bare, strict=True):
        if value is given:
            return arg
    if not (args and type(args[0]) is Markup and all(isinstance(a, (Markup, int, float, type(None))) for a in args)):
        return value
    if type(value) is str:
        return Markup(value)
    if isinstance(value, list):
        return [Markup(v) if type(v) is str else v for v in cast("list[object]", value)]
    return value


def author_filters(escape: Callable[[str], str]) -> dict[str, Callable[..., object]]:
    """The filters that put the template's own words beside others, where the ones stay what they are."""

    def together(parts: Sequence[object]) -> str:
        if all(type(part) is Markup for part in parts):
            return Markup("".join(str(part) for part in parts))
        bare = "".join(bare_text(part) for part in parts)
        return Rendered(bare, "".join(printed_text(part, escape) for part in parts))

    def append(value: object, end: object = "") -> str:
        return together((value, end))

    def prepend(value: object, start: object = "") -> str:
        return together((start, value))

    def join(value: object, separator: object = " ") -> str:
        if isinstance(value, range) or (isinstance(value, (list, tuple)) and value):
            items = flatten(cast("Sequence[Any]", value))
        else:
            items = [] if isinstance(value, (list, tuple)) or value is None else [value]
        parts: list[object] = []
        for item in items:
            parts += [separator if not parts or isinstance(separator, str) else str(separator), item]
        return together(parts[1:])

    return {"append": append, "prepend": prepend, "join": join}


_ADDRESS = re.compile(r"""(?:\b(?:href|src|action|formaction|data|poster)\s*=\s*["']?|\]\(\s*<?)\s*$""", re.IGNORECASE)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_HARMLESS: Final = ("http:", "https:", "mailto:", "file:")


def _runs(bare: str) -> bool:
    """Whether a browser would run this address instead of opening it; it ignores spaces and control characters."""
    scheme = _SCHEME.match("".join(c for c in bare if c > " "))
    return scheme is not None and scheme.group().lower() not in _HARMLESS


class _Prints(Node):
    """What printing statements share."""

    __slots__ = ()

    def printed(self, value: object, context: RenderContext, buffer: TextIO) -> int:
        env = cast("Any", context.env)
        bare = bare_text(value)
        before: list[str] = getattr(buffer, "bare", [])
        if before and type(value) is not Markup and _ADDRESS.search(before[-1][-40:]) and _runs(bare):
            # Escaping makes no address harmless: what stands where a link leads must lead somewhere.
            value = bare = "#"
        if env.printed is not None:
            name = context.template.name
            source = self.token.source
            env.printed(bare, source.count("\n", 0, self.token.start_index) + 1, name)
        text = printed_text(value, env.escape)
        write = getattr(buffer, "write_printed", None)
        return buffer.write(text) if write is None else write(bare, text)


class _OutputNode(_Prints, OutputNode):
    __slots__ = ()

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        return self.printed(self.expression.evaluate(context), context, buffer)


class _EchoNode(_Prints, EchoNode):
    __slots__ = ()

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        return self.printed(self.expression.evaluate(context), context, buffer)


class _CycleNode(_Prints, CycleNode):
    __slots__ = ()

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        group = "" if self.group is None else bare_text(self.group.evaluate(context))
        args = [arg.evaluate(context) for arg in self.args]
        index = context.cycle(group or str(args), len(args))
        return self.printed(args[index], context, buffer) if index < len(args) else 0


class _CaptureNode(CaptureNode):
    __slots__ = ()

    def _assign(self, context: RenderContext, buf: StringIO) -> None:
        rendered = buf.getvalue()
        context.assign(self.name, Rendered("".join(getattr(buf, "bare", [rendered])), rendered))


class _Output(Output):
    node_class = _OutputNode


class _Echo(EchoTag):
    node_class = _EchoNode


class _Cycle(CycleTag):
    node_class = _CycleNode


class _Capture(CaptureTag):
    node_class = _CaptureNode


PRINTING_TAGS: Final = (_Output, _Echo, _Cycle, _Capture)
