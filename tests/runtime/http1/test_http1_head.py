"""Header blocks: their end, their limits, and the mapping that is made of them (rules A4, A15)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

import pytest

from twirpkit._http1.head import BadResponse, HeadReader, join_header_lines, unfold
from twirpkit._http1.limits import MAX_HEAD, MAX_INTERIM, MAX_LINES

OK = b"HTTP/1.1 200 OK\r\n"
EARLY = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
TOO_LONG = "the response's header block is too long"
NO_HTTP = "the response is not HTTP/1.x"
NO_STATUS = "the response's status line is not HTTP/1.x"
NO_COLON = "the response has a header line without a colon"
NO_NAME = "the response has a header line without a proper name"
CONTROL = "the response has a header line with a control character"


def test_the_limits() -> None:
    assert (MAX_HEAD, MAX_LINES, MAX_INTERIM) == (1 << 20, 1000, 100)


def whole(data: bytes) -> list[bytes]:
    return [data]


def byte_by_byte(data: bytes) -> list[bytes]:
    return [data[i : i + 1] for i in range(len(data))]


def in_threes(data: bytes) -> list[bytes]:
    return [data[i : i + 3] for i in range(0, len(data), 3)]


Divide: TypeAlias = Callable[[bytes], list[bytes]]
DIVISIONS = [whole, byte_by_byte, in_threes]


def read(segments: list[bytes]) -> HeadReader:
    """A reader that has read them to the end of the block."""
    reader = HeadReader()
    for position, segment in enumerate(segments):
        if reader.feed(segment):
            assert reader.data[reader.end :] + b"".join(segments[position + 1 :]) == b"body"
            return reader
    raise AssertionError("the header block did not end")


def refusal(segments: list[bytes]) -> str:
    reader = HeadReader()
    try:
        for segment in segments:
            assert not reader.feed(segment)
    except BadResponse as bad:
        return str(bad)
    raise AssertionError("it was taken")


HEADS: dict[str, tuple[bytes, int, int, dict[str, str]]] = {
    "no headers": (OK + b"\r\n", 1, 200, {}),
    "HTTP/1.0": (b"HTTP/1.0 404 Not Found\r\nA: b\r\n\r\n", 0, 404, {"a": "b"}),
    "no reason": (b"HTTP/1.1 429\r\nA: b\r\n\r\n", 1, 429, {"a": "b"}),
    "an empty reason": (b"HTTP/1.1 429 \r\nA: b\r\n\r\n", 1, 429, {"a": "b"}),
    "a reason beyond ASCII": (b"HTTP/1.1 200 \t\xff~ \r\n\r\n", 1, 200, {}),
    "an odd status": (b"HTTP/1.1 999 X\r\n\r\n", 1, 999, {}),
    "101": (b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n", 1, 101, {"upgrade": "x"}),
    "names": (OK + b"!#$%&'*+.^_`|~-09azAZ: x\r\n\r\n", 1, 200, {"!#$%&'*+.^_`|~-09azaz": "x"}),
    "values": (
        OK + b"A:b\r\nC: \t d e\t \r\nF:\r\nG: h: i\r\n\r\n",
        1,
        200,
        {"a": "b", "c": "d e", "f": "", "g": "h: i"},
    ),
    "UTF-8": (OK + b"A: caf\xc3\xa9\r\nB: c\r\n\r\n", 1, 200, {"a": "caf\xe9", "b": "c"}),
    "latin-1": (OK + b"A: caf\xe9\r\nB: \xc3\xa9\r\n\r\n", 1, 200, {"a": "caf\xe9", "b": "\xe9"}),
    "no-break space": (OK + b"A: \xa0b\x85\r\n\r\n", 1, 200, {"a": "\xa0b\x85"}),
    "lines of one name": (
        OK + b"Set-Cookie: a\r\nVia: 1\r\nset-cookie: b\r\nSET-COOKIE:\r\n\r\n",
        1,
        200,
        {"set-cookie": "a, b, ", "via": "1"},
    ),
    "bare line feeds": (b"HTTP/1.1 200 OK\nA: b\nC: d\n\n", 1, 200, {"a": "b", "c": "d"}),
    "colons in values": (b"HTTP/1.1 200 OK\nA: b: c\nD: e:\n\n", 1, 200, {"a": "b: c", "d": "e:"}),
    "a bare line feed at the end": (OK + b"A: b\r\n\n", 1, 200, {"a": "b"}),
    "a bare line feed before the end": (OK + b"A: b\n\r\n", 1, 200, {"a": "b"}),
    "a bare line feed after the status": (b"HTTP/1.1 200 OK\n\r\n", 1, 200, {}),
    "folded": (OK + b"A: b\r\n c\r\n\td\r\nE: f\r\n\r\n", 1, 200, {"a": "b c d", "e": "f"}),
    "folded, white space about it": (OK + b"A: b \t\r\n \t c \r\n\r\n", 1, 200, {"a": "b c"}),
    "folded, nothing in a line": (OK + b"A:\r\n b\r\n  \r\n c\r\nD: e\r\n\r\n", 1, 200, {"a": "b c", "d": "e"}),
    "folded, with a colon": (OK + b"A: b\r\n C: d\r\n\r\n", 1, 200, {"a": "b C: d"}),
    "an interim response": (EARLY + OK + b"A: b\r\n\r\n", 1, 200, {"a": "b"}),
    "an interim response, folded": (
        b"HTTP/1.1 102 X\r\nA: b\r\n c\r\n\r\n" + OK + b"D: e\r\n\r\n",
        1,
        200,
        {"d": "e"},
    ),
    "interim responses": (b"HTTP/1.1 100\r\n\r\nHTTP/1.1 199 X\n\n" + EARLY * 3 + OK + b"\r\n", 1, 200, {}),
    "after the last interim response": (
        EARLY + b"HTTP/1.0 503 No\nA: b\n\n",
        0,
        503,
        {"a": "b"},
    ),
}


@pytest.mark.parametrize("divided", DIVISIONS)
@pytest.mark.parametrize("name", HEADS)
def test_a_head(name: str, divided: Divide) -> None:
    data, minor, status, headers = HEADS[name]
    reader = read(divided(data + b"body"))
    assert (reader.minor, reader.status, reader.headers) == (minor, status, headers)
    assert reader.heard


def lines(count: int) -> bytes:
    return b"".join(b"X-%d: y\r\n" % number for number in range(count))


LONG_HEADS: dict[str, tuple[bytes, int]] = {
    "a line of 70 KB": (OK + b"X: " + b"y" * 70_000 + b"\r\n\r\n", 1),
    "a reason of 70 KB": (b"HTTP/1.1 200 " + b"y" * 70_000 + b"\r\n\r\n", 0),
    "lines": (OK + lines(MAX_LINES) + b"\r\n", MAX_LINES),
    "lines of one name": (OK + b"A: b\r\n" * MAX_LINES + b"\r\n", 1),
    "bare lines": (OK + lines(MAX_LINES).replace(b"\r", b"") + b"\r\n", MAX_LINES),
    "folded lines": (OK + b"A: b\r\n" + b" c\r\n" * (MAX_LINES - 1) + b"\r\n", 1),
    "bytes": (OK + b"X: " + b"y" * (MAX_HEAD - len(OK) - 7) + b"\r\n\r\n", 1),
    "bytes of bare lines": (OK + b"X: " + b"y" * (MAX_HEAD - len(OK) - 6) + b"\n\r\n", 1),
    "bytes, with interim responses": (
        EARLY * 2 + OK + b"X: " + b"y" * (MAX_HEAD - 2 * len(EARLY) - 24) + b"\r\n\r\n",
        1,
    ),
    "interim responses": (EARLY * MAX_INTERIM + OK + b"A: b\r\n\r\n", 1),
}
TOO_LONG_HEADS: dict[str, bytes] = {
    "lines": OK + lines(MAX_LINES + 1) + b"\r\n",
    "lines of one name": OK + b"A: b\r\n" * (MAX_LINES + 1) + b"\r\n",
    "bare lines": OK + lines(MAX_LINES + 1).replace(b"\r", b"") + b"\r\n",
    "folded lines": OK + b"A: b\r\n" + b" c\r\n" * MAX_LINES + b"\r\n",
    "lines that are not valid": OK + b"A\r\n" * (MAX_LINES + 1) + b"\r\n",
    "lines beyond ASCII": OK + b"A: \xff\r\n" * (MAX_LINES + 1) + b"\r\n",
    "lines without an end": OK + lines(MAX_LINES + 1),
    "bytes": OK + b"X: " + b"y" * (MAX_HEAD - len(OK) - 6) + b"\r\n\r\n",
    "bytes of bare lines": OK + b"X: " + b"y" * (MAX_HEAD - len(OK) - 5) + b"\n\r\n",
    "bytes without an end": OK + b"y" * (MAX_HEAD - len(OK)),
    "a status line": b"HTTP/1.1 200 " + b"y" * MAX_HEAD + b"\r\n\r\n",
    "a status line that is not valid at its end": b"HTTP/1.1 200 " + b"y" * MAX_HEAD + b"\0\r\n\r\n",
    "a status line without an end": b"HTTP/1.1 200 " + b"y" * (MAX_HEAD - 13),
    "bytes, with interim responses": EARLY * 2 + OK + b"X: " + b"y" * (MAX_HEAD - 2 * len(EARLY) - 23) + b"\r\n\r\n",
    "a large interim response": (b"HTTP/1.1 103 X\r\nX: " + b"y" * MAX_HEAD + b"\r\n\r\n"),
}


def in_pieces(data: bytes) -> list[bytes]:
    return [data[i : i + 1021] for i in range(0, len(data), 1021)]


@pytest.mark.parametrize("divided", [whole, in_pieces])
@pytest.mark.parametrize("name", LONG_HEADS)
def test_a_head_up_to_the_limit(name: str, divided: Divide) -> None:
    data, count = LONG_HEADS[name]
    reader = read(divided(data + b"body"))
    assert (reader.status, len(reader.headers)) == (200, count)


@pytest.mark.parametrize("divided", [whole, in_pieces])
@pytest.mark.parametrize("name", TOO_LONG_HEADS)
def test_a_head_over_the_limit(name: str, divided: Divide) -> None:
    assert refusal(divided(TOO_LONG_HEADS[name])) == TOO_LONG


@pytest.mark.parametrize("before", [b"", EARLY, EARLY * 2])
def test_as_many_lines_as_there_may_be_before_the_blank_one(before: bytes) -> None:
    for start in (OK, b"HTTP/1.1 200 OK\n"):
        reader = HeadReader()
        assert not reader.feed(before + start + lines(MAX_LINES))
        assert reader.feed(b"\r\n")
        reader = HeadReader()
        assert not reader.feed(before + start + lines(MAX_LINES))
        with pytest.raises(BadResponse, match=f"^{TOO_LONG}$"):
            reader.feed(b"A: b\r\n")


def test_the_size_of_a_line_end_counts() -> None:
    """The last line end of a block that is one byte too large is not even looked at."""
    data = OK + b"X: " + b"y" * (MAX_HEAD - len(OK) - 6) + b"\r\n\r\n"
    assert len(data) == MAX_HEAD + 1
    reader = HeadReader()
    assert not reader.feed(data[: MAX_HEAD - 1])
    with pytest.raises(BadResponse, match=TOO_LONG):
        reader.feed(data[MAX_HEAD - 1 :])


@pytest.mark.parametrize("divided", [whole, in_pieces])
def test_interim_responses_over_the_limit(divided: Divide) -> None:
    assert refusal(divided(EARLY * (MAX_INTERIM + 1))) == "there are more than 100 interim responses"


BAD_HEADS = {
    "HTTP/0.9": (b"hello, world", NO_HTTP),
    "TLS": (b"\x15\x03\x01\x00\x02\x02\x50", NO_HTTP),
    "HTTP/2": (b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x80", NO_HTTP),
    "SSH": (b"SSH-2.0-OpenSSH_9.6\r\n", NO_HTTP),
    "lower case": (b"http/1.1 200 OK\r\n\r\n", NO_HTTP),
    "a line end first": (b"\r\n" + OK + b"\r\n", NO_HTTP),
    "a line feed first": (b"\n" + OK + b"\r\n", NO_HTTP),
    "another protocol": (b"HTTPS/1.1 200 OK\r\n\r\n", NO_HTTP),
    "HTTP/2.0": (b"HTTP/2.0 200 OK\r\n\r\n", NO_HTTP),
    "one letter": (b"h", NO_HTTP),
    "HTTP/1.2": (b"HTTP/1.2 200 OK\r\n", NO_STATUS),
    "no status": (b"HTTP/1.1\r\n", NO_STATUS),
    "no number": (b"HTTP/1.1 OK\r\n", NO_STATUS),
    "two digits": (b"HTTP/1.1 20 OK\r\n", NO_STATUS),
    "four digits": (b"HTTP/1.1 2000 OK\r\n", NO_STATUS),
    "below 100": (b"HTTP/1.1 099 OK\r\n", NO_STATUS),
    "two spaces": (b"HTTP/1.1  200 OK\r\n", NO_STATUS),
    "a tab": (b"HTTP/1.1 200\tOK\r\n", NO_STATUS),
    "CR in the reason": (b"HTTP/1.1 200 O\rK\r\n", NO_STATUS),
    "two CR after the reason": (b"HTTP/1.1 200 OK\r\r\n", NO_STATUS),
    "NUL in the reason": (b"HTTP/1.1 200 O\0K\r\n", NO_STATUS),
    "DEL in the reason": (b"HTTP/1.1 200 O\x7fK\r\n", NO_STATUS),
    "a bad status after an interim response": (EARLY + b"HTTP/1.1 OK\r\n", NO_STATUS),
    "no HTTP after an interim response": (EARLY + b"\r\n", NO_HTTP),
    "no colon": (OK + b"A: b\r\nFoo\r\n\r\n", NO_COLON),
    "no colon in the first line": (OK + b"Foo\r\nA: b\r\n\r\n", NO_COLON),
    "no name": (OK + b": foo\r\n\r\n", NO_NAME),
    "a space in the name": (OK + b"A B: c\r\n\r\n", NO_NAME),
    "a space before the colon": (OK + b"A : c\r\n\r\n", NO_NAME),
    "folding of nothing": (OK + b" A: b\r\nC: d\r\n\r\n", NO_NAME),
    "a tab first": (OK + b"\tA: b\r\n\r\n", NO_NAME),
    "a control character in the name": (OK + b"A\x01: b\r\n\r\n", NO_NAME),
    "a name beyond ASCII": (OK + b"\xc3\xb6: b\r\n\r\n", NO_NAME),
    "NUL in a value": (OK + b"A: b\0\r\n\r\n", CONTROL),
    "CR in a value": (OK + b"A: b\rc\r\n\r\n", CONTROL),
    "two CR after a value": (OK + b"A: b\r\r\nC: d\r\n\r\n", CONTROL),
    "two CR after the last value": (OK + b"A: b\r\r\n\r\n", CONTROL),
    "a form feed in a value": (OK + b"A: b\x0c\r\n\r\n", CONTROL),
    "ESC in a value": (OK + b"A: \x1b[0m\r\n\r\n", CONTROL),
    "DEL in a value": (OK + b"A: \x7f\r\n\r\n", CONTROL),
    "a form feed in a folded line": (OK + b"A: b\r\n \x0cc\r\n\r\n", CONTROL),
    "NUL in a folded line": (OK + b"A: b\r\n c\0\r\n\r\n", CONTROL),
    "two framings of an interim response": (
        b"HTTP/1.1 103 X\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n",
        "the response has a Content-Length and a Transfer-Encoding",
    ),
    "a transfer coding of an interim response": (
        b"HTTP/1.1 103 X\r\nTransfer-Encoding: x\r\n\r\n",
        "the response's Transfer-Encoding is not chunked",
    ),
    "chunks of an interim response under HTTP/1.0": (
        b"HTTP/1.0 103 X\r\nTransfer-Encoding: chunked\r\n\r\n",
        "the response has a Transfer-Encoding, which HTTP/1.0 does not know",
    ),
    "no length of an interim response": (
        EARLY + b"HTTP/1.1 103 X\r\nContent-Length:\r\n\r\n",
        "the response's Content-Length is not one number",
    ),
    "NUL in an interim response": (b"HTTP/1.1 103 X\r\nA: \0\r\n\r\n", CONTROL),
}


@pytest.mark.parametrize("divided", DIVISIONS)
@pytest.mark.parametrize("name", BAD_HEADS)
def test_a_head_that_is_not_valid(name: str, divided: Divide) -> None:
    data, reason = BAD_HEADS[name]
    assert refusal(divided(data)) == reason


@pytest.mark.parametrize("name", [name for name, (_, reason) in BAD_HEADS.items() if reason in (NO_HTTP, NO_STATUS)])
def test_what_follows_a_bad_beginning_does_not_matter(name: str) -> None:
    data, reason = BAD_HEADS[name]
    assert refusal([data + b"\0" * MAX_HEAD + b"\r\n\r\n"]) == reason


def test_how_far_a_head_has_come() -> None:
    reader = HeadReader()
    assert (reader.heard, reader.began) == (False, False)
    assert not reader.feed(b"")
    assert (reader.heard, reader.began) == (False, False)
    assert not reader.feed(EARLY[:-1])
    assert (reader.heard, reader.began) == (True, True)
    assert not reader.feed(EARLY[-1:])
    assert (reader.heard, reader.began) == (True, False)
    assert not reader.feed(EARLY)
    assert (reader.heard, reader.began) == (True, False)
    assert not reader.feed(EARLY + b"H")
    assert (reader.heard, reader.began) == (True, True)


def test_readers_share_nothing() -> None:
    first, second = HeadReader(), HeadReader()
    first.feed(EARLY + OK + b"A: b\r\nC")
    assert (second.heard, second.began) == (False, False)
    assert second.feed(OK + b"\r\n")
    assert first.feed(b": d\r\n\r\n")
    assert (first.headers, second.headers) == ({"a": "b", "c": "d"}, {})


def test_lines_of_other_libraries_are_joined() -> None:
    """As raw pairs, which they have already split."""
    assert join_header_lines([]) == {}
    assert join_header_lines([(b"A", b" b\t"), (b"C", b"\xc3\xa9"), (b"a", b"\xe9")]) == {"a": "b, \xe9", "c": "\xe9"}
    assert join_header_lines([(b"A", b"Xb X")]) == {"a": "Xb X"}
    for pair, reason in (
        ((b"", b"a"), NO_NAME),
        ((b"A ", b"a"), NO_NAME),
        ((b"A\n", b"a"), NO_NAME),
        ((b"A", b"a\r\nb"), CONTROL),
        ((b"A", b"b\n"), CONTROL),
    ):
        with pytest.raises(BadResponse, match=f"^{re.escape(reason)}$"):
            join_header_lines([(b"X", b"y"), pair])


def test_the_limits_of_joined_lines() -> None:
    fits = [(b"A", b"b" * (MAX_HEAD // 2 - 5)), (b"C", b"d" * (MAX_HEAD // 2 - 5))]
    assert len(join_header_lines(fits)) == 2
    with pytest.raises(BadResponse, match=f"^{TOO_LONG}$"):
        join_header_lines([*fits[:1], (b"CC", fits[1][1])])
    with pytest.raises(BadResponse, match=f"^{TOO_LONG}$"):
        join_header_lines([*fits[:1], (b"C", fits[1][1] + b"d")])
    assert len(join_header_lines([(b"A", b"")] * MAX_LINES)) == 1
    with pytest.raises(BadResponse, match=f"^{TOO_LONG}$"):
        join_header_lines([(b"A", b"")] * (MAX_LINES + 1))


def test_unfolding() -> None:
    assert list(unfold([])) == []
    assert list(unfold([b"A: b", b"C:d ", b"\t e", b" "])) == [(b"A", b"b"), (b"C", b"d e")]
    assert list(unfold([b"A:X:Y", b" XbX", b"\tYX "])) == [(b"A", b"X:Y XbX YX")]
    with pytest.raises(BadResponse, match=f"^{NO_COLON}$"):
        list(unfold([b"A: b", b""]))
