"""A response that another library has parsed: checked, decoded and limited as if we had (rules A11 to A14).

The library reads the header block and takes the body out of its framing. It may be more tolerant than we are, so the
header lines are checked again, and the size of the body is compared with what they announce. Its decoders have no
limit, so it must be kept from decoding.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from twirpkit._http1.content import Body, BodyError, OversizedBody
from twirpkit._http1.framing import NO_LENGTH, Unsized, response_framing
from twirpkit._http1.head import BadResponse, parse_header_lines
from twirpkit._http1.response import DEADLINE_PASSED_IN_BODY, body_limit, incomplete_response
from twirpkit.transports.base import HttpResponse, Phase, TransportFailure

__all__ = ["ParsedResponse"]

_CUT: Final = "the response was cut inside its body"


class ParsedResponse:
    """Collector of the body of a response whose header block a library has parsed.

    A 304 or a response to HEAD has no body, whatever its header lines announce.

    Args:
        method: The method of the request.
        max_body: The largest decoded body of a 200 in bytes.
        status: The status of the response.
        lines: Its header lines, as they were received.
        minor: The digit after "HTTP/1.", or None if no HTTP/1.x was spoken: the response came over HTTP/2, or a test
            double made it. Then it needs no framing, because nothing can be missing where it ends.
        decoded: True if the library has undone the Content-Encoding. The size is then not compared.

    Raises:
        BadResponse: The header lines are not valid, allow two readings, or are those of an interim response.
    """

    __slots__ = (
        "_body",
        "_coding",
        "_expected",
        "_limit",
        "_received",
        "_unframed",
        "_whole",
        "headers",
        "refused",
        "status",
    )

    def __init__(
        self,
        method: str,
        max_body: int,
        status: int,
        lines: Collection[tuple[bytes, bytes]],
        *,
        minor: int | None = 1,
        decoded: bool = False,
    ) -> None:
        if status < 200 and status != 101:
            raise BadResponse("the response is an interim one, which the library took for the final one")
        self.status = status
        self.headers = parse_header_lines(lines)
        framing = Unsized.UNFRAMED if minor is None else response_framing(method, minor, status, self.headers)
        self._coding = None if decoded else self.headers.get("content-encoding")
        self._expected = framing if isinstance(framing, int) and not decoded else None
        self._unframed = minor is not None and framing is Unsized.UNFRAMED
        self._limit = body_limit(status, max_body)
        self._received = 0
        self._whole = b""  # most bodies come in one piece, which needs no copy
        self._body: Body | None = None
        self.refused: HttpResponse | None = None
        """The response, if it announces more than it may have: there is no need to read it then."""
        if self._expected is not None and self._expected > self._limit and status == 200 and self._coding is None:
            self.refused = self._incomplete(OversizedBody(self._limit))

    def feed(self, data: bytes) -> HttpResponse | None:
        """Take the next bytes of the body; return the response if there is no need to read on."""
        self._received += len(data)
        if self._body is None:
            expected = self._expected
            if expected is not None and len(data) == self._received == expected <= self._limit and self._coding is None:
                self._whole = data
                return None
            self._body = self._new_body()
        try:
            self._body.feed(data)
        except BodyError as error:
            return self._incomplete(error)
        return None

    def end(self) -> HttpResponse:
        """Return the response, because the library says that its body is complete."""
        if self._unframed:
            return self._incomplete(BodyError(NO_LENGTH))
        if self._expected is not None and self._received != self._expected:
            return self.cut()
        if self._body is None:
            return HttpResponse(self.status, self.headers, self._whole)
        try:
            self._body.end()
        except BodyError as error:
            return self._incomplete(error)
        return HttpResponse(self.status, self.headers, self._body.take())

    def cut(self) -> HttpResponse:
        """Return the response, because its connection failed, or its chunks are not valid."""
        return self._incomplete(BodyError(NO_LENGTH if self._unframed else _CUT))

    def deadline_passed(self) -> HttpResponse | TransportFailure:
        """Return the end of the request, because its deadline passed during the body."""
        if self.status == 200:
            return TransportFailure(DEADLINE_PASSED_IN_BODY, Phase.CUT, timed_out=True)
        return self._incomplete(BodyError(DEADLINE_PASSED_IN_BODY))

    def _new_body(self) -> Body:
        body = Body(self._coding, self._limit, self._expected if self._coding is None else None)
        if self._whole:
            body.feed(self._whole)
        return body

    def _incomplete(self, error: BodyError) -> HttpResponse:
        return incomplete_response(self.status, self.headers, self._body or self._new_body(), error)
