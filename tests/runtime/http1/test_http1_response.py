"""The response parser: results, phases, limits, and the reuse of the connection (rules A4, A11 to A15, B3, C)."""

from __future__ import annotations

import gzip
import inspect
import time
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from reference_parsers import exchange_of

from twirpkit import _http1
from twirpkit._http1.head import BadResponse
from twirpkit._http1.limits import MAX_ERROR_BODY, MAX_HEAD, MAX_INTERIM, MAX_LINES, MAX_READ, MIN_READ
from twirpkit._http1.response import ConnectParser, Exchange, ResponseParser
from twirpkit.transports.base import HttpResponse, Phase, TransportFailure

OK = b"HTTP/1.1 200 OK\r\n"
NO = b"HTTP/1.1 503 No\r\n"
EARLY = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"
CAP = 1000


def http(body: bytes, *lines: str, status: str = "200 OK", version: str = "1.1") -> bytes:
    """A response with a Content-Length."""
    head = [f"HTTP/{version} {status}", *lines, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(head).encode() + body


def divided(data: bytes, size: int) -> list[bytes]:
    return [data[i : i + size] for i in range(0, len(data), size)]


def parser(*, reused: bool = False, method: str = "POST", max_body: int = CAP) -> ResponseParser:
    return ResponseParser(method, max_body, reused=reused)


def fed(data: bytes, *, reused: bool = False) -> ResponseParser:
    """A parser that waits for more."""
    made = parser(reused=reused)
    for segment in [data] if data else []:
        assert made.feed(segment) is None
    return made


def response(exchange: Exchange | None) -> HttpResponse:
    assert exchange is not None
    assert isinstance(exchange.result, HttpResponse)
    return exchange.result


WHOLE: dict[str, tuple[bytes, HttpResponse]] = {
    "a length": (http(b"hello", "A: b"), HttpResponse(200, {"a": "b", "content-length": "5"}, b"hello")),
    "empty": (http(b""), HttpResponse(200, {"content-length": "0"}, b"")),
    "chunks": (
        OK + CHUNKED + b"3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nA: b\r\n\r\n",
        HttpResponse(200, {"transfer-encoding": "chunked"}, b"hello"),
    ),
    "no chunks": (OK + CHUNKED + END, HttpResponse(200, {"transfer-encoding": "chunked"}, b"")),
    "an error": (http(b"oh", status="503 No"), HttpResponse(503, {"content-length": "2"}, b"oh")),
    "interim responses": (EARLY * 2 + http(b"hi"), HttpResponse(200, {"content-length": "2"}, b"hi")),
    "gzip": (
        http(gzip.compress(b"hi", mtime=0), "Content-Encoding: gzip"),
        HttpResponse(200, {"content-encoding": "gzip", "content-length": "22"}, b"hi"),
    ),
    "gzip of nothing": (
        http(b"", "Content-Encoding: gzip"),
        HttpResponse(200, {"content-encoding": "gzip", "content-length": "0"}, b""),
    ),
    "deflate in chunks": (
        OK + b"Content-Encoding: deflate\r\n" + CHUNKED + b"a\r\n" + zlib.compress(b"hi") + b"\r\n" + END,
        HttpResponse(200, {"content-encoding": "deflate", "transfer-encoding": "chunked"}, b"hi"),
    ),
    "identity": (
        http(b"hi", "Content-Encoding: identity"),
        HttpResponse(200, {"content-encoding": "identity", "content-length": "2"}, b"hi"),
    ),
    "204": (b"HTTP/1.1 204 No Content\r\n\r\n", HttpResponse(204, {}, b"")),
    "304": (
        b"HTTP/1.1 304 X\r\nContent-Length: 5\r\nContent-Encoding: gzip\r\n\r\n",
        HttpResponse(304, {"content-length": "5", "content-encoding": "gzip"}, b""),
    ),
    "as large as it may be": (http(bytes(CAP)), HttpResponse(200, {"content-length": f"{CAP}"}, bytes(CAP))),
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_response(name: str) -> None:
    data, expected = WHOLE[name]
    assert exchange_of([data], max_body=CAP) == Exchange(expected, True)
    assert exchange_of([data[i : i + 1] for i in range(len(data))], max_body=CAP) == Exchange(expected, True)


@pytest.mark.parametrize("name", WHOLE)
def test_a_response_that_is_cut_at_any_byte_is_not_complete(name: str) -> None:
    data, expected = WHOLE[name]
    head_end = data.index(b"\r\n\r\n", data.index(b"HTTP/1.1 %d" % expected.status)) + 4
    final = data.index(b"HTTP/1.1 %d" % expected.status)
    for cut in range(len(data)):
        made = parser()
        assert made.feed(data[:cut]) is None
        exchange = made.connection_closed()
        assert exchange.reusable is False
        result = exchange.result
        if cut < head_end:
            assert isinstance(result, TransportFailure)
            assert (result.phase is Phase.CUT) == (cut > 0 if final == 0 else cut not in (0, len(EARLY), final)), cut
        else:
            assert isinstance(result, HttpResponse)
            assert result.body_error is not None
            assert (result.status, result.headers, result.oversized) == (expected.status, expected.headers, False)
            assert expected.body.startswith(result.body)


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("beyond", [b"\0", b"\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nWRONG"])
def test_bytes_beyond_the_end_are_dropped_with_the_connection(name: str, beyond: bytes) -> None:
    data, expected = WHOLE[name]
    assert exchange_of([data + beyond], max_body=CAP) == Exchange(expected, False)
    if data[-1:] != b"\n":
        assert exchange_of([data[:-1], data[-1:] + beyond], max_body=CAP) == Exchange(expected, False)


NOT_REUSABLE = {
    "close": http(b"hi", "Connection: close"),
    "close in a list": http(b"hi", "Connection: keep-alive, Close"),
    "close in a second line": http(b"hi", "Connection: x", "connection: close"),
    "close, in chunks": OK + b"Connection: close\r\n" + CHUNKED + END,
    "HTTP/1.0": http(b"hi", version="1.0"),
    "HTTP/1.0, keep-alive": http(b"hi", "Connection: keep-alive", version="1.0"),
    "101": b"HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
    "204 with a body": b"HTTP/1.1 204 X\r\nContent-Length: 2\r\n\r\n",
    # After these an error of the header block or the body
    "too many lines": OK + b"A: b\r\n" * (MAX_LINES + 1) + b"\r\n",
    "another Transfer-Encoding": OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + END,
    "a corrupt coding": http(b"not gzip", "Content-Encoding: gzip"),
    "an unknown coding": http(b"x", "Content-Encoding: br"),
    "a coding that is cut": http(gzip.compress(b"hi")[:-1], "Content-Encoding: gzip"),
    "too large": http(bytes(CAP + 1)),
    "too large an error": http(bytes(CAP + 1), status="500 No"),
    "no length": OK + b"\r\n",
    "chunks that are not valid": OK + CHUNKED + b"x\r\n",
    "an error with chunks that are not valid": NO + CHUNKED + b"x\r\n",
    "a bad trailer": OK + CHUNKED + b"0\r\nContent-Length: 5\r\n\r\n",
}


@pytest.mark.parametrize("name", NOT_REUSABLE)
def test_a_connection_that_is_not_reused(name: str) -> None:
    data = NOT_REUSABLE[name]
    assert exchange_of([data], max_body=CAP).reusable is False
    assert exchange_of([data[i : i + 1] for i in range(len(data))], max_body=CAP).reusable is False


@pytest.mark.parametrize("data", [http(b"hi"), OK + CHUNKED + END])
def test_a_connection_on_which_the_request_was_not_sent_whole_is_not_reused(data: bytes) -> None:
    made = parser()
    assert made.request_sent is True
    made.request_sent = False
    exchange = made.feed(data)
    assert exchange is not None
    assert (response(exchange).body_error, exchange.reusable) == (None, False)


@pytest.mark.parametrize("lines", ["", "Transfer-Encoding: chunked\r\n", "Content-Length: 5000\r\n"])
def test_a_response_to_head_has_no_body(lines: str) -> None:
    data = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n{lines}\r\n".encode()
    exchange = exchange_of([data], "HEAD", CAP)
    assert (response(exchange).body, response(exchange).body_error, exchange.reusable) == (b"", None, True)
    assert exchange_of([data + b"x"], "HEAD", CAP).reusable is False


NO_HTTP = "the response is not HTTP/1.x"
BAD_HEADS = {
    "no HTTP": (b"hello\r\n", NO_HTTP),
    "a status line": (b"HTTP/1.1 OK\r\n", "the response's status line is not HTTP/1.x"),
    "a header line": (OK + b"X\r\n\r\n", "the response has a header line without a colon"),
    "two framings": (
        OK + b"Content-Length: 2\r\n" + CHUNKED,
        "the response has a Content-Length and a Transfer-Encoding",
    ),
    "a length": (NO + b"Content-Length: x\r\n\r\n", "the response's Content-Length is not one number"),
    "a transfer coding": (OK + b"Transfer-Encoding: x\r\n\r\n", "the response's Transfer-Encoding is not chunked"),
    "chunks under HTTP/1.0": (
        b"HTTP/1.0 200 OK\r\n" + CHUNKED,
        "the response has a Transfer-Encoding, which HTTP/1.0 does not know",
    ),
    "too long": (OK + b"x" * MAX_HEAD, "the response's header block is too long"),
    "interim responses without end": (EARLY * (MAX_INTERIM + 1), "there are more than 100 interim responses"),
}


@pytest.mark.parametrize("name", BAD_HEADS)
def test_a_header_block_that_is_not_valid_is_a_failure(name: str) -> None:
    data, reason = BAD_HEADS[name]
    for reused in (False, True):
        assert parser(reused=reused).feed(data) == Exchange(TransportFailure(reason, Phase.CUT), False)


WAITING = "the deadline passed while waiting for the response"
UNANSWERED = "the connection was closed before a response"
INSIDE = "the connection was closed inside the response's header"
WAITS: dict[str, tuple[bytes, bool, Phase, Phase, str]] = {
    "nothing": (b"", False, Phase.NO_ANSWER, Phase.NO_ANSWER, UNANSWERED),
    "nothing, reused": (b"", True, Phase.NO_ANSWER, Phase.STALE, UNANSWERED),
    "interim": (EARLY, False, Phase.NO_ANSWER, Phase.NO_ANSWER, UNANSWERED),
    "interim, reused": (EARLY, True, Phase.NO_ANSWER, Phase.NO_ANSWER, UNANSWERED),
    "a byte": (b"H", False, Phase.CUT, Phase.CUT, INSIDE),
    "a byte, reused": (b"H", True, Phase.CUT, Phase.CUT, INSIDE),
    "interim and a byte": (EARLY + b"H", False, Phase.CUT, Phase.CUT, INSIDE),
    "half a header": (OK, False, Phase.CUT, Phase.CUT, INSIDE),
}


@pytest.mark.parametrize("name", WAITS)
def test_the_end_before_a_header_block(name: str) -> None:
    data, reused, late, closed, reason = WAITS[name]
    assert fed(data, reused=reused).heard == bool(data)
    assert fed(data, reused=reused).read_size == MIN_READ
    assert fed(data, reused=reused).deadline_passed() == Exchange(
        TransportFailure(WAITING, late, timed_out=True, cause=None), False
    )
    assert fed(data, reused=reused).connection_closed() == Exchange(TransportFailure(reason, closed), False)
    cause = ConnectionResetError(104, "reset")
    broken = fed(data, reused=reused).connection_closed(cause).result
    assert isinstance(broken, TransportFailure)
    assert (broken.reason, broken.phase, broken.timed_out, broken.cause) == (reason, closed, False, cause)


LATE = "the deadline passed during the response's body"
BODIES: dict[str, tuple[bytes, bytes, str]] = {
    "a length": (b"Content-Length: 5\r\n\r\nhel", b"hel", "the response was cut 2 bytes before the end of its body"),
    "nothing of a length": (
        b"Content-Length: 5\r\n\r\n",
        b"",
        "the response was cut 5 bytes before the end of its body",
    ),
    "chunks": (CHUNKED + b"5\r\nhel", b"hel", "the response was cut 2 bytes before the end of its body"),
    "a chunk line": (CHUNKED + b"5", b"", "the response was cut inside its chunks"),
    "no end": (b"\r\nhel", b"hel", "the response has neither a Content-Length nor a chunked body"),
    "gzip": (
        b"Content-Encoding: gzip\r\nContent-Length: 99\r\n\r\n" + gzip.compress(b"hel"),
        b"hel",
        "the response was cut 76 bytes before the end of its body",
    ),
    "gzip without an end": (
        b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"hel"),
        b"hel",
        "the response has neither a Content-Length nor a chunked body",
    ),
}


@pytest.mark.parametrize("name", BODIES)
def test_the_end_during_a_body(name: str) -> None:
    data, body, reason = BODIES[name]
    for head, status in ((OK, 200), (NO, 503), (b"HTTP/1.0 404 X\r\n", 404)):
        if head.startswith(b"HTTP/1.0") and b"chunked" in data:
            continue
        exchange = fed(head + data).connection_closed(ConnectionResetError(104, "reset"))
        got = response(exchange)
        assert (got.status, got.body, got.body_error, got.oversized) == (status, body, reason, False)
        assert exchange.reusable is False
        late = fed(head + data).deadline_passed()
        assert late.reusable is False
        if status == 200:
            assert late.result == TransportFailure(LATE, Phase.CUT, timed_out=True)
        else:
            kept = response(late)
            assert (kept.status, kept.body, kept.body_error, kept.oversized) == (status, body, LATE, False)
            assert kept.headers == got.headers


BODY_ERRORS: dict[str, tuple[bytes, bytes, str]] = {
    "chunks": (CHUNKED + b"2\r\nhiX", b"hi", "the response's chunks are not HTTP"),
    "a trailer": (
        CHUNKED + b"2\r\nhi\r\n0\r\nfoo\r\n",
        b"hi",
        "the response has a trailer that is not a header line",
    ),
    "a coding": (b"Content-Encoding: br\r\nContent-Length: 9\r\n\r\nx", b"", "Content-Encoding 'br' is unknown"),
    "a corrupt coding": (
        b"Content-Encoding: gzip\r\nContent-Length: 9\r\n\r\nnot gzip",
        b"",
        "the gzip body is corrupt",
    ),
    "a coding that ends too early": (
        b"Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\n" + gzip.compress(b"hi")[:5],
        b"",
        "the gzip body ends too early",
    ),
}


@pytest.mark.parametrize("name", BODY_ERRORS)
def test_an_error_of_the_body_is_known_at_once(name: str) -> None:
    data, body, reason = BODY_ERRORS[name]
    for head, status in ((OK, 200), (NO, 503)):
        exchange = parser().feed(head + data)
        assert exchange is not None
        got = response(exchange)
        assert (got.status, got.body, got.body_error, got.oversized) == (status, body, reason, False)
        assert exchange.reusable is False


LARGE = f"the response's body is larger than {CAP} bytes"
TOO_LARGE = {
    "a length": http(bytes(CAP + 1)),
    "chunks": OK + CHUNKED + b"%x\r\n%b\r\n1\r\n\0\r\n" % (CAP, bytes(CAP)) + END,
    "no end": OK + b"\r\n" + bytes(CAP + 1),
    "gzip": http(gzip.compress(bytes(CAP + 1)), "Content-Encoding: gzip"),
    "deflate": http(zlib.compress(bytes(CAP + 1)), "Content-Encoding: deflate"),
}


@pytest.mark.parametrize("name", TOO_LARGE)
def test_a_body_over_the_limit(name: str) -> None:
    """Of a 200 nothing is kept, of an error the beginning."""
    for status, kept in ((200, b""), (503, bytes(CAP))):
        data = TOO_LARGE[name].replace(b"HTTP/1.1 200", b"HTTP/1.1 %d" % status)
        for size in (len(data), 50, 1):
            exchange = exchange_of(divided(data, size), max_body=CAP)
            got = response(exchange)
            assert (got.status, got.body, got.body_error, got.oversized) == (status, kept, LARGE, True)
            assert exchange.reusable is False


def test_a_length_over_the_limit_is_not_waited_for() -> None:
    head = b"Content-Length: 1001\r\n\r\n"
    assert parser().feed(OK + head) == Exchange(
        HttpResponse(200, {"content-length": "1001"}, b"", LARGE, oversized=True), False
    )
    assert parser().feed(NO + head) is None, "of an error the beginning is wanted"
    assert parser().feed(OK + b"Content-Encoding: gzip\r\n" + head) is None, "this says nothing of the decoded size"


@pytest.mark.parametrize(
    ("status", "limit", "size", "complete"),
    [
        (200, MAX_ERROR_BODY + 1, MAX_ERROR_BODY + 1, True),
        (503, MAX_ERROR_BODY + 1, MAX_ERROR_BODY, True),
        (503, MAX_ERROR_BODY + 1, MAX_ERROR_BODY + 1, False),
        (201, MAX_ERROR_BODY + 1, MAX_ERROR_BODY + 1, False),
        (503, CAP, CAP + 1, False),
    ],
)
def test_the_limit_of_an_error(status: int, limit: int, size: int, complete: bool) -> None:
    got = response(exchange_of([http(bytes(size), status=f"{status} X")], max_body=limit))
    assert (got.body_error is None, got.oversized) == (complete, not complete)
    assert len(got.body) == (size if complete else min(limit, MAX_ERROR_BODY))


def test_the_size_of_the_next_read() -> None:
    large = parser(max_body=1 << 30)
    assert large.feed(OK + b"Content-Length: 1000000\r\n\r\n") is None
    assert large.read_size == MAX_READ == 1 << 18
    assert large.feed(bytes(800_000)) is None
    assert large.read_size == 200_000
    assert large.feed(bytes(199_999)) is None
    assert large.read_size == MIN_READ == 1 << 16
    chunks = fed(OK + CHUNKED)
    assert chunks.read_size == MIN_READ
    assert chunks.feed(b"fffffff\r\n") is None
    assert chunks.read_size == MAX_READ


def test_a_large_body_is_held_once() -> None:
    """Beside it there is nothing but the segment that came last."""
    size, segment = 4 << 20, bytes(1 << 18)
    made = parser(max_body=size)
    tracemalloc.start()
    try:
        exchange = made.feed(OK + b"Content-Length: %d\r\n\r\n" % size)
        while exchange is None:
            exchange = made.feed(segment)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(response(exchange).body) == size
    assert peak < size + (1 << 16)


CONNECTED = b"HTTP/1.1 200 Connection established\r\n\r\n"


def test_a_response_to_connect() -> None:
    for data, status in (
        (CONNECTED, 200),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", 200),
        (b"HTTP/1.1 299 OK\r\n\r\n", 299),
        (EARLY + CONNECTED, 200),
        (b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 2\r\n\r\nno", 407),
        (b"HTTP/1.1 300 X\r\n\r\nno", 300),
        (b"HTTP/1.1 199 X\r\n\r\n" + CONNECTED, 200),
        (b"HTTP/1.1 101 X\r\n\r\nno", 101),
    ):
        assert ConnectParser().feed(data) == status
        made = ConnectParser()
        head_end = data.rindex(b"\r\n\r\n") + 4
        for position in range(head_end - 1):
            assert made.feed(data[position : position + 1]) is None
        assert made.feed(data[head_end - 1 : head_end]) == status


@pytest.mark.parametrize("status", [200, 204, 299])
def test_bytes_after_a_tunnels_head_are_refused(status: int) -> None:
    """A TLS server waits for the client: whoever speaks first is the proxy, or someone before it."""
    made = ConnectParser()
    assert made.feed(b"HTTP/1.1 %d OK\r\n" % status) is None
    with pytest.raises(BadResponse, match=r"^bytes follow the proxy's response to CONNECT$"):
        made.feed(b"\r\n\x16")


def test_a_response_to_connect_that_is_not_http() -> None:
    with pytest.raises(BadResponse, match=f"^{NO_HTTP}$"):
        ConnectParser().feed(b"SSH-2.0")


def cpu_seconds(segments: list[bytes], max_body: int) -> float:
    """The CPU time of this thread, the best of three."""
    times = []
    for _ in range(3):
        start = time.thread_time()
        exchange_of(segments, max_body=max_body)
        times.append(time.thread_time() - start)
    return min(times)


def long_head(size: int) -> bytes:
    return OK + b"X: " + b"y" * size


def long_status_line(size: int) -> bytes:
    return OK[:-2] + b"y" * size


def folded(size: int) -> bytes:
    return OK + b"X: y\r\n" + (b" " + b"z" * (size // 990) + b"\r\n") * 990 + b"Content-Length: 0\r\n\r\n"


def of_one_name(size: int) -> bytes:
    return OK + (b"X: " + b"z" * (size // 990) + b"\r\n") * 990 + b"Content-Length: 0\r\n\r\n"


def small_chunks(size: int) -> bytes:
    return OK + CHUNKED + b"1\r\nx\r\n" * (size // 6) + END


def extension(size: int) -> bytes:
    return OK + CHUNKED + b"1;" + b"x" * size


def trailers(size: int) -> bytes:
    return OK + CHUNKED + b"0\r\n" + (b"X: " + b"y" * (size // 990) + b"\r\n") * 990


def gzip_members(size: int) -> bytes:
    member = gzip.compress(b"")
    return http(member * (size // len(member)), "Content-Encoding: gzip")


def gzip_bomb(size: int) -> bytes:
    return http(gzip.compress(bytes(size * 100), 9), "Content-Encoding: gzip")


def interim(size: int) -> bytes:
    return (b"HTTP/1.1 103 X\r\nX: " + b"y" * (size // 99) + b"\r\n\r\n") * 99 + http(b"")


def large_body(size: int) -> bytes:
    return http(bytes(size))


@pytest.mark.parametrize("segment", [16, 1 << 30], ids=["small segments", "one segment"])
@pytest.mark.parametrize(
    "make",
    [
        long_head,
        long_status_line,
        folded,
        of_one_name,
        small_chunks,
        extension,
        trailers,
        gzip_members,
        gzip_bomb,
        interim,
        large_body,
    ],
)
@pytest.mark.slow
def test_the_time_is_in_proportion_to_the_size(make: Callable[[int], bytes], segment: int) -> None:
    """Sixteen times the bytes take sixteen times the CPU; if it were the square, 256 times. A ratio, not a time."""
    small, large = make(50_000), make(800_000)
    ratio = cpu_seconds(divided(large, segment), 1 << 30) / max(cpu_seconds(divided(small, segment), 1 << 30), 1e-4)
    assert ratio < 48


def test_the_engine_knows_no_sockets_and_no_clocks() -> None:
    for path in Path(inspect.getfile(_http1)).parent.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        for module in ("socket", "ssl", "asyncio", "time", "select", "threading"):
            assert f"import {module}\n" not in text, path.name


@pytest.mark.parametrize("data", [data for data, _ in WHOLE.values()])
def test_every_division_in_two_reads_the_same(data: bytes) -> None:
    expected = exchange_of([data], max_body=CAP)
    for cut in range(1, len(data)):
        assert exchange_of([data[:cut], data[cut:]], max_body=CAP) == expected
