"""The sync transport: HTTP/1.1 over sockets of our own, with the TLS settings, proxies and adapters of requests.

`requests.Session.request` would follow redirects, read ``~/.netrc`` and keep cookies. urllib3's reader takes a cut
header block for a whole one, and lets a server or a proxy that drips stretch every timeout; its pool has a lock, which
a signal handler that raises, or a fork, can leave locked. So neither of them touches the wire.
"""

from __future__ import annotations

import ssl
from types import SimpleNamespace

import requests
from requests.adapters import HTTPAdapter
from requests.utils import select_proxy
from urllib3.util import create_urllib3_context, resolve_cert_reqs

from twirpkit.options import ProxyOption, Tls
from twirpkit.transports import _proxy
from twirpkit.transports._connect import connect
from twirpkit.transports._content import Flawed
from twirpkit.transports._foreign import refuse_resending, send_by
from twirpkit.transports._http import (
    LATE,
    Framing,
    Lines,
    Malformed,
    Target,
    answer,
    check_announced,
    failure,
    framing,
    headers_of,
    late,
    merged,
    new_body,
    target,
)
from twirpkit.transports._http1 import Cut, Head, Reader, ran_out, read_body, read_head, send_all
from twirpkit.transports._pool import Connection, Pool
from twirpkit.transports._process import process
from twirpkit.transports._tls import tls_context
from twirpkit.transports.base import HttpRequest, HttpResponse, Phase, TransportFailure

__all__ = ["RequestsTransport"]


class RequestsTransport:
    """A `Transport` that borrows from requests. Safe to use from many threads, and in a process and its forks.

    Args:
        session: Lends its TLS settings, its proxies and, where they are not requests' own, its adapters; nothing else
            of it is used, and it is neither changed nor closed.
        proxy: The URL of an HTTP proxy for all requests, False for none; None: as the environment says when a
            connection to an origin is first needed.
        tls: An `ssl.SSLContext`, or the path of a file or folder of CA certificates; None: the system's store vouches.

    Raises:
        TypeError: The session, proxy or tls has the wrong type.
        ValueError: The proxy or tls cannot be used, or is given beside a session.
    """

    def __init__(
        self, session: requests.Session | None = None, *, proxy: ProxyOption = None, tls: Tls | None = None
    ) -> None:
        if session is not None and not isinstance(session, requests.Session):
            raise TypeError(
                f"session must be a requests.Session, not {type(session).__module__}.{type(session).__qualname__}"
            )
        if session is not None and (proxy is not None or tls is not None):
            raise ValueError("the session brings its own: set its proxies and verify instead of giving proxy or tls")
        self._session = session
        self._proxy = _proxy.chooser(proxy)
        self._tls = tls_context(tls)
        self._origins = _Origins()
        self._closed = False

    def send(self, request: HttpRequest, /) -> HttpResponse | TransportFailure:
        """Send once and read the whole answer.

        Raises:
            ValueError: The URL or a header cannot be sent, the environment's proxy cannot be used, or the session's
                adapter may send a request twice.
            RuntimeError: The transport is closed.
        """
        return self._attempt(request)

    def close(self) -> None:
        """Close the idle connections; those in use are closed by their calls. Twice is fine."""
        self._closed = True
        for origin in list(self._origins.values()):
            origin.pool.close()

    def _attempt(self, request: HttpRequest) -> HttpResponse | TransportFailure:
        if self._closed:
            raise RuntimeError("this RequestsTransport is closed")
        where = target(request.url)
        headers = headers_of(request, where.host)
        if late(request.deadline):
            return failure(f"{LATE} before the request", Phase.NOT_SENT, timed_out=True)
        if self._session is not None:
            adapter = self._session.get_adapter(request.url)
            if type(adapter) is not HTTPAdapter:
                refuse_resending(adapter)
                return send_by(adapter, self._session, where, request, headers)
        origin = self._origin(where)
        try:
            return _exchange(origin, where, request, headers)
        finally:
            if self._closed:
                origin.pool.close()

    def _origin(self, where: Target) -> _Origin:
        origins = self._origins
        if origins.process is not process():  # we are a child: the connections of the parent close with the last word
            origins = self._origins = _Origins()
        session = self._session
        key: tuple[object, ...] = (where.origin,)
        if session is not None:
            key = (where.origin, session.trust_env, session.verify, session.cert, *session.proxies.items())
        origin = origins.get(key)
        if origin is None:
            made = self._own(where) if session is None else _borrowed(where, session)
            origin = origins.setdefault(key, made)  # another thread may have been faster
        return origin

    def _own(self, where: Target) -> _Origin:
        return _Origin(self._proxy(where), self._trust() if where.scheme == "https" else None)

    def _trust(self) -> ssl.SSLContext:
        """One context for all connections: reading a CA bundle takes longer than most calls."""
        if self._tls is None:
            context = ssl.create_default_context()
            context.set_alpn_protocols(["http/1.1"])
            self._tls = context
        return self._tls


