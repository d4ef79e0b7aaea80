"""Liquid, strict and limited: a tenant's template can be wrong, slow or greedy, and harms nobody.

An unknown name or filter is an error. Time, output, loops, nesting, memory and the template's size are bounded. There
is no file access; the only templates that can be included are the partials that are given.

What a template prints is escaped as it is printed, whatever was done with it before, and nothing can switch that off:
only words that stand in the template itself are printed as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache, update_wrapper
from io import StringIO
from time import thread_time
from typing import Any, Final, TextIO, cast

from liquid import BoundTemplate, DictLoader, Environment, RenderContext, StrictUndefined
from liquid.exceptions import (
    LiquidError,
    LiquidSyntaxError,
    ResourceLimitError,
    TemplateNotFoundError,
    UndefinedError,
    UnknownFilterError,
)

from ridealong.core.errors import InvalidDocument
from ridealong.postcall.printing import (
    PRINTING_TAGS,
    Printed,
    Rendered,
    WrongUse,
    author_filters,
    authored,
    plain,
)

_FILTERS: Final = frozenset(
    (
        *("abs", "append", "at_least", "at_most", "capitalize", "ceil", "compact", "concat", "default", "divided_by"),
        *("downcase", "first", "floor", "has", "find", "join", "last", "lstrip", "map", "minus", "modulo", "plus"),
        *("prepend", "reject", "remove", "remove_first", "replace", "replace_first", "reverse", "round", "rstrip"),
        *("size", "slice", "sort", "split", "squish", "strip", "sum", "times", "truncate", "truncatewords", "uniq"),
        *("upcase", "where", "find_index", "remove_last", "replace_last", "sort_natural", "strip_newlines"),
    )
)
"""Filters that neither mark text as safe, nor decode it, nor read the clock."""
_TAGS: Final = frozenset(
    (
        *("if", "unless", "case", "for", "assign", "capture", "render", "comment", "echo", "cycle", "break"),
        *("continue", "liquid", "doc"),
    )
)
"""No `include`: it shares variables with its partial. No `tablerow`, `increment`, `decrement`, `ifchanged`."""
_MAX_NUMBER: Final = 10**15


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What a template may use. `seconds` of rendering; sizes in characters or bytes of UTF-8."""

    seconds: float = 2.0
    template_chars: int = 64 * 1024
    output_bytes: int = 4 * 1024 * 1024
    loop_iterations: int = 50_000
    """All loops together."""
    variable_bytes: int = 1024 * 1024
    nesting: int = 20
    """Blocks within blocks, and partials within partials."""


class _Spent(ResourceLimitError):
    """A limit that Liquid does not know was reached."""


class _Budget:
    """What one rendering has used."""

    def __init__(self, limits: Limits, clock: Callable[[], float]) -> None:
        self._limits = limits
        self._clock = clock
        self._until = clock() + limits.seconds
        self._iterations = 0

    def check(self) -> None:
        if self._clock() > self._until:
            raise _Spent(f"the template takes longer than {self._limits.seconds:g} s", token=None)

    def iterate(self, count: int) -> None:
        self._iterations += count
        if self._iterations > self._limits.loop_iterations:
            raise _Spent(f"the loops run more than {self._limits.loop_iterations} times", token=None)
        self.check()

    def foresee(self, args: tuple[Any, ...]) -> None:
        """Refuse before the time or memory is taken: `replace` and `join` can make the product of two lengths."""
        self.check()
        if any(isinstance(arg, range) and len(arg) > self._limits.loop_iterations for arg in args):
            raise _Spent("a range is too long", token=None)
        if len(args) >= 2:
            first = len(args[0]) if isinstance(args[0], (str, list, tuple, range)) else 0
            longest = max((len(arg) for arg in args[1:] if isinstance(arg, str)), default=0)
            if longest > 1 and (first + 1) * longest > 16 * self._limits.variable_bytes:
                raise _Spent("a filter would make too much text", token=None)

    def bounded(self, value: Any) -> Any:
        if isinstance(value, int) and abs(value) > _MAX_NUMBER:
            raise _Spent("a number is too large", token=None)
        if isinstance(value, str):
            length = len(value.rendered) if isinstance(value, Rendered) else len(value)
            if length > self._limits.variable_bytes:
                raise _Spent("a filter makes too much text", token=None)
        return value


