"""Why a statement about a call was given back, made less sure or left out: short codes that stay the same."""

from __future__ import annotations

from enum import StrEnum


class Fault(StrEnum):
    """What is wrong with a statement. The codes are part of the artifact: they are added to and never renamed."""

    MALFORMED = "malformed"
    """Empty, too long, without a title, or with a confidence that is none."""
    NO_EVIDENCE = "no_evidence"
    NO_SUCH_CRITERION = "no_such_criterion"
    NO_SUCH_UTTERANCE = "no_such_utterance"
    SPEAKER_NOT_KNOWN = "speaker_not_known"
    """It cites words of which nobody knows who said them."""
    QUOTE_NOT_FOUND = "quote_not_found"
    QUOTE_CUT = "quote_cut"
    """The quote leaves out a negation that stands beside it."""
    SAID_OTHERWISE = "said_otherwise"
    """The cited words deny it, ask it, or hold it possible; or say the opposite."""
    WRONG_SPEAKER = "wrong_speaker"
    """It says that one side spoke, and cites the other."""
    NUMBER_NOT_IN_EVIDENCE = "number_not_in_evidence"
    """A number, an amount, a percentage or a span of time."""
    DATE_NOT_IN_EVIDENCE = "date_not_in_evidence"
    NAME_NOT_IN_EVIDENCE = "name_not_in_evidence"
    SEARCHED_IN_PART = "searched_in_part"
    """It says that something did not happen, and only a part of the call was looked at."""
    BETTER_EVIDENCE_EXISTS = "better_evidence_exists"
    """It says that something did not happen, and a search found words that come near to it."""
    CONTRADICTION = "contradiction"
    """Another statement of the review says the opposite, and has more behind it."""
    NOT_SUPPORTED = "not_supported"
    """By the second reading."""
    PARTLY_SUPPORTED = "partly_supported"
    """By the second reading."""


class Fate(StrEnum):
    """What became of a statement with a fault."""

    REPAIRED = "repaired"
    """Given back once with the reason, and then right."""
    LOWERED = "lowered"
    """Kept, and made less sure."""
    DROPPED = "dropped"
