"""`python -m tests.unit.postcall.measured`: how many lies about a true quote pass, and what falls."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from ridealong.core.transcript import Citation, SpeakerId
from ridealong.postcall.reviewer import Draft
from tests.unit.postcall import opposed, opposed_again, opposed_unseen
from tests.unit.postcall.test_distorted import reviewed
from tests.unit.postcall.test_review import context


def standing(told: Sequence[opposed.Told]) -> list[opposed.Told]:
    """Those of `told` that become findings where no model reads them a second time."""
    call = context([(SpeakerId(0 if who == "R" else 1), words) for who, words, _ in told])
    drafts = [
        Draft(statement=statement, citations=(Citation(utterance_no=u.no, quote=words),), confidence=0.9)
        for u, (_, words, statement) in zip(call.transcript, told, strict=True)
    ]
    found, _ = reviewed(call, drafts)
    return [told[n] for n in sorted(found)]


def main() -> None:
    for name, known in (("seen", opposed), ("first", opposed_unseen), ("second", opposed_again)):
        lies, fair = standing(known.OPPOSED), standing(known.FAIR)
        sys.stdout.write(
            f"{name}: {len(lies)} of {len(known.OPPOSED)} lies pass,"
            f" {len(known.FAIR) - len(fair)} of {len(known.FAIR)} honest statements are refused\n"
        )
        if "-v" in sys.argv:
            for one in lies + [f for f in known.FAIR if f not in fair]:
                sys.stdout.write(f"  {one}\n")


if __name__ == "__main__":
    main()
