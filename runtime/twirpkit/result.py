"""What one attempt came to: the message, or the error, and whether the request may have run."""

from __future__ import annotations

from typing import Any, Final, TypeVar

from google.protobuf.message import Message

from twirpkit.answers import error_from_response, message_from_response, redact
from twirpkit.call import Endpoint, Method
from twirpkit.errors import Code, DeadlineExceededError, DecodeError, Sent, TransportError, TwirpError
from twirpkit.headers import Secret
from twirpkit.hints import known_answer
from twirpkit.outgoing import Outgoing
from twirpkit.redaction import sensitive_texts
from twirpkit.transport import HttpRequest, HttpResponse, Phase, TransportFailure

__all__ = ["TIMEOUT_HEADER", "attempt_result", "reword", "whether_sent"]

Resp = TypeVar("Resp", bound=Message)

TIMEOUT_HEADER: Final = "X-Twirp-Timeout-Ms"
"""Tells the server how many milliseconds the caller will wait (rule B4)."""


def attempt_result(
    endpoint: Endpoint,
    method: Method[Any, Resp],
    out: Outgoing,
    request: HttpRequest,
    outcome: HttpResponse | TransportFailure,
    token: Secret | None,
) -> Resp | TwirpError:
    """The message in an attempt's answer, or the error that the attempt ended with.

    The error lacks ``attempts``, ``sent`` and ``request_id``, which the call knows.
    """
    if isinstance(outcome, TransportFailure):
        return _failure(method.path, out, request, outcome, token)
    if outcome.status != 200:  # only 200 is a success (rule A3)
        private = sensitive_texts(out.message, endpoint.sensitivity)
        return _refused(endpoint, request, error_from_response(outcome, secret=token, private=private))
    if outcome.oversized:
        text = f"{method.path}: the answer is too large: {outcome.flaw}"
        return DecodeError(Code.INTERNAL, text, status=200)
    if outcome.flaw is not None:
        text = f"{method.path}: the answer is not whole: {redact(outcome.flaw, token)}"
        return TransportError(Code.UNAVAILABLE, text, status=200)
    return message_from_response(method.response, outcome, secret=token)


def whether_sent(before: Sent, outcome: HttpResponse | TransportFailure, error: TwirpError) -> Sent:
    """Whether any of a call's attempts may have run: one that is in doubt leaves the call in doubt (rule C5)."""
    if isinstance(outcome, TransportFailure) and outcome.phase is Phase.NOT_SENT:
        return before
    in_doubt = isinstance(outcome, TransportFailure) or isinstance(error, TransportError)
    return "maybe" if in_doubt or before == "maybe" else "yes"


def reword(error: TwirpError, message: str) -> None:
    """Give an error another message, before anybody has seen it."""
    error.message, error.args = message, (error.code, message)


def _refused(endpoint: Endpoint, request: HttpRequest, error: TwirpError) -> TwirpError:
    """The error of an answer, with what is known of such answers."""
    if error.status == 408 and error.code is Code.CANCELED and TIMEOUT_HEADER in request.headers:
        # The server gave up when the time was over that we had told it (rule B4).
        meta = {**error.meta, "server_code": error.code.value}
        return DeadlineExceededError(Code.DEADLINE_EXCEEDED, error.message, meta=meta, status=408)
    known = known_answer(endpoint.known, error)
    if known is not None and known.hint:
        reword(error, f"{error.message} ({known.hint})")
    return error


def _failure(
    path: str, out: Outgoing, request: HttpRequest, failure: TransportFailure, token: Secret | None
) -> TwirpError:
    reason = redact(failure.reason, token)
    if failure.timed_out:
        return DeadlineExceededError(Code.DEADLINE_EXCEEDED, f"{path}: no answer {_within(out, request)}: {reason}")
    error = TransportError(Code.UNAVAILABLE, f"{path}: {reason}")
    error.__cause__ = failure.__cause__
    return error


def _within(out: Outgoing, request: HttpRequest) -> str:
    if request.deadline is None:
        return "in time"  # a transport may have a limit of its own
    if request.deadline != out.deadline:
        return "in this attempt's share of the time"
    return f"within {out.timeout:g} s"
