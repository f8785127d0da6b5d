"""The sync transport's own reader: what it says of a broken answer, word for word, and the edges of what it takes."""

from __future__ import annotations

import contextlib
import errno
import gzip
import socket
import struct
from collections.abc import Iterator

import pytest
from wire import Answer, Ending, http, serve
from worlds import SyncWorld

from twirpkit.transports._http import MAX_HEAD
from twirpkit.transports._http1 import Reader, ran_out, read_head
from twirpkit.transports.base import Phase

OK = b"HTTP/1.1 200 OK\r\n"
INTERIM = b"HTTP/1.1 103 Early Hints\r\n\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
def world() -> Iterator[SyncWorld]:
    world = SyncWorld()
    yield world
    world.end()


FAILURES: dict[str, tuple[bytes, Ending, Phase, str]] = {
    "no HTTP": (b"hello\r\n", "close", Phase.CUT, "the answer is not HTTP/1.x"),
    "no status": (b"HTTP/1.1 OK\r\n\r\n", "close", Phase.CUT, "the answer's status line is not HTTP/1.x"),
    "no colon": (OK + b"X\r\n\r\n", "close", Phase.CUT, "the answer has a header line without a colon"),
    "no name": (OK + b": x\r\n\r\n", "close", Phase.CUT, "the answer has a header line without a proper name"),
    "NUL": (OK + b"X: \0\r\n\r\n", "close", Phase.CUT, "the answer has a header line with a control character"),
    "endless line": (OK + b"X" * MAX_HEAD, "hold", Phase.CUT, "the answer's header block is too long"),
    "two framings": (
        OK + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "close",
        Phase.CUT,
        "the answer has a Content-Length and a Transfer-Encoding",
    ),
    "no number": (
        OK + b"Content-Length: x\r\n\r\n",
        "close",
        Phase.CUT,
        "the answer's Content-Length is not one number",
    ),
    "a coding": (
        OK + b"Transfer-Encoding: x\r\n\r\n",
        "close",
        Phase.CUT,
        "the answer's Transfer-Encoding is not chunked",
    ),
    "nothing": (b"", "close", Phase.NO_ANSWER, "the connection was closed before an answer"),
    "only an interim answer": (INTERIM, "close", Phase.NO_ANSWER, "the connection was closed before an answer"),
    "cut": (OK, "close", Phase.CUT, "the connection was closed inside the answer's header"),
    "cut after an interim answer": (
        INTERIM + b"HTTP",
        "close",
        Phase.CUT,
        "the connection was closed inside the answer's header",
    ),
}


@pytest.mark.parametrize("name", FAILURES)
def test_the_reason_of_a_failure(world: SyncWorld, name: str) -> None:
    data, then, phase, reason = FAILURES[name]
    with serve(Answer(data, then)) as server:
        failed = world.fail(server.url)
    assert (failed.phase, failed.reason, failed.timed_out) == (phase, reason, False)
    assert failed.cause is None


