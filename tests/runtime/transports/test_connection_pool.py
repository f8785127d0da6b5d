"""The pool of a client: slots, idle connections, and who waits (rules B5, C7, F1)."""

from __future__ import annotations

import gc
import threading
import weakref
from collections import deque
from typing import Any

import pytest

from twirpkit.transports._net import connection_pool
from twirpkit.transports._net.connection_pool import (
    IDLE,
    MAX_AGE,
    MAX_CONNECTIONS,
    ConnectionPool,
    Slot,
    Ticket,
    check_max_connections,
    expiry,
)

HERE, THERE = "http://here", "http://there"


class Fake:
    """A connection."""

    def __init__(self, origin: str = HERE, slot: Slot | None = None, *, expires: float = 1e9) -> None:
        self.origin = origin
        self.slot = slot
        self.idle_since = 0.0
        self.served = False
        self.expires = expires
        self.quiet = True
        self.closed = False

    def is_quiet(self) -> bool:
        return self.quiet

    def close(self) -> None:
        self.closed = True


class Waiting(Ticket[Fake]):
    """A waiter that notes what it is given."""

    def __init__(self, origin: str = HERE, *, force_new: bool = False) -> None:
        self.grants: deque[Any] = deque()
        super().__init__(origin, force_new=force_new, put=self.grants.append)

    def get_now(self) -> Any:
        return self.grants.popleft() if self.grants else None


def take_slot(pool: ConnectionPool[Fake], origin: str = HERE, now: float = 0.0) -> Slot:
    slot = pool.take(origin, now)
    assert isinstance(slot, Slot)
    return slot


def connected(pool: ConnectionPool[Fake], origin: str = HERE, **options: Any) -> Fake:
    return Fake(origin, take_slot(pool, origin), **options)


def free(pool: ConnectionPool[Fake]) -> int:
    return len(pool._free)


def test_there_are_as_many_slots_as_the_limit() -> None:
    pool: ConnectionPool[Fake] = ConnectionPool(2)
    first, second = take_slot(pool), take_slot(pool)
    assert pool.take(HERE, 0.0) is None
    pool.put_back(first)
    assert pool.take(HERE, 0.0) is first
    assert second() is pool


def test_a_slot_that_is_dropped_goes_back() -> None:
    pool: ConnectionPool[Fake] = ConnectionPool(1)
    for _ in range(3):
        slot = take_slot(pool)
        assert free(pool) == 0
        del slot
        assert free(pool) == 1


