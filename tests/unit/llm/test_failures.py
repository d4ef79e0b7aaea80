"""What a vendor's status and codes mean."""

from __future__ import annotations

import pytest

from ridealong.core.errors import BadAnswer, ModelAway, ModelBusy, ModelFailed, ModelRefused, QuestionRefused
from ridealong.llm import Limits
from ridealong.llm.capabilities import Capability
from ridealong.llm.endpoint import Endpoint
from ridealong.llm.failures import failure, openai_limits, retry_after_s
from ridealong.llm.wire import Wire

ENDPOINT = Endpoint(vendor="groq", model_id="m", capability=Capability(id="groq:m"), wire=Wire(), key="secret")


@pytest.mark.parametrize(
    ("status", "code", "error", "word"),
    [
        (400, "json_validate_failed", BadAnswer, "schema"),
        (400, "model_decommissioned", ModelRefused, "successor"),
        (400, "context_length_exceeded", QuestionRefused, "larger"),
        (400, None, ModelRefused, "RIDEALONG_MODELS_FILE"),
        (401, "invalid_api_key", ModelRefused, "RIDEALONG_GROQ_API_KEY"),
        (402, None, ModelRefused, "credit"),
        (403, "permission_error", ModelRefused, "permissions"),
        (404, None, ModelRefused, "retired"),
        (413, "rate_limit_exceeded", QuestionRefused, "larger"),
        (429, "rate_limit_exceeded", ModelBusy, "rate limit"),
        (429, "insufficient_quota", ModelRefused, "credit"),
        (429, "enforced_spend_limit_reached", ModelRefused, "credit"),
        (498, "capacity_exceeded", ModelBusy, "rate limit"),
        (500, None, ModelAway, "moment"),
        (529, "overloaded_error", ModelAway, "moment"),
        (302, None, ModelRefused, "RIDEALONG_GROQ_URL"),
    ],
)
def test_each_means_one_thing_and_says_what_to_do(
    status: int, code: str | None, error: type[ModelFailed], word: str
) -> None:
    found = failure(ENDPOINT, status, (code,), None)
    assert type(found) is error
    assert word in str(found)
    assert "secret" not in str(found)


def test_a_code_that_is_a_sentence_is_not_repeated() -> None:
    assert "Globex" not in str(failure(ENDPOINT, 400, ("the customer said: we pay Globex", "x" * 200), None))


def test_groqs_headers_are_read_as_they_are_written() -> None:
    headers = {
        "x-ratelimit-limit-requests": "14400",
        "x-ratelimit-remaining-requests": "14370",
        "x-ratelimit-reset-requests": "2m59.56s",
        "x-ratelimit-limit-tokens": "8000",
        "x-ratelimit-remaining-tokens": "0",
        "x-ratelimit-reset-tokens": "1.2s",
    }
    limits = openai_limits(headers)
    assert limits == Limits(
        requests=14400,
        requests_left=14370,
        requests_reset_s=pytest.approx(179.56),
        tokens=8000,
        tokens_left=0,
        tokens_reset_s=1.2,
    )
    assert retry_after_s(headers, limits) == 1.2
    assert retry_after_s({**headers, "retry-after": "7"}, limits) == 7.0


def test_headers_that_are_not_there_or_make_no_sense_say_nothing() -> None:
    assert openai_limits({}) is None
    assert openai_limits({"x-ratelimit-remaining-tokens": "many"}) is None
    assert retry_after_s({"retry-after": "soon"}, None) is None


def test_a_date_to_come_back_at_is_counted_from_the_answers_own_date() -> None:
    headers = {"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}
    assert retry_after_s(headers, None) == 30.0
    assert retry_after_s({**headers, "date": "Wed, 21 Oct 2026 07:29:00 GMT"}, None) == 0.0
    assert retry_after_s({"retry-after": "Wed, 21 Oct 2015 07:28:30 GMT"}, None) == 0.0
    assert retry_after_s({"retry-after": "7", "retry-after-ms": "1500"}, None) == 1.5


@pytest.mark.parametrize("status", [503, 529])
def test_an_overload_that_says_when_it_is_over_is_waited_for(status: int) -> None:
    found = failure(ENDPOINT, status, ("overloaded_error",), 5.0)
    assert isinstance(found, ModelBusy)
    assert found.retry_after_s == 5.0
    assert "overloaded" in str(found)
