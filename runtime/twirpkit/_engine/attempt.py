"""Classification of one attempt: its message, or the facts of its failure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from google.protobuf.message import Message

from twirpkit._engine.client_config import ClientConfig
from twirpkit._engine.prepare import PreparedCall
from twirpkit._engine.retry import AttemptOutcome
from twirpkit._protocol.constants import TIMEOUT_MS
from twirpkit._protocol.known_errors import KnownError, find_known_error
from twirpkit._protocol.server_text import redact
from twirpkit._protocol.twirp_responses import ErrorResponse, message_from_response, read_error, retry_after
from twirpkit._secret import Secret
from twirpkit.errors import (
    Code,
    DeadlineExceededError,
    DecodeError,
    Sent,
    TransportError,
    TwirpError,
    error_class,
)
from twirpkit.rpc import Method
from twirpkit.transports.base import HttpRequest, HttpResponse, Phase, TransportFailure

__all__ = ["FailedAttempt", "classify_attempt", "merge_sent"]

Resp = TypeVar("Resp", bound=Message)

_OUTCOME_OF_PHASE: Final = {
    Phase.NOT_SENT: AttemptOutcome.NOT_SENT,
    Phase.STALE: AttemptOutcome.STALE,
    Phase.NO_ANSWER: AttemptOutcome.NO_RESPONSE,
    Phase.CUT: AttemptOutcome.CUT,
}


@dataclass(frozen=True, slots=True)
class FailedAttempt:
    """Facts of an attempt without a message. Nothing is redacted yet: what it is was decided on the raw response."""

    outcome: AttemptOutcome
    error_class: type[TwirpError]
    code: Code
    status: int | None = None
    """The HTTP status, None without a response."""
    text: str = field(default="", repr=False)
    """Our own words, where no error response has any."""
    response: ErrorResponse | None = field(default=None, repr=False)
    """The error response, None where there is none."""
    known: KnownError | None = None
    retry_after: float | None = None
    """Seconds that the server asked for."""
    cause: OSError | None = field(default=None, repr=False)
    in_doubt: bool = False
    """True if the request may have been executed, and nothing says so."""


def classify_attempt(
    config: ClientConfig,
    method: Method[Any, Resp],
    call: PreparedCall,
    request: HttpRequest,
    outcome: HttpResponse | TransportFailure,
    token: Secret | None,
) -> Resp | FailedAttempt:
    """Decode the response of one attempt, or return the facts of its failure."""
    if isinstance(outcome, TransportFailure):
        return _transport_failure(call, request, outcome, token)
    if outcome.status != 200:  # only 200 is a success (rule A3)
        return _error_response(config, method, request, outcome)
    if outcome.oversized:
        text = f"the response is too large: {outcome.body_error}"
        return FailedAttempt(AttemptOutcome.CONCLUSIVE, DecodeError, Code.INTERNAL, 200, text)
    if outcome.body_error is not None:
        text = f"the response is not complete: {redact(outcome.body_error, token)}"
        return FailedAttempt(AttemptOutcome.CUT, TransportError, Code.UNAVAILABLE, 200, text, in_doubt=True)
    message = message_from_response(method.response, outcome, secret=token)
    if isinstance(message, str):
        return FailedAttempt(AttemptOutcome.CONCLUSIVE, DecodeError, Code.INTERNAL, 200, message)
    return message


def merge_sent(previous: Sent, failed: FailedAttempt) -> Sent:
    """Update ``sent`` of a call by one more attempt: one that is in doubt leaves the call in doubt (rule C5)."""
    if failed.outcome in (AttemptOutcome.NOT_SENT, AttemptOutcome.FINAL) and not failed.in_doubt:
        return previous
    return "maybe" if failed.in_doubt or previous == "maybe" else "yes"


def _error_response(
    config: ClientConfig, method: Method[Any, Any], request: HttpRequest, response: HttpResponse
) -> FailedAttempt:
    error, asked = read_error(response), retry_after(response)
    if response.status == 408 and error.code is Code.CANCELED and TIMEOUT_MS in request.headers:
        # The server gave up when the time was over that we had told it (rule B4).
        code = Code.DEADLINE_EXCEEDED
        return FailedAttempt(
            AttemptOutcome.NO_RESPONSE, DeadlineExceededError, code, 408, response=error, retry_after=asked
        )
    known = find_known_error(config.known_errors, error.code, error.message, cloud_only=method.cloud_only)
    final = known is not None and known.final
    outcome = AttemptOutcome.CONCLUSIVE if final else _outcome_of_error(error)
    return FailedAttempt(
        outcome,
        error_class(error.code),
        error.code,
        response.status,
        response=error,
        known=known,
        retry_after=asked,
        in_doubt=outcome is AttemptOutcome.GATEWAY,
    )


def _outcome_of_error(error: ErrorResponse) -> AttemptOutcome:
    status = error.response.status
    if status >= 500 and error.intermediary:
        return AttemptOutcome.GATEWAY
    if status in (502, 503, 504) or error.code is Code.UNAVAILABLE:
        return AttemptOutcome.UNAVAILABLE
    if status == 429:  # a limit that does not say when it ends would still hold
        return AttemptOutcome.CONCLUSIVE if retry_after(error.response) is None else AttemptOutcome.RATE_LIMITED
    # Go maps redirects and refusals of proxies to the same two codes; sending the request again does not change these.
    failed = not error.intermediary and error.code in (Code.INTERNAL, Code.UNKNOWN)
    return AttemptOutcome.FAILED if failed else AttemptOutcome.CONCLUSIVE


def _transport_failure(
    call: PreparedCall, request: HttpRequest, failure: TransportFailure, token: Secret | None
) -> FailedAttempt:
    outcome = AttemptOutcome.FINAL if failure.final else _OUTCOME_OF_PHASE[failure.phase]
    in_doubt = failure.phase is not Phase.NOT_SENT
    reason = redact(failure.reason, token)
    if failure.timed_out:
        text = f"no response {_within(call, request)}: {reason}"
        kind: type[TwirpError] = DeadlineExceededError
        return FailedAttempt(outcome, kind, Code.DEADLINE_EXCEEDED, text=text, in_doubt=in_doubt)
    return FailedAttempt(
        outcome,
        TransportError,
        Code.UNAVAILABLE,
        text=reason,
        cause=failure.cause,
        in_doubt=in_doubt,
    )


def _within(call: PreparedCall, request: HttpRequest) -> str:
    if request.deadline is None:
        return "in time"  # a transport may have a limit of its own
    if request.deadline != call.deadline:
        return "in this attempt's share of the time"
    return f"within {call.timeout:g} s"
