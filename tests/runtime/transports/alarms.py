"""Sync calls that are hit by signals whose handler raises, from their first line to their last (rule B5)."""

from __future__ import annotations

import functools
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from echo_process import echo_process
from worlds import make_request

from twirpkit.transports import sync_sockets
from twirpkit.transports.sync_sockets import SocketTransport

PEM = Path(__file__).with_name("localhost.pem")
CALLS = 300


class Woken(BaseException):
    """What the handler raises."""


def wake(*_: object) -> None:
    """The handler."""
    raise Woken


def ask(transport: SocketTransport, url: str, what: str) -> None:
    """Ask, and see that the answer is the own."""
    got = transport.send(make_request(url, body=what.encode(), timeout=20))
    assert got.body == what.encode(), (got, what)


def hit_by(seconds: float, transport: SocketTransport, url: str, what: str) -> bool:
    """Ask, and be hit after some time; whether that came before the answer."""
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        ask(transport, url, what)
        signal.setitimer(signal.ITIMER_REAL, 0)
    except Woken:
        return True
    return False


def alone(encrypted: bool) -> None:
    """Each call is hit a little later than the one before; after each, the next gets its own answer."""
    with echo_process(encrypted) as url:
        transport = SocketTransport(tls=PEM)
        start = time.monotonic()
        for number in range(20):
            ask(transport, url, f"warm-{number}")
        usual = (time.monotonic() - start) / 20
        before = len(os.listdir("/dev/fd"))
        hits = 0
        for number in range(CALLS):
            hits += hit_by(1e-6 + usual * 1.5 * number / CALLS, transport, url, f"call-{number}")
            ask(transport, url, f"after-{number}")
        assert hits > CALLS / 30, hits
        assert len(os.listdir("/dev/fd")) <= before + 1
        transport.close()


def among_threads() -> None:
    """Signals reach the main thread alone; it shares its pool with the others."""
    stop = threading.Event()
    wrong: list[object] = []

    def run(who: int) -> None:
        number = 0
        while not stop.is_set():
            number += 1
            try:
                ask(transport, url, f"{who}-{number}")
            except BaseException as error:
                wrong.append(error)
                return

    with echo_process() as url:
        transport = SocketTransport()
        threads = [threading.Thread(target=run, args=(who,), daemon=True) for who in range(3)]
        for thread in threads:
            thread.start()
        hits = sum(hit_by(1e-5 * (number + 1), transport, url, "main") for number in range(CALLS))
        stop.set()
        for thread in threads:
            thread.join(20)
        assert not any(thread.is_alive() for thread in threads)
        transport.close()
    assert not wrong, wrong
    assert hits


def strike_at(number: int, action: Callable[[], None]) -> bool:
    """Run, and raise at the n-th line that the transport comes to; False if it ended before."""
    count = 0

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal count
        if "twirpkit" not in frame.f_code.co_filename:
            return None
        if event == "line":
            count += 1
            if count == number:
                raise Woken
        return trace

    sys.settrace(trace)
    try:
        action()
    except Woken:
        return True
    finally:
        sys.settrace(None)
    return count >= number


def at_every_line(encrypted: bool, *, kept: bool) -> None:
    """One connection at most: after each strike its slot is there again, and the next call gets its own answer."""
    with echo_process(encrypted) as url:
        transport = SocketTransport(tls=PEM, max_connections=1)
        ask(transport, url, "warm")
        [pool] = transport._pools.values()
        number, struck = 0, True
        while struck:
            number += 1
            if not kept:
                pool.close_idle()
            struck = strike_at(number, functools.partial(ask, transport, url, f"struck-{number}"))
            assert len(pool._free) + sum(map(len, pool._idle.values())) == 1, number
            ask(transport, url, f"after-{number}")
        assert number > 60, number
        transport.close()


def at_every_line_while_another_waits(*, reusable: bool) -> None:
    """Whatever line of giving a connection back is struck, the other thread gets it."""
    sync_sockets._LOOK_AGAIN = 0.05  # type: ignore[misc]  # seconds until one who was not told looks himself
    with echo_process() as url:
        transport = SocketTransport(max_connections=1)
        ask(transport, url, "warm")
        [pool] = transport._pools.values()
        number, struck = 0, True
        while struck:
            number += 1
            hold = sync_sockets._Hold(pool)
            hold.held, hold.reusable = pool.take(url, time.monotonic()), reusable
            waiter = threading.Thread(target=ask, args=(transport, url, f"waiting-{number}"), daemon=True)
            waiter.start()
            while not pool._waiters:
                time.sleep(0.0005)
            struck = strike_at(number, hold.end)
            del hold
            waiter.join(10)
            assert not waiter.is_alive(), number
            ask(transport, url, f"after-{number}")
        assert number > 10, number
        transport.close()


if __name__ == "__main__":
    signal.signal(signal.SIGALRM, wake)
    scenes: dict[str, Callable[[], None]] = {
        "plain": lambda: alone(False),
        "TLS": lambda: alone(True),
        "threads": among_threads,
        "every line": lambda: at_every_line(False, kept=True),
        "every line, TLS": lambda: at_every_line(True, kept=True),
        "every line, new connection": lambda: at_every_line(False, kept=False),
        "every line, another waits": lambda: at_every_line_while_another_waits(reusable=True),
        "every line, another waits for a slot": lambda: at_every_line_while_another_waits(reusable=False),
    }
    scenes[sys.argv[1]]()
    print("well")
