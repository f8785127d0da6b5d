"""An exception of a signal handler, at any point of a sync call (rule B5): nothing half-read, nothing held, no hang."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
import traceback
from pathlib import Path

import pytest
from byte_server import Canned, http, serve
from signal_alarms import Alarm, Woken
from unreachable_addresses import full_backlog
from worlds import TOKEN, make_request

from twirpkit.transports._net.sync_connect import open_socket
from twirpkit.transports.sync_sockets import SocketTransport

HERE = Path(__file__).parent
PEM = HERE / "localhost.pem"
pytestmark = [
    pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there is no timer here"),
    # A socket that Python has made and not yet given a name closes with this word when the signal comes right then.
    pytest.mark.filterwarnings("ignore:unclosed <(ssl.SSLS|socket.s)ocket:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.mark.parametrize(
    "scene",
    [
        "plain",
        "TLS",
        "threads",
        "every line",
        "every line, TLS",
        "every line, new connection",
        "every line, another waits",
        "every line, another waits for a slot",
    ],
)
@pytest.mark.slow
def test_at_many_points(scene: str) -> None:
    """In an interpreter of its own: what measures coverage has locks, which such an exception leaves held."""
    command = [sys.executable, str(HERE / "alarms.py"), scene]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert (done.returncode, done.stdout) == (0, "well\n"), done.stderr


def test_while_connecting(alarm: Alarm) -> None:
    alarm(Woken)
    transport = SocketTransport(tls=PEM)
    with full_backlog() as url:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(Woken):
            transport.send(make_request(url))
    with serve(Canned(b"", "hold")) as server:
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


@pytest.mark.parametrize("kind", [Woken, KeyboardInterrupt, ValueError, TimeoutError, OSError])
@pytest.mark.parametrize("timeout", [None, 5.0])
@pytest.mark.parametrize("name", HELD)
def test_while_waiting(alarm: Alarm, name: str, timeout: float | None, kind: type[BaseException]) -> None:
    """Also where what it raises looks like a timeout of ours."""
    alarm(kind)
    transport = SocketTransport()
    with serve(Canned(HELD[name], "hold"), http(b"next")) as server:
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
    transport = SocketTransport()
    for timeout in (None, 5.0):
        with full_backlog() as url:
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            with pytest.raises(TimeoutError):
                transport.send(make_request(url, timeout=timeout))
    transport.close()


@pytest.mark.parametrize("deadline", [None, 5.0])
@pytest.mark.parametrize("kind", [Woken, TimeoutError])
def test_while_the_first_of_two_addresses_is_tried(
    alarm: Alarm, kind: type[BaseException], deadline: float | None
) -> None:
    """The other one is not tried then."""
    alarm(kind)
    with full_backlog() as url, socket.create_server(("127.0.0.1", 0)) as listener:
        ports = (int(url.rpartition(":")[2]), listener.getsockname()[1])
        addresses = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", port)) for port in ports]
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(kind):
            open_socket(addresses, None if deadline is None else time.monotonic() + deadline)


@pytest.mark.parametrize("kind", [Woken, TimeoutError])
def test_while_sending(alarm: Alarm, kind: type[BaseException]) -> None:
    alarm(kind)
    transport = SocketTransport()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(kind) as caught:
            transport.send(make_request(url, body=bytes(12_000_000)))
    assert type(caught.value) is kind
    transport.close()
    report = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert TOKEN not in "".join(repr(frame.locals) for frame in report.stack if "twirpkit" in frame.filename)
