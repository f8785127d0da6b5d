"""Connections of the async transport: every address, the proxy's CONNECT and TLS count against one moment (B1, B2)."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable, Iterable

from twirpkit.transports._net.address_race import Address, AddressRace, numeric_addresses
from twirpkit.transports._net.async_connection import AsyncConnection, Owner
from twirpkit.transports._net.connect_failures import (
    CONNECTION_CLOSED,
    ConnectError,
    connect_timed_out,
    deadline_passed,
    earliest,
    not_connected,
)
from twirpkit.transports._net.connection_pool import expiry
from twirpkit.transports._net.route import Route
from twirpkit.transports.base import TransportFailure

__all__ = ["Lookup", "connect", "open_socket"]

Lookup = Callable[[str, int], Awaitable[list[Address]]]
"""Gives the addresses of a name."""


async def connect(
    route: Route,
    owner: Owner,
    lookup: Lookup,
    limits: set[asyncio.Timeout],
    *,
    deadline: float | None,
    connect_deadline: float | None,
) -> AsyncConnection | TransportFailure:
    """Return a connection over which requests can go to an origin.

    Args:
        route: The way to the origin.
        owner: The pool that it will belong to.
        lookup: Gives the addresses of a name.
        limits: Those that are under way: to reschedule one ends its connection earlier.
        deadline: The deadline of the request.
        connect_deadline: The moment by which the connection must be made, where that is earlier.
    """
    until = earliest(deadline, connect_deadline)
    if deadline_passed(until):
        return connect_timed_out(route.place, deadline, until)
    limit = asyncio.timeout(None if until is None else until - time.monotonic())
    limits.add(limit)
    try:
        async with limit:
            connection = await _connect(route, owner, lookup)
    except ConnectError as error:
        return not_connected(route.place, error)
    except OSError as error:
        if limit.expired() or deadline_passed(until):  # a resolver that says no too late does not give the reason
            return connect_timed_out(route.place, deadline, until)
        return not_connected(route.place, error)
    finally:
        limits.discard(limit)
    if connection.ended:
        return connection.refusal or not_connected(route.place, CONNECTION_CLOSED)
    connection.expires = expiry(time.monotonic())
    return connection


async def _connect(route: Route, owner: Owner, lookup: Lookup) -> AsyncConnection:
    context = route.context() if route.encrypted else None
    name, port = route.peer
    sock = await open_socket(numeric_addresses(name, port) or await lookup(name, port))
    try:
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: AsyncConnection(sock, route, owner), sock=sock
        )
    except BaseException:
        sock.close()
        raise
    try:
        if context is not None:
            if route.proxy is not None:
                await connection.open_tunnel(route, route.proxy)
            await connection.shake_hands(context, route.target.name)
    except BaseException:
        connection.close()
        raise
    return connection


async def open_socket(addresses: Iterable[Address]) -> socket.socket:
    """Connect to the first of a name's addresses that takes us. Raises OSError, ConnectError."""
    race = AddressRace(addresses)
    attempts: list[asyncio.Task[socket.socket]] = []
    failure: OSError | None = None
    try:
        while True:
            now = time.monotonic()
            address = race.start(now)
            if address is not None:
                if race.next_start is None and not attempts:
                    return await _attempt(address)  # there is no other address, so there is no race
                attempts.append(asyncio.create_task(_attempt(address)))
                continue
            if not attempts:
                assert failure is not None  # noqa: S101  # nobody is left, so somebody has failed
                raise failure
            pause = None if race.next_start is None else max(0.0, race.next_start - now)
            await asyncio.wait(attempts, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
            for attempt in [attempt for attempt in attempts if attempt.done()]:
                attempts.remove(attempt)
                try:
                    return attempt.result()
                except OSError as error:
                    failure = error
                    race.attempt_failed()
    finally:
        if attempts:
            await _give_up(attempts)


async def _give_up(attempts: Iterable[asyncio.Task[socket.socket]]) -> None:
    """End the attempts that lost, and close the sockets of those that connected nevertheless."""
    for attempt in attempts:
        attempt.cancel()
    for ended in await asyncio.gather(*attempts, return_exceptions=True):
        if isinstance(ended, socket.socket):
            ended.close()


async def _attempt(address: Address) -> socket.socket:
    family, kind, protocol, _, place = address
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, place)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
    except BaseException:
        sock.close()
        raise
    return sock
