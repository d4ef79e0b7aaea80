"""A tenant's taxonomy in its parts."""

from __future__ import annotations

from typing import Literal

from ridealong.web.answers import Answer


class QuietShown(Answer):
    first_s: float
    while_rep_speaks: bool
    while_customer_thinks: bool


class PolicyShown(Answer):
    """How much a rep may be bothered. Seconds; `hold_out` is a share, 0 to 0.5."""

    max_nudges: int
    window_s: float
    max_lateness_s: float
    quiet: QuietShown
    hold_out: float


class ExampleShown(Answer):
    """`after`: the turn that the words answer; empty where it is none in particular."""

    text: str
    after: str


class TypeShown(Answer):
    """`floor` and `detect` are confidences. `shipped` false: a type of the tenant's own."""

    id: str
    label: str
    kind: Literal["content", "timing"]
    role: Literal["customer", "rep", "any"]
    tier: Literal["nudge", "noted"]
    floor: float
    detect: float
    cool_down_s: float
    description: str
    nudges: list[str]
    examples: list[ExampleShown]
    not_examples: list[ExampleShown]
    shipped: bool


class TrackerShown(Answer):
    """With an `answer` it is a battle card."""

    name: str
    type: str
    phrases: list[str]
    answer: str


class TaxonomyShown(Answer):
    """`version`: of the tenant's own document; null while the shipped one holds. `policy` and `types` as they hold."""

    version: int | None
    policy: PolicyShown
    types: list[TypeShown]
    trackers: list[TrackerShown]
