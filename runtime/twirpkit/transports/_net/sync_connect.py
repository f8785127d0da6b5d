"""Connections of the sync transport: every address, the proxy's CONNECT and TLS count against one moment (B1, B2)."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import ssl
import time
from collections.abc import Iterable
from typing import Final

from twirpkit._http1.head import BadResponse
from twirpkit._http1.request import encode_connect
from twirpkit._http1.response import ConnectParser
from twirpkit.transports._net.address_race import Address, AddressRace, look_up, numeric_addresses
from twirpkit.transports._net.connect_failures import (
    CONNECTION_CLOSED,
    ConnectError,
    connect_timed_out,
    deadline_passed,
    earliest,
    not_connected,
)
from twirpkit.transports._net.connection_pool import expiry
from twirpkit.transports._net.proxy import NO_HTTP, Proxy, refusal
from twirpkit.transports._net.readiness import WRITE, new_poller
from twirpkit.transports._net.route import Route
from twirpkit.transports._net.sync_connection import SyncConnection, TimePassed
from twirpkit.transports._net.tls_layer import TlsLayer
from twirpkit.transports.base import TransportFailure

__all__ = ["connect", "open_socket"]

_READ_SIZE: Final = 1 << 16
_STARTED: Final = frozenset((0, errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EAGAIN, errno.EINTR))


def connect(route: Route, deadline: float | None, connect_deadline: float | None) -> SyncConnection | TransportFailure:
    """Return a connection over which requests can go to an origin.

    Args:
        route: The way to the origin.
        deadline: The deadline of the request.
        connect_deadline: The moment by which the connection must be made, where that is earlier.
    """
    until = earliest(deadline, connect_deadline)
    try:
        connection = _connect(route, until)
    except TimePassed:
        return connect_timed_out(route.place, deadline, until)
    except ConnectError as error:
        return not_connected(route.place, error)
    except OSError as error:
        if error.errno is None:
            raise  # a signal handler's own
        if deadline_passed(until):  # also where a resolver, which nothing interrupts, says no too late
            return connect_timed_out(route.place, deadline, until)
        return not_connected(route.place, error)
    connection.origin = route.target.origin
    connection.place = route.place
    connection.expires = expiry(time.monotonic())
    return connection


def _connect(route: Route, until: float | None) -> SyncConnection:
    if deadline_passed(until):  # a resolver could not be interrupted
        raise TimePassed
    context = route.context() if route.encrypted else None
    name, port = route.peer
    addresses = numeric_addresses(name, port) or look_up(name, port)
    connection = open_socket(addresses, until)
    try:
        if context is not None:
            if route.proxy is not None:
                _open_tunnel(connection, route, route.proxy, until)
            _shake_hands(connection, TlsLayer(context, route.target.name), until)
    except OSError as error:
        connection.close()
        if isinstance(error, ConnectionError) and error.errno is not None:
            raise ConnectError(CONNECTION_CLOSED) from None
        raise
    except BaseException:
        connection.close()
        raise
    return connection


def open_socket(addresses: Iterable[Address], until: float | None) -> SyncConnection:
    """Connect to the first of a name's addresses that takes us. Raises OSError, ConnectError, `TimePassed`."""
    race = AddressRace(addresses)
    poller = new_poller()
    pending: dict[int, SyncConnection] = {}
    failure: OSError | None = None
    try:
        while True:
            now = time.monotonic()
            if until is not None and now >= until:
                raise TimePassed
            address = race.start(now)
            if address is not None:
                try:
                    connection = _start(address)
                except OSError as error:
                    if error.errno is None:
                        raise  # a signal handler's own
                    failure = error
                    race.attempt_failed()
                else:
                    pending[connection.sock.fileno()] = connection
                    poller.register(connection.sock.fileno(), WRITE)
                continue
            if not pending and race.next_start is None:
                assert failure is not None  # noqa: S101  # nobody is left, so somebody has failed
                raise failure
            moment = earliest(until, race.next_start)
            for descriptor, _ in poller.poll(None if moment is None else max(0.0, (moment - now) * 1000)):
                poller.unregister(descriptor)
                connection = pending.pop(descriptor)
                number = connection.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if number == 0:
                    connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
                    return connection
                connection.close()
                failure = _os_error(number)
                race.attempt_failed()
    finally:
        for connection in pending.values():
            connection.close()


def _start(address: Address) -> SyncConnection:
    family, kind, protocol, _, place = address
    connection = SyncConnection(socket.socket(family, kind, protocol))
    number = connection.sock.connect_ex(place)
    if number not in _STARTED:
        connection.close()
        raise _os_error(number)
    return connection


def _os_error(number: int) -> OSError:
    return OSError(number, os.strerror(number))


def _open_tunnel(connection: SyncConnection, route: Route, proxy: Proxy, until: float | None) -> None:
    """Have the proxy connect us to the target."""
    connection.send_all(memoryview(encode_connect(route.target, proxy.authorization)), until)
    parser = ConnectParser()
    status = None
    while status is None:
        received = connection.receive(_READ_SIZE, until)
        if not received:
            raise ConnectError(CONNECTION_CLOSED)
        try:
            status = parser.feed(received)
        except BadResponse:
            raise ConnectError(NO_HTTP) from None
    if status != 200:
        raise refusal(status)


def _shake_hands(connection: SyncConnection, tls: TlsLayer, until: float | None) -> None:
    """Make the connection a TLS connection."""
    done = tls.handshake()
    connection.send_all(memoryview(tls.output()), until)
    while not done:
        received = connection.receive(_READ_SIZE, until)
        if not received:
            raise ConnectError(f"{CONNECTION_CLOSED} during the TLS handshake")
        try:
            done = tls.handshake(received)
        except ssl.SSLError:
            with contextlib.suppress(OSError):
                connection.sock.send(tls.output())  # the alert, if there is room for it
            raise
        connection.send_all(memoryview(tls.output()), until)
    connection.tls = tls
