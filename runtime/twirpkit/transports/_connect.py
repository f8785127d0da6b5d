"""Connections of the sync transport: every address, the proxy's CONNECT and TLS count against one moment (B1, B2)."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Sequence
from typing import Any

from twirpkit.transports._http import Malformed, Target, earliest, late, too_slow, unconnected
from twirpkit.transports._http1 import Cut, Reader, ran_out, read_head, remaining, send_all
from twirpkit.transports._pool import Connection
from twirpkit.transports._proxy import CLOSED, NO_HTTP, Proxy, refused, through
from twirpkit.transports.base import HttpRequest, TransportFailure

__all__ = ["connect", "dial"]


def connect(
    where: Target, proxy: Proxy | None, context: ssl.SSLContext | None, request: HttpRequest
) -> Connection | TransportFailure:
    """A connection over which a request can go to its target.

    Args:
        where: The target.
        proxy: What is connected to in its place; asked for a tunnel where the target wants TLS.
        context: The TLS settings, for a target that wants TLS.
        request: Says until when.
    """
    until = earliest(request.deadline, request.connect_deadline)
    place = through(where, proxy)
    try:
        return _open(where, proxy, context, until)
    except _Refused as error:
        return unconnected(place, str(error))
    except UnicodeError as error:  # the host's name cannot be one
        return unconnected(place, error)
    except OSError as error:
        if late(until):  # also where a resolver, which nothing interrupts, says no too late
            return too_slow(place, request.deadline)
        if ran_out(error):
            raise  # a signal handler's own
        return unconnected(place, error)


class _Refused(Exception):
    """The proxy makes no tunnel."""


def _open(where: Target, proxy: Proxy | None, context: ssl.SSLContext | None, until: float | None) -> Connection:
    name, port = (where.name, where.port) if proxy is None else (proxy.name, proxy.port)
    remaining(until)
    connection = dial(socket.getaddrinfo(name, port, type=socket.SOCK_STREAM), until)
    if context is None:
        return connection
    try:
        if proxy is not None:
            _tunnel(connection.sock, where, proxy, until)
        host = where.name.rstrip(".")  # no certificate has the dot that says "no search domains"
        connection.sock.settimeout(remaining(until))
        connection.sock = context.wrap_socket(connection.sock, server_hostname=host, do_handshake_on_connect=False)
        connection.sock.do_handshake()
    except BaseException:
        connection.close()
        raise
    return connection


_AddressInfo = tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]


def dial(addresses: Sequence[_AddressInfo], until: float | None) -> Connection:
    """Connect to the first of a name's addresses that takes us. Each gets an equal share of what is left (rule B1)."""
    for tried, (family, kind, protocol, _, address) in enumerate(addresses):
        untried = len(addresses) - tried
        left = remaining(until)
        share = None if left is None else left / untried
        over = None if share is None else time.monotonic() + share
        connection = Connection(socket.socket(family, kind, protocol))
        try:
            connection.sock.settimeout(share)
            connection.sock.connect(address)
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except BaseException as error:
            connection.close()
            if untried == 1 or not isinstance(error, OSError) or (ran_out(error) and not late(over)):
                raise
        else:
            return connection
    raise OSError("the name has no address")


def _tunnel(sock: socket.socket, where: Target, proxy: Proxy, until: float | None) -> None:
    """Have the proxy connect us to the target."""
    place = f"[{where.name}]:{where.port}" if ":" in where.name else f"{where.name}:{where.port}"
    lines = [f"CONNECT {place} HTTP/1.1", f"Host: {place}"]
    if proxy.authorization is not None:
        lines.append(f"Proxy-Authorization: {proxy.authorization.reveal()}")
    send_all(sock, memoryview("\r\n".join([*lines, "", ""]).encode()), until)
    try:
        status = read_head(Reader(sock, until)).status
    except Cut:
        raise _Refused(CLOSED) from None
    except Malformed:
        raise _Refused(NO_HTTP) from None
    if status != 200:
        raise _Refused(refused(status))
