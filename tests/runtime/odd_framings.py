"""A table of odd framings: responses at the edge of HTTP/1.1, and our reading of each."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ROWS", "Row"]

OK = b"HTTP/1.1 200 OK\r\n"
HI = b"Content-Length: 2\r\n\r\nhi"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


@dataclass(frozen=True)
class Row:
    """Bytes, and our reading of them."""

    data: bytes
    taken: bool = False
    """True if it is a response with the body "hi"."""
    reusable: bool = True
    """True if its connection may be used again; one that is not taken is never."""
    stricter: bool = False
    """True if h11 or llhttp takes what we refuse."""


ROWS = {
    # The status line
    "no reason": Row(b"HTTP/1.1 200\r\n" + HI, taken=True),
    "a reason of spaces": Row(b"HTTP/1.1 200   \r\n" + HI, taken=True),
    "CR in the reason": Row(b"HTTP/1.1 200 O\rK\r\n" + HI),
    "CR CR LF after the reason": Row(b"HTTP/1.1 200 OK\r\r\n" + HI),
    "NUL in the reason": Row(b"HTTP/1.1 200 O\0K\r\n" + HI, stricter=True),
    "a control character in the reason": Row(b"HTTP/1.1 200 O\x01K\r\n" + HI, stricter=True),
    "LF after the reason": Row(b"HTTP/1.1 200 OK\n" + HI, taken=True),
    "HTTP/1.0": Row(b"HTTP/1.0 200 OK\r\n" + HI, taken=True, reusable=False),
    "HTTP/1.0, keep-alive": Row(b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" + HI, taken=True, reusable=False),
    "HTTP/1.9": Row(b"HTTP/1.9 200 OK\r\n" + HI, stricter=True),
    "HTTP/2.0": Row(b"HTTP/2.0 200 OK\r\n" + HI, stricter=True),
    "lower case": Row(b"http/1.1 200 OK\r\n" + HI),
    "two spaces": Row(b"HTTP/1.1  200 OK\r\n" + HI),
    "a line end first": Row(b"\r\n" + OK + HI, stricter=True),
    "below 100": Row(b"HTTP/1.1 099 OK\r\n" + HI),
    # Header lines
    "LF at all line ends": Row(b"HTTP/1.1 200 OK\nX: y\nContent-Length: 2\n\nhi", taken=True),
    "CR CR LF after a value": Row(OK + b"X: y\r\r\n" + HI),
    "CR CR LF for the blank line": Row(OK + b"Content-Length: 2\r\n\r\r\nhi"),
    "CR in a value": Row(OK + b"X: a\rb\r\n" + HI),
    "CR before the next line": Row(OK + b"X: a\rContent-Length: 3\r\n" + HI),
    "NUL in a value": Row(OK + b"X: a\0b\r\n" + HI),
    "a control character in a value": Row(OK + b"X: a\x01b\r\n" + HI, stricter=True),
    "a form feed in a value": Row(OK + b"X: a\x0cb\r\n" + HI),
    "DEL in a value": Row(OK + b"X: a\x7fb\r\n" + HI, stricter=True),
    "bytes beyond ASCII in a value": Row(OK + b"X: \x80\xff\r\n" + HI, taken=True),
    "a space before the colon": Row(OK + b"Content-Length : 2\r\n\r\nhi"),
    "a space before the first name": Row(OK + b" X: y\r\n" + HI),
    "no colon": Row(OK + b"X\r\n" + HI),
    "no name": Row(OK + b": y\r\n" + HI),
    "a folded line": Row(OK + b"X: y\r\n z\r\n" + HI, taken=True),
    "a folded length": Row(OK + b"Content-Length:\r\n 2\r\n\r\nhi", taken=True),
    "two numbers by folding": Row(OK + b"Content-Length: 2\r\n 3\r\n\r\nhi"),
    # Lengths
    "two lengths": Row(OK + b"Content-Length: 3\r\n" + HI),
    "the same length twice": Row(OK + b"Content-Length: 2\r\n" + HI, stricter=True),
    "a list of one length": Row(OK + b"Content-Length: 2, 2\r\n\r\nhi", stricter=True),
    "plus": Row(OK + b"Content-Length: +2\r\n\r\nhi"),
    "zeros": Row(OK + b"Content-Length: 002\r\n\r\nhi", taken=True),
    "hexadecimal": Row(OK + b"Content-Length: 0x2\r\n\r\nhi"),
    "an empty length": Row(OK + b"Content-Length:\r\n\r\nhi"),
    "no length": Row(OK + b"\r\nhi"),
    "a length and chunks": Row(
        OK + b"Content-Length: 12\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", stricter=True
    ),
    # Transfer codings
    "chunks": Row(CHUNKED + b"2\r\nhi\r\n0\r\n\r\n", taken=True),
    "Chunked": Row(OK + b"Transfer-Encoding: CHUNKED\r\n\r\n2\r\nhi\r\n0\r\n\r\n", taken=True),
    "chunks twice": Row(OK + b"Transfer-Encoding: chunked, chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", stricter=True),
    "gzip, chunked": Row(OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", stricter=True),
    "chunked, gzip": Row(OK + b"Transfer-Encoding: chunked, gzip\r\n\r\n2\r\nhi\r\n0\r\n\r\n"),
    "identity": Row(OK + b"Transfer-Encoding: identity\r\n" + HI),
    "chunks under HTTP/1.0": Row(CHUNKED.replace(b"1.1", b"1.0") + b"2\r\nhi\r\n0\r\n\r\n", stricter=True),
    # Chunks
    "an extension": Row(CHUNKED + b'2;a="b"\r\nhi\r\n0\r\n\r\n', taken=True),
    "LF in an extension": Row(CHUNKED + b"2;a\nb\r\nhi\r\n0\r\n\r\n"),
    "CR in an extension": Row(CHUNKED + b"2;a\rb\r\nhi\r\n0\r\n\r\n", stricter=True),
    "NUL in an extension": Row(CHUNKED + b"2;a\0b\r\nhi\r\n0\r\n\r\n", stricter=True),
    "LF after a size": Row(CHUNKED + b"2\nhi\r\n0\r\n\r\n"),
    "a space after a size": Row(CHUNKED + b"2 \r\nhi\r\n0\r\n\r\n", taken=True),
    "a space before a size": Row(CHUNKED + b" 2\r\nhi\r\n0\r\n\r\n"),
    "a sign before a size": Row(CHUNKED + b"+2\r\nhi\r\n0\r\n\r\n"),
    "0x before a size": Row(CHUNKED + b"0x2\r\nhi\r\n0\r\n\r\n"),
    "a size of 16 digits": Row(CHUNKED + b"0000000000000002\r\nhi\r\n0\r\n\r\n", stricter=True),
    "LF after a chunk": Row(CHUNKED + b"2\r\nhi\n0\r\n\r\n"),
    "a chunk that goes on": Row(CHUNKED + b"2\r\nhiX\r\n0\r\n\r\n"),
    "a chunk that is short": Row(CHUNKED + b"3\r\nhi\r\n0\r\n\r\n"),
    "a trailer": Row(CHUNKED + b"2\r\nhi\r\n0\r\nA: b\r\n\r\n", taken=True),
    "a trailer without a colon": Row(CHUNKED + b"2\r\nhi\r\n0\r\nfoo\r\n\r\n"),
    "Content-Length in a trailer": Row(CHUNKED + b"2\r\nhi\r\n0\r\nContent-Length: 5\r\n\r\n", stricter=True),
    "Transfer-Encoding in a trailer": Row(CHUNKED + b"2\r\nhi\r\n0\r\nTransfer-Encoding: x\r\n\r\n", stricter=True),
    "a folded trailer": Row(CHUNKED + b"2\r\nhi\r\n0\r\nA: b\r\n c\r\n\r\n", stricter=True),
    "a trailer with NUL": Row(CHUNKED + b"2\r\nhi\r\n0\r\nA: \0\r\n\r\n"),
    "LF at the end": Row(CHUNKED + b"2\r\nhi\r\n0\r\n\n", stricter=True),
    # Connections
    "close": Row(OK + b"Connection: close\r\n" + HI, taken=True, reusable=False),
    "close in a list": Row(OK + b"Connection: x, Close\r\n" + HI, taken=True, reusable=False),
    "an interim response": Row(b"HTTP/1.1 103 X\r\nA: b\r\n\r\n" + OK + HI, taken=True),
    "an interim response with a length": Row(b"HTTP/1.1 103 X\r\nContent-Length: 5\r\n\r\n" + OK + HI, taken=True),
    "an interim response with chunks": Row(
        b"HTTP/1.1 103 X\r\nTransfer-Encoding: chunked\r\n\r\n" + OK + HI, taken=True
    ),
    "bytes beyond the end": Row(OK + HI + b"X", taken=True, reusable=False),
    "a response beyond the end": Row((OK + HI) * 2, taken=True, reusable=False),
}
