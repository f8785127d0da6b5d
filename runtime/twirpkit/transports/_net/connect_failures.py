"""The words of a connection that was not made, and the decision whether another attempt can help."""

from __future__ import annotations

import errno
import os
import socket
import ssl
import time
from typing import Final

from twirpkit.transports.base import Phase, TransportFailure

__all__ = [
    "CLOSED",
    "CONNECTION_CLOSED",
    "DEADLINE_PASSED",
    "ConnectError",
    "connect_timed_out",
    "deadline_passed",
    "earliest",
    "final_handshake",
    "is_out_of_descriptors",
    "no_free_connection",
    "not_connected",
    "plain_os_error",
    "refused_handshake",
]

DEADLINE_PASSED: Final = "the deadline passed"
CONNECTION_CLOSED: Final = "the connection was closed"
CLOSED: Final = TransportFailure("the client was closed", Phase.NOT_SENT, final=True)
"""The end of a request that would begin after its transport was closed."""

_PLAIN: Final = frozenset(
    (socket.gaierror, ssl.SSLError, ssl.SSLCertVerificationError, ssl.SSLEOFError, ssl.SSLZeroReturnError)
)

_GIVE_CONTEXT: Final = "tls= takes an ssl.SSLContext with one: load_cert_chain()"
_NO_COMMON_VERSION: Final = (
    "the server and this client have no TLS version in common",
    "tls= takes an ssl.SSLContext that allows others",
)
_NOT_TLS: Final = "does it speak http, without TLS?"
_ALERTS: Final = {
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": ("the server wants a client certificate", _GIVE_CONTEXT),
    "SSLV3_ALERT_BAD_CERTIFICATE": ("the server refuses the client certificate: bad certificate", ""),
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": ("the server refuses the client certificate: unsupported certificate", ""),
    "SSLV3_ALERT_CERTIFICATE_REVOKED": ("the server refuses the client certificate: certificate revoked", ""),
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": ("the server refuses the client certificate: certificate expired", ""),
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": ("the server refuses the client certificate: certificate unknown", ""),
    "TLSV1_ALERT_UNKNOWN_CA": ("the server refuses the client certificate: unknown CA", ""),
    "TLSV1_ALERT_ACCESS_DENIED": ("the server refuses the client certificate: access denied", ""),
}
"""TLS alerts about the client's certificate. Under TLS 1.3 it can say so only after the client's handshake is
done, with the first bytes that the client reads; nothing of the request was processed then."""
_FINAL: Final = {
    **_ALERTS,
    "SSLV3_ALERT_HANDSHAKE_FAILURE": (
        "the server refuses the TLS handshake; it may want a client certificate, or other ciphers",
        _GIVE_CONTEXT,
    ),
    "TLSV1_ALERT_PROTOCOL_VERSION": _NO_COMMON_VERSION,
    "UNSUPPORTED_PROTOCOL": _NO_COMMON_VERSION,
    "NO_PROTOCOLS_AVAILABLE": _NO_COMMON_VERSION,
    "WRONG_SSL_VERSION": _NO_COMMON_VERSION,
    "TLSV1_UNRECOGNIZED_NAME": ("the server has no certificate for this name", ""),
}
"""Failures of a handshake that would come again, by OpenSSL's names, each with what to do about it."""

_EXPIRED: Final = 10
_NOT_YET_VALID: Final = 9
_OTHER_NAME: Final = frozenset((62, 64))
"""X.509 verification codes: X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH."""


class ConnectError(Exception):
    """A connection that cannot be made, for a reason that no library gives.

    Args:
        reason: One line for people.
        final: True if another attempt would fail for the same reason.
    """

    def __init__(self, reason: str, *, final: bool = False) -> None:
        super().__init__(reason)
        self.final = final


def deadline_passed(deadline: float | None) -> bool:
    """Return True if the deadline has passed."""
    return deadline is not None and time.monotonic() >= deadline


