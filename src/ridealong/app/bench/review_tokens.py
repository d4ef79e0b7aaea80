"""What the tokens of a hosted review come to, against one call a section with the transcript repeated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from ridealong.postcall.prompting import prompt
from ridealong.postcall.reading import as_data, section_in_full
from ridealong.postcall.rubric import DEFAULT_RUBRIC, shipped_rubric

Json = dict[str, Any]

A_TOKEN: Final = 4
"""Characters."""
CACHE_WRITE: Final = 1.25
CACHE_READ: Final = 0.1
"""Of a prompt token's price, what vendors ask for keeping a marked prefix and for reading it."""
QUICK: Final = 0.2
"""Of a frontier model's price, what a small one of the same vendor takes (Opus 5 and Haiku 4.5; newer pairs are further
apart)."""
ANSWER: Final = 5.0
"""Of a prompt token's price, what a token of an answer costs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Exchanged:
    """One question with its answer. `quick`: asked of the model that checks. `step`: which step asked."""

    prompt: str
    answer: str
    step: str
    quick: bool

    @property
    def shared(self) -> int:
        """Characters of the prefix that all questions about the call begin with."""
        end = self.prompt.find("</transcript>")
        return end if end > 0 and "<task>" in self.prompt[end:] else 0

    @property
    def findings(self) -> bool:
        """Whether it asked about sections of the rubric."""
        return self.step not in ("coaching", "telling", "outline", "next_actions", "gaps", "follow_up", "check")


def tokens(exchanged: Sequence[Exchanged], *, reviews: int) -> Json:
    """Of one review. `naive` is what one call a section would have taken: the same words, all of them each time.

    `cost`: prompt tokens of the drafting model that would cost the same. `alike`: cached ones as they are billed, and
    those of both models alike. `fresh`: those that no cache gave. `with_answers` has the answers' tokens too, at
    their price; the naive way has only the sections' findings to pay for, ours all that a review holds.
    """
    reading = [one for one in exchanged if one.shared]
    prefix = max(one.shared for one in reading)
    kept = len(reading) / reviews

    def sizes(quick: bool) -> float:
        return sum(len(one.prompt) for one in exchanged if one.quick is quick) / reviews

    behind = sizes(False) - kept * prefix
    # The first question of a review pays for keeping the prefix, the others for reading it.
    cached = prefix * (CACHE_WRITE + CACHE_READ * (kept - 1))
    rubric = shipped_rubric(DEFAULT_RUBRIC)
    told = len(prompt("section-2"))
    naive = sum(prefix + told + len(as_data(section_in_full(section))) for section in rubric.sections)
    answers = sum(len(o.answer) * (QUICK if o.quick else 1.0) for o in exchanged) / reviews
    findings = sum(len(o.answer) for o in exchanged if o.findings) / reviews
    cost = cached + behind + QUICK * sizes(True)
    alike = cached + behind + sizes(True)
    sent = sizes(False) + sizes(True)
    fresh = sent - (kept - 1) * prefix
    all_steps = (
        naive + 5 * prefix + sum(len(o.prompt) - o.shared for o in exchanged if not o.quick) / reviews - 6 * told
    )
    parts: dict[str, float] = {}
    for one in exchanged:
        name = "sections" if one.findings else one.step
        parts[name] = parts.get(name, 0.0) + (len(one.prompt) - one.shared) / reviews
    return {
        "questions": round(len(exchanged) / reviews, 1),
        "reading_the_call": round(kept, 1),
        "prefix": round(prefix / A_TOKEN),
        "behind_it": {name: round(size / A_TOKEN) for name, size in sorted(parts.items())},
        "answers": round(sum(len(o.answer) for o in exchanged) / reviews / A_TOKEN),
        **{
            name: round(size / A_TOKEN)
            for name, size in (("cost", cost), ("alike", alike), ("fresh", fresh), ("sent", sent), ("naive", naive))
        },
        **{
            f"{name}_share": round(size / naive, 3)
            for name, size in (("cost", cost), ("alike", alike), ("fresh", fresh), ("sent", sent))
        },
        "with_answers_share": round((cost + ANSWER * answers) / (naive + ANSWER * findings), 3),
        "cost_share_of_every_step": round(cost / all_steps, 3),
    }
