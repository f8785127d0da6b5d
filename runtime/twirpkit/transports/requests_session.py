"""A sync transport over a `requests.Session`: each request goes through `Session.send`.

So mounted adapters, response hooks, and tools that watch or replace `Session.send` or its adapters see every request.
The request is prepared here, without what a session adds: headers, cookies, auth, params, ``~/.netrc``. The response is
read in a response hook, before the session looks at it: `Session.send` keeps cookies, and reads the whole body of a
redirect even if it is not followed.
"""

from __future__ import annotations

import functools
import io
import os
import re
import ssl
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from http.client import HTTPException, RemoteDisconnected
from typing import Any, Final, TypeAlias

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from requests.exceptions import InvalidHeader, ProxyError
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPResponse as RawResponse
from urllib3.exceptions import HTTPError, NewConnectionError, ProtocolError, ReadTimeoutError, SSLError
from urllib3.util import SKIP_HEADER, Retry

from twirpkit._http1.head import BadResponse
from twirpkit._http1.limits import MIN_READ
from twirpkit._http1.parsed_response import ParsedResponse
from twirpkit._http1.request import Target, announces_length
from twirpkit._protocol.constants import ACCEPT_ENCODING, CONTENT_LENGTH, USER_AGENT
from twirpkit._secret import Secret, conceal
from twirpkit._suggestion import Suggesting
from twirpkit.errors import InsecureTransportWarning
from twirpkit.options import ProxyOption, Tls
from twirpkit.transports._lent_failures import (
    chain,
    check_request,
    closed_early,
    late,
    library_failure,
    refused_by_proxy,
    unreadable,
)
from twirpkit.transports._net.connect_failures import CLOSED, connect_timed_out, deadline_passed
from twirpkit.transports._net.connection_pool import MAX_CONNECTIONS
from twirpkit.transports._net.tls import tls_context
from twirpkit.transports._own_sessions import ProcessSessions, ProxyUrls
from twirpkit.transports.base import HttpRequest, HttpResponse, Phase, TransportFailure

__all__ = ["RequestsTransport"]

Result: TypeAlias = HttpResponse | TransportFailure
Hook: TypeAlias = Callable[..., Any]

_FAILURES: Final = (OSError, HTTPError, HTTPException)
"""The exceptions of a session for a failed request. A `requests.RequestException` is an OSError."""
_ADDED: Final = (USER_AGENT, ACCEPT_ENCODING)
"""Headers that urllib3 adds where they are missing."""
_UNVERIFIED: Final = (
    "the session does not verify the server's certificate: whoever is in between can read the credentials; "
    'set its verify to the server\'s CA, such as "ca.pem"'
)
_NO_TUNNEL: Final = re.compile(r"Tunnel connection failed: ([1-9][0-9]{2})\b")
"""The text of `http.client` for a CONNECT that a proxy refused, with its status."""
_FOLD: Final = re.compile(r"[ \t]*\r?\n[ \t]+")
_MINOR: Final = {10: 0, 11: 1}
"""urllib3's versions of HTTP/1.x. Responses of test doubles have none."""


