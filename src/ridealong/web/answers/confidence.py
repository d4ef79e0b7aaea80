"""How sure a tenant's claims are told to be: the versions of what makes a probability of their signals."""

from __future__ import annotations

from datetime import datetime

from ridealong.web.answers import Answer


class ConfidenceVersion(Answer):
    """One that was fitted to votes. `active`: reviews from now on are weighed with it.

    `error_before` and `error_after`: the expected calibration error, 0 to 1, on the voted claims by what held before
    and by this one, each claim weighed by weights that have not seen it.
    """

    version: int
    agreed: int
    disagreed: int
    error_before: float
    error_after: float
    active: bool
    fitted_at: datetime


class ConfidenceVersions(Answer):
    """The newest first; without an active one the shipped weights hold (version 0).

    `agreed` and `disagreed`: voted claims of which most think that they are right, or wrong, as of now. A version can
    be fitted from `needed` of both together and `needed_of_each` of either kind on.
    """

    versions: list[ConfidenceVersion]
    agreed: int
    disagreed: int
    needed: int
    needed_of_each: int
