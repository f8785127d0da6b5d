"""What a process holds: descriptors and memory, from /proc. (Linux.)"""

from __future__ import annotations

import gc
import os
from pathlib import Path

__all__ = ["descriptors", "peak", "reset_peak", "resident"]


def descriptors() -> int:
    """How many are open."""
    gc.collect()
    return len(os.listdir("/proc/self/fd")) - 1  # less that of this look


def resident() -> int:
    """Bytes of memory that are resident now."""
    gc.collect()
    return _status("VmRSS")


def peak() -> int:
    """The most bytes of memory that were resident since `reset_peak`, or since the process began."""
    return _status("VmHWM")


def reset_peak() -> None:
    """Let `peak` begin anew."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _status(name: str) -> int:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise OSError(f"/proc/self/status has no {name}")
