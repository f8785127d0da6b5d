"""Run a command until it ends, or until standard input does.

Whoever starts it holds the other end of that pipe. However that process goes away, the pipe closes, and the command
does not outlive it:

    python guard.py COMMAND [ARGUMENT …]
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import Final

__all__ = ["PATIENCE", "main"]

PATIENCE: Final = 10.0
"""Seconds that a command gets between being asked to end and being ended."""


def main() -> int:
    """Run the command; the exit code is the command's."""
    command = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
    threading.Thread(target=_end_with_input, args=(command,), daemon=True).start()
    return command.wait()


def _end_with_input(command: subprocess.Popen[bytes]) -> None:
    os.read(0, 1)  # no one writes: it returns when the pipe closes
    command.terminate()
    try:
        command.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        command.kill()


if __name__ == "__main__":
    sys.exit(main())
