"""The server that the live tests call: one that variables name, or ``livekit-server`` from PATH.

Run as a program it prints why there is neither, or nothing; `nox -s live` asks it before it installs anything.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from guard import PATIENCE

__all__ = ["PROGRAM", "VARIABLES", "Program", "ServerError", "Target", "named_target", "started_target", "why_none"]

VARIABLES: Final = ("TWIRPKIT_TEST_URL", "TWIRPKIT_TEST_KEY", "TWIRPKIT_TEST_SECRET")
PROGRAM: Final = "livekit-server"
REDIS: Final = "redis-server"
START: Final = 30.0
"""Seconds that a program may take until it serves."""
LOG_LINES: Final = 20
"""How many of a program's last log lines an error shows."""
LOOPBACK: Final = "127.0.0.1"


class ServerError(Exception):
    """The server cannot be reached, started, or went away; the text says which, and what it logged last."""


@dataclass(frozen=True)
class Target:
    """Where the tests call, and what signs their tokens."""

    url: str
    key: str
    secret: str = field(repr=False)


def named_target(environ: Mapping[str, str]) -> Target | None:
    """The server that the variables name, None where none of them is set.

    Raises:
        ServerError: Some are set and others are not.
    """
    values = [environ.get(name, "") for name in VARIABLES]
    if not any(values):
        return None
    if missing := [name for name, value in zip(VARIABLES, values, strict=True) if not value]:
        raise ServerError(f"{' and '.join(missing)} not set: all of {', '.join(VARIABLES)} together name a server")
    return Target(*values)


def why_none(environ: Mapping[str, str]) -> str | None:
    """Why there is no server to call, None where there is one.

    Raises:
        ServerError: As `named_target`.
    """
    if named_target(environ) is not None or shutil.which(PROGRAM, path=environ.get("PATH")) is not None:
        return None
    return f"no {VARIABLES[0]}, and no {PROGRAM} on PATH"


class Program:
    """A program that runs under `guard`, on loopback, with its log in a file.

    Args:
        command: The program and its arguments.
        folder: Where its log goes, and where it runs.
    """

    def __init__(self, command: list[str], folder: Path) -> None:
        self._name = Path(command[0]).name
        self._log = folder / f"{self._name}.log"
        # Of the environment only what a program needs to run: a server takes keys, hosts and whole configurations from
        # variables. A session of its own: Ctrl-C in a terminal reaches the tests, and they end the program in order.
        environment = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
        guard = [sys.executable, str(Path(__file__).with_name("guard.py"))]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                guard + command,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**environment, "HOME": str(folder)},
                cwd=folder,
                start_new_session=True,
            )

    @property
    def has_ended(self) -> bool:
        """Whether it does not run any more."""
        return self._process.poll() is not None

    def check(self) -> None:
        """Raise `ServerError` if the program has ended."""
        if self.has_ended:
            raise ServerError(f"{self._name} ended with exit code {self._process.returncode}. {self._last_lines()}")

    def wait_until(self, serves: Callable[[], bool]) -> None:
        """Return when it serves; raise `ServerError` if it ends before, or takes too long."""
        end = time.monotonic() + START
        while not serves():
            self.check()
            if time.monotonic() > end:
                raise ServerError(f"{self._name} did not serve within {START:g} s. {self._last_lines()}")
            time.sleep(0.05)

    def stop(self) -> None:
        """End the program and wait until it is gone. Twice is fine."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(2 * PATIENCE)

    def _last_lines(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines()[-LOG_LINES:]
        return "Its last log lines:\n" + "\n".join(lines) if lines else "It logged nothing."


@contextmanager
def started_target() -> Iterator[tuple[Target, list[Program]]]:
    """A server of our own while the context lasts, and the programs that it is made of.

    With ``redis-server`` on PATH it stands on a Redis of ours; without, it is a single node.

    Raises:
        ServerError: A program ended, or did not serve in time.
    """
    port, redis_port = _free_ports(socket.SOCK_STREAM, 2)
    (udp_port,) = _free_ports(socket.SOCK_DGRAM, 1)
    target = Target(f"http://{LOOPBACK}:{port}", f"twirpkit{secrets.token_hex(4)}", secrets.token_urlsafe(36))
    configuration = {
        "port": port,
        "bind_addresses": [LOOPBACK],
        "keys": {target.key: target.secret},
        "rtc": {
            "node_ip": LOOPBACK,
            "use_external_ip": False,
            "enable_loopback_candidate": True,
            "stun_servers": [f"{LOOPBACK}:3478"],  # none listens there: a list of its own keeps it off the internet
            "udp_port": udp_port,
            "tcp_port": 0,  # none: it would listen on every interface
            "ips": {"includes": [f"{LOOPBACK}/32"]},
        },
    }
    programs: list[Program] = []
    with tempfile.TemporaryDirectory(prefix="twirpkit-") as name:
        folder = Path(name)
        try:
            if (redis := shutil.which(REDIS)) is not None:
                arguments = ["--bind", LOOPBACK, "--port", str(redis_port), "--save", "", "--appendonly", "no"]
                programs.append(Program([redis, *arguments], folder))
                programs[-1].wait_until(lambda: _pongs(redis_port))
                configuration["redis"] = {"address": f"{LOOPBACK}:{redis_port}"}
            file = folder / "livekit.yaml"
            file.touch(mode=0o600)
            file.write_text(json.dumps(configuration))  # JSON is YAML
            server = shutil.which(PROGRAM)
            assert server is not None
            programs.append(Program([server, "--config", str(file)], folder))
            programs[-1].wait_until(lambda: _is_healthy(target.url))
            yield target, programs
        finally:
            for program in reversed(programs):
                program.stop()


def _free_ports(kind: socket.SocketKind, count: int) -> list[int]:
    sockets = [socket.socket(socket.AF_INET, kind) for _ in range(count)]
    try:
        for each in sockets:
            each.bind((LOOPBACK, 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def _pongs(port: int) -> bool:
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False


def _is_healthy(url: str) -> bool:
    try:
        # The developer's proxy variables are not for a server on loopback.
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=1) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


if __name__ == "__main__":
    try:
        print(why_none(os.environ) or "", end="")
    except ServerError as error:
        sys.exit(str(error))