class _Origin:
    """How connections to an origin are made, and those that are idle."""

    def __init__(self, proxy: _proxy.Proxy | None, context: ssl.SSLContext | None) -> None:
        self.proxy = proxy
        self.context = context
        self.pool = Pool()


class _Origins(dict[tuple[object, ...], _Origin]):
    """Those of one process."""

    def __init__(self) -> None:
        super().__init__()
        self.process = process()


def _borrowed(where: Target, session: requests.Session) -> _Origin:
    """With the session's settings. Raises ValueError for those that cannot be used."""
    url = select_proxy(where.origin, session.proxies)
    if url is not None:
        proxy: _proxy.Proxy | None = _proxy.parse(url)
    else:
        proxy = _proxy.from_environment(where) if session.trust_env else None
    if where.scheme == "http":
        return _Origin(proxy, None)
    try:
        return _Origin(proxy, _session_context(session))
    except OSError as error:
        problem = str(error)
    raise ValueError(f"the session's verify or cert cannot be used: {problem}")


def _session_context(session: requests.Session) -> ssl.SSLContext:
    """What requests would make of verify and cert. Raises OSError."""
    found = SimpleNamespace(ca_certs=None, ca_cert_dir=None, cert_file=None)
    verify = session.verify is None or session.verify
    HTTPAdapter().cert_verify(found, "https://", verify, session.cert)  # type: ignore[no-untyped-call]  # requests has none
    context = create_urllib3_context(cert_reqs=resolve_cert_reqs(found.cert_reqs))
    if found.ca_certs is not None or found.ca_cert_dir is not None:
        context.load_verify_locations(found.ca_certs, found.ca_cert_dir)
    if found.cert_file is not None:
        context.load_cert_chain(found.cert_file, found.key_file)
    context.set_alpn_protocols(["http/1.1"])
    return context


def _exchange(origin: _Origin, where: Target, request: HttpRequest, headers: Lines) -> HttpResponse | TransportFailure:
    """One request and its answer, on a connection that is kept only if it may be used again."""
    connection = None if request.force_new_connection else origin.pool.take()
    reused = connection is not None
    if connection is None:
        made = connect(where, origin.proxy, origin.context, request)
        if isinstance(made, TransportFailure):
            return made
        connection = made
    path = where.path
    if origin.proxy is not None and origin.context is None:
        path = where.origin + path
        if origin.proxy.authorization is not None:
            headers.append(("Proxy-Authorization", origin.proxy.authorization.reveal()))
    reusable = False
    try:
        outcome, reusable = _converse(connection, reused, request, path, headers)
        return outcome
    finally:
        if reusable:
            origin.pool.give(connection)
        else:
            connection.close()


def _request_bytes(request: HttpRequest, path: str, headers: Lines) -> bytes:
    lines = [f"{request.method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode() + request.body


def _converse(
    connection: Connection, reused: bool, request: HttpRequest, path: str, headers: Lines
) -> tuple[HttpResponse | TransportFailure, bool]:
    """Send, read; and whether the connection may be used again."""
    reader = Reader(connection.sock, request.deadline)
    unsent: OSError | None = None
    try:
        try:
            send_all(connection.sock, memoryview(_request_bytes(request, path, headers)), request.deadline)
        except OSError as error:
            if ran_out(error):
                raise
            unsent = error  # a server may answer and hang up before it has read all
        head = read_head(reader)
        lines = merged(head.lines)
        frame = framing(request.method, head.status, lines)
    except TimeoutError:
        if not late(request.deadline):
            raise  # a signal handler's own
        phase = Phase.CUT if reader.began else Phase.NO_ANSWER
        return failure(f"{LATE} while waiting for the answer", phase, timed_out=True), False
    except Malformed as malformed:
        return failure(str(malformed), Phase.CUT), False
    except Cut:
        cause = reader.broken or unsent
        if reader.began:
            return failure("the connection was closed inside the answer's header", Phase.CUT, cause), False
        phase = Phase.STALE if reused and not reader.heard else Phase.NO_ANSWER
        return failure("the connection was closed before an answer", phase, cause), False
    return _finish(reader, head, frame, lines, request)


def _finish(
    reader: Reader, head: Head, frame: Framing, headers: dict[str, str], request: HttpRequest
) -> tuple[HttpResponse | TransportFailure, bool]:
    body = new_body(request, head.status, headers)
    try:
        check_announced(body, head.status, frame)
        read_body(reader, frame, body)
    except TimeoutError:
        if not late(request.deadline):
            raise  # a signal handler's own
        flaw = Flawed(f"{LATE} during the answer's body")
        return answer(head.status, headers, body, flaw, timed_out=True), False
    except Flawed as flawed:
        return answer(head.status, headers, body, flawed), False
    return answer(head.status, headers, body, None), head.keeps and not reader.buffer
