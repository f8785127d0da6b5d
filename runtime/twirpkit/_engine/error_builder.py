"""The error of a failed attempt, built once, of everything that is known of the call."""

from __future__ import annotations

import dataclasses
from typing import Any, Final

from twirpkit._engine.attempt import FailedAttempt
from twirpkit._engine.client_config import ClientConfig
from twirpkit._engine.prepare import PreparedCall
from twirpkit._engine.retry import AttemptOutcome, GiveUp, Retry, can_be_made_again
from twirpkit._protocol.constants import SERVER_CODE
from twirpkit._protocol.known_errors import strip_known_prefixes
from twirpkit._protocol.redaction import sensitive_texts
from twirpkit._protocol.server_text import text_cleaner
from twirpkit._protocol.twirp_responses import ErrorResponse
from twirpkit._secret import Secret
from twirpkit.errors import Code, DeadlineExceededError, Sent, TwirpError
from twirpkit.rpc import Method

__all__ = ["build_error", "late_auth_error", "too_late_error"]

_ABOUT_TOKENS: Final = (Code.UNAUTHENTICATED, Code.PERMISSION_DENIED)


def build_error(
    config: ClientConfig,
    method: Method[Any, Any],
    call: PreparedCall,
    failed: FailedAttempt,
    decision: Retry | GiveUp,
    token: Secret | None,
    *,
    url: str,
    attempts: int,
    sent: Sent,
    previous: TwirpError | None,
) -> TwirpError:
    """Build the error of a failed attempt. Nothing else shows a server's words (rules E1, E5).

    Args:
        config: The client's configuration.
        method: The RPC.
        call: The prepared call.
        failed: The facts of the attempt.
        decision: What follows it.
        token: The Authorization header that was sent.
        url: Where it was sent.
        attempts: Requests that were sent so far.
        sent: Whether the call may have been executed.
        previous: The error of the attempt before, None for the first.
    """
    response = failed.response
    private = [*sensitive_texts(call.message), *_signer_texts(config)] if response else []
    clean = text_cleaner(token, private)
    said: str | None = None
    message = failed.text
    meta: dict[str, str] = {}
    if response is not None:
        # What the server said is recognized before anything in it is redacted.
        said = strip_known_prefixes(config.known_errors, response.message)
        shown = dataclasses.replace(response, message=said)
        hints = failed.known is None or not failed.known.cloud_only
        message, meta = shown.describe(clean, text_cleaner(token), hints=hints)
        message = _with_hints(config, failed, message)
        meta |= _server_code(failed, response)
    if isinstance(decision, GiveUp):
        if decision.shown:
            message = f"{message} ({decision.reason})"
        if failed.status is None and previous is not None and previous.message != message:
            # A server's reason is not lost behind a silence.
            message = f"{message} (attempt {attempts}; before it: {previous.message})"
    error = failed.error_class(
        failed.code,
        message,
        meta=meta,
        status=failed.status,
        attempts=attempts,
        sent=sent,
        request_id=call.request_id,
        rpc=method.path,
        url=url,
        retryable=can_be_made_again(method.retry, failed.outcome, sent),
    )
    error.__cause__ = failed.cause
    return error if config.refine is None else config.refine(error, said, clean)


def too_late_error(method: Method[Any, Any], call: PreparedCall) -> TwirpError:
    """Return the error of a call whose time was over before it began."""
    text = f"the timeout of {call.timeout:g} s had passed before anything was sent"
    code, request_id = Code.DEADLINE_EXCEEDED, call.request_id
    return DeadlineExceededError(code, text, sent="no", request_id=request_id, rpc=method.path, retryable=True)


def late_auth_error(method: Method[Any, Any], call: PreparedCall, url: str, *, attempts: int, sent: Sent) -> TwirpError:
    """Return the error of a call whose deadline passed while an async ``auth`` made a header for its next attempt."""
    return DeadlineExceededError(
        Code.DEADLINE_EXCEEDED,
        f"auth did not return within the timeout of {call.timeout:g} s",
        attempts=attempts,
        sent=sent,
        request_id=call.request_id,
        rpc=method.path,
        url=url,
        retryable=can_be_made_again(method.retry, AttemptOutcome.NOT_SENT, sent),
    )


def _with_hints(config: ClientConfig, failed: FailedAttempt, message: str) -> str:
    if failed.known is not None and failed.known.hint:
        message = f"{message} ({failed.known.hint})"
    if failed.code in _ABOUT_TOKENS and (variable := getattr(config.authorize, "variable", None)):
        message = f"{message} (the token came from the environment variable {variable})"
    return message


def _server_code(failed: FailedAttempt, response: ErrorResponse) -> dict[str, str]:
    return {} if failed.code is response.code else {SERVER_CODE: response.code.value}


def _signer_texts(config: ClientConfig) -> tuple[str, ...]:
    """Return the API key, which a server may repeat: if key and secret were swapped, it is the secret (rule E3)."""
    key = getattr(config.authorize, "api_key", None)
    return (key.reveal(),) if isinstance(key, Secret) else ()
