"""Where an answer ends (rules A11, A14): whatever is cut or has two readings never passes for a whole answer."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from byte_server import Canned, Ending, serve
from byte_server import http as answer
from worlds import World

from twirpkit.transports.base import Phase, TransportFailure

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Content-Type: application/protobuf\r\nTransfer-Encoding: chunked\r\n\r\n"

WHOLE = {
    "full": OK + b"Content-Type: application/protobuf\r\nContent-Length: 5\r\n\r\nhello",
    "empty": OK + b"Content-Type: application/protobuf\r\nContent-Length: 0\r\n\r\n",
    "chunked": CHUNKED + b"3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nX-Trailer: z\r\n\r\n",
    "chunked empty": CHUNKED + b"0\r\n\r\n",
    "interim": b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\nhi",
}


@pytest.mark.parametrize("ending", ["close", "reset"])
@pytest.mark.parametrize("name", WHOLE)
def test_a_200_cut_at_any_byte_is_no_success(world: World, name: str, ending: Ending) -> None:
    whole = WHOLE[name]
    with serve(*[Canned(whole[:cut], ending) for cut in range(len(whole))]) as server:
        for cut in range(len(whole)):
            got = world.send(server.url)
            if isinstance(got, TransportFailure):
                assert not got.timed_out
                # A reset may overtake the bytes before it.
                begun = cut > (WHOLE[name].index(b"HTTP/1.1 200"))
                phases = {Phase.CUT if begun else Phase.NO_ANSWER, Phase.NO_ANSWER if ending == "reset" else None}
                assert got.phase in phases or name == "interim", f"{cut}: {got}"
            else:
                assert got.body_error, f"{cut}: {got}, {got.body!r}"
                assert b"hello".startswith(got.body)
                assert cut >= whole.rindex(b"\r\n\r\n", 0, -4 if name.startswith("chunked") else None) + 4
    assert len(server.requests) == len(whole), "each was asked once"


@pytest.mark.parametrize("name", WHOLE)
def test_the_whole_answer_is_one(world: World, name: str) -> None:
    with serve(Canned(WHOLE[name])) as server:
        got = world.send(server.url)
    assert (got.status, got.body_error) == (200, None)
    assert got.body == {"full": b"hello", "chunked": b"hello", "interim": b"hi"}.get(name, b"")


@pytest.mark.parametrize("name", WHOLE)
def test_one_byte_at_a_time(world: World, name: str) -> None:
    with serve(Canned(WHOLE[name], "hold", drip=0.0005)) as server:
        assert world.send(server.url).body_error is None


@dataclass(frozen=True)
class Case:
    """Bytes of an answer, and what must become of them: a body, part of its error, or None for a failure."""

    data: bytes
    body: bytes | None = None
    body_error: str | None = None
    status: int = 200
    then: Ending = "close"


def head(*lines: str, status: str = "HTTP/1.1 200 OK") -> bytes:
    return "\r\n".join([status, *lines, "", ""]).encode()


CASES = {
    # Content-Length
    "exact": Case(head("Content-Length: 2") + b"hi", b"hi"),
    "white space about it": Case(head("Content-Length:   2  ") + b"hi", b"hi"),
    "no white space": Case(head("content-length:2") + b"hi", b"hi"),
    "leading zeros": Case(head("Content-Length: 002") + b"hi", b"hi"),
    "too short": Case(head("Content-Length: 3") + b"hi", b"hi", "cut"),
    "nothing came": Case(head("Content-Length: 3"), b"", "cut"),
    "broken": Case(head("Content-Length: 3") + b"hi", b"hi", "cut", then="reset"),
    "two lengths": Case(head("Content-Length: 2", "Content-Length: 3") + b"hi"),
    "the same length twice": Case(head("Content-Length: 2", "Content-Length: 2") + b"hi"),
    "a list of one length": Case(head("Content-Length: 2, 2") + b"hi"),
    "plus": Case(head("Content-Length: +2") + b"hi"),
    "minus": Case(head("Content-Length: -2") + b"hi"),
    "hexadecimal": Case(head("Content-Length: 0x2") + b"hi"),
    "underscore": Case(head("Content-Length: 0_2") + b"hi"),
    "decimal point": Case(head("Content-Length: 2.0") + b"hi"),
    "two numbers": Case(head("Content-Length: 2 2") + b"hi"),
    "empty": Case(head("Content-Length:") + b"hi"),
    "a word": Case(head("Content-Length: two") + b"hi"),
    "arabic digits": Case(head("Content-Length: ٢") + b"hi"),
    "overflowing": Case(head("Content-Length: 99999999999999999999") + b"hi"),
    # neither
    "neither": Case(head() + b"hi", b"hi", "Content-Length"),
    "neither, empty": Case(head(), b"", "Content-Length"),
    "neither, with other headers": Case(head("Connection: close", "X: y") + b"hi", b"hi", "Content-Length"),
    "neither, an error": Case(head(status="HTTP/1.1 503 No") + b"oh", b"oh", "Content-Length", 503),
    "neither, HTTP/1.0": Case(head(status="HTTP/1.0 200 OK") + b"hi", b"hi", "Content-Length"),
    # both, and other codings
    "length and chunks": Case(head("Content-Length: 2", "Transfer-Encoding: chunked") + b"2\r\nhi\r\n0\r\n\r\n"),
    "chunks and length": Case(head("Transfer-Encoding: chunked", "Content-Length: 12") + b"2\r\nhi\r\n0\r\n\r\n"),
    "length and identity": Case(head("Transfer-Encoding: identity", "Content-Length: 2") + b"hi"),
    "identity": Case(head("Transfer-Encoding: identity") + b"hi"),
    "gzip, chunked": Case(head("Transfer-Encoding: gzip, chunked") + b"2\r\nhi\r\n0\r\n\r\n"),
    "chunked twice": Case(head(*["Transfer-Encoding: chunked"] * 2) + b"2\r\nhi\r\n0\r\n\r\n"),
    "Chunked": Case(head("Transfer-Encoding: Chunked") + b"2\r\nhi\r\n0\r\n\r\n", b"hi"),
    # chunks
    "a chunk's extension": Case(CHUNKED + b'2;a="b"\r\nhi\r\n0;c\r\n\r\n', b"hi"),
    "a hexadecimal size": Case(
        CHUNKED + b"0a\r\n0123456789\r\nB\r\nabcdefghijk\r\n0\r\n\r\n", b"0123456789abcdefghijk"
    ),
    "a size of two digits": Case(CHUNKED + b"10\r\n0123456789abcdef\r\n0\r\n\r\n", b"0123456789abcdef"),
    "zeros before the size": Case(CHUNKED + b"00002\r\nhi\r\n000\r\n\r\n", b"hi"),
    "line ends in a chunk": Case(CHUNKED + b"4\r\n\r\n\r\n\r\n0\r\n\r\n", b"\r\n\r\n"),
    "trailers": Case(CHUNKED + b"2\r\nhi\r\n0\r\nA: b\r\nC: d\r\n\r\n", b"hi"),
    "no last chunk": Case(CHUNKED + b"2\r\nhi\r\n", b"hi", "cut"),
    "no end of the last chunk": Case(CHUNKED + b"2\r\nhi\r\n0\r\n", b"hi", "cut"),
    "cut in a trailer": Case(CHUNKED + b"2\r\nhi\r\n0\r\nA: b\r\n", b"hi", "cut"),
    "cut in a chunk": Case(CHUNKED + b"5\r\nhi", b"hi", "cut"),
    "broken in a chunk": Case(CHUNKED + b"5\r\nhi", b"hi", "cut", then="reset"),
    # answers without a body
    "204": Case(head(status="HTTP/1.1 204 No Content"), b"", status=204),
    "304 with a length": Case(head("Content-Length: 5", status="HTTP/1.1 304 Not Modified"), b"", status=304),
    "205": Case(head("Content-Length: 0", status="HTTP/1.1 205 Reset"), b"", status=205),
    # other versions
    "HTTP/1.0": Case(head("Content-Length: 2", status="HTTP/1.0 200 OK") + b"hi", b"hi"),
    "chunks in HTTP/1.0": Case(head("Transfer-Encoding: chunked", status="HTTP/1.0 200 OK") + b"2\r\nhi\r\n0\r\n\r\n"),
    "HTTP/2.0": Case(head("Content-Length: 2", status="HTTP/2.0 200 OK") + b"hi"),
    "lower case": Case(head("Content-Length: 2", status="http/1.1 200 OK") + b"hi"),
    # errors keep their status
    "an error cut": Case(head("Content-Length: 9", status="HTTP/1.1 500 No") + b'{"code"', b'{"code"', "cut", 500),
    "an error cut in a chunk": Case(
        head("Transfer-Encoding: chunked", status="HTTP/1.1 404 No") + b"9\r\n{", b"{", "cut", 404
    ),
    "no reason phrase": Case(head("Content-Length: 2", status="HTTP/1.1 429") + b"hi", b"hi", status=429),
    "an empty reason phrase": Case(head("Content-Length: 2", status="HTTP/1.1 429 ") + b"hi", b"hi", status=429),
    "an odd status": Case(head("Content-Length: 2", status="HTTP/1.1 999 Linked") + b"hi", b"hi", status=999),
    "bare line feeds": Case(b"HTTP/1.1 200 OK\nX: y\nContent-Length: 2\n\nhi", b"hi"),
}


@pytest.mark.parametrize("name", CASES)
def test_framing(world: World, name: str) -> None:
    case = CASES[name]
    with serve(Canned(case.data, case.then)) as server:
        if case.body is None:
            failed = world.fail(server.url)
            assert (failed.phase, failed.timed_out) == (Phase.CUT, False)
            return
        got = world.send(server.url)
    assert (got.status, got.body) == (case.status, case.body)
    assert (got.body_error is None) == (case.body_error is None), got.body_error
    assert (case.body_error or "") in (got.body_error or "")
    assert "deadline" not in (got.body_error or "")


BAD_CHUNKS = {
    "no size": b"\r\nhi\r\n0\r\n\r\n",
    "a size that is none": b"zz\r\nhi\r\n0\r\n\r\n",
    "minus": b"-2\r\nhi\r\n0\r\n\r\n",
    "plus": b"+2\r\nhi\r\n0\r\n\r\n",
    "0x": b"0x2\r\nhi\r\n0\r\n\r\n",
    "an underscore": b"0_2\r\nhi\r\n0\r\n\r\n",
    "more than its size": b"2\r\nhiX\r\n0\r\n\r\n",
    "less than its size": b"4\r\nhi\r\n0\r\n\r\n",
    "overflowing": b"11111111111111111\r\nhi\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize("name", BAD_CHUNKS)
def test_bad_chunks_are_no_success(world: World, name: str, status: int) -> None:
    data = head("Transfer-Encoding: chunked", status=f"HTTP/1.1 {status} X") + BAD_CHUNKS[name]
    with serve(Canned(data)) as server:
        got = world.send(server.url)
        assert got.status == status
        assert got.body_error


@pytest.mark.parametrize("method", ["HEAD", "POST"])
@pytest.mark.parametrize("framing", ["Content-Length: 5", "Transfer-Encoding: chunked"])
def test_head_has_no_body(world: World, method: str, framing: str) -> None:
    data = head("Content-Length: 5" if method == "HEAD" else "Content-Length: 0", "Content-Encoding: gzip")
    with serve(data, answer(b"next")) as server:
        first = world.send(server.url, method=method)
        second = world.send(server.url)
    assert (first.status, first.body, first.body_error) == (200, b"", None)
    assert second.body == b"next"
    assert server.connections == 1


def test_bytes_after_the_body_are_not_the_next_answer(world: World) -> None:
    extra = head("Content-Length: 5") + b"WRONG"
    with serve(answer(b"first") + extra, answer(b"second")) as server:
        assert world.send(server.url).body == b"first"
        assert world.send(server.url).body == b"second"
    assert server.connections == 2


@pytest.mark.parametrize("junk", [b"hello", b"\r\n", b"\0"])
def test_junk_after_the_body(world: World, junk: bytes) -> None:
    with serve(answer(b"first") + junk, answer(b"second"), answer(b"second")) as server:
        assert world.send(server.url).body == b"first"
        assert world.send(server.url).body == b"second"
