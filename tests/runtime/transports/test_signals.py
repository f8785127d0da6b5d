"""An exception of a signal handler, at any point of a sync call (rule B5): nothing half-read, nothing held, no hang."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from echo import echoing
from scenes import full_backlog
from wire import Answer, http, serve
from worlds import TOKEN, make_request

from twirpkit.transport import TransportFailure
from twirpkit.transports.requests import RequestsTransport

PEM = Path(__file__).with_name("localhost.pem")
CALLS = 300
pytestmark = [
    pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there is no timer here"),
    # A socket that Python has made and not yet given a name closes with this word when the signal comes right then.
    pytest.mark.filterwarnings("ignore:unclosed <(ssl.SSLS|socket.s)ocket:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


class Woken(BaseException):
    """What the handler raises."""


Alarm = Callable[[type[BaseException]], None]


@pytest.fixture
def alarm() -> Iterator[Alarm]:
    """Has the handler raise."""

    def raising(kind: type[BaseException]) -> None:
        def wake(*_: object) -> None:
            raise kind

        signal.signal(signal.SIGALRM, wake)

    before = signal.getsignal(signal.SIGALRM)
    yield raising
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "TLS"])
def test_at_many_points(alarm: Alarm, encrypted: bool) -> None:
    """Each call is hit a little later than the one before, from its first line to its last; each answer is its own."""
    alarm(Woken)
    transport = RequestsTransport(tls=PEM)
    hit = 0
    with echoing(encrypted) as url:
        start = time.monotonic()
        for number in range(20):
            transport.send(make_request(url, body=b"warm-%d" % number))
        usual = (time.monotonic() - start) / 20
        before = len(os.listdir("/dev/fd"))
        for number in range(CALLS):
            body = b"call-%d" % number
            try:
                signal.setitimer(signal.ITIMER_REAL, 1e-6 + usual * 1.5 * number / CALLS)
                assert transport.send(make_request(url, body=body)).body == body
                signal.setitimer(signal.ITIMER_REAL, 0)
            except Woken:
                hit += 1
            signal.setitimer(signal.ITIMER_REAL, 0)
            assert transport.send(make_request(url, body=b"after")).body == b"after"
        assert len(os.listdir("/dev/fd")) <= before + 1
    transport.close()
    assert hit > CALLS / 10


def test_while_connecting(alarm: Alarm) -> None:
    alarm(Woken)
    transport = RequestsTransport(tls=PEM)
    with full_backlog() as url:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(Woken):
            transport.send(make_request(url))
    with serve(Answer(b"", "hold")) as server:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(Woken):
            transport.send(make_request(server.url.replace("http:", "https:")))
        assert server.gone.acquire(timeout=5)
    transport.close()


HELD = {
    "no answer": b"",
    "half a header": b"HTTP/1.1 200 OK\r\n",
    "half a body": http(b"hello")[:-2],
    "half an error's": http(b"hello", status="500 No")[:-2],
}


@pytest.mark.parametrize("kind", [Woken, KeyboardInterrupt, ValueError, TimeoutError])
@pytest.mark.parametrize("timeout", [None, 5.0])
@pytest.mark.parametrize("name", HELD)
def test_while_waiting(alarm: Alarm, name: str, timeout: float | None, kind: type[BaseException]) -> None:
    """Also where what it raises looks like a timeout of ours."""
    alarm(kind)
    transport = RequestsTransport()
    with serve(Answer(HELD[name], "hold"), http(b"next")) as server:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(kind) as caught:
            transport.send(make_request(server.url, timeout=timeout))
        assert type(caught.value) is kind
        assert server.gone.acquire(timeout=5)
        assert transport.send(make_request(server.url)).body == b"next"
        assert server.connections == 2
    transport.close()
    report = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    own = [frame for frame in report.stack if "twirpkit" in frame.filename]
    assert own
    for frame in own:
        assert TOKEN not in repr(frame.locals), frame


def test_a_timeout_of_a_handler_while_connecting(alarm: Alarm) -> None:
    alarm(TimeoutError)
    transport = RequestsTransport()
    for timeout in (None, 5.0):
        with full_backlog() as url:
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            with pytest.raises(TimeoutError) as caught:
                transport.send(make_request(url, timeout=timeout))
            assert not isinstance(caught.value, TransportFailure)
    transport.close()


def test_while_sending(alarm: Alarm) -> None:
    alarm(Woken)
    transport = RequestsTransport()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(Woken) as caught:
            transport.send(make_request(url, body=bytes(12_000_000)))
    transport.close()
    report = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert TOKEN not in "".join(repr(frame.locals) for frame in report.stack if "twirpkit" in frame.filename)


def test_other_threads_go_on(alarm: Alarm) -> None:
    """Signals reach the main thread alone; it shares the pool with the others."""
    alarm(Woken)
    transport = RequestsTransport()
    stop = threading.Event()
    wrong: list[object] = []

    def run(who: int) -> None:
        number = 0
        while not stop.is_set():
            body = b"%d-%d" % (who, number := number + 1)
            try:
                got = transport.send(make_request(url, body=body)).body
            except Exception as error:
                wrong.append(error)
                return
            if got != body:
                wrong.append((got, body))

    with echoing() as url:
        threads = [threading.Thread(target=run, args=(who,)) for who in range(3)]
        for thread in threads:
            thread.start()
        for number in range(100):
            try:
                signal.setitimer(signal.ITIMER_REAL, 1e-5 * (number + 1))
                transport.send(make_request(url, body=b"main"))
                signal.setitimer(signal.ITIMER_REAL, 0)
            except Woken:
                continue
        signal.setitimer(signal.ITIMER_REAL, 0)
        stop.set()
        for thread in threads:
            thread.join(10)
        assert not any(thread.is_alive() for thread in threads)
    transport.close()
    assert not wrong
