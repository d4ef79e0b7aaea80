"""What a vendor's refusal means for us. Status codes and error codes only: a vendor's own sentences may repeat the
prompt or the answer, and go nowhere."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Final

from ridealong.core.errors import BadAnswer, ModelAway, ModelBusy, ModelFailed, ModelRefused, QuestionRefused
from ridealong.llm import Limits, Usage
from ridealong.llm.endpoint import Endpoint
from ridealong.waits import date_wait_s


@contextmanager
def billing(usage: Usage) -> Generator[None]:
    """What fails inside carries what the vendor counted for it."""
    try:
        yield
    except ModelFailed as error:
        error.billed = usage
        raise


_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|us|µs|ns|h|m|s|d)")
_UNITS: Final = {"d": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_CODE: Final = re.compile(r"^[A-Za-z][A-Za-z0-9_.-]{0,59}$")

_BUSY: Final = ("rate_limit_exceeded", "rate_limit_error", "RATE_LIMIT_EXCEEDED")
_NO_CREDIT: Final = (
    *("insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "billing_error"),
    # Comes as a 429 like any other, but holds until the next month.
    "enforced_spend_limit_reached",
)
_REFUSALS: Final[tuple[tuple[tuple[int, ...], tuple[str, ...], str], ...]] = (
    ((402,), _NO_CREDIT, "the account at {vendor} has no credit left ({told}): add some at {vendor}'s console"),
    (
        (401,),
        ("invalid_api_key", "authentication_error", "API_KEY_INVALID"),
        "{vendor} refuses the key ({told}): set RIDEALONG_{variable}_API_KEY to one that is valid",
    ),
    (
        (404, 410),
        ("model_not_found", "model_decommissioned", "model_deprecated", "not_found_error"),
        "{vendor} has no model '{model}' for this account ({told}): it may be retired; choose another one, "
        "`ridealong doctor` names its successor",
    ),
    ((403,), (), "{vendor} does not allow this key the model {model} ({told}): check its permissions"),
    (
        (300, 301, 302, 303, 307, 308),
        (),
        "{vendor} redirects elsewhere ({told}): set RIDEALONG_{variable}_URL to the address itself",
    ),
)
_TOO_LARGE: Final = ("context_length_exceeded", "request_too_large", "string_above_max_length")
_NO_SUCH_PLACE: Final = ("unknown_url",)
_BAD_JSON: Final = ("json_validate_failed", "json_schema_violation", "tool_use_failed", "output_parse_failed")


def duration_s(text: str | None) -> float | None:
    """Seconds of `6m0s`, `1.2s`, `24m3.6s`, `320ms`, or a plain number of seconds; None where it is none of them."""
    if text is None:
        return None
    text = text.strip()
    try:
        number = float(text)
    except ValueError:
        parts = _DURATION.findall(text)
        if not parts or "".join(number + unit for number, unit in parts) != text:
            return None
        return sum(float(number) * _UNITS[unit] for number, unit in parts)
    return number if 0 <= number < 1e9 else None


def count(text: str | None) -> int | None:
    """A whole number of a header, or None."""
    try:
        return max(0, int(text)) if text is not None else None
    except ValueError:
        return None


def openai_limits(headers: Mapping[str, str]) -> Limits | None:
    """`x-ratelimit-*` as OpenAI and Groq send them; on Groq the requests are those of a day."""
    limits = Limits(
        requests=count(headers.get("x-ratelimit-limit-requests")),
        requests_left=count(headers.get("x-ratelimit-remaining-requests")),
        requests_reset_s=duration_s(headers.get("x-ratelimit-reset-requests")),
        tokens=count(headers.get("x-ratelimit-limit-tokens")),
        tokens_left=count(headers.get("x-ratelimit-remaining-tokens")),
        tokens_reset_s=duration_s(headers.get("x-ratelimit-reset-tokens")),
    )
    return None if limits == Limits() else limits


def retry_after_s(headers: Mapping[str, str], limits: Limits | None) -> float | None:
    """When to come back: `retry-after-ms` or `retry-after`, else when the window that is used up is full again."""
    milliseconds = duration_s(headers.get("retry-after-ms"))
    told = duration_s(headers.get("retry-after")) if milliseconds is None else milliseconds / 1000
    told = date_wait_s(headers) if told is None else told
    if told is not None or limits is None:
        return told
    waits = [
        reset
        for left, reset in (
            (limits.requests_left, limits.requests_reset_s),
            (limits.tokens_left, limits.tokens_reset_s),
        )
        if left == 0 and reset is not None
    ]
    return max(waits, default=None)


def failure(  # noqa: PLR0911 - one line a meaning
    endpoint: Endpoint, status: int, codes: tuple[object, ...], wait_s: float | None
) -> ModelFailed:
    """The error of a response that is no answer. `codes`: what the body calls its error, most exact first."""
    known = [code for code in codes if isinstance(code, str) and _CODE.match(code)]
    told = f"HTTP {status}{f', {known[0]}' if known else ''}"
    vendor, model = endpoint.vendor, endpoint.model_id

    def has(names: tuple[str, ...]) -> bool:
        return any(code in names for code in known)

    if has(_BAD_JSON):
        return BadAnswer(f"{model} could not keep to the schema ({told}): ask again, or choose one with strict mode")
    # A request too large for the account's tokens a minute is a rate limit by its code: waiting would not help.
    busy = status in (429, 498) or (status != 413 and has(_BUSY))
    if busy and not has(_NO_CREDIT):
        when = f"; come back in {wait_s:.0f} s" if wait_s is not None else ""
        return ModelBusy(f"the rate limit of {vendor} for {model} is reached ({told}){when}", retry_after_s=wait_s)
    if status in (503, 529) and wait_s is not None:
        message = f"{vendor} is overloaded ({told}); come back in {wait_s:.0f} s"
        return ModelBusy(message, retry_after_s=wait_s)
    if (status == 413 or has(_TOO_LARGE)) and not has(_NO_CREDIT):
        # One call's long question must not take the model from all others.
        return QuestionRefused(f"the question is larger than {vendor} takes from this account for {model} ({told})")
    if status in (408, 409, 425) or status >= 500:
        return ModelAway(f"{vendor} cannot answer at the moment ({told}): try again, or see its status page")
    if status in (404, 405) and (not known or has(_NO_SUCH_PLACE)):
        return ModelRefused(
            f"there is nothing to ask at the address of {vendor} ({told}): check RIDEALONG_{vendor.upper()}_URL, "
            f"and that {model} is not retired"
        )
    for statuses, names, message in _REFUSALS:
        if status in statuses or has(names):
            return ModelRefused(message.format(vendor=vendor, variable=vendor.upper(), model=model, told=told))
    return ModelRefused(
        f"{vendor} refuses the request to {model} ({told}): "
        "what the model can do may be told wrong; correct it in RIDEALONG_MODELS_FILE"
    )
