"""A name with several addresses: the first that connects wins, and a silent one costs 250 ms (rule B1)."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from byte_server import Canned, http, serve
from unreachable_addresses import full_backlog
from worlds import WORLDS, AsyncWorld, World, make_request

from twirpkit.transports._net import async_connect, readiness, sync_connect
from twirpkit.transports._net.address_race import (
    ATTEMPT_DELAY,
    AddressRace,
    interleave_families,
    look_up,
    numeric_addresses,
)
from twirpkit.transports._net.async_connect import open_socket as open_async
from twirpkit.transports._net.connect_failures import ConnectError
from twirpkit.transports._net.readiness import SelectPoller
from twirpkit.transports._net.sync_connect import open_socket
from twirpkit.transports._net.sync_connection import TimePassed

pytestmark = pytest.mark.slow  # many that wait: half a second each, for an address that is silent

FOUR, SIX = socket.AF_INET, socket.AF_INET6


def address(port: int, family: int = FOUR, host: str = "127.0.0.1") -> Any:
    return (family, socket.SOCK_STREAM, 0, "", (host, port) if family == FOUR else (host, port, 0, 0))


# Decisions


def test_families_take_turns() -> None:
    """Beginning with the resolver's first choice, and in its order."""
    sixes = [address(number, SIX) for number in range(3)]
    fours = [address(number) for number in range(2)]
    assert interleave_families([*sixes, *fours]) == [sixes[0], fours[0], sixes[1], fours[1], sixes[2]]
    assert interleave_families([fours[0], *sixes, fours[1]]) == [fours[0], sixes[0], fours[1], sixes[1], sixes[2]]
    assert interleave_families([]) == []


def test_the_next_starts_after_a_delay() -> None:
    first, second, third = (address(number) for number in range(3))
    race = AddressRace([first, second, third])
    assert race.next_start == 0.0
    assert race.start(100.0) is first
    assert race.next_start == 100.0 + ATTEMPT_DELAY
    assert race.start(100.0 + ATTEMPT_DELAY - 0.001) is None
    assert race.start(100.0 + ATTEMPT_DELAY) is second
    assert race.start(100.3) is None
    assert race.start(100.5) is third
    assert race.next_start is None
    assert race.start(200.0) is None


def test_after_a_failure_the_next_starts_at_once() -> None:
    first, second = address(1), address(2)
    race = AddressRace([first, second])
    assert race.start(100.0) is first
    race.attempt_failed()
    assert race.next_start == 0.0
    assert race.start(100.0) is second
    race.attempt_failed()
    assert race.next_start is None
    assert race.start(100.0) is None


def test_a_name_without_addresses() -> None:
    with pytest.raises(ConnectError, match=r"^the name has no address$"):
        AddressRace([])


def test_the_delay_is_the_recommended_one() -> None:
    assert ATTEMPT_DELAY == 0.25


@pytest.mark.parametrize(
    ("name", "found"),
    [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("localhost", None), ("1.2.3.4.5", None), ("a:b", None), ("1a", None)],
)
def test_an_address_needs_no_looking_up(name: str, found: str | None) -> None:
    addresses = numeric_addresses(name, 80)
    assert (addresses and addresses[0][4][:2]) == (found and (found, 80))


def test_a_name_goes_to_the_resolver_as_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *given, **options: asked.append((given, options)) or [])
    look_up("name.invalid", 80)
    numeric_addresses("::1", 80)
    assert asked == [
        ((b"name.invalid", 80), {"type": socket.SOCK_STREAM, "flags": 0}),
        ((b"::1", 80), {"type": socket.SOCK_STREAM, "flags": socket.AI_NUMERICHOST}),
    ]


# Both drivers


