"""The programs, each started once; certificates; a backend; and each test for both clients.

A program that is not installed is no failure: the tests that need it are skipped, with a line that says so.
"""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from box import CONFIGURATIONS, LOOPBACK, Box, find_program, free_ports
from box_callers import ID, AsyncCaller, Caller, SyncCaller
from box_certificates import Certificates

from twirpkit.testing import Behaviour, Request, ScriptedServer, break_off, hang, reply, respond

OK = reply(b"")


def behave(request: Request) -> Behaviour:
    """Do what the base path of a request says, behind whatever program it came through."""
    scene = request.received.target.split("/")[1]
    if scene == "slow":
        return hang(OK, 0, executed=True)
    if scene == "broken":
        return break_off(executed=True)
    return respond(OK)


@pytest.fixture(scope="session")
def backend() -> Iterator[ScriptedServer]:
    """The server behind the programs. Its ledger has all requests of all tests; calls are told apart by their id."""
    with ScriptedServer(behave, call_id_header=ID) as server:
        yield server


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """Where configurations and certificates are. Programs that give up root must be able to read it."""
    with tempfile.TemporaryDirectory(prefix="twirpkit-boxes-") as name:
        path = Path(name)
        path.chmod(0o777)
        yield path


@pytest.fixture(scope="session")
def tls_backend(certificates: Certificates) -> Iterator[ScriptedServer]:
    """A server that speaks TLS, for tunnels."""
    with ScriptedServer(behave, call_id_header=ID, tls=certificates.server_context()) as server:
        yield server


@pytest.fixture(scope="session")
def certificates(folder: Path) -> Certificates:
    return Certificates(folder)


def _program(*names: str) -> str:
    found = find_program(*names)
    if found is None:
        pytest.skip(f"no {names[0]} on PATH")
    return found


def _box(
    command: list[str], configuration: str, folder: Path, listens: str, connects: dict[str, int], pid_file: str
) -> Iterator[Box]:
    box = Box(command, configuration, folder, free_ports(listens), connects, pid_file)
    try:
        yield box
    finally:
        box.stop()


@pytest.fixture(scope="session")
def dead() -> Iterator[int]:
    """A port at which nobody listens: it is bound, so that nobody else gets it."""
    with socket.socket() as bound:
        bound.bind((LOOPBACK, 0))
        yield bound.getsockname()[1]


@pytest.fixture(scope="session")
def nginx(backend: ScriptedServer, dead: int, folder: Path, certificates: Certificates) -> Iterator[Box]:
    command = [_program("nginx"), "-p", "@FOLDER@", "-c", "@FOLDER@/nginx.conf", "-e", "stderr"]
    listens = "HTTP SHORT TLS TLS12 EXPIRED WRONG_HOST MTLS12 MTLS13"
    yield from _box(command, "nginx.conf", folder, listens, {"BACKEND": backend.port, "DEAD": dead}, "nginx.pid")


@pytest.fixture(scope="session")
def haproxy(backend: ScriptedServer, dead: int, folder: Path, certificates: Certificates) -> Iterator[Box]:
    # A master that starts workers anew, so that it can be told to reload.
    command = [_program("haproxy"), "-W", "-db", "-f", "@FOLDER@/haproxy.cfg", "-p", "@FOLDER@/haproxy.pid"]
    connects = {"BACKEND": backend.port, "DEAD": dead}
    yield from _box(command, "haproxy.cfg", folder, "HTTP SHORT MTLS12 MTLS13", connects, "haproxy.pid")


@pytest.fixture(scope="session")
def squid(backend: ScriptedServer, tls_backend: ScriptedServer, dead: int, folder: Path) -> Iterator[Box]:
    (folder / "squid_users.sh").write_bytes((CONFIGURATIONS / "squid_users.sh").read_bytes())
    command = [_program("squid"), "-N", "-f", "@FOLDER@/squid.conf"]
    connects = {"BACKEND": backend.port, "TLS": tls_backend.port, "DEAD": dead}
    yield from _box(command, "squid.conf", folder, "HTTP", connects, "squid.pid")


@pytest.fixture(scope="session")
def stunnel(backend: ScriptedServer, dead: int, folder: Path, certificates: Certificates) -> Iterator[Box]:
    command = [_program("stunnel", "stunnel4"), "@FOLDER@/stunnel.conf"]
    listens = "TLS TLS12 TLS13 EXPIRED WRONG_HOST MTLS12 MTLS13 REFUSED"
    yield from _box(command, "stunnel.conf", folder, listens, {"BACKEND": backend.port, "DEAD": dead}, "stunnel.pid")


@pytest.fixture(params=["sync", "async"])
def caller(request: pytest.FixtureRequest) -> Iterator[Callable[..., Caller]]:
    """Makes a client of one kind or the other."""
    made: list[Caller] = []

    def make(url: str, **options: Any) -> Caller:
        made.append((SyncCaller if request.param == "sync" else AsyncCaller)(url, **options))
        return made[-1]

    yield make
    for each in made:
        each.end()


@pytest.fixture(autouse=True)
def without_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the proxies of whoever runs it."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
