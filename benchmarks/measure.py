"""Blocks of calls, measured in turns: CPU and wall time of each contender, round by round, in one process."""

from __future__ import annotations

import asyncio
import gc
import math
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from serving import Server

Call = Callable[[], Any]
AsyncCall = Callable[[], Awaitable[Any]]
Block = Callable[[int], tuple[float, float]]
"""Makes that many calls; returns the CPU and wall seconds that they took."""
FEWEST = 3
"""Rounds that there are in any case."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is measured.

    Attributes:
        rounds: Turns of each contender, at most.
        limit: Wall seconds of one series, after which it ends early; a busy machine then costs precision, not time.
        seconds: CPU seconds that a contender's turn should take.
    """

    rounds: int
    seconds: float
    limit: float

    def turns(self) -> Iterator[int]:
        """Count rounds until there are enough, or it is too late for more than a few."""
        started = time.perf_counter()
        for number in range(self.rounds):
            if number >= FEWEST and time.perf_counter() - started > self.limit:
                return
            yield number


@dataclass(slots=True)
class Figures:
    """What one contender took in one series."""

    calls: int
    """Calls in a turn."""
    cpu: list[float] = field(default_factory=list)
    """CPU seconds of this process per call, one figure a round."""
    wall: list[float] = field(default_factory=list)
    """Wall seconds per call, one figure a round."""
    server_busy: list[float] = field(default_factory=list)
    """Share of the wall time in which the server worked on requests."""

    def client_share(self) -> float:
        """Return the median share of the wall time in which this process used a CPU."""
        return statistics.median(cpu / wall for cpu, wall in zip(self.cpu, self.wall, strict=True))

    def limited_by_server(self) -> bool:
        """Tell whether calls per second say more about the server than about the client."""
        return statistics.median(self.server_busy) > 0.9 > self.client_share()


@dataclass(slots=True)
class Series:
    """Contenders that were measured in turns, so that their ratios mean something."""

    title: str
    figures: dict[str, Figures]


@dataclass(frozen=True, slots=True)
class Spread:
    """A median with the least and the largest of its rounds."""

    median: float
    least: float
    largest: float

    @classmethod
    def of(cls, values: list[float]) -> Spread:
        """Summarize the figures of some rounds."""
        return cls(statistics.median(values), min(values), max(values))


def one_by_one(call: Call) -> Block:
    """Return a block of calls, one after the other, in this thread."""

    def block(calls: int) -> tuple[float, float]:
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(calls):
            call()
        return time.process_time() - cpu, time.perf_counter() - wall

    return block


def in_threads(call: Call, pool: ThreadPoolExecutor, threads: int) -> Block:
    """Return a block of calls that some threads share; the CPU time is that of all of them."""

    def worker(calls: int) -> None:
        for _ in range(calls):
            call()

    def block(calls: int) -> tuple[float, float]:
        wall, cpu = time.perf_counter(), time.process_time()
        for done in [pool.submit(worker, math.ceil(calls / threads)) for _ in range(threads)]:
            done.result()
        return time.process_time() - cpu, time.perf_counter() - wall

    return block


def in_tasks(call: AsyncCall, runner: asyncio.Runner, tasks: int) -> Block:
    """Return a block of calls of which as many are in flight as there are tasks."""

    async def worker(calls: int) -> None:
        for _ in range(calls):
            await call()

    async def timed(calls: int) -> tuple[float, float]:
        wall, cpu = time.perf_counter(), time.process_time()
        if tasks == 1:
            await worker(calls)
        else:
            await asyncio.gather(*(worker(math.ceil(calls / tasks)) for _ in range(tasks)))
        return time.process_time() - cpu, time.perf_counter() - wall

    return lambda calls: runner.run(timed(calls))


def interleave(
    title: str, blocks: Mapping[str, Block], scale: Scale, server: Server, *, at_once: int = 1, least: int = 2
) -> Series:
    """Measure blocks in turns: A B C, C B A, and so on, so that what changes meanwhile changes all of them.

    Args:
        title: Heading of the series.
        blocks: The contenders by name.
        scale: How much to measure.
        server: The server that they call.
        at_once: Calls in flight; a turn makes a multiple of it.
        least: Calls in a turn for each of these, at least.

    Two turns before open connections, fill caches, and tell how many calls fit in a turn.
    """
    say(title)
    series = Series(title, {})
    for name, block in blocks.items():
        block(2 * at_once)
        trial = max(at_once, 10)
        cpu, _ = block(trial)
        calls = max(least * at_once, round(scale.seconds * trial / cpu))
        series.figures[name] = Figures(math.ceil(calls / at_once) * at_once)
    gc.collect()
    gc.freeze()  # so that a collection looks at what the contenders make, not at every module
    order = list(blocks)
    for _ in scale.turns():
        for name in order:
            figures = series.figures[name]
            gc.collect()
            before = server.load()
            cpu, wall = blocks[name](figures.calls)
            after = server.load()
            figures.cpu.append(cpu / figures.calls)
            figures.wall.append(wall / figures.calls)
            figures.server_busy.append((after.busy - before.busy) / (after.wall - before.wall))
        order.reverse()
    gc.unfreeze()
    return series


def ratio(series: Series, name: str, base: str) -> Spread:
    """Return how many times the CPU time of a base a contender takes, by round."""
    mine, other = series.figures[name].cpu, series.figures[base].cpu
    return Spread.of([a / b for a, b in zip(mine, other, strict=True)])


def say(text: str) -> None:
    """Tell the user where the run is."""
    print(f"{time.perf_counter() - _STARTED:5.0f} s  {text}", file=sys.stderr, flush=True)


_STARTED = time.perf_counter()
