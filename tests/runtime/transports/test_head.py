"""The header block: interim answers, limits, odd bytes, and what is no HTTP (rules A4, A15)."""

from __future__ import annotations

import pytest
from byte_server import Canned, serve
from worlds import World

from twirpkit.transports.base import Phase

END = b"Content-Length: 2\r\n\r\nhi"
OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    "interim",
    [
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n",
        b"HTTP/1.1 102 Processing\r\n\r\n" * 3,
        b"HTTP/1.1 199 Odd\r\nX: y\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n",
    ],
)
def test_interim_answers_are_skipped(world: World, interim: bytes) -> None:
    with serve(interim + OK + END, interim + b"HTTP/1.1 404 No\r\n" + END) as server:
        first, second = world.send(server.url), world.send(server.url)
    assert (first.status, first.body, first.body_error) == (200, b"hi", None)
    assert "link" not in first.headers
    assert "x" not in first.headers
    assert (second.status, second.body) == (404, b"hi")
    assert server.connections == 1


def test_a_101_is_the_last_answer(world: World) -> None:
    with serve(
        Canned(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nhi"), OK + END
    ) as server:
        got = world.send(server.url)
        assert (got.status, got.body) == (101, b"")
        assert world.send(server.url).body == b"hi"


def lines(count: int) -> bytes:
    return b"".join(b"X-%d: y\r\n" % number for number in range(count))


@pytest.mark.parametrize("count", [99, 101, 300, 999])
def test_many_header_lines(world: World, count: int) -> None:
    with serve(Canned(OK + lines(count) + END)) as server:
        got = world.send(server.url)
    assert got.body == b"hi"
    assert len(got.headers) == count + 1
    assert got.headers[f"x-{count - 1}"] == "y"


@pytest.mark.parametrize("size", [65_536, 70_000, 900_000])
def test_a_long_header_line(world: World, size: int) -> None:
    with serve(Canned(OK + b"X: " + b"y" * size + b"\r\n" + END)) as server:
        got = world.send(server.url)
    assert (got.body, len(got.headers["x"])) == (b"hi", size)


def test_a_long_reason_phrase(world: World) -> None:
    with serve(Canned(b"HTTP/1.1 200 " + b"y" * 70_000 + b"\r\n" + END)) as server:
        assert world.send(server.url).body == b"hi"


TOO_LONG = {
    "one line": OK + b"X: " + b"y" * (1 << 20) + b"\r\n" + END,
    "all lines": OK + (b"X: " + b"y" * 200_000 + b"\r\n") * 6 + END,
    "lines": OK + lines(1000) + END,
    "many lines": OK + lines(5000) + END,
    "name": OK + b"x" * (1 << 20) + b": y\r\n" + END,
    "endless line": OK + b"X: " + b"y" * 1_200_000,
}


@pytest.mark.parametrize("name", TOO_LONG)
def test_a_header_block_over_the_limit(world: World, name: str) -> None:
    with serve(Canned(TOO_LONG[name], "hold")) as server:
        failed = world.fail(server.url)
    assert (failed.phase, failed.timed_out) == (Phase.CUT, False)


def test_endless_interim_answers(world: World) -> None:
    interim = b"HTTP/1.1 103 X\r\nX: " + b"y" * 10_000 + b"\r\n\r\n"
    with serve(Canned(interim * 110, "hold")) as server:
        assert world.fail(server.url).phase is Phase.CUT


NO_HTTP = {
    "HTTP/0.9": b"hello, world",
    "HTTP/0.9 with a line": b"hello, world\r\n\r\n",
    "TLS alert": b"\x15\x03\x01\x00\x02\x02\x50",
    "TLS hello": b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03",
    "HTTP/2 settings": b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x80",
    "SSH": b"SSH-2.0-OpenSSH_9.6\r\n",
    "HTML": b"<html>\r\n\r\n</html>",
    "zeros": b"\0" * 100,
    "another protocol": b"HTTPS/1.1 200 OK\r\n" + END,
    "HTTP/3.0": b"HTTP/3.0 200 OK\r\n" + END,
    "no status": b"HTTP/1.1\r\n" + END,
    "two digits": b"HTTP/1.1 20 OK\r\n" + END,
    "four digits": b"HTTP/1.1 2000 OK\r\n" + END,
    "a word": b"HTTP/1.1 OK\r\n" + END,
    "below 100": b"HTTP/1.1 099 OK\r\n" + END,
    "no colon": OK + b"Foo\r\n" + END,
    "no name": OK + b": foo\r\n" + END,
    "a name with a space": OK + b"Foo bar: x\r\n" + END,
    "a space before the colon": OK + b"Content-Length : 2\r\n\r\nhi",
    "a name with a control character": OK + b"Fo\x01o: x\r\n" + END,
    "a name beyond ASCII": OK + b"F\xc3\xb6o: x\r\n" + END,
    "NUL in a value": OK + b"X: a\0b\r\n" + END,
    "CR in a value": OK + b"X: a\rb\r\n" + END,
}


@pytest.mark.parametrize("name", NO_HTTP)
def test_what_is_no_http(world: World, name: str) -> None:
    with serve(Canned(NO_HTTP[name])) as server:
        failed = world.fail(server.url)
    assert (failed.phase, failed.timed_out) == (Phase.CUT, False)
    assert "Foo" not in failed.reason, "an answer's bytes may hold secrets"


@pytest.mark.parametrize("name", ["HTTP/0.9", "TLS alert", "zeros", "SSH"])
def test_what_is_no_http_is_known_at_once(world: World, name: str) -> None:
    with serve(Canned(NO_HTTP[name], "hold")) as server:
        failed = world.fail(server.url)
    assert (failed.phase, failed.timed_out) == (Phase.CUT, False)


VALUES = {
    "latin-1": (b"caf\xe9", "caf\xe9"),
    "UTF-8": (b"caf\xc3\xa9", "caf\xe9"),
    "neither": (b"\xff\xfe\x80", "\xff\xfe\x80"),
    "white space": (b" \t a b \t ", "a b"),
    "empty": (b"", ""),
    "colons": (b"a: b: c", "a: b: c"),
    "a folded line": (b"a\r\n b\r\n c", "a b c"),
}


@pytest.mark.parametrize("name", VALUES)
def test_header_values(world: World, name: str) -> None:
    sent, expected = VALUES[name]
    with serve(Canned(OK + b"X-Odd:" + sent + b"\r\n" + END)) as server:
        got = world.send(server.url)
    assert got.headers == {"x-odd": expected, "content-length": "2"}
    assert got.body == b"hi"


def test_lines_of_one_name_are_joined(world: World) -> None:
    with serve(Canned(OK + b"Set-Cookie: a\r\nVia: 1\r\nset-cookie: b\r\nSET-COOKIE: c\r\n" + END)) as server:
        got = world.send(server.url)
    assert got.headers == {"set-cookie": "a, b, c", "via": "1", "content-length": "2"}


@pytest.mark.parametrize(
    ("version", "option", "connections"),
    [
        ("1.1", "", 1),
        ("1.1", "Connection: keep-alive\r\n", 1),
        ("1.1", "Connection: close\r\n", 2),
        ("1.1", "connection: Close\r\n", 2),
        ("1.1", "Connection: x, close\r\n", 2),
        ("1.0", "", 2),
    ],
)
def test_when_a_connection_is_kept(world: World, version: str, option: str, connections: int) -> None:
    data = f"HTTP/{version} 200 OK\r\n{option}".encode() + END
    with serve(data, data) as server:
        for _ in range(2):
            assert world.send(server.url).body == b"hi"
    assert server.connections == connections
