"""How evenly calls are served when many are in flight: the 99th percentile of their duration over the median."""

from __future__ import annotations

import asyncio
import gc
import statistics
import time

from contenders import AsyncContenders, running
from measure import AsyncCall, Scale, say
from serving import Address

IN_FLIGHT = 512
CALLS = 4
"""Calls of each task in a round, one after the other. All start at once, on connections that are open."""
CONTENDERS = ("async", "livekit-api", "aiohttp", "protocol")


def durations(address: Address, headers: dict[str, str], scale: Scale) -> dict[str, dict[str, list[float]]]:
    """Return for each contender `p50` and `p99` in seconds, by round."""
    say(f"fairness, {IN_FLIGHT} in flight")
    found: dict[str, dict[str, list[float]]] = {}
    contenders = AsyncContenders(address, headers)
    with asyncio.Runner() as runner, running(contenders, runner):
        calls = runner.run(contenders.calls(*CONTENDERS))
        for call in calls.values():
            runner.run(_round(call))  # opens the connections
        for _ in scale.turns():
            for name, call in calls.items():
                gc.collect()
                centiles = statistics.quantiles(runner.run(_round(call)), n=100)
                figures = found.setdefault(name, {"p50": [], "p99": []})
                figures["p50"].append(centiles[49])
                figures["p99"].append(centiles[98])
    return found


async def _round(call: AsyncCall) -> list[float]:
    taken: list[float] = []

    async def worker() -> None:
        for _ in range(CALLS):
            started = time.perf_counter()
            await call()
            taken.append(time.perf_counter() - started)

    await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))
    return taken
