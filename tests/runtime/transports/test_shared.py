"""What both transports share, where no server can ask it: default ports, and the exact edge of a limit."""

from __future__ import annotations

import pytest

from twirpkit.transports._http import MAX_HEAD, MAX_LINES, Malformed, merged, target


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


def test_the_edge_of_the_block() -> None:
    room = MAX_HEAD - len("a: \r\nb: \r\n")
    assert len(merged([(b"a", b""), (b"b", b"x" * room)])["b"]) == room
    with pytest.raises(Malformed, match="too long"):
        merged([(b"a", b""), (b"b", b"x" * (room + 1))])


def test_the_edge_of_the_lines() -> None:
    assert merged([(b"a", b"")] * MAX_LINES)["a"] == ", " * (MAX_LINES - 1)
    with pytest.raises(Malformed, match="too long"):
        merged([(b"a", b"")] * (MAX_LINES + 1))