class Opening:
    """Opens sockets in one of the modes."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.world = WORLDS[name]()
        self.world.pause(0)  # the loop has its descriptors now

    def open(self, addresses: list[Any], timeout: float | None = 5.0) -> socket.socket:
        if isinstance(self.world, AsyncWorld):

            async def scene() -> socket.socket:
                async with asyncio.timeout(timeout):
                    return await open_async(addresses)

            return self.world.runner.run(scene())
        until = None if timeout is None else time.monotonic() + timeout
        connection = open_socket(addresses, until)
        sock = connection.sock.dup()
        connection.close()
        return sock


@pytest.fixture(params=WORLDS)
def opening(request: pytest.FixtureRequest) -> Iterator[Opening]:
    opening = Opening(request.param)
    yield opening
    opening.world.end()


@contextlib.contextmanager
def listening() -> Iterator[tuple[socket.socket, Any]]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener, address(listener.getsockname()[1])


@contextlib.contextmanager
def refusing() -> Iterator[Any]:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield address(held.getsockname()[1])


@contextlib.contextmanager
def hanging() -> Iterator[Any]:
    with full_backlog() as url:
        yield address(int(url.rpartition(":")[2]))


@pytest.mark.parametrize("timeout", [None, 5.0])
def test_the_next_address_is_tried(opening: Opening, timeout: float | None) -> None:
    with listening() as (listener, good), refusing() as bad:
        with opening.open([bad, bad, good, bad], timeout) as sock:
            assert sock.getpeername() == listener.getsockname()
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize("timeout", [None, 5.0])
def test_a_silent_address_costs_the_delay(opening: Opening, timeout: float | None) -> None:
    before = len(os.listdir("/dev/fd"))
    with listening() as (listener, good), hanging() as silent:
        started = time.monotonic()
        with opening.open([silent, silent, good, silent], timeout) as sock:
            assert sock.getpeername() == listener.getsockname()
        assert time.monotonic() - started > 2 * ATTEMPT_DELAY - 0.005
    assert len(os.listdir("/dev/fd")) <= before, "the attempts that lost are closed"


def test_one_that_hangs_is_not_given_up_for_one_that_fails(opening: Opening) -> None:
    """The attempts go on beside each other: it is the time that ends them, not the failure."""
    with refusing() as bad, hanging() as silent, pytest.raises(TimeoutError if opening.name != "sync" else TimePassed):
        opening.open([silent, bad], 0.5)


@pytest.mark.parametrize("count", [1, 3])
def test_the_time_of_all_is_limited(opening: Opening, count: int) -> None:
    before = len(os.listdir("/dev/fd"))
    with hanging() as silent:
        started = time.monotonic()
        with pytest.raises(TimeoutError if opening.name != "sync" else TimePassed):
            opening.open([silent] * count, 0.35)
        assert time.monotonic() - started > 0.34
    assert len(os.listdir("/dev/fd")) <= before


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("timeout", [None, 5.0])
def test_the_last_failure_is_the_reason(opening: Opening, count: int, timeout: float | None) -> None:
    with refusing() as bad, pytest.raises(ConnectionRefusedError) as caught:
        opening.open([bad] * count, timeout)
    assert caught.value.errno == errno.ECONNREFUSED
    if opening.name == "sync":  # the other loops add words of their own
        assert caught.value.strerror == os.strerror(errno.ECONNREFUSED)


@pytest.mark.parametrize(("until", "longest"), [(60.0, 60.0), (0.0005, 0.0005), (None, None), (60.0, ATTEMPT_DELAY)])
def test_how_long_the_sync_driver_waits_for_an_address(
    monkeypatch: pytest.MonkeyPatch, until: float | None, longest: float | None
) -> None:
    """Until the time is over, or the next address has its turn."""
    waits: list[float | None] = []

    class Waited(Exception):
        pass

    class Recording(SelectPoller):
        def poll(self, timeout: float | None, /) -> list[tuple[int, int]]:
            waits.append(timeout)
            raise Waited

    with hanging() as silent:
        addresses = [silent] * (2 if longest == ATTEMPT_DELAY else 1)
        now = time.monotonic()
        monkeypatch.setattr(time, "monotonic", lambda: now)
        monkeypatch.setattr(sync_connect, "new_poller", Recording)
        with pytest.raises(Waited):
            open_socket(addresses, None if until is None else now + until)
    assert waits == [longest if longest is None else pytest.approx(longest * 1000)]


def test_how_long_the_async_driver_waits_for_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until the next one has its turn; with the last one it is the caller's time that ends it."""
    now = 100.0
    waits: list[tuple[int, float | None, str]] = []

    class Waited(Exception):
        pass

    async def wait(attempts: list[object], *, timeout: float | None, return_when: str) -> None:
        nonlocal now
        waits.append((len(attempts), timeout, return_when))
        if timeout is None:
            raise Waited
        now += timeout

    with hanging() as silent:
        monkeypatch.setattr(async_connect, "time", SimpleNamespace(monotonic=lambda: now))
        monkeypatch.setattr(asyncio, "wait", wait)
        with pytest.raises(Waited):
            asyncio.run(open_async([silent, silent]))
    assert waits == [(1, ATTEMPT_DELAY, asyncio.FIRST_COMPLETED), (2, None, asyncio.FIRST_COMPLETED)]


def test_no_address_is_tried_once_the_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening() as (listener, good):
        now = time.monotonic()
        monkeypatch.setattr(time, "monotonic", lambda: now)
        with pytest.raises(TimePassed):
            open_socket([good], now)
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_without_select_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(readiness.select, "poll", raising=False)
    with listening() as (listener, good), refusing() as bad:
        connection = open_socket([bad, good], time.monotonic() + 5)
        assert connection.sock.getpeername() == listener.getsockname()
        connection.close()
        with pytest.raises(ConnectionRefusedError):
            open_socket([bad], time.monotonic() + 5)


