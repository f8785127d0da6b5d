"""The words of a connection that was not made, where no server can bring them about (rules C5, E1)."""

from __future__ import annotations

import errno
import socket
import ssl
import time

import pytest

from twirpkit.transports._net.connect_failures import (
    ConnectError,
    connect_timed_out,
    deadline_passed,
    earliest,
    is_out_of_descriptors,
    not_connected,
    plain_os_error,
    refused_handshake,
)
from twirpkit.transports.base import Phase, TransportFailure

WHY = {
    "a text": ("it is so", "it is so", None),
    "a reason of ours": (ConnectError("it is so"), "it is so", None),
    "not an OSError": (UnicodeError("x"), "UnicodeError", None),
    "a number": (ConnectionRefusedError(errno.ECONNREFUSED, "odd words"), "Connection refused", ConnectionRefusedError),
    "no number": (OSError("odd words"), "odd words", OSError),
    "nothing": (ConnectionResetError(), "ConnectionResetError", OSError),
    "a name": (socket.gaierror(socket.EAI_NONAME, "unknown name"), "unknown name", socket.gaierror),
    "TLS": (ssl.SSLError(1, "bad record"), "bad record", ssl.SSLError),
    "not TLS": (
        ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number"),
        "[SSL: WRONG_VERSION_NUMBER] wrong version number (does it speak http, without TLS?)",
        ssl.SSLError,
    ),
    "a library's": (type("Theirs", (OSError,), {})(errno.EPIPE, "x"), "Broken pipe", BrokenPipeError),
}


@pytest.mark.parametrize("name", WHY)
def test_why_there_is_no_connection(name: str) -> None:
    why, reason, cause = WHY[name]
    failed = not_connected("host:1", why)
    assert failed.reason == f"could not connect to host:1: {reason}"
    assert type(failed.cause) is (cause or type(None))
    assert (failed.phase, failed.timed_out, failed.final) == (Phase.NOT_SENT, False, False)
    if isinstance(why, OSError):
        assert failed.cause is not None
        assert failed.cause is not why
        assert failed.cause.errno == why.errno


def test_what_is_final() -> None:
    assert not_connected("host", "x", final=True).final
    assert not_connected("host", ConnectError("x", final=True)).final
    assert not_connected("host", ConnectError("x"), final=True).final
    assert not not_connected("host", ConnectError("x")).final


def ssl_error(reason: str | None) -> ssl.SSLError:
    error = ssl.SSLError(1, f"[SSL: {reason}] words")
    error.reason = reason  # type: ignore[assignment]  # None for a number that Python does not know
    return error


FINAL = {
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "the server wants a client certificate; ",
    "SSLV3_ALERT_BAD_CERTIFICATE": "the server refuses the client certificate: bad certificate",
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": "the server refuses the client certificate: unsupported certificate",
    "SSLV3_ALERT_CERTIFICATE_REVOKED": "the server refuses the client certificate: certificate revoked",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "the server refuses the client certificate: certificate expired",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "the server refuses the client certificate: certificate unknown",
    "TLSV1_ALERT_UNKNOWN_CA": "the server refuses the client certificate: unknown CA",
    "TLSV1_ALERT_ACCESS_DENIED": "the server refuses the client certificate: access denied",
}
FINAL_IN_A_HANDSHAKE = {
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "the server refuses the TLS handshake; it may want a client certificate, ",
    "TLSV1_ALERT_PROTOCOL_VERSION": "the server and this client have no TLS version in common; ",
    "UNSUPPORTED_PROTOCOL": "the server and this client have no TLS version in common; ",
    "NO_PROTOCOLS_AVAILABLE": "the server and this client have no TLS version in common; ",
    "WRONG_SSL_VERSION": "the server and this client have no TLS version in common; ",
    "TLSV1_UNRECOGNIZED_NAME": "the server has no certificate for this name",
}


