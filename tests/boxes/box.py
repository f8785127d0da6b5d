"""Programs between client and server: started on loopback from a configuration of this folder, ended with the tests."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

__all__ = ["CONFIGURATIONS", "LOOPBACK", "Box", "find_program", "free_ports"]

LOOPBACK: Final = "127.0.0.1"
CONFIGURATIONS: Final = Path(__file__).parent / "configurations"
GUARD: Final = Path(__file__).parents[1] / "live" / "guard.py"
"""Ends a program when whoever started it is gone."""
START: Final = 20.0
"""Seconds that a program may take until it accepts connections."""
STOP: Final = 20.0


def find_program(*names: str) -> str | None:
    """Return the path of the first program that is on PATH, None for none."""
    return next((found for name in names if (found := shutil.which(name)) is not None), None)


def free_ports(names: str) -> dict[str, int]:
    """Return a free port of loopback for each word."""
    listeners = {name: socket.create_server((LOOPBACK, 0)) for name in names.split()}
    ports = {name: listener.getsockname()[1] for name, listener in listeners.items()}
    for listener in listeners.values():
        listener.close()
    return ports


class Box:
    """A running program.

    Args:
        command: The program and its arguments; ``@FOLDER@`` stands for `folder`.
        configuration: The name of its configuration.
        folder: Where its files are; the configuration is written there, with the ports in place of their names.
        listens: The ports on which the program listens, by name.
        connects: The ports to which it connects, by name.
        pid_file: The file into which it writes the id of its main process.

    Raises:
        RuntimeError: It ended, or accepts no connections in time; the text has its last words.
    """

    def __init__(
        self,
        command: list[str],
        configuration: str,
        folder: Path,
        listens: Mapping[str, int],
        connects: Mapping[str, int],
        pid_file: str,
    ) -> None:
        self.program: Final = Path(command[0]).name
        self.ports: Final = {**listens, **connects}
        self._pid_file: Final = folder / pid_file
        self._log: Final = folder / f"{configuration}.log"
        values = {"FOLDER": str(folder), **{name: str(port) for name, port in self.ports.items()}}
        text = (CONFIGURATIONS / configuration).read_text(encoding="utf-8")
        written = re.sub(r"@([A-Z0-9_]+)@", lambda match: values[match[1]], text)
        (folder / configuration).write_text(written, encoding="utf-8")
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, str(GUARD), *(word.replace("@FOLDER@", str(folder)) for word in command)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches the tests, and they end the program in order
            )
        try:
            for port in listens.values():
                self._wait_for(port)
        except BaseException:
            self.stop()
            raise

    def url(self, port: str, path: str = "", scheme: str = "http") -> str:
        """Return the URL of one of the program's ports."""
        host = LOOPBACK if scheme == "http" else "localhost"
        return f"{scheme}://{host}:{self.ports[port]}{path}"

    def reload(self, by: signal.Signals) -> None:
        """Ask the main process to read its configuration again."""
        os.kill(int(self._pid_file.read_text()), by)

    def stop(self) -> None:
        """End the program and wait until it is gone."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(STOP)

    def _wait_for(self, port: int) -> None:
        end = time.monotonic() + START
        while True:
            try:
                socket.create_connection((LOOPBACK, port), timeout=START).close()
                return
            except OSError:
                if self._process.poll() is not None or time.monotonic() > end:
                    words = self._log.read_text(errors="replace")[-2000:]
                    raise RuntimeError(f"nothing listens at port {port}. The program's last words:\n{words}") from None
            time.sleep(0.05)