def test_an_address_that_cannot_be_tried(opening: Opening) -> None:
    odd = (FOUR, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 0))
    impossible = (999, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 1))
    with listening() as (listener, good), opening.open([impossible, odd, good]) as sock:
        assert sock.getpeername() == listener.getsockname()
    with pytest.raises(OSError, match="family"):
        opening.open([impossible])


@pytest.mark.parametrize("ends", ["connected", "failed"])
def test_attempts_that_end_at_the_same_time(monkeypatch: pytest.MonkeyPatch, ends: str) -> None:
    """One wins, the other is closed; or both are the reason."""
    made = [socket.socket() for _ in range(2)]
    left = list(made)

    async def attempt(_: object) -> socket.socket:
        await asyncio.sleep(0.3 - 0.25 * (len(made) - len(left)))
        sock = left.pop(0)
        if ends == "failed":
            raise ConnectionRefusedError(errno.ECONNREFUSED, "refused")
        return sock

    async def both_at_once(tasks: Any, **_: Any) -> None:
        if len(tasks) == 2:
            await asyncio.gather(*tasks, return_exceptions=True)
        else:
            await asyncio.sleep(ATTEMPT_DELAY)

    monkeypatch.setattr(async_connect, "_attempt", attempt)
    monkeypatch.setattr(asyncio, "wait", both_at_once)
    if ends == "failed":
        with pytest.raises(ConnectionRefusedError):
            asyncio.run(open_async([address(1), address(2)]))
    else:
        won = asyncio.run(open_async([address(1), address(2)]))
        assert [sock.fileno() < 0 for sock in made].count(True) == 1
        won.close()
    for sock in made:
        sock.close()


@pytest.mark.parametrize("name", WORLDS)
def test_a_name_with_a_silent_and_a_good_address(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a first address never answers, each connection takes a little longer, and none fails."""
    made: World = WORLDS[name]()
    with serve(http(b"hi")) as server, hanging() as silent:
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [silent, address(server.port)])
        assert made.send("http://two.invalid/", timeout=5.0).body == b"hi"
        made.end()


@pytest.mark.parametrize("name", [name for name in WORLDS if name != "sync"])
def test_who_asks_for_a_name_at_the_same_time_shares_the_answer(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    world = WORLDS[name]()
    asked: list[object] = []

    def resolve(host: object, *_: object, **__: object) -> list[Any]:
        asked.append(host)
        time.sleep(0.05)
        if host == b"bad.invalid":
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return [address(server.port)]

    async def scene(host: str) -> list[Any]:
        sends = [world.transport.send(make_request(f"http://{host}/")) for _ in range(4)]
        return await asyncio.gather(*sends)  # type: ignore[arg-type]  # of the async transport

    assert isinstance(world, AsyncWorld)
    with serve(*[http(b"hi")] * 4) as server:
        with monkeypatch.context() as resolving:
            resolving.setattr(socket, "getaddrinfo", resolve)
            assert [each.body for each in world.runner.run(scene("good.invalid"))] == [b"hi"] * 4
            failed = world.runner.run(scene("bad.invalid"))
        assert [each.reason for each in failed] == ["could not connect to bad.invalid: unknown"] * 4
    world.end()
    assert asked == [b"good.invalid", b"bad.invalid"]


@pytest.mark.parametrize("name", ["async", "uvloop"])
def test_each_name_is_looked_up_by_itself_and_anew(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two names at the same time have their own addresses, and those of the past are not used again."""
    world = WORLDS[name]()
    asked: list[object] = []
    ports: dict[object, int] = {}

    def resolve(host: object, *_: object, **__: object) -> list[Any]:
        asked.append(host)
        time.sleep(0.02)
        return [address(ports[host])]

    async def scene(*hosts: str) -> list[Any]:
        sends = [world.transport.send(make_request(f"http://{host}/")) for host in hosts]
        return await asyncio.gather(*sends)  # type: ignore[arg-type]  # of the async transport

    assert isinstance(world, AsyncWorld)
    with serve(Canned(http(b"one"), "close"), http(b"three")) as first, serve(http(b"two")) as second:
        ports |= {b"one.invalid": first.port, b"two.invalid": second.port}
        with monkeypatch.context() as resolving:
            resolving.setattr(socket, "getaddrinfo", resolve)
            assert [each.body for each in world.runner.run(scene("one.invalid", "two.invalid"))] == [b"one", b"two"]
            assert [each.body for each in world.runner.run(scene("one.invalid"))] == [b"three"]
        world.end()
    assert sorted(map(str, asked)) == ["b'one.invalid'", "b'one.invalid'", "b'two.invalid'"]
