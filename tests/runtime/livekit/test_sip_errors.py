"""SIP statuses: a carrier's no is its own error, with all the facts of the call."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from twirpkit import AuthError, Code, ResourceExhaustedError, TwirpError, error_class
from twirpkit.livekit import SIPCallError, sip_call_error

# As a LiveKit server answers: SIP status, its reason, and the Twirp code that it comes under.
STATUSES = [
    ("486", "Busy Here", Code.RESOURCE_EXHAUSTED, 429),
    ("480", "Temporarily Unavailable", Code.RESOURCE_EXHAUSTED, 429),
    ("600", "Busy Everywhere", Code.RESOURCE_EXHAUSTED, 429),
    ("603", "Decline", Code.PERMISSION_DENIED, 403),
    ("407", "SIP_STATUS_PROXY_AUTH_REQUIRED", Code.UNAUTHENTICATED, 401),
    ("503", "SIP_STATUS_SERVICE_UNAVAILABLE", Code.FAILED_PRECONDITION, 412),
    ("404", "SIP_STATUS_NOTFOUND", Code.NOT_FOUND, 404),
    ("408", "SIP_STATUS_REQUEST_TIMEOUT", Code.DEADLINE_EXCEEDED, 408),
    ("487", "SIP_STATUS_REQUEST_TERMINATED", Code.ABORTED, 409),
    ("488", "SIP_STATUS_NOT_ACCEPTABLE_HERE", Code.INVALID_ARGUMENT, 400),
    ("302", "Moved Temporarily", Code.NOT_FOUND, 404),
    ("699", "Odd", Code.INVALID_ARGUMENT, 400),
]


def answered(code: Code, meta: dict[str, str], status: int = 429) -> TwirpError:
    return error_class(code)(
        code, "twirp error unknown: sip", meta=meta, status=status, attempts=2, sent="maybe", request_id="r-1"
    )


@pytest.mark.parametrize(("number", "reason", "code", "http"), STATUSES)
def test_a_status_is_an_error_of_its_own(number: str, reason: str, code: Code, http: int) -> None:
    meta = {"sip_status_code": number, "sip_status": reason, "error_details": "AA=="}
    plain = answered(code, meta, http)
    error = sip_call_error(plain)

    assert type(error) is SIPCallError
    assert not isinstance(error, AuthError | ResourceExhaustedError | type(plain))
    assert (error.sip_status_code, error.sip_status) == (int(number), reason)
    assert (error.code, error.message, error.meta, error.status) == (code, "twirp error unknown: sip", meta, http)
    assert (error.attempts, error.sent, error.request_id) == (2, "maybe", "r-1")
    expected = f"the call ended with SIP {number} {reason}: {code}: twirp error unknown: sip (request id r-1)"
    assert str(error) == expected
    assert repr(error) == f"SIPCallError('{code}', 'twirp error unknown: sip', status={http}, sent='maybe')"


@pytest.mark.parametrize(
    "meta",
    [
        {},
        {"sip_status": "Busy Here"},
        *({"sip_status_code": bad, "sip_status": "x"} for bad in ("", "busy", "48", "4866", "-486", "486.0", "1e3")),
        *({"sip_status_code": bad, "sip_status": "x"} for bad in ("\u0664\u0668\u0666", " 486", "486\n", "0", "048")),
    ],
)
def test_without_a_status_it_is_the_same_error(meta: dict[str, str]) -> None:
    error = answered(Code.PERMISSION_DENIED, meta)

    assert sip_call_error(error) is error


def test_without_a_reason() -> None:
    error: Any = sip_call_error(answered(Code.ABORTED, {"sip_status_code": "487"}))

    assert (error.sip_status_code, error.sip_status) == (487, "")


def test_twice_is_once() -> None:
    error = sip_call_error(answered(Code.ABORTED, {"sip_status_code": "487"}))

    assert sip_call_error(error) is error


def test_a_long_reason_is_cut_in_the_text() -> None:
    error: Any = sip_call_error(answered(Code.ABORTED, {"sip_status_code": "487", "sip_status": "x" * 10_000}))

    assert len(str(error)) < 700
    assert len(error.sip_status) == 10_000


def test_control_characters_of_a_reason_are_escaped_in_the_text() -> None:
    error: Any = sip_call_error(answered(Code.ABORTED, {"sip_status_code": "487", "sip_status": "gone\n\x1b[2J"}))

    assert "SIP 487 gone\\n\\x1b[2J: " in str(error)
    assert error.sip_status == "gone\n\x1b[2J"


def test_the_cause_and_notes_stay() -> None:
    plain = answered(Code.ABORTED, {"sip_status_code": "487"})
    plain.__cause__ = OSError("reset")
    plain.add_note("in a job")
    error = sip_call_error(plain)

    assert error.__cause__ is plain.__cause__
    assert error.__suppress_context__ is True
    assert error.__notes__ == ["in a job"]


@pytest.mark.parametrize("again", [lambda error: pickle.loads(pickle.dumps(error)), copy.copy, copy.deepcopy])
def test_pickles_and_copies(again: Any) -> None:
    error: Any = sip_call_error(answered(Code.ABORTED, {"sip_status_code": "487", "sip_status": "x"}))
    other = again(error)

    assert type(other) is SIPCallError
    assert vars(other) == vars(error)
    assert str(other) == str(error)


def test_one_for_a_test_of_ones_own() -> None:
    error = SIPCallError(Code.ABORTED, "gone", sip_status_code=487, sip_status="Terminated", status=409, attempts=1)

    assert str(error) == "the call ended with SIP 487 Terminated: aborted: gone"
    assert (error.status, error.attempts, error.sent) == (409, 1, "maybe")
