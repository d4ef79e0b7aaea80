"""Liquid, strict and limited: a tenant's template can be wrong, slow or greedy, and harms nobody.

An unknown name or filter is an error. Time, output, loops, nesting, memory and the template's size are bounded. There
is no file access; the only templates that can be included are our own partials.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import update_wrapper
from io import StringIO
from time import monotonic
from typing import Any, Final, TextIO, cast

from liquid import BoundTemplate, DictLoader, Environment, RenderContext, StrictUndefined
from liquid.exceptions import LiquidError, LiquidSyntaxError, ResourceLimitError, UndefinedError, UnknownFilterError

from ridealong.core.errors import InvalidDocument

_FILTERS: Final = frozenset(
    (
        *("abs", "append", "at_least", "at_most", "capitalize", "ceil", "compact", "concat", "default", "divided_by"),
        *("downcase", "first", "floor", "has", "find", "join", "last", "lstrip", "map", "minus", "modulo", "plus"),
        *("prepend", "reject", "remove", "remove_first", "replace", "replace_first", "reverse", "round", "rstrip"),
        *("size", "slice", "sort", "split", "squish", "strip", "sum", "times", "truncate", "truncatewords", "uniq"),
        *("upcase", "where"),
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

    def bound_filter(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """`function` with its arguments and its result bounded: filters can multiply what they are given."""

        def bounded(*args: Any, **kwargs: Any) -> Any:
            self.check()
            for arg in args:
                if isinstance(arg, range) and len(arg) > self._limits.loop_iterations:
                    raise _Spent("a range is too long", token=None)
            self._foresee(args)
            return self._bounded(function(*args, **kwargs))

        # Liquid marks filters that want the context or the environment by attributes.
        return update_wrapper(bounded, function)

    def _foresee(self, args: tuple[Any, ...]) -> None:
        """Refuse before the memory is taken: `replace` and `join` can make the product of two lengths."""
        if len(args) >= 2:
            first = len(args[0]) if isinstance(args[0], (str, list, tuple, range)) else 0
            longest = max((len(arg) for arg in args[1:] if isinstance(arg, str)), default=0)
            if longest > 1 and (first + 1) * longest > 16 * self._limits.variable_bytes:
                raise _Spent("a filter would make too much text", token=None)

    def _bounded(self, value: Any) -> Any:
        if isinstance(value, int) and abs(value) > _MAX_NUMBER:
            raise _Spent("a number is too large", token=None)
        if isinstance(value, str) and len(value) > self._limits.variable_bytes:
            raise _Spent("a filter makes too much text", token=None)
        return value


class _Buffer(StringIO):
    """The output, bounded in size and time; captures share the size of what they stand in."""

    def __init__(self, budget: _Budget, limit: int) -> None:
        super().__init__()
        self._budget = budget
        self.left = limit

    def write(self, text: str, /) -> int:
        self._budget.check()
        self.left -= len(text.encode())
        if self.left < 0:
            raise _Spent("the output is too large", token=None)
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


def _budget(context: RenderContext) -> _Budget:
    return cast("_Limited", context.env).budget


class _Template(BoundTemplate):
    context_class = _Context

    def _get_buffer(self) -> StringIO:
        env = cast("_Limited", self.env)
        return _Buffer(env.budget, env.limits.output_bytes)


class _Limited(Environment):
    """One environment for one rendering: it holds that rendering's budget."""

    template_class = _Template

    def __init__(self, *, limits: Limits, budget: _Budget, autoescape: bool, partials: Mapping[str, str]) -> None:
        # Read by Liquid from the environment; class attributes there, an instance's own here.
        self.block_nesting_limit = limits.nesting  # pyright: ignore[reportAttributeAccessIssue]
        self.context_depth_limit = limits.nesting  # pyright: ignore[reportAttributeAccessIssue]
        self.local_namespace_limit = limits.variable_bytes  # pyright: ignore[reportAttributeAccessIssue]
        self.limits = limits
        self.budget = budget
        super().__init__(autoescape=autoescape, undefined=StrictUndefined, loader=DictLoader(dict(partials)))


def render_template(
    text: str,
    data: Mapping[str, object],
    *,
    source: str,
    autoescape: bool,
    partials: Mapping[str, str],
    filters: Mapping[str, Callable[..., object]],
    limits: Limits | None = None,
    clock: Callable[[], float] = monotonic,
) -> str:
    """Render `text` with `data`. `filters` are added to the allowed ones of Liquid.

    `clock` gives seconds, for the limit of time. Raises InvalidDocument with the line, and without what is in `data`.
    """
    limits = limits or Limits()
    if len(text) > limits.template_chars:
        raise InvalidDocument(f"the template is larger than {limits.template_chars // 1024} KiB", source=source)
    budget = _Budget(limits, clock)
    environment = _Limited(limits=limits, budget=budget, autoescape=autoescape, partials=partials)
    environment.filters = {
        name: budget.bound_filter(function) for name, function in environment.filters.items() if name in _FILTERS
    } | {name: budget.bound_filter(function) for name, function in filters.items()}
    for name in [n for n in environment.tags if n.isalpha() and n not in _TAGS and n not in _INNER]:
        del environment.tags[name]
    try:
        return environment.from_string(text, name=source).render(**data)
    except LiquidError as error:
        raise InvalidDocument(_message(error), source=source, line=_line(error, text)) from None
    except RecursionError:
        raise InvalidDocument("the template is nested too deeply", source=source) from None


_INNER: Final = frozenset({"content", "output", "illegal", "statement", "literal"})
"""Names under which Liquid keeps text and output statements among its tags."""


def _message(error: LiquidError) -> str:
    """What is wrong with the template. Errors that may quote a value are told in our own words."""
    if isinstance(error, (LiquidSyntaxError, UndefinedError, UnknownFilterError, ResourceLimitError)):
        return str(error.message)
    return f"this cannot be rendered ({type(error).__name__}): check the filter's input and arguments"


def _line(error: LiquidError, text: str) -> int:
    """One-based line of the mistake; for one that only the end of the template shows, its last line."""
    try:
        context = error.context()
    except ValueError:
        context = None
    if context is not None:
        return context[0]
    return len(text.splitlines()) or 1 if isinstance(error, LiquidSyntaxError) else 1
