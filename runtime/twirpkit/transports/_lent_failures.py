"""The words and causes of requests that failed in a library, whose exceptions must not leave a transport (rule E1)."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from typing import Final

from twirpkit._http1.request import Target, check_request_headers, parse_target
from twirpkit.transports._net.connect_failures import (
    DEADLINE_PASSED,
    deadline_passed,
    final_handshake,
    not_connected,
    plain_os_error,
)
from twirpkit.transports._net.proxy import refusal
from twirpkit.transports.base import HttpRequest, Phase, TransportFailure

__all__ = [
    "chain",
    "check_request",
    "closed_early",
    "late",
    "library_failure",
    "refused_by_proxy",
    "unreadable",
    "waited_too_long",
]

_LONGEST_TEXT: Final = 1000
_STANDARD: Final = frozenset(("builtins", "socket", "ssl"))
_DEEPEST: Final = 16
"""Causes to look at: a chain of them may be a circle."""


def check_request(request: HttpRequest) -> Target:
    """Return the target of a request that can be sent.

    Libraries check less: some send a line break in a header as it is.

    Raises:
        ValueError: The URL or a header cannot be sent.
    """
    target = parse_target(request.url)
    check_request_headers(request.headers)
    return target


def late() -> TransportFailure:
    """Describe a request whose deadline had passed before it was sent."""
    return TransportFailure(f"{DEADLINE_PASSED} before the request", Phase.NOT_SENT, timed_out=True)


def waited_too_long() -> TransportFailure:
    """Describe a request whose deadline passed before the response's header was complete."""
    return TransportFailure(f"{DEADLINE_PASSED} while waiting for the response", Phase.NO_ANSWER, timed_out=True)


def closed_early(error: BaseException) -> TransportFailure:
    """Describe a request whose connection was closed. Libraries do not say if a part of the response was received."""
    reason = "the connection was closed before the response's header was complete"
    return TransportFailure(reason, Phase.NO_ANSWER, cause=plain_os_error(_system_error(error)))


def refused_by_proxy(target: Target, status: int) -> TransportFailure:
    """Describe a request for which a proxy made no tunnel."""
    return not_connected(target.host, refusal(status))


def unreadable(library: str) -> TransportFailure:
    """Describe a request whose response a library refused. Its words are not repeated: they quote the response."""
    return TransportFailure(f"the response is not HTTP/1.x as {library} reads it", Phase.CUT)


def library_failure(error: BaseException, request: HttpRequest, target: Target, *, sent: bool) -> TransportFailure:
    """Describe an exception of a library.

    Args:
        error: The exception. Its chain of causes is searched for an error of the operating system.
        request: The request.
        target: The target of the request.
        sent: False if the exception says that nothing was sent.
    """
    cause = _system_error(error)
    if deadline_passed(request.deadline):
        if sent:
            return waited_too_long()
        return TransportFailure(f"{DEADLINE_PASSED} while connecting to {target.host}", Phase.NOT_SENT, timed_out=True)
    if isinstance(cause, ssl.SSLCertVerificationError):
        reason = f"certificate verify failed: {cause.verify_message}; the session decides whom to trust"
        return _not_connected(target, reason, cause, final=True)
    handshake = final_handshake(cause) if isinstance(cause, ssl.SSLError) and not sent else None
    if handshake is not None:
        return _not_connected(target, handshake[0], cause, final=True)
    plain = plain_os_error(cause)
    if not sent:
        return _not_connected(target, plain.strerror if plain is not None and plain.strerror else _words(error), cause)
    if plain is not None:
        return closed_early(error)
    return TransportFailure(f"there was no response: {_words(error)}", Phase.NO_ANSWER)


def _not_connected(target: Target, reason: str, cause: OSError | None, *, final: bool = False) -> TransportFailure:
    text = f"could not connect to {target.host}: {reason}"
    return TransportFailure(text, Phase.NOT_SENT, cause=plain_os_error(cause), final=final)


def _words(error: BaseException) -> str:
    """Return the class of an exception, and its text if it is short: a test double explains itself there.

    It is given in full or not at all: redaction would not recognize part of a token.
    """
    name = type(error).__name__
    text = error.args[0] if len(error.args) == 1 and isinstance(error.args[0], str) else ""
    return f"{name}: {' '.join(text.split())}" if 0 < len(text) <= _LONGEST_TEXT else name


def _system_error(error: BaseException) -> OSError | None:
    """Return the error of the operating system that is behind an exception, None if there is none."""
    found = [each for each in chain(error) if isinstance(each, OSError) and each.errno is not None]
    # Libraries' own classes repeat the number of what they wrap, but not always its words.
    return next((each for each in found if type(each).__module__ in _STANDARD), found[0] if found else None)


def chain(error: BaseException) -> Iterator[BaseException]:
    """Give an exception, those that it wraps, and those that it came from."""
    found: list[object] = [error]
    for _ in range(_DEEPEST):
        if not found:
            return
        each = found.pop(0)
        if isinstance(each, BaseException):
            yield each
            found += [*each.args, getattr(each, "reason", None), each.__cause__, each.__context__]
            found = [other for other in found if isinstance(other, BaseException)]
