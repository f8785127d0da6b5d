"""One client in a process and its forks (rule F1): everyone gets the answers to what they asked."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from byte_server import http, serve
from echo_process import echo_process
from worlds import make_request

from twirpkit.transports._net import fork, loop_pool
from twirpkit.transports._net.fork import process
from twirpkit.transports._net.sync_connection import SyncConnection
from twirpkit.transports.async_sockets import AsyncSocketTransport
from twirpkit.transports.sync_sockets import SocketTransport

PEM = Path(__file__).with_name("localhost.pem")
HERE = Path(__file__).parent
CALLS = 40
pytestmark = [
    pytest.mark.slow,  # each starts several processes
    pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here"),
    # The server's threads are no part of what is tested: they hold nothing that the children use.
    pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning"),
]


def child(what: Callable[[], None]) -> int:
    """Run it in a fork, which ends without a word to anything it inherited; its id."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    signal.alarm(60)  # one that hangs ends, and is seen
    try:
        what()
        code = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(code)


def end_well(pids: list[int]) -> None:
    assert [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids] == [0] * len(pids)


def ask(transport: SocketTransport, url: str, who: str) -> None:
    for number in range(CALLS):
        body = f"{who}-{number}".encode()
        assert transport.send(make_request(url, body=body)).body == body


async def ask_async(transport: AsyncSocketTransport, url: str, who: str) -> None:
    for number in range(CALLS):
        body = f"{who}-{number}".encode()
        assert (await transport.send(make_request(url, body=body))).body == body


@pytest.fixture(params=[False, True], ids=["plain", "TLS"])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    with echo_process(request.param) as url:
        yield url


def test_a_process_and_its_children_at_once(url: str) -> None:
    transport = SocketTransport(tls=PEM)
    warm = [threading.Thread(target=ask, args=(transport, url, f"warm-{number}"), daemon=True) for number in range(4)]
    for thread in warm:
        thread.start()
    for thread in warm:
        thread.join()
    pids = [child(lambda number=number: ask(transport, url, f"child-{number}")) for number in range(4)]  # type: ignore[misc]
    ask(transport, url, "parent")
    end_well(pids)
    ask(transport, url, "parent again")
    transport.close()


def test_children_of_children(url: str) -> None:
    transport = SocketTransport(tls=PEM)
    ask(transport, url, "parent")

    def generation() -> None:
        end_well([child(lambda: ask(transport, url, "grandchild"))])
        ask(transport, url, "child")

    end_well([child(generation)])
    ask(transport, url, "parent again")
    transport.close()


def test_a_child_that_closes_takes_nothing_from_its_parent(url: str) -> None:
    transport = SocketTransport(tls=PEM)
    ask(transport, url, "parent")

    def leave() -> None:
        transport.close()
        assert transport.send(make_request(url)).final

    def drop() -> None:
        nonlocal transport
        del transport
        gc.collect()

    end_well([child(leave), child(drop)])
    [pool] = transport._pools.values()
    kept = pool.take(url, time.monotonic())
    assert isinstance(kept, SyncConnection), "the parent's connection is as it was"
    pool.discard(kept)


def test_an_async_client_in_a_process_and_its_children(url: str) -> None:
    transport = AsyncSocketTransport(tls=PEM)
    with asyncio.Runner() as runner:
        runner.run(ask_async(transport, url, "parent"))
        pids = [
            child(lambda number=number: asyncio.run(ask_async(transport, url, f"child-{number}")))  # type: ignore[misc]
            for number in range(4)
        ]
        runner.run(ask_async(transport, url, "parent again"))
        end_well(pids)
        runner.run(ask_async(transport, url, "parent at last"))
        runner.run(transport.aclose())


def test_a_child_that_closes_an_async_client_takes_nothing_from_its_parent(url: str) -> None:
    """Closing an inherited connection would take it out of the parent's loop, which then waits for ever."""
    transport = AsyncSocketTransport(tls=PEM)

    def close() -> None:
        asyncio.run(transport.aclose())

    def drop() -> None:
        nonlocal transport
        del transport
        gc.collect()

    with asyncio.Runner() as runner:
        runner.run(ask_async(transport, url, "parent"))
        end_well([child(close), child(drop)])
        runner.run(asyncio.wait_for(ask_async(transport, url, "parent again"), 20))
        runner.run(transport.aclose())


