"""`examples/mounts`: a Twirp application in other frameworks, in process and under the servers that people use."""

from __future__ import annotations

import contextlib
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

MOUNTS = Path(__file__).parents[2] / "examples" / "mounts"
IN_PROCESS = """\
import sys, asyncio
sys.path.insert(0, {folder!r})
import httpx
from {module} import app
from hat_shop import TOKEN
from hats_twirp import AsyncHatsAPI, BadRouteError, HatsAPI, UnauthenticatedError, NotFoundError

def sync_calls():
    with httpx.Client(transport=httpx.WSGITransport(app=app)) as session:
        api = HatsAPI("http://shop", token=TOKEN, session=session)
        print(api.hats.make_hat(shop="Bond Street", size=7).size, session.get("http://shop/").text)
        stranger = HatsAPI("http://shop", token="no", session=session)
        for error, call in ((NotFoundError, lambda: api.hats.get_hat(id="H9")),
                            (UnauthenticatedError, lambda: stranger.hats.get_hat(id="H1"))):
            try:
                call()
            except error as caught:
                print(caught.message)

async def async_calls():
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app)) as session:
        api = AsyncHatsAPI("http://shop", token=TOKEN, session=session)
        print((await api.hats.make_hat(shop="Bond Street", size=7)).size, (await session.get("http://shop/")).text)
        stranger = AsyncHatsAPI("http://shop", token="no", session=session)
        for error, call in ((NotFoundError, lambda: api.hats.get_hat(id="H9")),
                            (UnauthenticatedError, lambda: stranger.hats.get_hat(id="H1"))):
            try:
                await call()
            except error as caught:
                print(caught.message)

sync_calls() if {wsgi} else asyncio.run(async_calls())
"""
WSGI = ("with_flask", "with_django")
ASGI = ("with_starlette", "with_fastapi")
CALL = """\
import sys
sys.path.insert(0, {folder!r})
import hat_shop
from hats_twirp import HatsAPI
with HatsAPI({url!r}, token=hat_shop.TOKEN) as api:
    print(api.hats.make_hat(shop="Bond Street", tags=["x" * 3000]).id, len(api.hats.list_hats(shop="Bond Street").hats))
"""


def run(program: str) -> str:
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.mark.slow
@pytest.mark.parametrize("module", [*WSGI, *ASGI])
def test_a_mounted_application_serves_in_process(module: str) -> None:
    out = run(IN_PROCESS.format(folder=str(MOUNTS), module=module, wsgi=module in WSGI))
    assert out == "7 hats\nno hat H9\nhatters only\n"


@contextlib.contextmanager
def program(*command: str) -> Iterator[str]:
    """Run a server on a free port, and yield its URL, which it logs."""
    with subprocess.Popen(command, cwd=MOUNTS, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            for line in process.stderr:
                if found := re.search(r"http://127\.0\.0\.1:[0-9]+", line):
                    break
            else:
                raise AssertionError("the server ended before it listened")
            # Whatever it logs later must not fill the pipe.
            threading.Thread(target=process.stderr.read, daemon=True).start()
            yield found.group()
        finally:
            process.terminate()
            process.wait(20)


def is_open(url: str) -> bool:
    host, port = url.removeprefix("http://").split(":")
    end = time.monotonic() + 20
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
            return True
    return False


@pytest.mark.slow
@pytest.mark.parametrize("module", ASGI)
def test_uvicorn_serves_it(module: str) -> None:
    with program(sys.executable, "-m", "uvicorn", "--port", "0", f"{module}:app") as url:
        assert is_open(url)
        assert run(CALL.format(folder=str(MOUNTS), url=url)) == "H1 1\n"


@pytest.mark.slow
@pytest.mark.parametrize("module", WSGI)
def test_gunicorn_serves_it(module: str) -> None:
    with program(sys.executable, "-m", "gunicorn", "--bind", "127.0.0.1:0", "--threads", "2", f"{module}:app") as url:
        assert is_open(url)
        assert run(CALL.format(folder=str(MOUNTS), url=url)) == "H1 1\n"


@pytest.mark.slow
def test_uvicorn_and_gunicorn_serve_the_application_itself() -> None:
    """Without a framework around it, and without being told which of the two protocols it speaks."""
    for command in (("uvicorn", "--port", "0", "--factory"), ("gunicorn", "--bind", "127.0.0.1:0")):
        name = "hat_shop:new_app" if command[0] == "uvicorn" else "hat_shop:new_app()"
        with program(sys.executable, "-m", *command, name) as url:
            assert is_open(url)
            assert run(CALL.format(folder=str(MOUNTS), url=url)) == "H1 1\n"