@pytest.mark.parametrize("made", [0, 1, 2])
def test_a_signal_while_the_slots_are_made_leaves_a_pool_in_order(made: int, monkeypatch: pytest.MonkeyPatch) -> None:
    pools: list[ConnectionPool[Fake]] = []

    class Interrupted(Slot):
        def __init__(self, pool: ConnectionPool[Fake]) -> None:
            if not pools and made == len(pool._free):
                pools.append(pool)
                raise KeyboardInterrupt  # this slot is dropped, and another one goes back in its place

    monkeypatch.setattr(connection_pool, "Slot", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        ConnectionPool[Fake](3)

    assert free(pools[0]) == made + 1


def test_a_connection_that_is_dropped_gives_its_slot_back() -> None:
    pool: ConnectionPool[Fake] = ConnectionPool(1)
    connection = connected(pool)
    assert free(pool) == 0
    del connection
    assert free(pool) == 1


def test_a_pool_ends_with_its_last_reference() -> None:
    """Idle connections, slots in use and waiters make no cycle."""
    gc.disable()
    try:
        pool: ConnectionPool[Fake] = ConnectionPool(3)
        kept, used = connected(pool), connected(pool)
        pool.keep(kept, 1.0)
        ticket = Waiting()
        pool.wait(ticket)
        gone, kept_gone = weakref.ref(pool), weakref.ref(kept)
        del kept, ticket
        del pool
        assert gone() is None
        assert kept_gone() is None
        assert used.slot is not None
        assert used.slot() is None
    finally:
        gc.enable()


def test_the_last_used_comes_first() -> None:
    pool: ConnectionPool[Fake] = ConnectionPool(9)
    made = [connected(pool) for _ in range(3)]
    for number, connection in enumerate(made):
        pool.keep(connection, float(number) / 10)
    assert [connection.served for connection in made] == [True] * 3
    assert [pool.take(HERE, 1.0) for _ in range(3)] == made[::-1]


def test_a_kept_connection_serves_its_origin_only() -> None:
    pool: ConnectionPool[Fake] = ConnectionPool(9)
    connection = connected(pool)
    pool.keep(connection, 0.0)
    assert isinstance(pool.take(THERE, 0.0), Slot)
    assert pool.take(HERE, 0.0) is connection


def test_a_request_that_wants_a_new_one_gets_a_slot() -> None:
    pool: ConnectionPool[Fake] = ConnectionPool(2)
    connection = connected(pool)
    pool.keep(connection, 0.0)
    assert isinstance(pool.take(HERE, 0.0, force_new=True), Slot)
    assert not connection.closed


@pytest.mark.parametrize(
    ("idle", "expires", "quiet", "usable"),
    [
        (IDLE - 0.01, 1e9, True, True),
        (IDLE, 1e9, True, False),
        (IDLE + 1, 1e9, True, False),
        (1.0, 1.01, True, True),
        (1.0, 1.0, True, False),
        (1.0, 0.5, True, False),
        (1.0, 1e9, False, False),
    ],
)
def test_what_may_be_used_again(idle: float, expires: float, quiet: bool, usable: bool) -> None:
    pool: ConnectionPool[Fake] = ConnectionPool(1)
    connection = connected(pool, expires=expires)
    connection.quiet = quiet
    pool.keep(connection, 0.0)
    assert pool.is_usable(connection, idle) == usable
    taken = pool.take(HERE, idle)
    assert (taken is connection) == usable
    assert isinstance(taken, Slot) != usable
    assert connection.closed != usable


def test_those_that_may_not_are_passed_over() -> None:
    pool: ConnectionPool[Fake] = ConnectionPool(3)
    made = [connected(pool) for _ in range(3)]
    for connection in made:
        pool.keep(connection, 0.0)
    made[2].quiet = made[1].quiet = False
    assert pool.take(HERE, 0.0) is made[0]
    assert [connection.closed for connection in made] == [False, True, True]
    assert free(pool) == 2


def test_the_expired_are_dropped() -> None:
    pool: ConnectionPool[Fake] = ConnectionPool(9)
    made = [connected(pool), connected(pool), connected(pool, THERE), connected(pool, expires=5.0)]
    for number, connection in enumerate(made):
        pool.keep(connection, float(number))
    assert pool.drop_expired(IDLE + 1.5)
    assert [connection.closed for connection in made] == [True, True, False, True]
    assert free(pool) == 8
    assert pool.drop_expired(IDLE + 1.9)
    assert not pool.drop_expired(IDLE + 2)
    assert made[2].closed
    assert free(pool) == 9


def test_of_those_of_one_origin_the_oldest_expires_first() -> None:
    pool: ConnectionPool[Fake] = ConnectionPool(2)
    old, new = connected(pool), connected(pool)
    pool.keep(old, 0.0)
    pool.keep(new, 3.0)
    assert pool.drop_expired(IDLE + 0.5) is True
    assert (old.closed, new.closed) == (True, False)
    assert pool.take(HERE, 4.5) is new
    assert pool.drop_expired(99.0) is False


def test_an_idle_connection_makes_room_for_another_origin() -> None:
    pool: ConnectionPool[Fake] = ConnectionPool(2)
    idle, used = connected(pool, THERE), connected(pool)
    slot = idle.slot
    pool.keep(idle, 0.0)
    assert pool.take(HERE, 0.0) is slot
    assert (idle.closed, idle.slot) == (True, None)
    assert not used.closed
    assert pool.take(HERE, 0.0) is None
    pool.release(idle)
    assert free(pool) == 0, "its slot has another holder"


def test_an_idle_connection_that_ended_itself_frees_its_slot_once() -> None:
    pool: ConnectionPool[Fake] = ConnectionPool(1)
    connection = connected(pool)
    assert not pool.lost(connection), "it is in use"
    pool.keep(connection, 0.0)
    assert pool.lost(connection)
    assert not pool.lost(connection)
    pool.discard(connection)
    pool.discard(connection)
    assert free(pool) == 1


def test_evicting_passes_over_one_that_lost_its_slot() -> None:
    pool: ConnectionPool[Fake] = ConnectionPool(2)
    lost, other = connected(pool), connected(pool)
    for connection in (lost, other):
        pool.keep(connection, 0.0)
    lost.slot = None
    assert isinstance(pool.evict(), Slot)
    assert (lost.closed, other.closed) == (True, True)
    assert pool.evict() is None


# Waiting


def test_a_connection_that_comes_back_goes_to_the_first_that_waits() -> None:
    pool: ConnectionPool[Fake] = ConnectionPool(1)
    connection = connected(pool)
    tickets = [Waiting(), Waiting()]
    for ticket in tickets:
        pool.wait(ticket)
    pool.keep(connection, 1.0)
    assert [list(ticket.grants) for ticket in tickets] == [[connection], []]
    assert pool.take(HERE, 1.0) is None


def test_a_newcomer_does_not_overtake() -> None:
    pool: ConnectionPool[Fake] = ConnectionPool(1)
    connection = connected(pool)
    ticket = Waiting()
    pool.wait(ticket)
    assert pool.take(HERE, 0.0) is None
    pool.discard(connection)
    assert len(ticket.grants) == 1
    assert pool.take(HERE, 0.0) is None


def test_a_slot_that_comes_back_goes_to_one_that_waits() -> None:
    pool: ConnectionPool[Fake] = ConnectionPool(1)
    slot = take_slot(pool)
    ticket = Waiting()
    pool.wait(ticket)
    pool.put_back(slot)
    assert list(ticket.grants) == [slot]


def test_a_slot_that_is_dropped_goes_to_one_that_waits() -> None:
    pool: ConnectionPool[Fake] = ConnectionPool(1)
    slot = take_slot(pool)
    ticket = Waiting()
    pool.wait(ticket)
    del slot
    assert isinstance(ticket.grants[0], Slot)


def test_who_waits_for_another_origin_gets_the_slot() -> None:
    pool: ConnectionPool[Fake] = ConnectionPool(1)
    connection = connected(pool, THERE)
    ticket = Waiting(HERE)
    pool.wait(ticket)
    pool.keep(connection, 0.0)
    assert connection.closed
    assert isinstance(ticket.grants[0], Slot)


def test_who_wants_a_new_connection_gets_the_slot_of_a_kept_one() -> None:
    pool: ConnectionPool[Fake] = ConnectionPool(1)
    connection = connected(pool)
    ticket = Waiting(force_new=True)
    pool.wait(ticket)
    pool.keep(connection, 0.0)
    assert connection.closed
    assert isinstance(ticket.grants[0], Slot)


def test_one_whose_turn_had_come_goes_first() -> None:
    pool: ConnectionPool[Fake] = ConnectionPool(1)
    slot = take_slot(pool)
    later, first = Waiting(), Waiting()
    pool.wait(later)
    pool.wait(first, first=True)
    pool.put_back(slot)
    assert (len(later.grants), len(first.grants)) == (0, 1)


def test_who_waits_is_served_at_once_if_something_came_meanwhile() -> None:
    """Between the look and the wait, in another thread."""
    pool: ConnectionPool[Fake] = ConnectionPool(1)
    ticket = Waiting()
    pool.wait(ticket)
    assert isinstance(ticket.grants[0], Slot)
    assert not pool._waiters


def test_a_ticket_that_is_dropped_is_passed_over() -> None:
    pool: ConnectionPool[Fake] = ConnectionPool(1)
    slot = take_slot(pool)
    dropped, waiting = Waiting(), Waiting()
    pool.wait(dropped)
    pool.wait(waiting)
    del dropped
    pool.put_back(slot)
    assert len(waiting.grants) == 1


def test_a_wait_that_ended_is_passed_over() -> None:
    pool: ConnectionPool[Fake] = ConnectionPool(1)
    slot = take_slot(pool)
    ended, waiting = Waiting(), Waiting()
    pool.wait(ended)
    pool.wait(waiting)
    pool.end_wait(ended)
    pool.put_back(slot)
    assert (len(ended.grants), len(waiting.grants)) == (0, 1)


def test_what_a_wait_was_given_and_did_not_take_goes_back() -> None:
    pool: ConnectionPool[Fake] = ConnectionPool(2)
    connection, slot = connected(pool), take_slot(pool)
    first, second = Waiting(), Waiting()
    pool.wait(first)
    pool.wait(second)
    pool.keep(connection, 2.0)
    pool.put_back(slot)
    assert (len(first.grants), len(second.grants)) == (1, 1)
    pool.end_wait(first)
    pool.end_wait(second)
    assert free(pool) == 1
    assert pool.take(HERE, 2.0) is connection
    assert connection.idle_since == 2.0, "it did not become younger"


def test_what_comes_after_the_end_of_a_wait_goes_back() -> None:
    """Another thread had looked for whom to serve before the wait ended."""
    pool: ConnectionPool[Fake] = ConnectionPool(1)
    slot = take_slot(pool)
    ticket = Waiting()
    pool.wait(ticket)
    put = ticket.put

    def end_first(grant: Any) -> None:
        pool.end_wait(ticket)
        put(grant)

    ticket.put = end_first
    pool.put_back(slot)
    assert not ticket.grants
    assert free(pool) == 1


@pytest.mark.parametrize("step", ["before", "after"])
def test_an_exception_while_somebody_is_served_loses_nothing(step: str) -> None:
    class Woken(BaseException):
        pass

    pool: ConnectionPool[Fake] = ConnectionPool(1)
    slot = take_slot(pool)
    ticket = Waiting()
    pool.wait(ticket)
    put = ticket.put

    def wake(grant: Any) -> None:
        ticket.put = put
        if step == "after":
            put(grant)
        raise Woken

    ticket.put = wake
    with pytest.raises(Woken):
        pool.put_back(slot)
    del slot
    pool.look_again()
    assert len(ticket.grants) == 1
    pool.end_wait(ticket)
    assert free(pool) == 1


def test_a_waiter_that_another_thread_has_served_is_forgotten_once() -> None:
    pool: ConnectionPool[Fake] = ConnectionPool(1)
    pool._forget(weakref.ref(Waiting()))
    with pytest.raises(NotImplementedError):
        Ticket(HERE, force_new=False, put=print).get_now()


# Closing


def test_a_closed_pool_keeps_nothing() -> None:
    pool: ConnectionPool[Fake] = ConnectionPool(2)
    idle, used = connected(pool), connected(pool)
    pool.keep(idle, 0.0)
    pool.closed = True
    pool.close_idle()
    assert (idle.closed, used.closed) == (True, False)
    pool.keep(used, 0.0)
    assert used.closed
    assert free(pool) == 2


def test_a_closed_pool_serves_those_that_wait() -> None:
    pool: ConnectionPool[Fake] = ConnectionPool(1)
    connection = connected(pool)
    ticket = Waiting()
    pool.wait(ticket)
    pool.closed = True
    pool.keep(connection, 0.0)
    assert list(ticket.grants) == [connection]
    assert not connection.closed


# Descriptors


def test_a_slot_without_a_descriptor_counts_again_later() -> None:
    pool: ConnectionPool[Fake] = ConnectionPool(2)
    connection, slot = connected(pool), take_slot(pool)
    assert pool.retire(slot, 10.0)
    assert pool.take(HERE, 10.0) is None
    assert pool.take(HERE, 10.0 + connection_pool.RETIREMENT - 0.01) is None
    assert pool.take(HERE, 10.0 + connection_pool.RETIREMENT) is slot
    assert not connection.closed


def test_where_nobody_else_has_a_connection_it_is_not_waited_for() -> None:
    pool: ConnectionPool[Fake] = ConnectionPool(3)
    first, second = take_slot(pool), take_slot(pool)
    assert pool.retire(first, 0.0), "the other one may become a connection"
    assert not pool.retire(second, 0.0)
    assert free(pool) == 2
    assert isinstance(take_slot(pool), Slot)


def test_slots_count_again_in_their_order() -> None:
    pool: ConnectionPool[Fake] = ConnectionPool(3)
    used, first, second = connected(pool), take_slot(pool), take_slot(pool)
    pool.retire(first, 10.0)
    pool.retire(second, 12.0)
    assert pool.take(HERE, 15.9) is first
    assert pool.take(HERE, 15.9) is None
    assert pool.take(HERE, 16.0) is second
    assert used.slot is not None


# Threads


def test_threads_never_have_more_than_the_limit_and_lose_none() -> None:
    pool: ConnectionPool[Fake] = ConnectionPool(3)
    open_now, most = 0, 0
    counting = threading.Lock()

    def work(number: int) -> None:
        nonlocal open_now, most
        for step in range(300):
            origin = (HERE, THERE)[(number + step) % 2]
            grant = pool.take(origin, 0.0, force_new=step % 7 == 0)
            if grant is None:
                ticket = Waiting(origin, force_new=step % 7 == 0)
                woken = threading.Event()
                put = ticket.put
                ticket.put = lambda grant, put=put, woken=woken: (put(grant), woken.set())
                pool.wait(ticket)
                while not woken.wait(1.0):
                    pool.look_again()
                grant = ticket.get_now()
                pool.end_wait(ticket)
            connection = Fake(origin, grant) if isinstance(grant, Slot) else grant
            with counting:
                open_now += 1
                most = max(most, open_now)
            assert connection.origin == origin
            assert not connection.closed
            with counting:
                open_now -= 1
            if step % 3:
                pool.keep(connection, 0.0)
            else:
                pool.discard(connection)

    threads = [threading.Thread(target=work, args=(number,), daemon=True) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads)
    assert most <= 3
    pool.close_idle()
    assert free(pool) == 3
    assert not any(ref() for ref in pool._waiters)


# Numbers


def test_the_limit() -> None:
    assert check_max_connections(1) == 1
    assert MAX_CONNECTIONS == 256
    for wrong in (0, -1):
        with pytest.raises(ValueError, match=f"^max_connections must be at least 1, not {wrong}$"):
            check_max_connections(wrong)
    for kind in ("1", 1.0, True, None):
        with pytest.raises(TypeError, match=f"^max_connections must be an int, not {type(kind).__name__}$"):
            check_max_connections(kind)  # type: ignore[arg-type]  # the wrong type is the point


def test_connections_of_one_burst_do_not_end_together() -> None:
    ends = [expiry(1000.0) for _ in range(500)]
    assert 1000 + MAX_AGE * 0.8 < min(ends) < 1000 + MAX_AGE * 0.83
    assert 1000 + MAX_AGE * 0.97 < max(ends) <= 1000 + MAX_AGE
    assert MAX_AGE == 300
