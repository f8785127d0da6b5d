"""A push parser for responses: bytes in, an `Exchange` out once the exchange is over (rules A4, A11 to A15).

One parser reads the response to one request. The transport passes on what it receives (`feed`), or says that the
connection has ended (`connection_closed`) or that time is up (`deadline_passed`). The first `Exchange` is the result;
the parser is not used after it.

A header block that is not complete and valid makes a `TransportFailure`. From there on the status counts: the result
is an `HttpResponse`, with a `body_error` where its body is not complete (rule A14). One exception: a 200 during whose
body the deadline passes is a failure that timed out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from twirpkit._http1.content import Body, BodyError, OversizedBody
from twirpkit._http1.framing import BodyReader, Unsized, body_reader, may_reuse, response_framing
from twirpkit._http1.head import BadResponse, HeadReader
from twirpkit._http1.limits import MAX_ERROR_BODY, MAX_READ, MIN_READ
from twirpkit.transports.base import HttpResponse, Phase, TransportFailure

__all__ = [
    "DEADLINE_PASSED",
    "DEADLINE_PASSED_IN_BODY",
    "ConnectParser",
    "Exchange",
    "ResponseParser",
    "body_limit",
    "incomplete_response",
]

DEADLINE_PASSED: Final = "the deadline passed"
DEADLINE_PASSED_IN_BODY: Final = f"{DEADLINE_PASSED} during the response's body"


@dataclass(slots=True)  # not frozen: one is made for every request, and freezing costs as much again
class Exchange:
    """The end of one request and its response."""

    result: HttpResponse | TransportFailure
    reusable: bool
    """True if the connection may be used for another request. Otherwise it must be closed."""


class ResponseParser:
    """Parser of the response to one request.

    Args:
        method: The method of the request: a response to HEAD has no body.
        max_body: The largest decoded body of a 200 in bytes; other responses may have `MAX_ERROR_BODY`, if that is
            less.
        reused: True if the connection has served another request before. If it then closes without a byte, that is
            `Phase.STALE`: most likely it was closed before the request arrived.
    """

    __slots__ = ("_body", "_head", "_max_body", "_method", "_reader", "_reused", "request_sent")

    _body: Body

    def __init__(self, method: str, max_body: int, *, reused: bool) -> None:
        self._method = method
        self._max_body = max_body
        self._reused = reused
        self._head = HeadReader()
        self._reader: BodyReader | None = None  # set, as is _body, once the header block is complete
        self.request_sent = True
        """False while, or if, a part of the request was not sent: the connection is then not reusable. A transport
        that reads before it has sent everything, or after sending failed, sets this."""

    @property
    def heard(self) -> bool:
        """True once a byte was received, even of an interim response."""
        return self._head.heard

    @property
    def read_size(self) -> int:
        """The number of bytes to ask a socket for: more while a large body is received."""
        return MIN_READ if self._reader is None else min(max(self._reader.wanted, MIN_READ), MAX_READ)

    def feed(self, data: bytes | memoryview) -> Exchange | None:
        """Take the next bytes that were received.

        Args:
            data: The bytes. A view of a buffer that is used again is fine: what is not content is copied first.

        Returns:
            None while the response goes on. The end of the exchange if the response is complete, not valid, or too
            large: that is known at once, not when the connection ends.
        """
        if self._reader is not None:
            return self._read(self._reader, data if len(data) <= self._reader.wanted else bytes(data), 0)
        head = self._head
        try:
            if not head.feed(bytes(data)):
                return None
            framing = response_framing(self._method, head.minor, head.status, head.headers)
        except BadResponse as bad:
            return _failure(str(bad), Phase.CUT)
        return self._start(framing)

    def connection_closed(self, cause: OSError | None = None) -> Exchange:
        """End the exchange because the connection has ended.

        Args:
            cause: The error of the operating system that ended it, if one did, without traceback and context.
        """
        if self._reader is not None:
            return self._end(BodyError(self._reader.cut()))
        if self._head.began:
            return _failure("the connection was closed inside the response's header", Phase.CUT, cause=cause)
        phase = Phase.STALE if self._reused and not self._head.heard else Phase.NO_ANSWER
        return _failure("the connection was closed before a response", phase, cause=cause)

    def deadline_passed(self) -> Exchange:
        """End the exchange because the deadline of the request has passed."""
        if self._reader is None:
            phase = Phase.CUT if self._head.began else Phase.NO_ANSWER
            return _failure(f"{DEADLINE_PASSED} while waiting for the response", phase, timed_out=True)
        if self._head.status == 200:
            return _failure(DEADLINE_PASSED_IN_BODY, Phase.CUT, timed_out=True)
        return self._end(BodyError(DEADLINE_PASSED_IN_BODY))

    def _start(self, framing: int | Unsized) -> Exchange | None:
        """Begin the body. Most are complete already, and need no copy but one."""
        head = self._head
        limit = body_limit(head.status, self._max_body)
        coding = head.headers.get("content-encoding")
        length = framing if isinstance(framing, int) and coding is None else None
        if length is not None and length <= limit:
            end = head.end + length
            if end <= len(head.data):
                response = HttpResponse(head.status, head.headers, head.data[head.end : end])
                return Exchange(response, self._may_reuse(bytes_beyond=end < len(head.data)))
        self._body = Body(coding, limit, length)
        self._reader = body_reader(framing)
        if length is not None and length > limit and head.status == 200:
            return self._end(OversizedBody(limit))
        return self._read(self._reader, head.data, head.end)

    def _read(self, reader: BodyReader, data: bytes | memoryview, start: int) -> Exchange | None:
        try:
            end = reader.feed(data, start, self._body)
            if end < 0:
                return None
            self._body.end()
        except BodyError as error:
            return self._end(error)
        response = HttpResponse(self._head.status, self._head.headers, self._body.take())
        return Exchange(response, self._may_reuse(bytes_beyond=end < len(data)))

    def _end(self, error: BodyError) -> Exchange:
        """End the exchange with a body that is not complete."""
        return Exchange(incomplete_response(self._head.status, self._head.headers, self._body, error), False)

    def _may_reuse(self, *, bytes_beyond: bool) -> bool:
        head = self._head
        return may_reuse(
            head.minor, head.status, head.headers, request_sent=self.request_sent, bytes_beyond=bytes_beyond
        )


def body_limit(status: int, max_body: int) -> int:
    """Return the largest decoded body in bytes that a response may have (rule A13)."""
    return max_body if status == 200 else min(max_body, MAX_ERROR_BODY)


def incomplete_response(status: int, headers: Mapping[str, str], body: Body, error: BodyError) -> HttpResponse:
    """Return a response whose body is not complete, with the part of it that an error may show (rule A14)."""
    oversized = isinstance(error, OversizedBody)
    received = b"" if oversized and status == 200 else body.take()
    return HttpResponse(status, headers, received, str(error), oversized)


class ConnectParser:
    """Parser of a proxy's response to CONNECT, of which the header block is all that matters."""

    __slots__ = ("_head",)

    def __init__(self) -> None:
        self._head = HeadReader()

    def feed(self, data: bytes) -> int | None:
        """Take the next bytes that were received; return the status once the header block is complete.

        Raises:
            BadResponse: The header block is not valid, or bytes follow that of a success: in a tunnel the server
                waits for the client to speak.
        """
        head = self._head
        if not head.feed(data):
            return None
        if 200 <= head.status < 300 and head.end < len(head.data):
            raise BadResponse("bytes follow the proxy's response to CONNECT")
        return head.status


def _failure(reason: str, phase: Phase, *, timed_out: bool = False, cause: OSError | None = None) -> Exchange:
    return Exchange(TransportFailure(reason, phase, timed_out=timed_out, cause=cause), False)