def test_what_a_child_inherits_is_not_taken_apart() -> None:
    """Its finalizers would close the parent's loop, among others."""
    transport, runner = AsyncSocketTransport(), asyncio.Runner()

    def drop() -> None:
        nonlocal transport, runner
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            asyncio.set_event_loop(None)
            del transport, runner
            gc.collect()
        assert not seen, [str(warning.message) for warning in seen]

    with echo_process() as url:
        runner.run(ask_async(transport, url, "parent"))
        end_well([child(drop)])
        runner.run(transport.aclose())
        runner.close()


def test_a_child_forked_inside_of_a_loop(url: str) -> None:
    transport = AsyncSocketTransport(tls=PEM)

    async def scene() -> None:
        await ask_async(transport, url, "parent")
        pid = child(lambda: asyncio.run(ask_async(transport, url, "child")))
        await ask_async(transport, url, "parent again")
        await asyncio.to_thread(end_well, [pid])
        await transport.aclose()

    asyncio.run(scene())


SCRIPT = """
import asyncio, os, sys
sys.path[:0] = [{here!r}]
from byte_server import http, serve
from worlds import make_request
from twirpkit.transports._net.sync_connection import SyncConnection
from twirpkit.transports.async_sockets import AsyncSocketTransport

async def call(number):
    body = b"%d" % number
    assert (await transport.send(make_request({url!r}, body=body))).body == body

transport = AsyncSocketTransport()
loop = asyncio.new_event_loop()
loop.run_until_complete(call(1))
pid = os.fork()
if pid:
    os.waitpid(pid, 0)
    loop.run_until_complete(call(2))
    loop.run_until_complete(transport.aclose())
    loop.close()
    print("well")
"""


def test_a_child_that_ends_as_scripts_end() -> None:
    """It never used the client, and its interpreter takes everything apart."""
    with echo_process() as url:
        code = SCRIPT.format(here=str(HERE), url=url)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (0, "well\n"), done.stderr


def test_each_process_is_another() -> None:
    here = process()
    assert process() is here

    def look() -> None:
        assert process() is not here
        assert process() is process()

    end_well([child(look)])
    assert process() is here


def test_each_child_is_another() -> None:
    seen = [process()]
    for _ in range(3):
        fork._after_fork()
        seen.append(process())
    assert len(set(map(id, seen))) == 4


def test_as_it_looks_from_inside() -> None:
    """What Python calls in a child, called here: the connections of before are left, closed or not."""
    answers = [http(b"one"), http(b"two"), http(b"three")]
    with serve(*answers) as server:
        transport = SocketTransport()
        transport.send(make_request(server.url))
        fork._after_fork()
        for _ in range(2):
            transport.send(make_request(server.url))
        assert server.gone.acquire(timeout=5), "its descriptor is closed"
        transport.close()
    assert [request.connection for request in server.requests] == [0, 1, 1]
    with serve(*answers) as server, asyncio.Runner() as runner:
        async_transport = AsyncSocketTransport()
        runner.run(async_transport.send(make_request(server.url)))
        fork._after_fork()
        for _ in range(2):
            runner.run(async_transport.send(make_request(server.url)))
        runner.run(async_transport.aclose())
        assert server.gone.acquire(timeout=5)
        assert not server.gone.acquire(timeout=0.05), "the first connection is as it was"
        abandoned = loop_pool._abandoned.pop()  # it is this process's own after all
        abandoned.drop()
        runner.run(asyncio.sleep(0))
        assert server.gone.acquire(timeout=5)
    assert [request.connection for request in server.requests] == [0, 1, 1]


def test_a_request_that_runs_in_another_thread_while_forking(url: str) -> None:
    """What the other thread holds, whatever that is, is not waited for by the child."""
    transport = SocketTransport(tls=PEM)
    stop = threading.Event()

    def run() -> None:
        while not stop.is_set():
            ask(transport, url, "other thread")

    threads = [threading.Thread(target=run, daemon=True) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(5):
            with contextlib.suppress(ChildProcessError):
                end_well([child(lambda: ask(transport, url, "child"))])
    finally:
        stop.set()
        for thread in threads:
            thread.join(20)
    transport.close()
