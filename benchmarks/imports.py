"""The CPU time of fresh interpreters that import a package, or make their first client."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Mapping

from measure import Scale, say

BASE = "import livekit.api"
SYNC = "first `LiveKitAPI(…).room`"
ASYNC = "first `AsyncLiveKitAPI(…).room`"
PROGRAMS = {
    BASE: "import livekit.api",
    "import livekit_twirp": "import livekit_twirp",
    "from livekit_twirp import Room": "from livekit_twirp import Room",
    SYNC: "from livekit_twirp import LiveKitAPI; LiveKitAPI('http://localhost', token='x').room",
    ASYNC: "from livekit_twirp import AsyncLiveKitAPI; AsyncLiveKitAPI('http://localhost', token='x').room",
    "import requests": "import requests",
    "import httpx": "import httpx",
    "import aiohttp": "import aiohttp",
}


def import_times(scale: Scale) -> dict[str, list[float]]:
    """Return CPU seconds by program and round, less those of an interpreter that does nothing."""
    say("imports")
    programs = {"": "pass", **PROGRAMS}
    taken: dict[str, list[float]] = {name: [] for name in programs}
    order = list(programs)
    with tempfile.TemporaryDirectory() as compiled:  # as where byte code is kept, which the environment may forbid
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        environment = {**kept, "PYTHONPYCACHEPREFIX": compiled}
        for each in programs.values():
            _seconds(each, environment)  # writes the byte code
        for _ in scale.turns():
            for name in order:
                taken[name].append(_seconds(programs[name], environment))
            order.reverse()
    empty = taken.pop("")
    return {name: [one - start for one, start in zip(times, empty, strict=True)] for name, times in taken.items()}


def _seconds(program: str, environment: Mapping[str, str]) -> float:
    before = _children()
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)
    return _children() - before


def _children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
