"""The places where the time of a call goes: `python benchmarks/profile_call.py KIND`.

Samples the running program by a timer of CPU time, which slows nothing down, unlike a profiler that sees each function
call. The time of a C function, and of a system call, counts for the line that calls it.
"""

from __future__ import annotations

import argparse
import asyncio
import linecache
import signal
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import payloads
from contenders import AsyncContenders, SyncContenders, running
from measure import Block, in_tasks, one_by_one
from serving import serving

KINDS: dict[str, tuple[str, int, bool]] = {
    "sync": ("sync", 0, False),
    "async": ("async", 16, False),
    "async-1": ("async", 1, False),
    "aiohttp": ("async-aiohttp", 16, False),
    "flow": ("sync-null", 0, False),
    "large-sync": ("sync", 0, True),
    "large-async": ("async", 1, True),
}
"""What can be profiled: the contender, its calls in flight (0: it is sync), and whether responses are large."""
INTERVAL = 0.001
"""Seconds of CPU time between samples; the system's clock tick, where that is longer."""
HERE = str(Path(__file__).parent)


class Sampler:
    """Counts the lines at which the program is seen."""

    def __init__(self) -> None:
        self.lines: Counter[tuple[CodeType, int]] = Counter()
        self.inclusive: Counter[CodeType] = Counter()

    def __enter__(self) -> Sampler:
        signal.signal(signal.SIGPROF, self._sample)
        signal.setitimer(signal.ITIMER_PROF, INTERVAL, INTERVAL)
        return self

    def __exit__(self, *exc_info: object) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)

    def _sample(self, number: int, frame: FrameType | None) -> None:
        if frame is None:
            return
        self.lines[frame.f_code, frame.f_lineno or 0] += 1
        seen = set()
        while frame is not None:
            seen.add(frame.f_code)
            frame = frame.f_back
        self.inclusive.update(seen)


def block_of(kind: str, stack: ExitStack) -> Block:
    """Return what is profiled."""
    address = stack.enter_context(serving()).address
    headers = payloads.our_headers()
    name, tasks, large = KINDS[kind]
    if not tasks:
        return one_by_one(stack.enter_context(SyncContenders(address, headers)).calls(name, large=large)[name])
    runner = stack.enter_context(asyncio.Runner())
    made = stack.enter_context(running(AsyncContenders(address, headers), runner))
    return in_tasks(runner.run(made.calls(name, large=large))[name], runner, tasks)


def function_calls(block: Block, calls: int) -> tuple[float, float]:
    """Return how many Python functions, and how many C functions, one call of ours calls."""
    seen: Counter[str] = Counter()

    def note(frame: FrameType, event: str, argument: Any) -> None:
        seen[event] += 1

    sys.setprofile(note)
    try:
        block(calls)
    finally:
        sys.setprofile(None)
    return seen["call"] / calls, seen["c_call"] / calls


def place(code: CodeType) -> str:
    """Return the path of a code object's file from its package on."""
    if code.co_filename.startswith(HERE):
        return "the benchmark itself"
    path = code.co_filename.rpartition("site-packages/")[2]
    for folder in ("runtime/", "generated/", f"python{sys.version_info.major}.{sys.version_info.minor}/"):
        path = path.rpartition(folder)[2]
    return path


def table(title: str, counts: Mapping[str, int], samples: int, cpu: float, most: int) -> None:
    """Print the largest counts as shares, and as microseconds of a call."""
    print(f"\n{title}\n    µs      %")
    for name, count in sorted(counts.items(), key=lambda item: -item[1])[:most]:
        print(f"{count / samples * cpu * 1e6:6.1f} {count / samples:6.1%}  {name}")


def grouped(counts: Mapping[Any, int], name: Callable[[Any], str]) -> Counter[str]:
    """Return the counts summed by name."""
    found: Counter[str] = Counter()
    for key, count in counts.items():
        found[name(key)] += count
    return found


def main() -> None:
    """Profile and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=list(KINDS))
    parser.add_argument("--seconds", type=float, default=8.0, help="CPU seconds to sample")
    parser.add_argument("--most", type=int, default=15, help="lines of a table")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    with ExitStack() as stack:
        block = block_of(options.kind, stack)
        block(32)
        cpu, _ = block(64)
        calls = round(options.seconds * 64 / cpu)
        started = time.process_time()
        with Sampler() as sampler:
            block(calls)
        each = (time.process_time() - started) / calls
        python, c = function_calls(block, 256)
    samples = sampler.lines.total()
    print(
        f"{options.kind}: {each * 1e6:.1f} µs of CPU a call, {python:.0f} Python and {c:.0f} C function calls; ", end=""
    )
    print(f"{samples} samples of {calls} calls")
    table("by file", grouped(sampler.lines, lambda key: place(key[0])), samples, each, options.most)
    own = grouped(sampler.lines, lambda key: f"{place(key[0])}: {key[0].co_qualname}")
    table("by function, itself", own, samples, each, options.most)
    below = {code: count for code, count in sampler.inclusive.items() if not code.co_filename.startswith(HERE)}
    whole = grouped(below, lambda code: f"{place(code)}: {code.co_qualname}")
    table("by function, with what it calls", whole, samples, each, 2 * options.most)
    source = grouped(
        sampler.lines,
        lambda key: f"{place(key[0])}:{key[1]}  {linecache.getline(key[0].co_filename, key[1]).strip()}",
    )
    table("by line", source, samples, each, options.most)


if __name__ == "__main__":
    main()
