"""Sync calls that are hit by signals whose handler raises, from their first line to their last (rule B5)."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

from echoing import echoing
from worlds import make_request

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
    with echoing(encrypted) as url:
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

    with echoing() as url:
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


if __name__ == "__main__":
    signal.signal(signal.SIGALRM, wake)
    if sys.argv[1] == "threads":
        among_threads()
    else:
        alone(sys.argv[1] == "TLS")
    print("well")
