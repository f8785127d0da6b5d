"""The sync transport: requests' sessions, pools, TLS and proxies, with our own eyes on the wire.

`requests.Session.request` would follow redirects, read ``~/.netrc`` and the environment, and keep cookies; urllib3's
reader takes a cut header block for a whole one and lets a dripping server stretch every timeout. So an adapter of ours
lends requests' connection pools, and the connections in them are driven here.
"""

from __future__ import annotations

import functools
import socket
import ssl
import threading
from typing import Any, cast

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ClosedPoolError, HTTPError
from urllib3.poolmanager import PoolManager

from twirpkit.transport import HttpRequest, HttpResponse, Phase, TransportFailure
from twirpkit.transports._content import Body, Flawed
from twirpkit.transports._foreign import refuse_resending, send_by
from twirpkit.transports._http import (
    LATE,
    Framing,
    Malformed,
    Target,
    answer,
    failure,
    framing,
    headers_of,
    late,
    merged,
    target,
    unconnected,
)
from twirpkit.transports._http1 import Cut, Head, Reader, dial, ran_out, read_body, read_head, remaining, send_all

__all__ = ["RequestsTransport"]

_CLOSED = "this RequestsTransport is closed"


class RequestsTransport:
    """A `Transport` over requests. Safe to use from many threads.

    Args:
        session: Lends its TLS settings, its proxies and, where they are not requests' own, its adapters; nothing else
            of it is used, and it is neither changed nor closed. None: the system's store vouches for certificates.
    """

    def __init__(self, session: requests.Session | None = None) -> None:
        if session is not None and not isinstance(session, requests.Session):
            raise TypeError(
                f"session must be a requests.Session, not {type(session).__module__}.{type(session).__qualname__}"
            )
        self._session = session
        self._adapter = _Adapter()
        self._pools: dict[tuple[object, ...], HTTPConnectionPool] = {}
        self._making = threading.Lock()
        self._closed = False

    def send(self, request: HttpRequest, /) -> HttpResponse:
        """Send once and read the whole answer.

        Raises:
            TransportFailure: No whole header block came.
            ValueError: The URL or a header cannot be sent, or the session's adapter may send a request twice.
            RuntimeError: The transport is closed.
        """
        outcome = self._attempt(request)
        if isinstance(outcome, TransportFailure):
            raise outcome
        return outcome

    def close(self) -> None:
        """Close the idle connections; those in use are closed by their calls. Twice is fine."""
        self._closed = True
        with self._making:
            for pool in self._pools.values():
                pool.close()

    def _attempt(self, request: HttpRequest) -> HttpResponse | TransportFailure:
        if self._closed:
            raise RuntimeError(_CLOSED)
        where = target(request.url)
        headers = headers_of(request, where.host)
        if late(request.deadline):
            return failure(f"{LATE} before the request", Phase.NOT_SENT, timed_out=True)
        if self._session is not None:
            adapter = self._session.get_adapter(request.url)
            if type(adapter) is not HTTPAdapter:
                refuse_resending(adapter)
                return send_by(adapter, self._session, request, headers)
        return _exchange(self._pool(where), where, request, headers)

    def _pool(self, where: Target) -> HTTPConnectionPool:
        session = self._session
        key: tuple[object, ...] = (where.origin,)
        if session is not None:
            key = (where.origin, session.verify, session.cert, *session.proxies.items())
        pool = self._pools.get(key)
        if pool is None:
            with self._making:
                pool = self._pools.get(key)
                if pool is None:
                    pool = self._pools[key] = self._adapter.pool(where, session)
        return pool


