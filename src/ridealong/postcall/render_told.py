"""What a template sees of a call as a whole: outline, what does not fit together, what happens next, the follow-up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from ridealong.core.artifact import follow_up_json
from ridealong.core.outline import Who

if TYPE_CHECKING:
    from ridealong.core.artifact import Artifact
    from ridealong.core.claims import Claim

_WHO: Final = {Who.REP: "Rep", Who.CUSTOMER: "Customer", Who.BOTH: "Both", Who.UNKNOWN: "Not known who"}


def told(artifact: Artifact, claim: Callable[[Claim], Mapping[str, object]]) -> dict[str, object]:
    """`outline`, `gaps`, `next_actions` and `follow_up`. `claim`: a claim as templates see it."""
    titles = {s.section_id: s.title for s in artifact.sections}
    around = follow_up_json(artifact.follow_up) or {}
    return {
        "outline": [
            {
                "stage": s.stage,
                "label": s.stage.replace("_", " "),
                "first_no": s.first_no,
                "last_no": s.last_no,
                "start_ts": s.start_ts,
                "end_ts": s.end_ts,
                **claim(s.summary),
            }
            for s in artifact.outline
        ],
        "gaps": [
            {
                "gap": g.gap.value,
                "title": g.title,
                "sections": [titles.get(section_id, section_id) for section_id in g.sections],
                **claim(g.claim),
            }
            for g in artifact.gaps
        ],
        "next_actions": [{"who": _WHO[a.who], "due": a.due or "", **claim(a.claim)} for a in artifact.next_actions],
        "follow_up": {
            **{name: around.get(name, "") for name in ("subject", "greeting", "thanks", "closing", "signature")},
            "sentences": [{"part": s.part.value, **claim(s.claim)} for s in artifact.follow_up],
        },
    }
