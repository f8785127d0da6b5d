"""What both transports share, where no server can ask it: default ports, and the exact edge of a limit."""

from __future__ import annotations

import errno
import socket
import ssl

import pytest

from twirpkit.transports._http import MAX_HEAD, MAX_LINES, Lines, Malformed, earliest, merged, target, unconnected
from twirpkit.transports.base import Phase


@pytest.mark.parametrize(
    ("url", "origin", "host"),
    [
        ("http://a.example/x", "http://a.example", "a.example"),
        ("http://a.example:80/x", "http://a.example:80", "a.example"),
        ("https://a.example:443/x", "https://a.example:443", "a.example"),
        ("http://a.example:443/x", "http://a.example:443", "a.example:443"),
        ("https://a.example:80/x", "https://a.example:80", "a.example:80"),
        ("http://a.example:8080/x", "http://a.example:8080", "a.example:8080"),
        ("https://[::1]:443/x", "https://[::1]:443", "[::1]"),
        ("http://[::1]/x", "http://[::1]", "[::1]"),
    ],
)
def test_the_default_port_is_not_named(url: str, origin: str, host: str) -> None:
    where = target(url)
    assert (where.origin, where.host, where.path) == (origin, host, "/x")
    assert where.scheme == origin.partition(":")[0]


def test_the_name_has_no_brackets() -> None:
    assert target("http://[::1]:80/").name == "::1"
    assert target("http://X.example.X:80/").name == "X.example.X"


def test_the_edge_of_the_block() -> None:
    room = MAX_HEAD - len("a: \r\nb: \r\n")
    assert len(merged([(b"a", b""), (b"b", b"x" * room)])["b"]) == room
    with pytest.raises(Malformed, match="too long"):
        merged([(b"a", b""), (b"b", b"x" * (room + 1))])


def test_the_edge_of_the_lines() -> None:
    assert merged([(b"a", b"")] * MAX_LINES)["a"] == ", " * (MAX_LINES - 1)
    with pytest.raises(Malformed, match="too long"):
        merged([(b"a", b"")] * (MAX_LINES + 1))


WHY = {
    "a text": ("it is so", "it is so", None),
    "no OSError": (UnicodeError("x"), "UnicodeError", None),
    "a number": (ConnectionRefusedError(errno.ECONNREFUSED, "odd words"), "Connection refused", ConnectionRefusedError),
    "no number": (OSError("odd words"), "odd words", OSError),
    "nothing": (ConnectionResetError(), "ConnectionResetError", OSError),
    "a name": (socket.gaierror(socket.EAI_NONAME, "unknown name"), "unknown name", socket.gaierror),
    "TLS": (ssl.SSLError(1, "bad record"), "bad record", ssl.SSLError),
    "a library's": (type("Theirs", (OSError,), {})(errno.EPIPE, "x"), "Broken pipe", BrokenPipeError),
}


@pytest.mark.parametrize("name", WHY)
def test_why_there_is_no_connection(name: str) -> None:
    why, reason, cause = WHY[name]
    failed = unconnected("host:1", why)
    assert failed.reason == f"could not connect to host:1: {reason}"
    assert type(failed.cause) is (cause or type(None))
    assert (failed.phase, failed.timed_out) == (Phase.NOT_SENT, False)
    if isinstance(why, OSError):
        assert failed.cause is not why
        assert isinstance(failed.cause, OSError)
        assert failed.cause.errno == why.errno


def test_the_first_of_some_moments() -> None:
    assert earliest() is earliest(None, None) is None
    assert earliest(None, 2.0, 1.0) == 1.0


def test_header_lines_do_not_show() -> None:
    assert repr(Lines([("Authorization", "Bearer x"), ("A", "b")])) == "<2 header lines>"