class _Adapter(HTTPAdapter):
    """requests' adapter as far as it makes pools: TLS settings, client certificates, proxies."""

    def __init__(self) -> None:
        # maxsize 0: a pool keeps every connection that was ever needed at once, and never warns that it is full.
        super().__init__(pool_connections=64, pool_maxsize=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> PoolManager:
        if proxy.lower().startswith("socks"):
            raise ValueError("SOCKS proxies are not supported")
        manager: PoolManager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager

    def pool(self, where: Target, session: requests.Session | None) -> HTTPConnectionPool:
        """A pool for the origin. Raises ValueError for settings of the session that cannot be used."""
        if session is None:
            context = self._system_trust if where.scheme == "https" else None
            pool = self.poolmanager.connection_from_url(where.origin, pool_kwargs={"ssl_context": context})
            return cast(HTTPConnectionPool, pool)
        request = requests.PreparedRequest()
        request.url = where.origin
        try:
            pool = self.get_connection_with_tls_context(
                request, session.verify, proxies=dict(session.proxies), cert=session.cert
            )
            self.cert_verify(pool, where.origin, session.verify, session.cert)  # type: ignore[no-untyped-call]
        except OSError as error:
            raise ValueError(f"the session's verify, cert or proxies cannot be used: {error}") from None
        return cast(HTTPConnectionPool, pool)

    @functools.cached_property
    def _system_trust(self) -> ssl.SSLContext:
        """One context for all connections: reading a CA bundle takes longer than most calls."""
        return ssl.create_default_context()


class _Driven(HTTPConnection):
    """A connection that gives all addresses of its name one budget, and leaves the rest of it to the TLS handshake."""

    deadline: float | None = None

    def _new_conn(self) -> socket.socket:
        return dial(socket.getaddrinfo(self._dns_host, self.port, type=socket.SOCK_STREAM), self.deadline)


class _DrivenTLS(_Driven, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Driven  # pyright: ignore[reportAssignmentType]  # urllib3's protocol and its class disagree


class _PoolTLS(HTTPSConnectionPool):
    ConnectionCls = _DrivenTLS  # pyright: ignore[reportAssignmentType]  # as above


_POOLS: dict[str, type[HTTPConnectionPool]] = {"http": _Pool, "https": _PoolTLS}


def _exchange(
    pool: HTTPConnectionPool, where: Target, request: HttpRequest, headers: list[tuple[str, str]]
) -> HttpResponse | TransportFailure:
    """One request and its answer on a connection of the pool, which goes back into it only if it may be used again."""
    try:
        connection = cast(_Driven, pool._get_conn())
    except ClosedPoolError:
        raise RuntimeError(_CLOSED) from None
    reusable = False
    try:
        path = where.path
        if connection.is_closed:
            failed = _connect(pool, connection, where, request.deadline)
            if failed is not None:
                return failed
        if pool.proxy is not None and where.scheme == "http":
            path = where.origin + path
            headers = [*headers, *pool.proxy_headers.items()]
        outcome, reusable = _converse(connection.sock, _request_bytes(request, path, headers), request)
        return outcome
    finally:
        if not reusable:
            connection.close()
        pool._put_conn(connection)  # pyright: ignore[reportArgumentType]  # as above


def _connect(
    pool: HTTPConnectionPool, connection: _Driven, where: Target, deadline: float | None
) -> TransportFailure | None:
    connection.deadline = deadline
    try:
        connection.timeout = remaining(deadline)
        if pool.proxy is not None and where.scheme == "https":
            pool._prepare_proxy(connection)  # pyright: ignore[reportArgumentType]  # as above
        else:
            connection.connect()
    except OSError as error:
        if ran_out(error):
            return failure(f"{LATE} while connecting to {where.host}", Phase.NOT_SENT, timed_out=True)
        return unconnected(where.host, error)
    except (HTTPError, UnicodeError) as error:  # urllib3's words for a proxy that fails, a name that cannot be one
        return unconnected(where.host, error)
    return None


def _request_bytes(request: HttpRequest, path: str, headers: list[tuple[str, str]]) -> bytes:
    lines = [f"{request.method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode() + request.body


def _converse(sock: socket.socket, data: bytes, request: HttpRequest) -> tuple[HttpResponse | TransportFailure, bool]:
    """Send, read; and whether the connection may be used again."""
    reader = Reader(sock, request.deadline)
    unsent: OSError | None = None
    try:
        try:
            send_all(sock, data, request.deadline)
        except OSError as error:
            if ran_out(error):
                raise
            unsent = error  # a server may answer and hang up before it has read all
        head = read_head(reader)
        headers = merged(head.lines)
        frame = framing(request.method, head.status, headers)
    except TimeoutError:
        phase = Phase.CUT if reader.began else Phase.NO_ANSWER
        return failure(f"{LATE} while waiting for the answer", phase, timed_out=True), False
    except Malformed as malformed:
        return failure(str(malformed), Phase.CUT), False
    except Cut:
        cause = reader.broken or unsent
        if reader.began:
            return failure("the connection was closed inside the answer's header", Phase.CUT, cause), False
        return failure("the connection was closed before an answer", Phase.NO_ANSWER, cause), False
    return _finish(reader, head, frame, headers, request)


def _finish(
    reader: Reader, head: Head, frame: Framing, headers: dict[str, str], request: HttpRequest
) -> tuple[HttpResponse | TransportFailure, bool]:
    body = Body(headers.get("content-encoding"))
    try:
        read_body(reader, frame, body)
    except TimeoutError:
        return answer(head.status, headers, body, f"{LATE} during the answer's body", timed_out=True), False
    except Flawed as flawed:
        return answer(head.status, headers, body, str(flawed)), False
    return answer(head.status, headers, body, None), head.keeps and not reader.buffer
