"""Every way the server says no, in one table: the code, the socket's close code, the HTTP status, whether to try again.

`docs/protocol.md` prints this table; a test holds the two together.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from ridealong.core.errors import (
    InvalidAudio,
    InvalidDocument,
    MissingPart,
    Refused,
    RidealongError,
    Unavailable,
    Ungrounded,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """How one code is answered. `retry`: the same request can succeed later without being changed."""

    close: int
    status: int
    retry: bool = False


BAD_MESSAGE: Final = Refusal(close=4400, status=400)

REFUSALS: Final = MappingProxyType(
    {
        "bad_message": BAD_MESSAGE,
        "binary_before_start": BAD_MESSAGE,
        "already_started": BAD_MESSAGE,
        "bad_request": Refusal(close=4400, status=422),
        "missing_token": Refusal(close=4401, status=401),
        "unknown_token": Refusal(close=4401, status=401),
        "expired_token": Refusal(close=4401, status=401),
        "unknown_tenant": Refusal(close=4401, status=401),
        "signed_out": Refusal(close=4401, status=401),
        "wrong_credentials": Refusal(close=4401, status=401),
        "forbidden": Refusal(close=4403, status=403),
        "bad_csrf": Refusal(close=4403, status=403),
        "foreign_origin": Refusal(close=4403, status=403),
        "wrong_password": Refusal(close=4403, status=403),
        "wrong_setup_code": Refusal(close=4403, status=403),
        "oidc_refused": Refusal(close=4403, status=403),
        "unknown_call": Refusal(close=4404, status=404),
        "not_found": Refusal(close=4404, status=404),
        "unknown_member": Refusal(close=4404, status=404),
        "unknown_invite": Refusal(close=4404, status=404),
        "unknown_document": Refusal(close=4404, status=404),
        "unknown_review": Refusal(close=4404, status=404),
        "unknown_speaker": Refusal(close=4404, status=404),
        "unknown_claim": Refusal(close=4404, status=404),
        "unknown_moment": Refusal(close=4404, status=404),
        "unknown_comment": Refusal(close=4404, status=404),
        "unknown_share": Refusal(close=4404, status=404),
        "unknown_playlist": Refusal(close=4404, status=404),
        "unknown_version": Refusal(close=4404, status=404),
        "unknown_utterance": Refusal(close=4404, status=404),
        "unknown_deal": Refusal(close=4404, status=404),
        "unknown_artifact": Refusal(close=4404, status=404),
        "ungrounded": Refusal(close=4422, status=422),
        "review_not_finished": Refusal(close=4404, status=404, retry=True),
        "empty_query": Refusal(close=4400, status=422),
        "query_too_long": Refusal(close=4400, status=422),
        "invalid_value": Refusal(close=4400, status=422),
        "bad_email": Refusal(close=4400, status=422),
        "weak_password": Refusal(close=4400, status=422),
        "not_reviewed": Refusal(close=4404, status=404, retry=True),
        "no_recording": Refusal(close=4404, status=404),
        "method_not_allowed": Refusal(close=4400, status=405),
        "start_timeout": Refusal(close=4408, status=408, retry=True),
        "idle": Refusal(close=4408, status=408, retry=True),
        "second_sender": Refusal(close=4409, status=409, retry=True),
        "taken_over": Refusal(close=4409, status=409),
        "already_set_up": Refusal(close=4409, status=409),
        "email_taken": Refusal(close=4409, status=409),
        "last_admin": Refusal(close=4409, status=409),
        "member_disabled": Refusal(close=4409, status=409),
        "call_running": Refusal(close=4409, status=409, retry=True),
        "already_training": Refusal(close=4409, status=409, retry=True),
        "nothing_to_train": Refusal(close=4409, status=409),
        "too_few_votes": Refusal(close=4409, status=409),
        "not_trained": Refusal(close=4409, status=409),
        "other_features": Refusal(close=4409, status=409),
        "call_ended": Refusal(close=4410, status=410),
        "audio_after_stop": Refusal(close=4410, status=410),
        "paused": BAD_MESSAGE,
        "call_too_long": Refusal(close=4410, status=410),
        "frame_too_large": Refusal(close=4413, status=413),
        "body_too_large": Refusal(close=4413, status=413),
        "bad_format": Refusal(close=4415, status=415),
        "format_mismatch": Refusal(close=4415, status=415),
        "bad_audio": Refusal(close=4415, status=415),
        "resume_beyond_received": Refusal(close=4416, status=416),
        "range_not_satisfiable": Refusal(close=4416, status=416),
        "consent_missing": Refusal(close=4422, status=422),
        "bad_document": Refusal(close=4422, status=422),
        "unsupported_protocol": Refusal(close=4426, status=426),
        "too_busy": Refusal(close=4429, status=429, retry=True),
        "too_many_attempts": Refusal(close=4429, status=429, retry=True),
        "internal": Refusal(close=4500, status=500, retry=True),
        "missing_part": Refusal(close=4501, status=501),
        "unavailable": Refusal(close=4503, status=503, retry=True),
        "no_disk_space": Refusal(close=4507, status=507, retry=True),
    }
)


def refusal_of(code: str) -> Refusal:
    """The table's row. A code that the table does not know is a refusal like any other bad message."""
    return REFUSALS.get(code, BAD_MESSAGE)


def code_of(error: RidealongError) -> str:  # noqa: PLR0911 - one for each kind
    """The stable word for an error that Ridealong raised on purpose."""
    match error:
        case Refused():
            return error.code
        case InvalidAudio():
            return "bad_audio"
        case InvalidDocument():
            return "bad_document"
        case Ungrounded():
            return "ungrounded"
        case Unavailable():
            return "unavailable"
        case MissingPart():
            return "missing_part"
        case _:
            return "internal"


class ResumeBeyondReceived(Refused):
    """The client says that it sent more than the server has."""

    def __init__(self, received: int) -> None:
        super().__init__(
            "resume_beyond_received",
            f"the server has {received} bytes of this call: resume from there, or say how much is lost with `gap`",
        )
        self.received = received
        """Payload bytes that the server has."""
