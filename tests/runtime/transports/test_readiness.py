"""Waiting for sockets, with `select.poll` and without it."""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from twirpkit.transports._net import readiness
from twirpkit.transports._net.readiness import READ, WRITE, Poller, SelectPoller, new_poller


@pytest.fixture(params=[SelectPoller, new_poller], ids=["select", "poll"])
def poller(request: pytest.FixtureRequest) -> Poller:
    made: Poller = request.param()
    return made


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def events_of(poller: Poller, sock: socket.socket, timeout: float | None = 0.0) -> int:
    return dict(poller.poll(timeout)).get(sock.fileno(), 0)


def test_bytes_are_something_to_read(poller: Poller, pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    poller.register(ours.fileno(), READ)
    assert poller.poll(0) == []
    theirs.send(b"x")
    assert events_of(poller, ours) == READ
    assert events_of(poller, ours, None) == READ


def test_the_end_is_something_to_read(poller: Poller, pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    poller.register(ours.fileno(), READ)
    theirs.close()
    assert events_of(poller, ours) & READ


def test_what_is_waited_for_may_change(poller: Poller, pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    poller.register(ours.fileno(), READ)
    poller.modify(ours.fileno(), READ | WRITE)
    assert events_of(poller, ours) == WRITE
    theirs.send(b"x")
    assert events_of(poller, ours) == READ | WRITE
    poller.unregister(ours.fileno())
    assert not poller.poll(0)


def test_what_is_not_waited_for_is_not_seen(poller: Poller, pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    poller.register(ours.fileno(), WRITE)
    theirs.send(b"x")
    assert poller.poll(0) == [(ours.fileno(), WRITE)]


def test_several_at_once(poller: Poller, pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    poller.register(ours.fileno(), READ)
    poller.register(theirs.fileno(), READ)
    theirs.send(b"x")
    assert poller.poll(0) == [(ours.fileno(), READ)]
    ours.send(b"x")
    assert sorted(poller.poll(0)) == sorted([(ours.fileno(), READ), (theirs.fileno(), READ)])


def test_a_time_in_milliseconds(poller: Poller, pair: tuple[socket.socket, socket.socket]) -> None:
    poller.register(pair[0].fileno(), READ)
    before = time.monotonic()
    assert poller.poll(30.0) == []
    assert 0.029 < time.monotonic() - before < 20


def test_without_a_time_it_waits(poller: Poller, pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    poller.register(ours.fileno(), READ)
    later = threading.Timer(0.03, theirs.send, [b"x"])
    later.start()
    assert events_of(poller, ours, None) == READ
    later.join()


def test_a_connection_that_is_refused_is_seen(poller: Poller) -> None:
    with socket.socket() as held, socket.socket() as ours:
        held.bind(("127.0.0.1", 0))
        ours.setblocking(False)
        ours.connect_ex(held.getsockname())
        poller.register(ours.fileno(), WRITE)
        assert events_of(poller, ours, 5000.0)
        assert ours.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)


def test_which_one_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(new_poller(), SelectPoller) != hasattr(select, "poll")
    monkeypatch.delattr(readiness.select, "poll", raising=False)
    assert isinstance(new_poller(), SelectPoller)


def test_what_select_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """Milliseconds become its seconds; what is waited for to write may also fail."""
    given: list[object] = []

    def wait(*arguments: object) -> tuple[list[int], list[int], list[int]]:
        given.append(arguments)
        return [], [], []

    monkeypatch.setattr(readiness.select, "select", wait)
    poller = SelectPoller()
    poller.register(3, READ)
    poller.register(4, WRITE)
    for timeout in (2000.0, 0.0, None):
        assert poller.poll(timeout) == []
    assert given == [([3], [4], [4], seconds) for seconds in (2.0, 0.0, None)]
