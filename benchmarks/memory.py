"""The peak memory of a call with a large response, above the message that it returns, in a fresh process.

python benchmarks/memory.py CLIENT PORT TLS_PORT FOLDER     prints a JSON object

Two measures: what Python allocates at most meanwhile (`tracemalloc`; a message lives in memory of protobuf's own, which
it does not count), and how far the resident set grows at most (Linux), less what it grows by when protobuf parses the
same body alone.
"""

from __future__ import annotations

import asyncio
import dataclasses
import gc
import json
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import payloads
from contenders import AsyncContenders, SyncContenders, running
from measure import AsyncCall, say
from serving import Address

CLIENTS = ("sync", "async", "livekit-api", "socket")
RUNS = 3


def peaks(address: Address) -> dict[str, dict[str, list[float]]]:
    """Return for each client the peaks above the message, divided by the size of the response body.

    Two lists each: `traced`, and `resident`, which is missing where the system does not tell.
    """
    say("peak memory")
    size = len(address.large())
    found: dict[str, dict[str, list[float]]] = {name: {"traced": [], "resident": []} for name in CLIENTS}
    for _ in range(RUNS):
        message = _run("parse", address)["resident"]
        for name, figures in found.items():
            grown = _run(name, address)
            figures["traced"].append(grown["traced"] / size)
            if message:
                figures["resident"].append((grown["resident"] - message) / size)
    return found


def _run(client: str, address: Address) -> dict[str, int]:
    command = [sys.executable, __file__, client, *(str(each) for each in dataclasses.astuple(address))]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    result: dict[str, int] = json.loads(printed)
    return result


def grown(call: Callable[[], Any]) -> dict[str, int]:
    """Return by how many bytes a call makes this process grow at most; it is made twice, once for each measure."""
    gc.collect()
    resident = _grown_resident(call)
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    kept = call()
    _, peak = tracemalloc.get_traced_memory()
    del kept
    return {"traced": peak - before, "resident": resident}


def _grown_resident(call: Callable[[], Any]) -> int:
    status = Path("/proc/self/status")
    reset = Path("/proc/self/clear_refs")
    if not reset.exists():
        call()
        return 0
    reset.write_text("5")  # the peak begins anew
    before = _kilobytes(status, "VmRSS")
    kept = call()
    peak = _kilobytes(status, "VmHWM")
    del kept
    return (peak - before) * 1024


def _kilobytes(status: Path, name: str) -> int:
    return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith(name))


def main(client: str, address: Address) -> dict[str, int]:
    """Measure one client, after a small call of another one, which imports what a call needs."""
    headers = payloads.our_headers()
    if client in {"sync", "socket", "parse"}:
        with SyncContenders(address, headers) as contenders:
            (call,) = contenders.calls(client, large=True).values()
            if client == "sync":
                (small,) = contenders.calls(client).values()
                small()
            return grown(call)
    tasks = AsyncContenders(address, headers)
    with asyncio.Runner() as runner, running(tasks, runner):
        (large,) = runner.run(tasks.calls(client, large=True)).values()
        (little,) = runner.run(tasks.calls(client)).values()
        runner.run(_wait(little))
        return grown(lambda: runner.run(_wait(large)))


async def _wait(call: AsyncCall) -> _Hidden:
    return _Hidden(await call())


class _Hidden:
    """A holder of a message. `asyncio.Runner` makes the ``repr`` of a task, and thus of its result, when it sets the
    handler of signals: that of a large message would take more memory than the call."""

    def __init__(self, message: object) -> None:
        self.message = message

    def __repr__(self) -> str:
        return "<message>"


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], Address(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]))))
