"""A response as read by our parser, by h11 and by llhttp, and the differences that must not exist."""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Iterable
from typing import NamedTuple

import h11
import httptools

from twirpkit._http1.response import Exchange, ResponseParser
from twirpkit.transports.base import HttpResponse, TransportFailure

MAX_BODY = 1 << 20


class Reading(NamedTuple):
    """A response that a parser takes for complete."""

    status: int
    body: bytes


def exchange_of(segments: Iterable[bytes], method: str = "POST", max_body: int = MAX_BODY) -> Exchange:
    """Our reading of a connection that ends after these segments."""
    parser = ResponseParser(method, max_body, reused=False)
    for segment in segments:
        exchange = parser.feed(segment)
        if exchange is not None:
            return exchange
    return parser.connection_closed()


def read_by_h11(data: bytes) -> Reading | None:
    """h11's reading; None if it refuses the response, or waits for more."""
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 24)
    connection.send(h11.Request(method="POST", target="/", headers=[("Host", "x"), ("Content-Length", "0")]))
    connection.send(h11.EndOfMessage())
    status, body = 0, b""
    try:
        connection.receive_data(data)
        while (event := connection.next_event()) is not h11.NEED_DATA:
            if isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                return Reading(status, body)
    except (h11.RemoteProtocolError, h11.LocalProtocolError):  # the latter for a 101, which we did not ask for
        return None
    return None


class _Callbacks:
    def __init__(self) -> None:
        self.parser = httptools.HttpResponseParser(self)
        self.body = b""
        self.reading: Reading | None = None

    def on_message_begin(self) -> None:
        self.body = b""

    def on_body(self, data: bytes) -> None:
        self.body += data

    def on_message_complete(self) -> None:
        status = self.parser.get_status_code()
        if self.reading is None and (status >= 200 or status == 101):
            self.reading = Reading(status, self.body)


def read_by_llhttp(data: bytes) -> Reading | None:
    """llhttp's reading; None if it refuses the response, or waits for more."""
    callbacks = _Callbacks()
    with contextlib.suppress(httptools.HttpParserError, httptools.HttpParserUpgrade):  # perhaps behind the response
        callbacks.parser.feed_data(data)
    return callbacks.reading


def segments_of(data: bytes) -> list[bytes]:
    """The data in segments of sizes that depend on it alone."""
    state = zlib.crc32(data)
    segments, position = [], 0
    while position < len(data):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        size = (1, 2, 3, 7, 40, 5000)[(state >> 16) % 6]
        segments.append(data[position : position + size])
        position += size
    return segments


def comparable(exchange: Exchange) -> object:
    """The facts of an exchange that do not depend on segments.

    Of a body that cannot be decoded, more or less may have been decoded before the error was seen.
    """
    result = exchange.result
    if isinstance(result, TransportFailure):
        return result
    return result.status, result.headers, result.body_error, result.oversized, result.body_error or result.body


def disagreement(data: bytes) -> str | None:
    """Say how our reading of a response contradicts itself, or what others make of the same bytes."""
    whole = exchange_of([data])
    divided = exchange_of(segments_of(data))
    if comparable(whole) != comparable(divided):
        return f"the segments matter: {comparable(whole)} and {comparable(divided)}"
    if whole.reusable and not divided.reusable:
        return "the segments matter to the connection"
    response = whole.result
    if not isinstance(response, HttpResponse) or response.body_error is not None or response.status == 101:
        if whole.reusable:
            return "a connection is reused after an error"
        return None
    by_h11, by_llhttp = read_by_h11(data), read_by_llhttp(data)
    if by_h11 is None and by_llhttp is None:
        return f"h11 and llhttp refuse it, we take it: {response.status}, {response.body!r}"
    if response.headers.get("content-encoding", "identity").lower() == "identity":
        ours = Reading(response.status, response.body)
        for name, theirs in (("h11", by_h11), ("llhttp", by_llhttp)):
            if theirs is not None and theirs != ours:
                return f"{name} reads {theirs}, we read {ours}"
    return None
