"""ResourceWarnings of the async transport (rule F3): one for a client that is dropped with open connections."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from worlds import WORLDS

PEM = Path(__file__).with_name("localhost.pem")
HERE = Path(__file__).parent

SCRIPTS = {
    # name: (body of main or of the module, how often our warning must come)
    "closed by asyncio.run": ("asyncio.run(call(transport))", 0),
    "twice": ("asyncio.run(call(transport)); asyncio.run(call(transport))", 0),
    "dropped after asyncio.run": ("asyncio.run(call(transport)); del transport; gc.collect()", 0),
    "closed": ("asyncio.run(both(transport))", 0),
    "never used": ("del transport; gc.collect()", 0),
    "dropped in a running loop": ("asyncio.run(drop([transport.__class__()]))", 1),
    "dropped while its loop rests": (
        "loop = asyncio.new_event_loop(); loop.run_until_complete(call(transport)); del transport; gc.collect()\n"
        "loop.run_until_complete(asyncio.sleep(0)); loop.run_until_complete(asyncio.sleep(0)); loop.close()",
        1,
    ),
    "dropped in another thread": ("asyncio.run(drop_elsewhere([transport.__class__()]))", 1),
    "kept to the end of the interpreter": ("keep = transport; asyncio.run(call(transport))", 0),
    "kept to the end, its loop shut down by hand": (
        "loop = asyncio.new_event_loop(); loop.run_until_complete(call(transport))\n"
        "loop.run_until_complete(loop.shutdown_asyncgens()); loop.run_until_complete(asyncio.sleep(0)); loop.close()",
        0,
    ),
    "TLS": ("asyncio.run(call(transport)); asyncio.run(both(transport))", 0),
    "a wrong argument": (
        "try:\n    AsyncSocketTransport(max_connections=0)\nexcept ValueError:\n    gc.collect()",
        0,
    ),
}

PRELUDE = """
import asyncio, gc, ssl, sys, threading
sys.path[:0] = [{here!r}]
from byte_server import http, serve
from worlds import make_request
from twirpkit.transports.async_sockets import AsyncSocketTransport

if {loop!r} == "uvloop":
    import uvloop
    asyncio.new_event_loop = asyncio.events.new_event_loop = uvloop.new_event_loop

async def call(transport):
    assert (await transport.send(make_request(url))).body == b"hi"

async def both(transport):
    await call(transport)
    await transport.aclose()

async def drop(box):
    await call(box[0])
    box.clear()
    gc.collect()
    await asyncio.sleep(0.01)
    assert server.gone.acquire(timeout=5)

async def drop_elsewhere(box):
    await call(box[0])
    thread = threading.Thread(target=box.clear, daemon=True)
    thread.start()
    thread.join()
    await asyncio.sleep(0.01)
    assert server.gone.acquire(timeout=5)

tls = None
if {tls}:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain({pem!r})
serving = serve(*[http(b"hi")] * 3, tls=tls)
server = serving.__enter__()
url = server.url
transport = AsyncSocketTransport()
"""


@pytest.fixture(scope="module", params=[name for name in WORLDS if name != "sync"])
def interpreters(request: pytest.FixtureRequest) -> Iterator[dict[str, subprocess.Popen[str]]]:
    """One fresh interpreter a script, all at once: each takes its time to start."""
    running = {}
    for name, (script, _) in SCRIPTS.items():
        code = (
            PRELUDE.format(here=str(HERE), pem=str(PEM), tls=name == "TLS", loop=request.param)
            + script
            + "\nserving.__exit__(None, None, None)\n"
        )
        command = [sys.executable, "-W", "always", "-c", code]
        running[name] = subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "SSL_CERT_FILE": str(PEM)},
        )
    yield running
    for process in running.values():
        process.communicate()


@pytest.mark.parametrize("name", SCRIPTS)
@pytest.mark.slow
def test_resource_warnings(name: str, interpreters: dict[str, subprocess.Popen[str]]) -> None:
    """In a fresh interpreter, since warnings at its end and in ``__del__`` are what is asked about."""
    expected = SCRIPTS[name][1]
    process = interpreters[name]
    _, said = process.communicate(timeout=30)
    assert process.returncode == 0, said
    assert said.count(": ResourceWarning:") + said.count("Exception ignored") == expected, said
    assert said.count("an AsyncSocketTransport was dropped with open connections") == expected, said
    assert "Unclosed" not in said
    assert "never awaited" not in said
    if not expected:
        assert said == ""
