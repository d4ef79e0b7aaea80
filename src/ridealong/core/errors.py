"""Every error that Ridealong raises on purpose.

    RidealongError
    ├── Ungrounded              a claim that the transcript does not prove
    ├── InvalidUtterance        an utterance that the log refuses
    ├── InvalidDocument         a taxonomy, rubric, template or transcript file with a mistake, and its line
    ├── InvalidAudio            bytes that are not the audio they were said to be
    ├── InvalidSettings         a setting that cannot work
    ├── Refused                 the caller may not, or not like this (carries a stable code)
    ├── Unavailable             something outside is away for now: try again
    ├── ModelFailed             a language model gave no usable answer
    │   ├── ModelRefused        its vendor refuses us (key, quota, unknown or retired model): another try cannot help
    │   │   └── QuestionRefused only this question, for what stands in it
    │   ├── ModelBusy           a rate limit; says when to come back, where the vendor does
    │   │   └── BudgetSpent     the tenant's own tokens are used up
    │   ├── ModelAway           it does not answer, or breaks off: another try may help
    │   │   ├── ModelLate       it was asked, and did not answer in time
    │   │   └── ModelLeftAlone  it was not asked: it failed again and again
    │   └── BadAnswer           it answered with something that is not what was asked for
    └── MissingPart             an optional part is not installed or not built

The docstring is the default message. A message says what to do; it never holds what people said on a call.
"""

from __future__ import annotations

from ridealong.core.faults import Fault
from ridealong.core.usage import Usage


class RidealongError(Exception):
    """Something went wrong in Ridealong."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())


class Ungrounded(RidealongError):
    """The transcript does not prove this claim."""

    def __init__(self, message: str | None = None, *, fault: Fault = Fault.MALFORMED) -> None:
        super().__init__(message)
        self.fault = fault


class InvalidUtterance(RidealongError):
    """The transcript refuses this utterance."""


class InvalidDocument(RidealongError):
    """The document has a mistake."""

    def __init__(self, message: str | None = None, *, source: str = "document", line: int = 1) -> None:
        super().__init__(message)
        self.source = source
        self.line = line
        """One-based line of the mistake."""

    def __str__(self) -> str:
        return f"{self.source}:{self.line}: {super().__str__()}"


class InvalidAudio(RidealongError):
    """The bytes are not audio of the stated format."""


class InvalidSettings(RidealongError):
    """A setting cannot work. Run `ridealong doctor` to see which."""


class Refused(RidealongError):
    """The request was refused."""

    def __init__(self, code: str, message: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        """A stable word for programs, for example `unknown_token`."""


class Unavailable(RidealongError):
    """Something Ridealong needs does not answer at the moment. Try again."""

    retry_after_s: float | None = None
    """When to come back, as it was stated; None where it was not."""


class ModelFailed(RidealongError):
    """The language model gave no usable answer."""

    billed: Usage = Usage()
    """What the vendor counted all the same: an answer that does not fit is paid for."""


class ModelRefused(ModelFailed):
    """The vendor refuses the request. Run `ridealong doctor` to see why."""


class QuestionRefused(ModelRefused):
    """The model refuses to answer this question, or cannot hold it. Another vendor's model may not."""


class ModelBusy(ModelFailed):
    """The vendor's rate limit is reached, or it is overloaded and says until when."""

    def __init__(self, message: str | None = None, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        """When to come back, as the vendor states it; None where it does not."""


class BudgetSpent(ModelBusy):
    """The tenant's tokens for models are used up for now. Nothing was asked of the vendor."""

    def __init__(
        self, message: str | None = None, *, retry_after_s: float | None = None, for_today: bool = False
    ) -> None:
        super().__init__(message, retry_after_s=retry_after_s)
        self.for_today = for_today
        """Whether those of the day are used up, not only those of the minute."""


class ModelAway(ModelFailed):
    """The vendor does not answer at the moment."""


class ModelLate(ModelAway):
    """The model did not answer in time. What it was asked for may be billed all the same."""


class ModelLeftAlone(ModelAway):
    """The model failed again and again, and is not asked for a while. Nothing was asked of the vendor."""


class BadAnswer(ModelFailed):
    """The model's answer does not fit what was asked for."""


class MissingPart(RidealongError):
    """A part that this needs is not installed. Run `ridealong doctor`."""