@pytest.mark.parametrize("reason", [*FINAL, *FINAL_IN_A_HANDSHAKE])
def test_handshakes_that_would_fail_again(reason: str) -> None:
    failed = not_connected("host", ssl_error(reason))
    assert failed.reason.startswith(f"could not connect to host: {({**FINAL, **FINAL_IN_A_HANDSHAKE})[reason]}")
    assert failed.final


def test_what_a_server_says_after_the_handshake() -> None:
    for reason in FINAL:
        assert refused_handshake("host", ssl_error(reason)) == _without_cause(not_connected("host", ssl_error(reason)))
    for reason in (*FINAL_IN_A_HANDSHAKE, "DECRYPTION_FAILED_OR_BAD_RECORD_MAC", None):
        assert refused_handshake("host", ssl_error(reason)) is None
    assert refused_handshake("host", ConnectionResetError(1, "x")) is None
    assert refused_handshake("host", None) is None


class _Any:
    def __eq__(self, other: object) -> bool:
        return True


def _without_cause(failure: TransportFailure) -> TransportFailure:
    return TransportFailure(failure.reason, failure.phase, cause=_Any(), final=failure.final)  # type: ignore[arg-type]  # equal to any


@pytest.mark.parametrize(
    ("code", "end"),
    [
        (18, '; if you trust this server, give its CA as tls="ca.pem" or in SSL_CERT_FILE'),
        (20, '; if you trust this server, give its CA as tls="ca.pem" or in SSL_CERT_FILE'),
        (9, " (by the clock of this machine)"),
        (10, " (by the clock of this machine)"),
        (62, ""),
        (64, ""),
    ],
)
def test_certificates(code: int, end: str) -> None:
    error = ssl.SSLCertVerificationError(1, "words")
    error.verify_code, error.verify_message = code, "that is WHYX."
    failed = not_connected("host", error)
    assert failed.reason == f"could not connect to host: certificate verify failed: that is WHYX{end}"
    assert failed.final
    assert type(failed.cause) is ssl.SSLCertVerificationError


def test_a_plain_error_remembers_nothing() -> None:
    assert plain_os_error(None) is None
    assert plain_os_error(ValueError("x")) is None
    try:
        raise ConnectionResetError(errno.ECONNRESET, "words") from ValueError("secret")
    except ConnectionResetError as error:
        plain = plain_os_error(error)
    assert plain is not None
    assert (type(plain), plain.strerror) == (ConnectionResetError, "Connection reset by peer")
    assert (plain.__cause__, plain.__context__, plain.__traceback__) == (None, None, None)


@pytest.mark.parametrize(
    ("deadline", "until", "timed_out"),
    [
        (None, -1.0, False),
        (99.0, -1.0, False),
        (99.0, 99.0, True),
        (-1.0, -2.0, True),
        (-1.0, None, True),
    ],
)
def test_whose_time_was_over(deadline: float | None, until: float | None, timed_out: bool) -> None:
    now = time.monotonic()
    moments = [None if seconds is None else now + seconds for seconds in (deadline, until)]
    failed = connect_timed_out("host", *moments)
    assert (failed.phase, failed.timed_out, failed.final) == (Phase.NOT_SENT, timed_out, False)
    expected = "the deadline passed while connecting to host" if timed_out else "connecting to host took too long"
    assert failed.reason == expected


def test_moments() -> None:
    assert earliest() is earliest(None, None) is None
    assert earliest(None, 2.0, 1.0) == 1.0
    assert not deadline_passed(None)
    assert deadline_passed(time.monotonic())
    assert not deadline_passed(time.monotonic() + 60)


def test_descriptors() -> None:
    assert is_out_of_descriptors(OSError(errno.EMFILE, "x"))
    assert is_out_of_descriptors(OSError(errno.ENFILE, "x"))
    assert not is_out_of_descriptors(OSError(errno.ECONNREFUSED, "x"))
    assert not is_out_of_descriptors(OSError("x"))
    assert not is_out_of_descriptors(None)