class RequestsTransport(Suggesting):
    """A `Transport` over a session of requests. Usable from threads as far as the session is.

    Args:
        session: The session, which is neither changed nor closed. None: one of its own, closed with the transport.
        proxy: For a session of its own: the URL of an HTTP proxy, False for none, None for that of the environment.
        tls: For a session of its own: the path of a file or folder of CA certificates.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: The proxy or tls cannot be used, or is given together with a session.
    """

    def __init__(
        self, session: requests.Session | None = None, *, proxy: ProxyOption | Secret = None, tls: Tls | None = None
    ) -> None:
        proxy = conceal(proxy)
        if session is not None and not isinstance(session, requests.Session):
            raise TypeError(f"session must be a requests.Session, not {type(session).__qualname__}")
        if session is not None and (proxy is not None or tls is not None):
            raise ValueError("the session has its own: set its proxies and verify in place of proxy and tls")
        if session is not None and session.verify is False:
            warnings.warn(_UNVERIFIED, InsecureTransportWarning, stacklevel=5)  # who made the client
        self._lent = session
        self._proxy = ProxyUrls(proxy)
        self._own = ProcessSessions(functools.partial(_new_session, _ca_path(tls)), requests.Session.close)
        self._accepted: BaseAdapter | None = None
        self._closed = False

    def send(self, request: HttpRequest, /) -> HttpResponse | TransportFailure:
        """Send once and read the whole response.

        Raises:
            ValueError: The URL or a header cannot be sent, or the session's adapter may send a request twice.
            Exception: Whatever a response hook of the session raises, other than an exception of requests.
        """
        target = check_request(request)
        if self._closed:
            return CLOSED
        if deadline_passed(request.deadline):
            return late()
        session = self._lent if self._lent is not None else self._own.get()
        adapter = session.get_adapter(request.url)
        if adapter is not self._accepted:
            refuse_resending(adapter)
            self._accepted = adapter
        receiver = _Receiver(request)
        prepared = _prepare(request, adapter, receiver.hooks(session))
        proxies = {} if self._lent is not None else self._proxies(target)
        settings = session.merge_environment_settings(request.url, proxies, True, None, None)
        try:
            response = session.send(prepared, allow_redirects=False, timeout=_timeout(request), **settings)
        except _FAILURES as error:
            if receiver.result is not None:  # a hook raised for the status
                return receiver.result
            return _failure(error, request, target)
        return receiver.result_of(response)

    def close(self) -> None:
        """Close a session of its own. Twice is fine."""
        self._closed = True
        self._own.close()

    def _proxies(self, target: Target) -> dict[str, str]:
        """Return the proxies of a session of its own."""
        url = self._proxy.get(target)
        return {} if url is None else {target.scheme: url.reveal()}


def _new_session(verify: str | bool) -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # the proxies of the environment are chosen as in the default transports
    session.verify = verify
    for prefix in ("http://", "https://"):
        session.mount(prefix, HTTPAdapter(pool_maxsize=MAX_CONNECTIONS))
    return session


def _ca_path(tls: Tls | None) -> str | bool:
    """Return ``tls=`` as requests takes it; True: those of certifi."""
    tls_context(tls)  # checks that it can be used
    if isinstance(tls, ssl.SSLContext):
        raise ValueError("with transport='requests', tls is a path; for a context, pass a session whose adapter has it")
    return True if tls is None else os.fspath(tls)


def refuse_resending(adapter: BaseAdapter) -> None:
    """Raise ValueError if the adapter's ``max_retries`` may send a POST twice.

    The policy is asked rather than read: its numbers depend on each other, and a subclass may see them differently.
    Connecting may be tried again, because nothing was sent.
    """
    retries = getattr(adapter, "max_retries", None)
    if retries is None:
        return
    policy = Retry.from_int(retries)
    errors = (ProtocolError(), ReadTimeoutError(None, None, None), SSLError())  # type: ignore[arg-type]  # no pool is needed
    statuses = (status for status in range(200, 600) if policy.is_retry("POST", status, has_retry_after=True))
    if any(_tries_again(policy, error=error) for error in errors) or any(
        _tries_again(policy, response=RawResponse(status=status)) for status in statuses
    ):
        raise ValueError(
            f"the session's {type(adapter).__qualname__} may send a request twice: make it with max_retries=0, "
            "and leave retries to the client"
        )


def _tries_again(policy: Retry, *, error: Exception | None = None, response: RawResponse | None = None) -> bool:
    try:
        policy.increment("POST", "/", response=response, error=error)
    except HTTPError:
        return False
    return True


class _Receiver:
    """Reader of the response to one request, as the first and the last response hook of the session."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self._response: requests.Response | None = None
        self.result: Result | None = None
        """The result, once the response was read."""

    def hooks(self, session: requests.Session) -> dict[str, list[Hook]]:
        """Return the hooks of a request: the session's between our two."""
        theirs: Any = session.hooks.get("response") or ()
        return {"response": [self._receive, *((theirs,) if callable(theirs) else theirs), _hide_redirect]}

    def result_of(self, response: requests.Response) -> Result:
        """Return the result of the response that the session returned. A hook may have replaced it."""
        if response is not self._response:
            self._receive(response)
        assert self.result is not None  # noqa: S101  # _receive sets it
        return self.result

    def _receive(self, response: requests.Response, **_: Any) -> None:
        """Read the response, and leave its content to the hooks that follow. Its connection is free then."""
        self._response = response
        try:
            self.result = _read(response, self._request)
        finally:
            response.close()  # after a complete body its connection is in the pool already
        body = self.result.body if isinstance(self.result, HttpResponse) else b""
        response.raw = io.BytesIO(body)  # the session finds no cookies there


