"""How the time of a hosted review is parted: shares of it, each from its begin."""

from __future__ import annotations

from typing import Final

DRAFT_SHARE: Final = 0.72
REPAIR_SHARE: Final = 0.84
VERIFY_SHARE: Final = 0.97
"""Of a review's time: until when drafts, repairs and verdicts must be there. The rest is for storing."""
QUICK_CLOSING_SHARE: Final = 1 / 3
"""From then on what is drafted of the sections' findings is asked of the models that check, which are the quick ones:
where those that draft took so long for the sections, they would take as long again."""
CLOSING_SHARE: Final = 0.9
CLOSING_REPAIR_SHARE: Final = 0.94
"""The same for what is drafted of the sections' findings, and so begins when these are there."""