@dataclass(frozen=True, slots=True)
class _Rendering:
    """What is one rendering's own; the environment and what was read in it are shared by many."""

    budget: _Budget
    printed: Printed | None


_RENDERING: Final[ContextVar[_Rendering]] = ContextVar("rendering")


def _bound_filter(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` with its arguments and its result bounded: filters can multiply what they are given."""

    def bounded(*args: Any, **kwargs: Any) -> Any:
        budget = _RENDERING.get().budget
        budget.foresee(args)
        # Plain text goes in, so that what comes out is text to be escaped; the template's own words stay its own.
        bare = plain(args)
        return budget.bounded(authored(function(*bare, **kwargs), args, bare))

    # Liquid marks filters that want the context or the environment by attributes.
    return update_wrapper(bounded, function)


def _joining_filter(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, which knows itself whose words it is given, bounded like the others."""

    def bounded(*args: Any) -> Any:
        budget = _RENDERING.get().budget
        budget.foresee(args)
        return budget.bounded(function(*args))

    return bounded


class _Buffer(StringIO):
    """The output, bounded in size and time; captures share the size of what they stand in."""

    def __init__(self, budget: _Budget, limit: int) -> None:
        super().__init__()
        self._budget = budget
        self.left = limit
        self.bare: list[str] = []
        """What was written, before it was escaped."""

    def write(self, text: str, /) -> int:
        return self.write_printed(text, text)

    def write_printed(self, bare: str, text: str) -> int:
        self._budget.check()
        self.left -= len(text.encode())
        if self.left < 0:
            raise _Spent("the output is too large", token=None)
        self.bare.append(bare)
        return super().write(text)


class _Context(RenderContext):
    def extend(self, namespace: Mapping[str, object], template: BoundTemplate | None = None) -> Any:
        _budget(self).check()
        return super().extend(namespace, template)

    def loop(self, namespace: Mapping[str, object], forloop: Any) -> Any:
        forloop.it = self._counted(forloop.it)
        return super().loop(namespace, forloop)

    def raise_for_loop_limit(self, length: int = 1) -> None:
        _budget(self).iterate(length)

    def get_buffer(self, buf: TextIO | None = None) -> StringIO:
        limits = cast("_Limited", self.env).limits
        return _Buffer(_budget(self), buf.left if isinstance(buf, _Buffer) else limits.output_bytes)

    def _counted(self, items: Iterator[Any]) -> Iterator[Any]:
        for item in items:
            _budget(self).check()
            yield item


def _budget(_: RenderContext) -> _Budget:
    return _RENDERING.get().budget


class _Template(BoundTemplate):
    context_class = _Context

    def _get_buffer(self) -> StringIO:
        return _Buffer(_RENDERING.get().budget, cast("_Limited", self.env).limits.output_bytes)


class _Limited(Environment):
    """What templates of one form and one set of limits are read in, with the partials that they can render."""

    template_class = _Template

    def __init__(
        self,
        *,
        limits: Limits,
        escape: Callable[[str], str],
        partials: Mapping[str, str],
        filters: Mapping[str, Callable[..., object]],
    ) -> None:
        # Read by Liquid from the environment; class attributes there, an instance's own here.
        self.block_nesting_limit = limits.nesting  # pyright: ignore[reportAttributeAccessIssue]
        self.context_depth_limit = limits.nesting  # pyright: ignore[reportAttributeAccessIssue]
        self.local_namespace_limit = limits.variable_bytes  # pyright: ignore[reportAttributeAccessIssue]
        self.limits = limits
        self.escape = escape
        self._read: dict[str, BoundTemplate] = {}
        # Liquid then marks the template's own words (Markup). What it would do with them itself is `printing`'s.
        super().__init__(autoescape=True, undefined=StrictUndefined, loader=DictLoader(dict(partials)))
        for tag in PRINTING_TAGS:
            self.add_tag(tag)
        for name in [n for n in self.tags if n.isalpha() and n not in _TAGS and n not in _INNER]:
            del self.tags[name]
        self.filters = {
            name: _bound_filter(function) for name, function in self.filters.items() if name in _FILTERS
        } | {name: _bound_filter(function) for name, function in filters.items()}
        self.filters |= {name: _joining_filter(function) for name, function in author_filters(escape).items()}

    @property
    def printed(self) -> Printed | None:
        return _RENDERING.get().printed

    def get_template(self, name: str, **_: Any) -> BoundTemplate:
        # A claim's partial is rendered for each claim; reading it takes longer than rendering it. It is kept without
        # what it was asked for with: variables come with each rendering.
        found = self._read.get(name)
        if found is None:
            found = self._read[name] = super().get_template(name)
        return found


def render_template(
    text: str,
    data: Mapping[str, object],
    *,
    source: str,
    escape: Callable[[str], str],
    partials: Mapping[str, str],
    filters: Mapping[str, Callable[..., object]],
    limits: Limits | None = None,
    clock: Callable[[], float] = thread_time,
    printed: Printed | None = None,
) -> str:
    """Render `text` with `data`. `filters` are added to the allowed ones of Liquid.

    `escape` makes text harmless in what is rendered. `clock` gives seconds, for the limit of time: by default those
    that this thread computed, whatever else the machine does. `printed` is told of each value that is printed. Raises
    InvalidDocument with the line, and without what is in `data`.
    """
    limits = limits or Limits()
    partials = dict(partials)
    given = (tuple(partials.items()), tuple(filters.items()))
    mark = _RENDERING.set(_Rendering(_Budget(limits, clock), printed))
    try:
        return _read(text, source, escape, limits, *given).render(**data)
    except LiquidError as error:
        raise InvalidDocument(_message(error, text, partials), source=source, line=_line(error, text)) from None
    except RecursionError:
        raise InvalidDocument("the template is nested too deeply", source=source) from None
    finally:
        _RENDERING.reset(mark)


def check_syntax(text: str, *, source: str, filters: Mapping[str, Callable[..., object]]) -> None:
    """Read `text` without rendering it: a partial, whose variables are not known. Raises InvalidDocument."""
    try:
        _read(text, source, str, Limits(), (), tuple(filters.items()))
    except LiquidError as error:
        raise InvalidDocument(_message(error, text, {}), source=source, line=_line(error, text)) from None
    except RecursionError:
        raise InvalidDocument("the template is nested too deeply", source=source) from None


_Given = tuple[tuple[str, Any], ...]


@lru_cache(maxsize=64)
def _read(  # noqa: PLR0917 - a cache's key
    text: str, source: str, escape: Callable[[str], str], limits: Limits, partials: _Given, filters: _Given
) -> BoundTemplate:
    """The template, read. Raises LiquidError, or InvalidDocument for one that is too large."""
    if len(text) > limits.template_chars:
        raise InvalidDocument(f"the template is larger than {limits.template_chars // 1024} KiB", source=source)
    return _environment(escape, limits, partials, filters).from_string(text, name=source)


@lru_cache(maxsize=32)
def _environment(escape: Callable[[str], str], limits: Limits, partials: _Given, filters: _Given) -> _Limited:
    return _Limited(limits=limits, escape=escape, partials=dict(partials), filters=dict(filters))


_INNER: Final = frozenset({"content", "output", "illegal", "statement", "literal"})
"""Names under which Liquid keeps text and output statements among its tags."""


def _message(error: LiquidError, text: str, partials: Mapping[str, str]) -> str:
    """What is wrong with the template. Errors that may quote a value are told in our own words."""
    if isinstance(error, (LiquidSyntaxError, UndefinedError, UnknownFilterError, ResourceLimitError, WrongUse)):
        message = str(error.message)
    elif isinstance(error, TemplateNotFoundError):
        # As it stands in the template: `render` takes a name and no variable.
        name = "" if error.token is None else f" '{error.token.value}'"
        message = f"there is no partial{name} in this form; there are: {', '.join(sorted(partials)) or 'none'}"
    else:
        message = f"this cannot be rendered ({type(error).__name__}): check the filter's input and arguments"
    read = text if error.token is None else error.token.source
    partial = None if read == text else next((name for name, body in partials.items() if body == read), None)
    return message if partial is None else f"in the partial '{partial}': {message}"


def _line(error: LiquidError, text: str) -> int:
    """One-based line of the mistake; for one that only the end of the template shows, its last line."""
    try:
        context = error.context()
    except ValueError:
        context = None
    if context is not None:
        return context[0]
    return len(text.splitlines()) or 1 if isinstance(error, LiquidSyntaxError) else 1
