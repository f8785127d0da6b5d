"""The sync transport alone: threads, and its end. Signals are in `test_signals.py`."""

from __future__ import annotations

import gc
import logging
import os
import subprocess
import sys
import threading
import time
import warnings

import pytest
from byte_server import Canned, http, serve
from worlds import make_request

from twirpkit.transports.base import Phase, Transport, TransportFailure
from twirpkit.transports.sync_sockets import SocketTransport


def test_it_is_a_transport() -> None:
    transport: Transport = SocketTransport()
    transport.close()


def test_it_loads_neither_asyncio_nor_an_http_library() -> None:
    code = (
        "import sys, twirpkit.transports.sync_sockets\n"
        "sys.exit(any(m in sys.modules for m in ('asyncio', 'aiohttp', 'requests', 'urllib3', 'httpx', 'http.client')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


CLOSED = TransportFailure("the client was closed", Phase.NOT_SENT, final=True)


def test_close() -> None:
    with serve(http(b"hi"), http(b"hi")) as server:
        transport = SocketTransport()
        transport.send(make_request(server.url))
        transport.close()
        assert server.gone.acquire(timeout=5), "the idle connection is closed"
        transport.close()
        for timeout in (5, -1):
            assert transport.send(make_request(server.url, timeout=timeout)) == CLOSED
    assert len(server.requests) == 1


def test_close_before_any_use() -> None:
    transport = SocketTransport()
    transport.close()
    assert transport.send(make_request("http://127.0.0.1:1/")) == CLOSED


def test_close_while_a_request_runs() -> None:
    transport = SocketTransport()
    got = []
    with serve(Canned(b"HTTP/1.1 200 OK\r\n", "keep", after=b"Content-Length: 2\r\n\r\nhi")) as server:
        thread = threading.Thread(target=lambda: got.append(transport.send(make_request(server.url))), daemon=True)
        thread.start()
        while not server.requests:
            time.sleep(0.001)
        transport.close()
        server.released.set()
        thread.join(5)
        assert [each.body for each in got] == [b"hi"]
        assert server.gone.acquire(timeout=5), "its connection is closed when it is done"


def test_dropped_it_closes_its_connections_without_a_word() -> None:
    with serve(http(b"hi")) as server:
        transport = SocketTransport()
        transport.send(make_request(server.url))
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            del transport  # with the last reference, not when the collector comes
            assert server.gone.acquire(timeout=5)
        assert not seen


def test_sixty_four_threads(caplog: pytest.LogCaptureFixture) -> None:
    """Each gets its own answer, no connection is thrown away, and nothing warns."""
    transport = SocketTransport()
    start = threading.Barrier(64)
    again = threading.Barrier(64)
    failures: list[object] = []

    with serve(*[Canned(b"HTTP/1.1 200 OK\r\n", "keep", after=b"Content-Length: 2\r\n\r\nhi")] * 64 * 3) as server:

        def call() -> None:
            try:
                start.wait(10)
                for _ in range(3):
                    assert transport.send(make_request(server.url)).body == b"hi"
                    again.wait(10)
            except BaseException as error:
                failures.append(error)
                again.abort()

        threads = [threading.Thread(target=call, daemon=True) for _ in range(64)]
        with caplog.at_level(logging.WARNING):
            for thread in threads:
                thread.start()
            while len(server.requests) < 64 and not failures:
                time.sleep(0.001)
            server.released.set()
            for thread in threads:
                thread.join(20)
        transport.close()
    assert not failures
    assert server.connections == 64
    assert not caplog.records


def test_failures_leak_no_descriptor() -> None:
    transport = SocketTransport()
    answers = [
        Canned(b""),
        Canned(b"junk"),
        Canned(http(b"hello")[:-1]),
        http(b"fine"),
        Canned(http(b"x"), "reset"),
    ]
    with serve(*answers * 10) as server:
        for _ in range(len(answers)):
            transport.send(make_request(server.url))
        gc.collect()
        before = len(os.listdir("/dev/fd"))
        for _ in range(len(answers) * 9):
            transport.send(make_request(server.url))
        assert len(os.listdir("/dev/fd")) <= before + 2  # the server's ends live in this process too
    transport.close()