FLAWS: dict[str, tuple[bytes, Ending, bytes, str]] = {
    "cut": (http(b"hello")[:-2], "close", b"hel", "the answer was cut 2 bytes before the end of its body"),
    "neither": (OK + b"\r\nhi", "close", b"hi", "the answer has neither a Content-Length nor a chunked body"),
    "no size": (CHUNKED + b"zz\r\n", "hold", b"", "the answer has a chunk without a proper size"),
    "a chunk goes on": (CHUNKED + b"2\r\nhiXY", "hold", b"hi", "the answer's chunks are not HTTP"),
    "an endless chunk line": (CHUNKED + b"2;" + b"x" * MAX_HEAD, "hold", b"", "the answer's chunks are not HTTP"),
    "too many extensions": (
        CHUNKED + (b"1;" + b"x" * (MAX_HEAD // 2) + b"\r\ny\r\n") * 2,
        "hold",
        b"y",
        "the answer's chunk extensions are too long",
    ),
    "cut in a chunk line": (CHUNKED + b"2", "close", b"", "the answer was cut inside its chunks"),
    "cut in a chunk": (CHUNKED + b"5\r\nhi", "close", b"hi", "the answer was cut 3 bytes before the end of its body"),
    "too many trailers": (
        CHUNKED + b"0\r\n" + b"y" * (MAX_HEAD // 2) + b"\r\n" + b"y" * (MAX_HEAD // 2 + 1) + b"\r\n",
        "hold",
        b"",
        "the answer's trailers are too long",
    ),
}


@pytest.mark.parametrize("name", FLAWS)
def test_the_reason_of_a_flaw(world: SyncWorld, name: str) -> None:
    data, then, body, flaw = FLAWS[name]
    with serve(Answer(data, then), http(b"next")) as server:
        got = world.send(server.url)
        assert (got.status, got.body, got.body_error) == (200, body, flaw)
        assert list(got.headers) in (["content-length"], ["transfer-encoding"], [])
        assert world.send(server.url).body == b"next"


def test_a_header_block_up_to_the_limit() -> None:
    start = OK + b"Content-Length: 0\r\nX: "
    data = start + b"y" * (MAX_HEAD - len(start) - 3) + b"\r\n\r\n"
    ours, theirs = socket.socketpair()
    with ours, theirs:
        reader = Reader(ours, None)
        reader.buffer += data[:MAX_HEAD]
        theirs.sendall(data[MAX_HEAD:])
        assert read_head(reader).status == 200


def test_extensions_up_to_the_limit(world: SyncWorld) -> None:
    half = b";" + b"x" * (MAX_HEAD // 2 - 1)
    with serve(Answer(CHUNKED + (b"0001" + half + b"\r\ny\r\n") * 2 + b"0\r\n\r\n")) as server:
        got = world.send(server.url)
    assert (got.body, got.body_error) == (b"yy", None)


def test_trailers_up_to_the_limit(world: SyncWorld) -> None:
    half = b"y" * (MAX_HEAD // 2) + b"\r\n"
    with serve(Answer(CHUNKED + b"0\r\n" + half + half + b"\r\n")) as server:
        assert world.send(server.url).body_error is None


def test_after_a_flaw_the_connection_is_not_used_again(world: SyncWorld) -> None:
    body = gzip.compress(b"")[:-8] + bytes(200_000)
    with serve(http(body, "Content-Encoding: gzip", "X: y"), http(b"next")) as server:
        got = world.send(server.url)
        assert got.body_error == "the gzip body is corrupt"
        assert got.headers == {"content-encoding": "gzip", "x": "y", "content-length": str(len(body))}
        assert world.send(server.url).body == b"next"
    assert server.connections == 2


def test_a_late_error_answer_keeps_its_headers(world: SyncWorld) -> None:
    with serve(Answer(http(b"hello", "X: y", status="500 No")[:-2], "hold")) as server:
        got = world.send(server.url, timeout=0.05)
    assert (got.status, got.body) == (500, b"hel")
    assert got.body_error == "the deadline passed during the answer's body"
    assert got.headers == {"x": "y", "content-length": "5"}


@pytest.mark.parametrize(
    ("data", "phase", "reason"),
    [
        (b"", Phase.NO_ANSWER, "the deadline passed while waiting for the answer"),
        (OK, Phase.CUT, "the deadline passed while waiting for the answer"),
        (INTERIM, Phase.NO_ANSWER, "the deadline passed while waiting for the answer"),
        (http(b"hello")[:-2], Phase.CUT, "the deadline passed during the answer's body"),
    ],
)
def test_the_reason_of_a_late_answer(world: SyncWorld, data: bytes, phase: Phase, reason: str) -> None:
    with serve(Answer(data, "hold")) as server:
        failed = world.fail(server.url, timeout=0.05)
    assert (failed.phase, failed.reason, failed.timed_out) == (phase, reason, True)


def test_the_reason_of_a_late_request(world: SyncWorld) -> None:
    failed = world.fail("http://127.0.0.1:1/", timeout=-1)
    assert (failed.phase, failed.reason, failed.timed_out) == (
        Phase.NOT_SENT,
        "the deadline passed before the request",
        True,
    )


def test_the_reason_of_a_name_that_cannot_be(world: SyncWorld) -> None:
    name = "a" * 64 + ".invalid"
    failed = world.fail(f"http://{name}/")
    assert failed.reason in (
        f"could not connect to {name}: UnicodeError",
        f"could not connect to {name}: UnicodeEncodeError",
    )


VALUES = {
    "at the end": (b"XX", "XX"),
    "a form feed at the end": (b"a\x0c", "a\x0c"),
    "folded at a tab": (b"a\r\n\tb", "a b"),
    "white space about the fold": (b"a \t\r\n \t b", "a b"),
    "a form feed before the fold": (b"a\x0c\r\n b", "a\x0c b"),
    "a form feed after the fold": (b"a\r\n \x0cb", "a \x0cb"),
    "letters about the fold": (b"aX\r\n Xb", "aX Xb"),
}


@pytest.mark.parametrize("name", VALUES)
def test_the_last_headers_value(world: SyncWorld, name: str) -> None:
    sent, expected = VALUES[name]
    with serve(Answer(OK + b"Content-Length: 0\r\nX-Odd: " + sent + b"\r\n\r\n")) as server:
        assert world.send(server.url).headers == {"content-length": "0", "x-odd": expected}


def test_what_broke_while_sending_is_the_cause(world: SyncWorld) -> None:
    """The kernel says it once, to whoever sends or reads first."""
    with serve(http(b"one"), Answer(b"", "reset", early=True)) as server:
        world.send(server.url)
        failed = world.fail(server.url, body=bytes(5_000_000))
    assert isinstance(failed.cause, ConnectionError)


def test_a_reset_ends_the_bytes() -> None:
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        sock = stack.enter_context(socket.create_connection(listener.getsockname()))
        other, _ = listener.accept()
        other.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        other.close()
        reader = Reader(sock, None)
        assert reader.more() is False
        assert isinstance(reader.broken, ConnectionResetError)


def test_a_timeout_of_the_kernel_is_a_broken_connection() -> None:
    """It comes after minutes without an acknowledgement, which no test can wait for."""
    assert ran_out(TimeoutError("timed out"))
    assert not ran_out(TimeoutError(errno.ETIMEDOUT, "Connection timed out"))
    assert not ran_out(OSError("the name has no address"))