def _hide_redirect(response: requests.Response, **_: Any) -> None:
    """Let a redirect look like any response: the session would prepare the next request, which may fail."""
    response.headers.pop("location", None)


def _prepare(request: HttpRequest, adapter: BaseAdapter, hooks: dict[str, list[Hook]]) -> requests.PreparedRequest:
    prepared = requests.PreparedRequest()
    prepared.method = request.method
    prepared.url = request.url
    prepared.headers = CaseInsensitiveDict((name, _text(value)) for name, value in request.headers.items())
    if announces_length(request.method, len(request.body)):
        prepared.headers.setdefault(CONTENT_LENGTH, str(len(request.body)))
    if isinstance(adapter, HTTPAdapter):
        for name in _ADDED:
            prepared.headers.setdefault(name, SKIP_HEADER)
    prepared.body = request.body or None
    prepared.hooks = hooks
    return prepared


def _timeout(request: HttpRequest) -> float | tuple[float | None, float | None] | None:
    """Return seconds for connecting, and for each wait while sending and reading: requests has no limit for all."""
    now = time.monotonic()
    left = None if request.deadline is None else max(0.001, request.deadline - now)
    if request.connect_deadline is None:
        return left
    connecting = max(0.001, request.connect_deadline - now)
    return connecting if left is None else min(connecting, left), left


def _failure(error: Exception, request: HttpRequest, target: Target) -> TransportFailure:
    if isinstance(error, requests.ConnectTimeout):
        return connect_timed_out(target.host, request.deadline, request.connect_deadline)
    wrapped = list(chain(error))
    for each in wrapped:
        if isinstance(each, OSError) and (refused := _NO_TUNNEL.match(str(each))) is not None:
            return refused_by_proxy(target, int(refused[1]))
    if any(isinstance(each, RemoteDisconnected) for each in wrapped):
        return closed_early(error)
    if any(isinstance(each, HTTPException | InvalidHeader) for each in wrapped):
        return unreadable("requests")
    # Other TLS failures than those of certificates can come from the server after it has read the request.
    unsent = isinstance(error, ProxyError) or any(isinstance(each, NewConnectionError) for each in wrapped)
    return library_failure(error, request, target, sent=not unsent)


def _read(response: requests.Response, request: HttpRequest) -> Result:
    """Read a response to its end."""
    raw = response.raw
    headers: Mapping[str, str] = getattr(raw, "headers", None) or response.headers
    lines = [(_bytes(name), _bytes(value)) for name, value in headers.items()]
    minor = _MINOR.get(getattr(raw, "version", 0))
    try:
        parsed = ParsedResponse(request.method, request.max_body, response.status_code, lines, minor=minor)
    except BadResponse as bad:
        return TransportFailure(str(bad), Phase.CUT)
    if parsed.refused is not None:
        return parsed.refused
    try:
        for data in _pieces(raw):
            if (refused := parsed.feed(data)) is not None:
                return refused
            if deadline_passed(request.deadline):
                return parsed.deadline_passed()
    except _FAILURES:
        return parsed.deadline_passed() if deadline_passed(request.deadline) else parsed.cut()
    return parsed.end()


def _pieces(raw: Any) -> Iterator[bytes]:
    """Give the body as it comes, with its Content-Encoding, which `iter_content` would undo without a limit."""
    if isinstance(raw, RawResponse):
        while data := raw.read1(MIN_READ, decode_content=False):  # read() and stream() wait until they have so many
            yield data
    elif raw is not None:  # an adapter of somebody's own may return any file
        while data := raw.read(MIN_READ):
            yield data


def _text(value: str) -> str:
    """Return a header value that http.client, which encodes in latin-1, sends in UTF-8 as all transports do."""
    return value if value.isascii() else value.encode().decode("latin-1")


def _bytes(text: str) -> bytes:
    """Undo the decoding of http.client, which keeps the line ends of folded lines."""
    return _FOLD.sub(" ", text).strip().encode("latin-1", "replace")
