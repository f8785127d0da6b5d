"""The replay server: what it reads, what it writes, when it closes, and that it stops."""

from __future__ import annotations

import contextlib
import socket
import threading

import pytest
from recordings import BY_ID

from twirpkit.conformance import ReceivedRequest, ReplayServer, by_request
from twirpkit.testing.http_parsing import ends_itself, split_interim

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def connect(server: ReplayServer) -> socket.socket:
    return socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])), timeout=5)


def read(connection: socket.socket, count: int = -1) -> bytes:
    """That many bytes, or all until the server closes."""
    data = b""
    while len(data) != count and (more := connection.recv(65536 if count < 0 else count - len(data))):
        data += more
    return data


def test_connection_goes_on_after_an_answer_that_ends_itself() -> None:
    with ReplayServer(lambda received: OK) as server, connect(server) as connection:
        connection.sendall(
            b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabcGET /b HTTP/1.1\r\nX-A:  1 \r\n\r\n"
        )
        assert read(connection, 2 * len(OK)) == OK + OK
        first, second = server.take()
        assert server.take() == []
    assert first == ReceivedRequest("POST", "/a", "HTTP/1.1", (("Host", "h"), ("Content-Length", "3")), b"abc", True)
    assert (second.method, second.target, second.values("x-a"), second.body) == ("GET", "/b", ["1"], b"")


@pytest.mark.parametrize("raw", [None, b"", b"\x15\x03\x01", OK[:-1], OK + b"k", b"HTTP/1.1 200 OK\r\n\r\nok"])
def test_connection_ends_after_any_other(raw: bytes | None) -> None:
    with ReplayServer() as server, connect(server) as connection:
        server.respond_with(raw)
        connection.sendall(b"POST / HTTP/1.1\r\n\r\n")
        assert read(connection) == (raw or b"")
        assert len(server.take()) == 1


def test_chunked_request() -> None:
    with ReplayServer(lambda received: OK) as server, connect(server) as connection:
        connection.sendall(
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nA: b\r\n\r\n"
        )
        assert read(connection, len(OK)) == OK
        (received,) = server.take()
    assert (received.body, received.complete) == (b"abcde", True)


@pytest.mark.parametrize(
    ("sent", "body"),
    [(b"Content-Length: 5\r\n\r\nabc", b"abc"), (b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", b"abc")],
    ids=["length", "chunks"],
)
def test_request_that_is_cut(sent: bytes, body: bytes) -> None:
    with ReplayServer(lambda received: OK) as server, connect(server) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\n" + sent)
        connection.shutdown(socket.SHUT_WR)
        assert read(connection) == OK
        (received,) = server.take()
    assert (received.body, received.complete) == (body, False)


@pytest.mark.parametrize(
    "sent",
    [
        b"HELLO\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n",
        b"POST / HTTP/1.1\r\n",
    ],
)
def test_what_is_no_request_is_not_answered(sent: bytes) -> None:
    with ReplayServer(lambda received: OK) as server, connect(server) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        assert read(connection) == b""
        assert server.take() == []


def test_header_block_without_an_end() -> None:
    with ReplayServer(lambda received: OK) as server, connect(server) as connection:
        with pytest.raises(ConnectionError):
            connection.sendall(b"A" * 100_000_000)
        assert server.take() == []


EXPECTS = b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"


def test_interim_answer_comes_before_the_body() -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\n"
    with ReplayServer(lambda received: interim + OK) as server, connect(server) as connection:
        connection.sendall(EXPECTS)
        assert read(connection, len(interim)) == interim
        connection.sendall(b"abc")
        assert read(connection, len(OK)) == OK
        (received,) = server.take()
    assert (received.body, received.complete, received.expects_continue) == (b"abc", True, True)


def test_refusal_comes_before_the_body() -> None:
    with ReplayServer(lambda received: OK) as server, connect(server) as connection:
        connection.sendall(EXPECTS)
        assert read(connection) == OK
        connection.close()
        (received,) = server.take()
    assert (received.body, received.complete) == (b"", False)


def test_answers_by_request() -> None:
    exchange = BY_ID["room/list_rooms/by_names"]
    answer = by_request([BY_ID["room/list_rooms/none"], exchange], otherwise=OK)
    target = exchange.request.target
    assert answer(ReceivedRequest("POST", target, "HTTP/1.1", (), exchange.request.body)) == exchange.raw_response
    assert (
        answer(ReceivedRequest("POST", target, "HTTP/1.1", (), b"else")) == BY_ID["room/list_rooms/none"].raw_response
    )
    assert answer(ReceivedRequest("GET", target, "HTTP/1.1", ())) == OK


def test_stops_with_clients_connected_and_starts_again() -> None:
    before = threading.active_count()
    server = ReplayServer(lambda received: OK)
    with server:
        idle, half = connect(server), connect(server)
        half.sendall(b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\n")
    for connection in (idle, half):
        with connection, contextlib.suppress(ConnectionResetError):
            assert connection.recv(1) in (b"", b"H")
    assert threading.active_count() == before
    with pytest.raises(RuntimeError, match="inside its 'with' block"):
        _ = server.url
    with server, connect(server) as again:
        again.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert read(again, len(OK)) == OK


def test_split_interim() -> None:
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
    assert split_interim(hints + hints + OK) == (hints + hints, OK)
    assert split_interim(hints[:-1]) == (b"", hints[:-1])
    assert split_interim(b"") == (b"", b"")


@pytest.mark.parametrize(
    ("raw", "method", "expected"),
    [
        (OK, "POST", True),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, "POST", True),
        (OK.replace(b"1.1", b"1.0"), "POST", False),
        (OK.replace(b"Content", b"Connection: Close\r\nContent"), "POST", False),
        (OK, "HEAD", False),
        (OK[:-2], "HEAD", True),
        (b"HTTP/1.1 204 No Content\r\n\r\n", "POST", True),
        (b"HTTP/1.1 204\r\n\r\n", "POST", True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "POST", True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n", "POST", False),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", "POST", False),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nok\r\n0\r\n\r\n", "POST", False),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nmore", "POST", False),
    ],
)
def test_ends_itself(raw: bytes, method: str, expected: bool) -> None:
    assert ends_itself(raw, method) is expected
