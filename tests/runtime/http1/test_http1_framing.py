"""The end of a body, and the reuse of a connection (rule A11)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import pytest

from twirpkit._http1.content import Body, BodyError
from twirpkit._http1.framing import Unsized, body_reader, may_reuse, response_framing
from twirpkit._http1.head import BadResponse
from twirpkit._http1.limits import MAX_HEAD, MAX_LINES

CHUNKED = {"transfer-encoding": "chunked"}
BOTH = "the response has a Content-Length and a Transfer-Encoding"
NO_NUMBER = "the response's Content-Length is not one number"
NOT_CHUNKED = "the response's Transfer-Encoding is not chunked"
OLD = "the response has a Transfer-Encoding, which HTTP/1.0 does not know"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, Unsized.UNFRAMED),
        ({"content-length": "0"}, 0),
        ({"content-length": "12"}, 12),
        ({"content-length": "0012"}, 12),
        ({"content-length": "9" * 18}, 10**18 - 1),
        (CHUNKED, Unsized.CHUNKED),
        ({"transfer-encoding": "Chunked"}, Unsized.CHUNKED),
    ],
)
@pytest.mark.parametrize("status", [200, 205, 404, 503])
def test_framing(headers: Mapping[str, str], expected: object, status: int) -> None:
    assert response_framing("POST", 1, status, headers) == expected
    if headers is not CHUNKED and "transfer-encoding" not in headers:
        assert response_framing("POST", 0, status, headers) == expected


@pytest.mark.parametrize("headers", [{}, {"content-length": "5"}, CHUNKED])
def test_responses_without_a_body(headers: Mapping[str, str]) -> None:
    for method, status in (("HEAD", 200), ("HEAD", 404), ("POST", 101), ("POST", 204), ("POST", 304)):
        assert response_framing(method, 1, status, headers) == 0


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"content-length": value}, NO_NUMBER)
        for value in (
            "",
            "2, 2",
            "2, 3",
            "+2",
            "-2",
            "0x2",
            "0_2",
            "2.0",
            "2 2",
            "two",
            "2\n",
            "\u0662",
            "1" + "0" * 18,
        )
    ]
    + [({"transfer-encoding": value}, NOT_CHUNKED) for value in ("", "gzip, chunked", "chunked, chunked", "identity")]
    + [
        ({"content-length": "2", **CHUNKED}, BOTH),
        ({"content-length": "x", "transfer-encoding": "x"}, BOTH),
    ],
)
@pytest.mark.parametrize(("method", "status"), [("POST", 200), ("POST", 500), ("HEAD", 200), ("POST", 204)])
def test_framing_with_two_readings(headers: Mapping[str, str], reason: str, method: str, status: int) -> None:
    with pytest.raises(BadResponse, match=f"^{re.escape(reason)}$"):
        response_framing(method, 1, status, headers)


def test_chunks_under_http_1_0() -> None:
    with pytest.raises(BadResponse, match=f"^{OLD}$"):
        response_framing("POST", 0, 200, CHUNKED)
    assert response_framing("POST", 0, 200, {"content-length": "2"}) == 2


REUSABLE: dict[str, tuple[int, int, Mapping[str, str]]] = {
    "plain": (1, 200, {}),
    "an error": (1, 500, {"content-length": "5"}),
    "keep-alive": (1, 200, {"connection": "keep-alive"}),
    "other options": (1, 200, {"connection": "x, Upgrade,"}),
    "a longer word": (1, 200, {"connection": "closed, not-close"}),
    "204": (1, 204, {}),
    "204 with an empty body": (1, 204, {"content-length": "0"}),
    "304 with a length": (1, 304, {"content-length": "5"}),
    "304 with chunks": (1, 304, CHUNKED),
    "205 with a length": (1, 205, {"content-length": "5"}),
}
CLOSED: dict[str, tuple[int, int, Mapping[str, str]]] = {
    "close": (1, 200, {"connection": "close"}),
    "Close": (1, 500, {"connection": "Close"}),
    "close first": (1, 200, {"connection": "close, x"}),
    "close last": (1, 200, {"connection": "keep-alive,\tCLOSE "}),
    "HTTP/1.0": (0, 200, {}),
    "HTTP/1.0, keep-alive": (0, 200, {"connection": "keep-alive"}),
    "101": (1, 101, {"connection": "upgrade"}),
    "204 with a body": (1, 204, {"content-length": "5"}),
    "204 with chunks": (1, 204, CHUNKED),
}


@pytest.mark.parametrize("name", REUSABLE)
def test_a_connection_that_may_be_reused(name: str) -> None:
    facts = REUSABLE[name]
    assert may_reuse(*facts, request_sent=True, bytes_beyond=False)
    assert not may_reuse(*facts, request_sent=False, bytes_beyond=False)
    assert not may_reuse(*facts, request_sent=True, bytes_beyond=True)


@pytest.mark.parametrize("name", CLOSED)
def test_a_connection_that_may_not_be_reused(name: str) -> None:
    assert not may_reuse(*CLOSED[name], request_sent=True, bytes_beyond=False)


def whole(data: bytes) -> list[bytes]:
    return [data]


def byte_by_byte(data: bytes) -> list[bytes]:
    return [data[i : i + 1] for i in range(len(data))]


def in_pieces(data: bytes) -> list[bytes]:
    return [data[i : i + 1021] for i in range(0, len(data), 1021)]


def read(framing: int | Unsized, segments: list[bytes]) -> tuple[bytes, bytes]:
    """The body, and what follows it."""
    reader, body = body_reader(framing), Body(None, 1 << 21)
    for position, segment in enumerate(segments):
        end = reader.feed(segment, 0, body)
        if end >= 0:
            return body.take(), segment[end:] + b"".join(segments[position + 1 :])
    raise BodyError(reader.cut())


def error(framing: int | Unsized, segments: list[bytes]) -> str:
    with pytest.raises(BodyError) as caught:
        read(framing, segments)
    return str(caught.value)


DIVISIONS = pytest.mark.parametrize("divided", [whole, byte_by_byte])
END = b"0\r\n\r\n"


@DIVISIONS
def test_a_length(divided: Callable[[bytes], list[bytes]]) -> None:
    assert read(5, divided(b"helloNEXT")) == (b"hello", b"NEXT")
    assert read(5, divided(b"hello")) == (b"hello", b"")
    assert error(5, divided(b"hel")) == "the response was cut 2 bytes before the end of its body"
    assert error(5, []) == "the response was cut 5 bytes before the end of its body"


def test_an_empty_body_ends_at_once() -> None:
    reader = body_reader(0)
    assert reader.wanted == 0
    assert reader.feed(b"head", 4, Body(None, 9)) == 4
    assert reader.feed(b"headNEXT", 4, Body(None, 9)) == 4


@pytest.mark.parametrize("start", [0, 1, 4])
def test_a_body_begins_where_the_head_ends(start: int) -> None:
    for framing, data in ((2, b"hi"), (Unsized.CHUNKED, b"2\r\nhi\r\n0\r\n\r\n")):
        body = Body(None, 9)
        assert body_reader(framing).feed(b"head"[:start] + data + b"NEXT", start, body) == start + len(data)
        assert body.take() == b"hi"
    for framing, data in ((3, b"hi"), (Unsized.CHUNKED, b"3\r\nhi"), (Unsized.UNFRAMED, b"hi")):
        body = Body(None, 9)
        assert body_reader(framing).feed(b"head"[:start] + data, start, body) == -1
        assert body.take() == b"hi"


def test_the_bytes_that_are_certain_to_follow() -> None:
    body = Body(None, 99)
    length = body_reader(5)
    assert length.wanted == 5
    length.feed(b"he", 0, body)
    assert length.wanted == 3
    length.feed(b"lloX", 0, body)
    assert length.wanted == 0
    chunks = body_reader(Unsized.CHUNKED)
    assert chunks.wanted == 0
    chunks.feed(b"5\r\nhe", 0, body)
    assert chunks.wanted == 3
    chunks.feed(b"llo", 0, body)
    assert chunks.wanted == 0
    assert body_reader(Unsized.UNFRAMED).wanted == 0


@DIVISIONS
def test_a_body_without_an_end(divided: Callable[[bytes], list[bytes]]) -> None:
    no_length = "the response has neither a Content-Length nor a chunked body"
    assert error(Unsized.UNFRAMED, divided(b"hello")) == no_length
    assert error(Unsized.UNFRAMED, []) == no_length


CHUNKS = {
    "one": (b"5\r\nhello\r\n" + END, b"hello"),
    "none": (END, b""),
    "several": (b"1\r\nh\r\n3\r\nell\r\n1\r\no\r\n" + END, b"hello"),
    "hexadecimal sizes": (b"0a\r\n0123456789\r\nB\r\nabcdefghijk\r\n" + END, b"0123456789abcdefghijk"),
    "a size of two digits": (b"10\r\n0123456789abcdef\r\n" + END, b"0123456789abcdef"),
    "a size of 15 digits": (b"000000000000002\r\nhi\r\n" + END, b"hi"),
    "an end of many digits": (b"2\r\nhi\r\n000\r\n\r\n", b"hi"),
    "line ends": (b"4\r\n\r\n\r\n\r\n" + END, b"\r\n\r\n"),
    "extensions": (b'2;a="b\t\xff";c\r\nhi\r\n0;d\r\n\r\n', b"hi"),
    "an empty extension": (b"2;\r\nhi\r\n" + END, b"hi"),
    "white space after the size": (b"2 \t\r\nhi\r\n0 ;a\r\n\r\n", b"hi"),
    "trailers": (b"2\r\nhi\r\n0\r\nA: b\r\nC:\r\nContent-Length-X: \xff\t\r\n\r\n", b"hi"),
    "extensions up to the limit": (
        b"1;" + b"x" * (MAX_HEAD // 2 - 1) + b"\r\nh\r\n1;" + b"x" * (MAX_HEAD // 2 - 1) + b"\r\ni\r\n" + END,
        b"hi",
    ),
    "an extension up to the limit": (b"000000000000001;" + b"x" * (MAX_HEAD - 1) + b"\r\nh\r\n" + END, b"h"),
    "trailers up to the limit": (
        b"0;" + b"x" * (MAX_HEAD - 1) + b"\r\nA:" + b"x" * (MAX_HEAD // 2 - 2) + b"\r\nB:"
        b"" + b"x" * (MAX_HEAD // 2 - 2) + b"\r\n\r\n",
        b"",
    ),
    "as many trailers as there may be": (b"0\r\n" + b"A:\r\n" * MAX_LINES + b"\r\n", b""),
}
NO_SIZE = "the response has a chunk without a proper size"
NOT_CHUNKS = "the response's chunks are not HTTP"
EXTENSIONS = "the response's chunk extensions are too long"
TRAILERS = "the response's trailers are too long"
NO_TRAILER = "the response has a trailer that is not a header line"
FRAMING = "the response has a Content-Length or a Transfer-Encoding in its trailers"
CUT = "the response was cut inside its chunks"
BAD_CHUNKS = {
    "no size": (b"\r\nhi\r\n" + END, NO_SIZE),
    "a word": (b"zz\r\nhi\r\n" + END, NO_SIZE),
    "minus": (b"-2\r\nhi\r\n" + END, NO_SIZE),
    "plus": (b"+2\r\nhi\r\n" + END, NO_SIZE),
    "0x": (b"0x2\r\nhi\r\n" + END, NO_SIZE),
    "an underscore": (b"0_2\r\nhi\r\n" + END, NO_SIZE),
    "a space before it": (b" 2\r\nhi\r\n" + END, NO_SIZE),
    "a comma after it": (b"2,a\r\nhi\r\n" + END, NO_SIZE),
    "a size of 16 digits": (b"0000000000000002\r\nhi\r\n" + END, NO_SIZE),
    "CR in an extension": (b"2;a\rb\r\nhi\r\n" + END, NO_SIZE),
    "CR before the line end": (b"2\r\r\nhi\r\n" + END, NO_SIZE),
    "NUL in an extension": (b"2;\0\r\nhi\r\n" + END, NO_SIZE),
    "LF after the size": (b"2\nhi\r\n" + END, NOT_CHUNKS),
    "LF in an extension": (b"2;a\nb\r\nhi\r\n" + END, NOT_CHUNKS),
    "LF alone": (b"\n", NOT_CHUNKS),
    "LF after a chunk": (b"2\r\nhi\n" + END, NOT_CHUNKS),
    "LF after a trailer": (b"0\r\nA: b\n\r\n", NOT_CHUNKS),
    "LF at the end": (b"0\r\n\n", NOT_CHUNKS),
    "more than its size": (b"2\r\nhiX\r\n" + END, NOT_CHUNKS),
    "less than its size": (b"4\r\nhi\r\n" + END, NOT_CHUNKS),
    "two CR after a chunk": (b"2\r\nhi\r\r\n" + END, NOT_CHUNKS),
    "a trailer without a colon": (b"0\r\nfoo\r\n\r\n", NO_TRAILER),
    "a chunk after the last": (b"0\r\n2\r\nhi\r\n0\r\n\r\n", NO_TRAILER),
    "a trailer without a name": (b"0\r\n: a\r\n\r\n", NO_TRAILER),
    "a folded trailer": (b"0\r\nA: b\r\n c\r\n\r\n", NO_TRAILER),
    "a space before a trailer's colon": (b"0\r\nA : b\r\n\r\n", NO_TRAILER),
    "NUL in a trailer": (b"0\r\nA: \0\r\n\r\n", NO_TRAILER),
    "CR in a trailer": (b"0\r\nA: b\rc\r\n\r\n", NO_TRAILER),
    "Content-Length in a trailer": (b"0\r\nA: b\r\nContent-Length: 5\r\n\r\n", FRAMING),
    "Transfer-Encoding in a trailer": (b"0\r\ntransfer-ENCODING: chunked\r\n\r\n", FRAMING),
    "a long extension": (b"1;" + b"x" * MAX_HEAD + b"\r\nh\r\n" + END, EXTENSIONS),
    "long extensions": (
        b"1;" + b"x" * (MAX_HEAD // 2 - 1) + b"\r\nh\r\n1;" + b"x" * (MAX_HEAD // 2) + b"\r\ni\r\n" + END,
        EXTENSIONS,
    ),
    "an endless line": (b"1" * (MAX_HEAD + 16), EXTENSIONS),
    "an endless line that ends": (b"1" * (MAX_HEAD + 16) + b"\n", EXTENSIONS),
    "a line of all that there may be": (b"z" * (MAX_HEAD + 15) + b"\r\n", NO_SIZE),
    "long trailers": (
        b"0\r\nA:" + b"x" * (MAX_HEAD // 2 - 2) + b"\r\nB:" + b"x" * (MAX_HEAD // 2 - 1) + b"\r\n\r\n",
        TRAILERS,
    ),
    "an endless trailer": (b"0\r\n" + b"x" * (MAX_HEAD + 1), TRAILERS),
    "an endless trailer that ends": (b"0\r\n" + b"x" * (MAX_HEAD + 1) + b"\n", TRAILERS),
    "a trailer of all that there may be": (b"0\r\n" + b"x" * MAX_HEAD + b"\r\n\r\n", NO_TRAILER),
    "many trailers": (b"0\r\n" + b"A:\r\n" * (MAX_LINES + 1) + b"\r\n", TRAILERS),
    "nothing": (b"", CUT),
    "cut in a size": (b"2", CUT),
    "cut after a size": (b"2\r", CUT),
    "cut before a chunk": (b"2\r\n", "the response was cut 2 bytes before the end of its body"),
    "cut in a chunk": (b"5\r\nhi", "the response was cut 3 bytes before the end of its body"),
    "cut after a chunk": (b"2\r\nhi", CUT),
    "cut in the line end of a chunk": (b"2\r\nhi\r", CUT),
    "cut before the last chunk": (b"2\r\nhi\r\n", CUT),
    "cut in the last chunk": (b"2\r\nhi\r\n0\r\n", CUT),
    "cut in a trailer": (b"2\r\nhi\r\n0\r\nA: b\r\n\r", CUT),
}


def division(data: bytes, divided: Callable[[bytes], list[bytes]]) -> list[bytes]:
    """Byte by byte only where that is not a million bytes."""
    return in_pieces(data) if divided is byte_by_byte and len(data) > 10_000 else divided(data)


@DIVISIONS
@pytest.mark.parametrize("name", CHUNKS)
def test_chunks(name: str, divided: Callable[[bytes], list[bytes]]) -> None:
    data, expected = CHUNKS[name]
    assert read(Unsized.CHUNKED, division(data, divided)) == (expected, b"")
    assert read(Unsized.CHUNKED, division(data + b"\r\nNEXT\n", divided)) == (expected, b"\r\nNEXT\n")


@pytest.mark.parametrize("name", [name for name, (data, _) in CHUNKS.items() if len(data) < 100])
def test_chunks_in_three_pieces(name: str) -> None:
    data, expected = CHUNKS[name]
    for first in range(len(data)):
        for second in range(first, len(data)):
            assert read(Unsized.CHUNKED, [data[:first], data[first:second], data[second:]]) == (expected, b"")


@DIVISIONS
@pytest.mark.parametrize("name", BAD_CHUNKS)
def test_chunks_that_are_not_valid(name: str, divided: Callable[[bytes], list[bytes]]) -> None:
    data, expected = BAD_CHUNKS[name]
    assert error(Unsized.CHUNKED, division(data, divided)) == expected


def test_a_wrong_byte_after_a_chunk_is_not_waited_for() -> None:
    for data in (b"2\r\nhiX", b"2\r\nhi\rX", b"2\r\nhi\n"):
        with pytest.raises(BodyError, match=NOT_CHUNKS):
            body_reader(Unsized.CHUNKED).feed(data, 0, Body(None, 9))


@pytest.mark.parametrize("room", [MAX_HEAD + 15, MAX_HEAD])
def test_the_carriage_return_of_a_line_does_not_count(room: int) -> None:
    reader = body_reader(Unsized.CHUNKED)
    body = Body(None, 9)
    if room == MAX_HEAD:
        reader.feed(b"0\r\n", 0, body)
    assert reader.feed(b"x" * room, 0, body) == -1
    assert reader.feed(b"\r", 0, body) == -1
    with pytest.raises(BodyError, match="too long"):
        reader.feed(b"\r", 0, body)
