"""Request heads: the parts of a URL, the exact bytes, and what is refused (rules A2, E1, E3)."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

import pytest

from twirpkit._http1.request import (
    Lines,
    Target,
    check_request_headers,
    encode_connect,
    encode_head,
    parse_target,
)

TOKEN = "Bearer e30.e30.c2VjcmV0"


class Password:
    """A secret that shows only when asked to."""

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value


TARGETS = {
    "http://example.com": Target("http://example.com", "http", "example.com", 80, "example.com", "/"),
    "https://example.com": Target("https://example.com", "https", "example.com", 443, "example.com", "/"),
    "http://example.com:80/a": Target("http://example.com:80", "http", "example.com", 80, "example.com", "/a"),
    "https://example.com:443/": Target("https://example.com:443", "https", "example.com", 443, "example.com", "/"),
    "http://example.com:443/": Target("http://example.com:443", "http", "example.com", 443, "example.com:443", "/"),
    "https://h:8080/a//b/%2e?c=d/e": Target("https://h:8080", "https", "h", 8080, "h:8080", "/a//b/%2e?c=d/e"),
    "http://h?q": Target("http://h", "http", "h", 80, "h", "/?q"),
    "http://[::1]:7880/x": Target("http://[::1]:7880", "http", "::1", 7880, "[::1]:7880", "/x"),
    "https://[2001:db8::1]/x": Target("https://[2001:db8::1]", "https", "2001:db8::1", 443, "[2001:db8::1]", "/x"),
    "http://127.0.0.1:1": Target("http://127.0.0.1:1", "http", "127.0.0.1", 1, "127.0.0.1:1", "/"),
}


@pytest.mark.parametrize("url", TARGETS)
def test_the_parts_of_a_url(url: str) -> None:
    assert parse_target(url) == TARGETS[url]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "//example.com/",
        "ftp://example.com/",
        "HTTP://example.com/",
        "http://",
        "http:///path",
        "http://user@example.com/",
        "http://user:pw@example.com/",
        "http://example.com/#fragment",
        "http://example.com/a b",
        "http://example.com/a\r\nX: y",
        "http://example.com/a\n",
        "http://example.com/\0",
        "http://example.com/\x7f",
        "http://ex ample.com/",
        "http://ex\x01ample.com/",
        "http://ex\x7fample.com/",
        "http://example.com\n/",
        "http://example.com\\@evil/",
        "http://example.com:port/",
        "http://example.com:/",
        "http://[::1/",
        "http://[nothex]/",
        "http://::1/",
        "http://b\u00fccher.example/",
        "http://example.com/\u00fc",
        "http://example.com:\u0661/",
    ],
)
def test_a_url_that_cannot_be_in_a_request(url: str) -> None:
    message = "^the URL of a request must be http or https, in ASCII, without userinfo and fragment$"
    with pytest.raises(ValueError, match=message):
        parse_target(url)


def test_authority() -> None:
    assert parse_target("https://example.com/x").authority == "example.com:443"
    assert parse_target("http://[::1]/").authority == "[::1]:80"


PLAIN = parse_target("http://example.com:81/twirp/a.B/C?d=e")


def test_the_bytes_of_a_head() -> None:
    head = encode_head("POST", PLAIN, {"Accept": "a", "Authorization": TOKEN, "X-Empty": ""}, 12)
    assert head == (
        b"POST /twirp/a.B/C?d=e HTTP/1.1\r\n"
        b"Host: example.com:81\r\n"
        b"Accept: a\r\n"
        b"Authorization: Bearer e30.e30.c2VjcmV0\r\n"
        b"X-Empty: \r\n"
        b"Content-Length: 12\r\n"
        b"\r\n"
    )


def test_a_head_for_a_proxy() -> None:
    head = encode_head("GET", PLAIN, {}, 0, absolute_form=True, proxy_authorization=Password("Basic eA=="))
    assert head == (
        b"GET http://example.com:81/twirp/a.B/C?d=e HTTP/1.1\r\n"
        b"Host: example.com:81\r\n"
        b"Proxy-Authorization: Basic eA==\r\n"
        b"\r\n"
    )


@pytest.mark.parametrize("name", ["Host", "host", "HOST"])
def test_a_host_of_the_callers_is_kept(name: str) -> None:
    assert encode_head("GET", PLAIN, {"A": "b", name: "other"}, 0) == (
        f"GET /twirp/a.B/C?d=e HTTP/1.1\r\nA: b\r\n{name}: other\r\n\r\n".encode()
    )


@pytest.mark.parametrize("name", ["Content-Length", "content-length"])
def test_a_content_length_of_the_callers_is_kept(name: str) -> None:
    head = encode_head("POST", PLAIN, {name: "7", "A": "b"}, 5)
    assert head.lower().count(b"content-length") == 1
    assert head.endswith(f"\r\n{name}: 7\r\nA: b\r\n\r\n".encode())


def test_a_name_that_only_resembles_one_of_ours() -> None:
    head = encode_head("POST", PLAIN, {"X-Host": "a", "Hosts": "b", "Content-Length-X": "c"}, 5)
    assert b"\r\nHost: example.com:81\r\n" in head
    assert b"\r\nContent-Length: 5\r\n" in head


@pytest.mark.parametrize(
    ("method", "length", "announced"),
    [
        ("POST", 0, True),
        ("POST", 1, True),
        ("PUT", 0, True),
        ("GET", 0, False),
        ("HEAD", 0, False),
        ("OPTIONS", 0, False),
        ("TRACE", 0, False),
        ("GET", 1, True),
    ],
)
def test_when_a_length_is_announced(method: str, length: int, announced: bool) -> None:
    assert (b"\r\nContent-Length: %d\r\n" % length in encode_head(method, PLAIN, {}, length)) is announced


def test_values_beyond_ascii_are_utf_8() -> None:
    assert b"\r\nX: caf\xc3\xa9\r\n" in encode_head("GET", PLAIN, {"X": "caf\u00e9"}, 0)


BAD_HEADERS = {
    "line feed": ("X", "a\nb"),
    "carriage return": ("X", "a\rb"),
    "both": ("X", "a\r\nb: c"),
    "at the end": ("X", "a\r\n"),
    "NUL": ("X", "a\0b"),
    "lone surrogate": ("X", "a\udc80"),
    "no name": ("", "a"),
    "space in the name": ("X Y", "a"),
    "colon in the name": ("X:Y", "a"),
    "line end in the name": ("X\r\nY", "a"),
    "line feed after the name": ("X\n", "a"),
    "name beyond ASCII": ("X\u00fc", "a"),
    "two names in one": ("X\nHost", "a"),
}


@pytest.mark.parametrize("name", BAD_HEADERS)
@pytest.mark.parametrize("place", [0, 1])
def test_a_header_that_cannot_be_sent(name: str, place: int) -> None:
    items = [("A", "b"), ("C", "d")]
    items.insert(place, BAD_HEADERS[name])
    bad = BAD_HEADERS[name][0]
    expected = f"header {bad!r} cannot be sent: a bad name, or a line break or NUL in its value"
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # the text is compared below
        encode_head("POST", PLAIN, dict(items), 0)
    assert str(caught.value) == expected
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # as above
        check_request_headers(dict(items))
    assert str(caught.value) == expected


def test_headers_that_can_be_sent() -> None:
    check_request_headers({})
    check_request_headers({"!#$%&'*+.^_`|~-09azAZ": "\t\x01 \u00fc\U0001f600"})


@pytest.mark.parametrize("bad", ["\r", "\n", "\0", "\r\n", "\ud800"])
def test_a_method_or_a_password_that_cannot_be_sent(bad: str) -> None:
    text = "^the request cannot be sent: a line break or NUL in its method or its Proxy-Authorization$"
    for attempt in (
        lambda: encode_head(f"PO{bad}ST", PLAIN, {}, 0),
        lambda: encode_head("POST", PLAIN, {}, 0, proxy_authorization=Password(f"a{bad}b")),
        lambda: encode_connect(PLAIN, Password(f"a{bad}b")),
    ):
        with pytest.raises(ValueError, match=text):
            attempt()


def test_connect() -> None:
    target = parse_target("https://[::1]/path")
    assert encode_connect(target) == b"CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\r\n"
    assert encode_connect(target, Password("Basic eA==")) == (
        b"CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\nProxy-Authorization: Basic eA==\r\n\r\n"
    )


def test_lines_do_not_show() -> None:
    assert repr(Lines([TOKEN, "x"])) == f"{Lines([TOKEN, 'x'])}" == "<2 lines>"


class Hidden(dict[str, str]):
    """Headers that do not show."""

    def __repr__(self) -> str:
        return "<hidden>"


def frames_of(traceback: TracebackType | None) -> Iterator[FrameType]:
    while traceback is not None:
        yield traceback.tb_frame
        traceback = traceback.tb_next


def test_a_refusal_shows_no_secret_in_its_frames() -> None:
    with pytest.raises(ValueError, match="cannot be sent") as caught:
        encode_head("POST", PLAIN, Hidden({"Authorization": TOKEN, "X": "\n"}), 0)
    shown = [repr(frame.f_locals) for frame in frames_of(caught.value.__traceback__) if "/_http1/" in _path(frame)]
    assert len(shown) == 2
    assert not [text for text in shown if TOKEN in text]


def test_no_line_shows_a_secret() -> None:
    """A signal handler may raise at any line: no local variable shows the headers at any of them."""
    seen: list[str] = []

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        if "/_http1/" in _path(frame):
            seen.append(repr(frame.f_locals))
            return trace
        return None

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        encode_head("POST", PLAIN, Hidden({"Authorization": TOKEN}), 0, proxy_authorization=Password(TOKEN))
        encode_connect(PLAIN, Password(TOKEN))
    finally:
        sys.settrace(before)
    assert len(seen) > 10
    assert not [text for text in seen if TOKEN in text]


def _path(frame: FrameType) -> str:
    return Path(inspect.getfile(frame)).as_posix()
