"""How large an answer may be, and what one that is larger costs (rules A13, A14)."""

from __future__ import annotations

import functools
import gzip
import tracemalloc
import zlib

import pytest
from byte_server import Canned, http, serve
from worlds import World

from twirpkit._http1.limits import MAX_ERROR_BODY as MAX_ERROR

CAP = 1000
TOO_LARGE_TEXT = "the response's body is larger than 1000 bytes"
MIB = 1 << 20


def chunked(*chunks: bytes) -> bytes:
    parts = [b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks]
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"".join(parts) + b"0\r\n\r\n"


@functools.cache
def bomb(decoded: int, window: int) -> bytes:
    """So many zeros, encoded a piece at a time. Made once, and only where a test asks for it: it takes a second."""
    stream = zlib.compressobj(9, wbits=window)
    zeros = bytes(MIB)
    return b"".join([*(stream.compress(zeros) for _ in range(decoded // MIB)), stream.flush()])


FITTING = {
    "a length": http(bytes(CAP)),
    "chunks": chunked(bytes(CAP - 1), b"\0"),
    "gzip": http(gzip.compress(bytes(CAP)), "Content-Encoding: gzip"),
    "gzip, members": http(gzip.compress(bytes(CAP - 1)) + gzip.compress(b"\0"), "Content-Encoding: gzip"),
    "deflate": http(zlib.compress(bytes(CAP)), "Content-Encoding: deflate"),
    "larger encoded than decoded": http(gzip.compress(b"") * 60 + gzip.compress(bytes(CAP)), "Content-Encoding: gzip"),
}
TOO_LARGE = {
    "a length": http(bytes(CAP + 1)),
    "chunks": chunked(bytes(CAP), b"\0"),
    "gzip": http(gzip.compress(bytes(CAP + 1)), "Content-Encoding: gzip"),
    "gzip, members": http(gzip.compress(bytes(CAP)) + gzip.compress(b"\0"), "Content-Encoding: gzip"),
    "deflate": http(zlib.compress(bytes(CAP + 1)), "Content-Encoding: deflate"),
    "raw deflate": http(zlib.compress(bytes(CAP + 1), wbits=-15), "Content-Encoding: deflate"),
    "no length": http(bytes(CAP + 1), length=False),
}


@pytest.mark.parametrize("name", FITTING)
def test_an_answer_up_to_the_cap(world: World, name: str) -> None:
    with serve(FITTING[name], http(b"next")) as server:
        got = world.send(server.url, max_body=CAP)
        assert (got.body, got.body_error, got.oversized) == (bytes(CAP), None, False)
        assert world.send(server.url).body == b"next"
    assert server.connections == 1


@pytest.mark.parametrize("name", TOO_LARGE)
def test_a_success_above_the_cap(world: World, name: str) -> None:
    with serve(Canned(TOO_LARGE[name], "close" if name == "no length" else "keep"), http(b"next")) as server:
        got = world.send(server.url, max_body=CAP)
        assert (got.status, got.body, got.body_error, got.oversized) == (200, b"", TOO_LARGE_TEXT, True)
        assert world.send(server.url).body == b"next"


@pytest.mark.parametrize("name", TOO_LARGE)
def test_an_error_above_the_cap_keeps_its_beginning(world: World, name: str) -> None:
    data = TOO_LARGE[name].replace(b"200 OK", b"503 No")
    with serve(Canned(data, "close" if name == "no length" else "keep"), http(b"next")) as server:
        got = world.send(server.url, max_body=CAP)
        assert (got.status, got.body, got.body_error, got.oversized) == (503, bytes(CAP), TOO_LARGE_TEXT, True)
        assert world.send(server.url).body == b"next"


@pytest.mark.parametrize(
    ("status", "size", "whole"),
    [("200 OK", MAX_ERROR + 1, True), ("503 No", MAX_ERROR, True), ("503 No", MAX_ERROR + 1, False)],
)
def test_an_error_may_have_a_mebibyte(world: World, status: str, size: int, whole: bool) -> None:
    with serve(Canned(http(bytes(size), status=status), "hold")) as server:
        got = world.send(server.url)
    assert (len(got.body), got.body_error is None, got.oversized) == (
        min(size, MAX_ERROR) if not whole else size,
        whole,
        not whole,
    )


def test_what_a_length_announces_is_not_waited_for(world: World) -> None:
    with serve(Canned(http(b"", "Content-Length: 1001", length=False), "hold")) as server:
        got = world.send(server.url, max_body=CAP)
    assert (got.body_error, got.oversized) == (TOO_LARGE_TEXT, True)


def test_an_announced_length_of_encoded_bytes_says_nothing(world: World) -> None:
    data = gzip.compress(b"") * 60 + gzip.compress(b"hi")
    with serve(http(data, "Content-Encoding: gzip")) as server:
        assert world.send(server.url, max_body=CAP).body == b"hi"


def test_an_answer_to_head_announces_no_body(world: World) -> None:
    with serve(http(b"", "Content-Length: 1001", length=False), http(b"next")) as server:
        assert world.send(server.url, max_body=CAP, method="HEAD").body_error is None
        assert world.send(server.url).body == b"next"


BOMBS = {
    "gzip": ("gzip", lambda: bomb(300 * MIB, 31)),
    "deflate": ("deflate", lambda: bomb(300 * MIB, 15)),
    "raw deflate": ("deflate", lambda: bomb(300 * MIB, -15)),
    "gzip, members": ("gzip", lambda: bomb(MIB, 31) * 300),
}


@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.slow
def test_a_bomb_costs_the_cap_and_little_more(world: World, name: str, status: int) -> None:
    coding, make = BOMBS[name]
    data = make()
    cap = 4 * MIB
    with serve(
        http(b"warm"), Canned(http(data, f"Content-Encoding: {coding}", status=f"{status} X"), "hold")
    ) as server:
        world.send(server.url)
        tracemalloc.start()
        try:
            got = world.send(server.url, max_body=cap)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        world.pause(0.01)  # for the event loop to close it
        assert server.gone.acquire(timeout=5), "the rest is not read"
    assert (got.status, got.oversized) == (status, True)
    assert len(got.body) == (0 if status == 200 else MIB)
    assert peak < cap + 4 * MIB


def test_a_large_success_is_not_held_twice(world: World) -> None:
    size = 16 * MIB
    with serve(http(b"warm"), http(bytes(size))) as server:
        world.send(server.url)
        server_has = server.requests[0]
        tracemalloc.start()
        try:
            got = world.send(server.url, max_body=size)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert len(got.body) == size
    assert server_has
    assert peak < size * 1.25 + 2 * MIB
