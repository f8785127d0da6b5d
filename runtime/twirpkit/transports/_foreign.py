"""An adapter that the user mounted on a requests session: used as it is, for what it alone can reach.

It reads the answer with urllib3, so what urllib3 does not see is not seen: docs/sessions.md lists it.
"""

from __future__ import annotations

import time
from http.client import HTTPException
from typing import Any

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import select_proxy
from urllib3 import HTTPResponse
from urllib3.exceptions import HTTPError, NewConnectionError, ProtocolError, ReadTimeoutError, SSLError
from urllib3.util import SKIP_HEADER, Retry

from twirpkit.transports import _proxy
from twirpkit.transports._content import Body, Flawed
from twirpkit.transports._http import (
    LATE,
    NO_LENGTH,
    Framing,
    Lines,
    Malformed,
    Target,
    answer,
    check_announced,
    failure,
    framing,
    late,
    merged,
    new_body,
)
from twirpkit.transports._http1 import remaining
from twirpkit.transports.base import HttpRequest, Phase, TransportFailure
from twirpkit.transports.base import HttpResponse as Answer

__all__ = ["refuse_resending", "send_by"]

_RECV = 65536


def refuse_resending(adapter: BaseAdapter) -> None:
    """Raise ValueError where the adapter's ``max_retries`` may send a POST twice.

    Asked of the object rather than read from its numbers: which of them wins is urllib3's business, and a subclass may
    see it otherwise. Failures to connect may be tried again: nothing was sent.
    """
    retries = getattr(adapter, "max_retries", None)
    if retries is None:
        return
    policy = Retry.from_int(retries)
    errors = (ProtocolError(), ReadTimeoutError(None, None, None), SSLError())  # type: ignore[arg-type]  # no pool is needed
    statuses = (status for status in range(200, 600) if policy.is_retry("POST", status, has_retry_after=True))
    if any(_tries_again(policy, error=error) for error in errors) or any(
        _tries_again(policy, response=HTTPResponse(status=status)) for status in statuses
    ):
        raise ValueError(
            f"the session's {type(adapter).__qualname__} may send a request twice: make it with max_retries=0, "
            "and leave retries to the client"
        )


def _tries_again(policy: Retry, *, error: Exception | None = None, response: HTTPResponse | None = None) -> bool:
    try:
        policy.increment("POST", "/", response=response, error=error)
    except HTTPError:
        return False
    return True


def send_by(
    adapter: BaseAdapter, session: requests.Session, where: Target, request: HttpRequest, headers: Lines
) -> Answer | TransportFailure:
    """Send by the adapter, with the session's verify, cert and proxies."""
    try:
        response = adapter.send(
            _prepared(adapter, request, headers),
            stream=True,
            timeout=_timeout(request),
            verify=session.verify is None or session.verify,
            cert=session.cert,
            proxies=_proxies(session, where),
        )
    except (OSError, HTTPError, HTTPException) as error:  # a RequestException is an OSError
        return _unanswered(error, request)
    try:
        return _read(response, request)
    finally:
        response.close()  # after a whole body the connection is back in its pool already


def _timeout(request: HttpRequest) -> float | tuple[float, float] | tuple[float, None] | None:
    """As requests takes it: seconds for each wait, or apart for connecting and reading."""
    left = remaining(request.deadline)
    if request.connect_deadline is None:
        return left
    connecting = max(0.001, request.connect_deadline - time.monotonic())
    return (connecting, None) if left is None else (min(connecting, left), left)


def _proxies(session: requests.Session, where: Target) -> dict[str, str]:
    proxies = dict(session.proxies)
    if session.trust_env and select_proxy(where.origin, proxies) is None:
        url = _proxy.environment(where)
        if url is not None:
            proxies[where.scheme] = url
    return proxies


def _prepared(adapter: BaseAdapter, request: HttpRequest, headers: Lines) -> requests.PreparedRequest:
    prepared = requests.PreparedRequest()
    prepared.method = request.method
    prepared.url = request.url
    prepared.headers = CaseInsensitiveDict(headers)
    prepared.body = request.body or None  # requests would send an empty one in chunks
    if isinstance(adapter, HTTPAdapter):  # urllib3 would add these
        for name in ("User-Agent", "Accept-Encoding"):
            prepared.headers.setdefault(name, SKIP_HEADER)
    return prepared


def _unanswered(error: Exception, request: HttpRequest) -> TransportFailure:
    reason = f"the session's adapter failed: {type(error).__name__}"
    unsent = isinstance(error, requests.ConnectTimeout) or isinstance(
        getattr(error.args[0] if error.args else None, "reason", None), NewConnectionError
    )
    return failure(reason, Phase.NOT_SENT if unsent else Phase.NO_ANSWER, timed_out=late(request.deadline))


def _read(response: requests.Response, request: HttpRequest) -> Answer | TransportFailure:
    status = response.status_code
    if status < 200 and status != 101:
        return failure("the session's adapter took an interim answer for the answer", Phase.CUT)
    raw = response.raw
    lines = [(_bytes(name), _bytes(value)) for name, value in getattr(raw, "headers", response.headers).items()]
    try:
        headers = merged(lines)
        frame = framing(request.method, status, headers)
    except Malformed as malformed:
        return failure(str(malformed), Phase.CUT)
    body = new_body(request, status, headers)
    try:
        check_announced(body, status, frame)
        _read_body(raw, frame, body, request.deadline)
    except Flawed as flawed:
        return answer(status, headers, body, flawed)
    except (OSError, HTTPError, HTTPException):
        timed_out = late(request.deadline)
        flaw = Flawed(f"{LATE} during the answer's body" if timed_out else "the answer was cut inside its body")
        return answer(status, headers, body, flaw, timed_out=timed_out)
    return answer(status, headers, body, None)


def _read_body(raw: Any, frame: Framing, body: Body, deadline: float | None) -> None:
    received = 0
    while data := raw.read1(_RECV, decode_content=False):  # read() would wait for all of it
        received += len(data)
        body.feed(data)
        remaining(deadline)
    if frame.length is None and not frame.chunked:
        raise Flawed(NO_LENGTH)
    if frame.length is not None and received != frame.length:
        raise Flawed("the answer's body has another length than its Content-Length")
    body.end()


def _bytes(text: str) -> bytes:
    return text.encode("latin-1", "replace")  # http.client decoded it so
