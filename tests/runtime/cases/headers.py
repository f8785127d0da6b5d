"""Header blocks: long ones, cut ones, and what is no HTTP (rules A11, A15)."""

from __future__ import annotations

from collections.abc import Iterator

from cases.case import ROOM, Case
from cases.framing import failed, whole

__all__ = ["CASES"]

BODY = ROOM.SerializeToString()


def header_blocks() -> Iterator[Case]:
    last = b"Content-Length: %d" % len(BODY) + b"\r\n\r\n" + BODY

    def lines(count: int) -> bytes:
        return b"".join(b"X-%d: y\r\n" % number for number in range(count))

    ok = b"HTTP/1.1 200 OK\r\n"
    for count in (100, 101, 300, 999):
        yield whole(f"{count + 1}-lines", "A15", ok + lines(count) + last)
    for size in (65_537, 70_000, 900_000):
        yield whole(f"a-line-of-{size}", "A15", ok + b"X: " + b"y" * size + b"\r\n" + last)
    yield whole("a-long-reason", "A15", b"HTTP/1.1 200 " + b"y" * 70_000 + b"\r\n" + last)
    yield failed("1,001-lines", "A15", ok + lines(1_000) + last, "the response", "hold", go="Go counts bytes alone")
    yield failed(
        "a-line-of-1-MiB",
        "A15",
        ok + b"X: " + b"y" * (1 << 20) + b"\r\n" + last,
        "the response",
        "hold",
        go="Go: 10 MB",
    )
    yield failed(
        "1-MiB-of-lines",
        "A15",
        ok + (b"X: " + b"y" * 200_000 + b"\r\n") * 6 + last,
        "the response",
        "hold",
        go="Go: 10 MB",
    )
    for name, data in {
        "cut-in-the-version": b"HTTP/1",
        "cut-in-the-status-line": b"HTTP/1.1 200 O",
        "cut-after-the-status-line": ok,
        "cut-in-a-line": ok + b"Content-Le",
        "cut-before-the-blank-line": ok + b"Content-Length: 0\r\n",
        "cut-in-the-blank-line": ok + b"Content-Length: 0\r\n\r",
    }.items():
        yield failed(f"header-{name}", "A11", data, "the connection was closed")
    yield failed("header-reset", "A11", ok + b"Content-Length: 0\r\n", "the connection was closed", "reset")
    for name, data in {
        "http-0.9": b"hello, world",
        "http-0.9-page": b"<html>\r\n\r\n</html>",
        "tls-alert": b"\x15\x03\x01\x00\x02\x02\x50",
        "tls-hello": b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03",
        "http-2-settings": b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x80",
        "ssh": b"SSH-2.0-OpenSSH_9.6\r\n",
        "zeros": b"\0" * 100,
        "https-1.1": b"HTTPS/1.1 200 OK\r\n" + last,
        "http-2.0": b"HTTP/2.0 200 OK\r\n" + last,
        "http-3.0": b"HTTP/3.0 200 OK\r\n" + last,
        "no-status": b"HTTP/1.1\r\n" + last,
        "two-digits": b"HTTP/1.1 20 OK\r\n" + last,
        "four-digits": b"HTTP/1.1 2000 OK\r\n" + last,
        "a-status-of-words": b"HTTP/1.1 OK\r\n" + last,
        "below-100": b"HTTP/1.1 099 OK\r\n" + last,
        "no-colon": ok + b"Foo\r\n" + last,
        "no-name": ok + b": foo\r\n" + last,
        "a-name-with-a-space": ok + b"Foo bar: x\r\n" + last,
        "a-space-before-the-colon": ok + b"X : y\r\n" + last,
        "a-control-character": ok + b"Fo\x01o: x\r\n" + last,
        "nul-in-a-value": ok + b"X: a\0b\r\n" + last,
        "cr-in-a-value": ok + b"X: a\rb\r\n" + last,
    }.items():
        yield failed(f"garbage-{name}", "A15", data, "the response")


CASES = [*header_blocks()]