def earliest(*moments: float | None) -> float | None:
    """Return the first of some moments, where None is never."""
    return min((moment for moment in moments if moment is not None), default=None)


def connect_timed_out(place: str, deadline: float | None, until: float | None) -> TransportFailure:
    """Describe a connection that was not made in time.

    Args:
        place: The target and the way to it, for people.
        deadline: The deadline of the request.
        until: The moment by which the connection had to be made; it may be earlier (rule B2).
    """
    if deadline is not None and (until is None or until >= deadline or deadline_passed(deadline)):
        return TransportFailure(f"{DEADLINE_PASSED} while connecting to {place}", Phase.NOT_SENT, timed_out=True)
    return TransportFailure(f"connecting to {place} took too long", Phase.NOT_SENT)


def not_connected(place: str, why: str | Exception, *, final: bool = False) -> TransportFailure:
    """Describe a connection that was not made.

    Args:
        place: The target and the way to it, for people.
        why: The reason, or the exception that tells it.
        final: True if another attempt would fail for the same reason. TLS errors say so themselves.
    """
    if isinstance(why, str | ConnectError):
        final = final or (isinstance(why, ConnectError) and why.final)
        return TransportFailure(f"could not connect to {place}: {why}", Phase.NOT_SENT, final=final)
    cause = plain_os_error(why)
    reason = type(why).__name__ if cause is None else cause.strerror or str(cause) or type(why).__name__
    if isinstance(why, ssl.SSLCertVerificationError):
        reason, final = _certificate(why), True
    elif isinstance(why, ssl.SSLError):
        known = final_handshake(why)
        if known is not None:
            reason, final = "; ".join(filter(None, known)), True
        elif "WRONG_VERSION_NUMBER" in reason:  # OpenSSL's words for a response that is not TLS at all
            reason = f"{reason} ({_NOT_TLS})"
    return TransportFailure(f"could not connect to {place}: {reason}", Phase.NOT_SENT, cause=cause, final=final)


def final_handshake(error: ssl.SSLError) -> tuple[str, str] | None:
    """Return why a TLS handshake would fail again, and what to do (or nothing); None for another failure."""
    return _FINAL.get(getattr(error, "reason", None) or "")  # one that Python made has none


def refused_handshake(place: str, error: Exception | None) -> TransportFailure | None:
    """Describe a refusal of the client's certificate that came with the first bytes after the handshake (TLS 1.3).

    Returns:
        None if the error is another one.
    """
    if not isinstance(error, ssl.SSLError) or error.reason not in _ALERTS:
        return None
    return not_connected(place, error)


def _certificate(error: ssl.SSLCertVerificationError) -> str:
    problem = f"certificate verify failed: {error.verify_message.rstrip('.')}"
    if error.verify_code in _OTHER_NAME:
        return problem
    if error.verify_code in (_EXPIRED, _NOT_YET_VALID):
        return f"{problem} (by the clock of this machine)"
    return f'{problem}; if you trust this server, give its CA as tls="ca.pem" or in SSL_CERT_FILE'


def no_free_connection(place: str, limit: int) -> TransportFailure:
    """Describe a request whose deadline passed while all connections were in use."""
    reason = f"{DEADLINE_PASSED} while all connections of the client (max_connections={limit}) were in use: {place}"
    return TransportFailure(reason, Phase.NOT_SENT, timed_out=True)


def is_out_of_descriptors(error: BaseException | None) -> bool:
    """Return True if there was no file descriptor left, in this process or in the system."""
    return isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE)


def plain_os_error(error: BaseException | None) -> OSError | None:
    """Return a copy of an OSError that remembers nothing: no library class, no traceback, no context (rule E1)."""
    if not isinstance(error, OSError):
        return None
    kind = type(error) if type(error) in _PLAIN else OSError
    if error.errno is None:
        return kind(str(error))
    # asyncio has "Connect call failed" for every reason; name resolution and TLS have numbers of their own.
    return kind(error.errno, os.strerror(error.errno) if kind is OSError else error.strerror)
