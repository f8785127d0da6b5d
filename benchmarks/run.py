"""The benchmarks: `python benchmarks/run.py [--quick] [--docs] [--only NAME …]`, or `nox -s bench`.

Prints tables and writes `benchmarks/results/latest.json`. `--docs` also writes the tables and plots of
`docs/benchmarks.md`; `--again` makes them from the results of the last run.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import contenders
import fairness
import imports
import memory
import payloads
import report
from contenders import AsyncContenders, SyncContenders, running
from measure import Block, Scale, Series, in_tasks, in_threads, interleave, one_by_one, say
from results import Results, environment
from serving import Server, serving

LATEST = Path(__file__).parent / "results" / "latest.json"
DESCRIPTORS = 4096
"""Open files: several contenders hold 512 connections each."""

SYNC = ("socket", "requests", "httpx", "sync", "sync-message", "sync-requests", "sync-httpx", "sync-null", "sync-app")
THREADED = ("socket", "requests", "httpx", "sync", "sync-requests")
ALONE = ("socket", "protocol", "aiohttp", "httpx-async", "livekit-api",
         "async", "async-message", "async-aiohttp", "async-httpx", "async-null", "async-app")  # fmt: skip
LARGE = ("parse", "socket", "requests", "httpx", "sync", "sync-requests", "sync-httpx")
LARGE_ASYNC = ("parse", "socket", "aiohttp", "livekit-api", "async", "async-aiohttp", "async-httpx")
SOME = ("protocol", "aiohttp", "httpx-async", "livekit-api", "async", "async-aiohttp", "async-httpx")
MANY = ("protocol", "aiohttp", "livekit-api", "async", "async-aiohttp")
"""Without httpx, whose pool looks at all connections at each call: at 64 in flight a call takes 4 ms."""


class Run:
    """One run: its server, its scale, and what it has found so far."""

    def __init__(self, server: Server, scale: Scale, results: Results) -> None:
        self.server = server
        self.scale = scale
        self.results = results
        self.headers = payloads.our_headers()

    def sync(self) -> None:
        """Measure calls one after the other, in one thread."""
        self._sync("sync", "sync, one at a time", SYNC)

    def threads(self) -> None:
        """Measure one client shared by threads."""
        for threads in (4, 16, 64):
            with SyncContenders(self.server.address, self.headers) as made, ThreadPoolExecutor(threads) as pool:
                blocks = {name: in_threads(call, pool, threads) for name, call in made.calls(*THREADED).items()}
                title = f"sync, {threads} threads"
                self._keep(f"threads-{threads}", self._interleave(title, blocks, at_once=threads, least=8))

    def tasks(self) -> None:
        """Measure async calls, from one to many in flight."""
        for tasks, names in ((1, ALONE), (16, SOME), (64, MANY), (256, MANY), (512, MANY)):
            title = f"async, {tasks} in flight" if tasks > 1 else "async, one at a time"
            self._async(f"async-{tasks}", title, names, tasks)

    def uvloop(self) -> None:
        """Measure async calls on uvloop."""
        if contenders.has_uvloop():
            import uvloop

            self._async("uvloop-16", "async, 16 in flight, uvloop", MANY, 16, loop=uvloop.new_event_loop)

    def tls(self) -> None:
        """Measure both clients over TLS."""
        self._sync("tls-sync", "sync, one at a time, TLS", ("socket", "requests", "httpx", "sync"), tls=True)
        names = ("protocol", "aiohttp", "livekit-api", "async")
        self._async("tls-async-16", "async, 16 in flight, TLS", names, 16, tls=True)

    def large(self) -> None:
        """Measure a response of 3.4 MB."""
        self._sync("large-sync", "sync, 3.4 MB response", LARGE, large=True)
        self._async("large-async", "async, 3.4 MB response", LARGE_ASYNC, 1, large=True)

    def fairness(self) -> None:
        """Measure how evenly calls are served."""
        self.results.fairness = fairness.durations(self.server.address, self.headers, self.scale)

    def imports(self) -> None:
        """Measure imports and first clients."""
        self.results.imports = imports.import_times(self.scale)

    def memory(self) -> None:
        """Measure peak memory."""
        self.results.memory = memory.peaks(self.server.address)

    def _sync(self, key: str, title: str, names: tuple[str, ...], *, tls: bool = False, large: bool = False) -> None:
        with SyncContenders(self.server.address, self.headers, tls=tls) as made:
            blocks = {name: one_by_one(call) for name, call in made.calls(*names, large=large).items()}
            self._keep(key, self._interleave(title, blocks))

    def _async(
        self,
        key: str,
        title: str,
        names: tuple[str, ...],
        tasks: int,
        *,
        tls: bool = False,
        large: bool = False,
        loop: Callable[[], asyncio.AbstractEventLoop] | None = None,
    ) -> None:
        made = AsyncContenders(self.server.address, self.headers, tls=tls)
        with asyncio.Runner(loop_factory=loop) as runner, running(made, runner):
            calls = runner.run(made.calls(*names, large=large))
            blocks = {name: in_tasks(call, runner, tasks) for name, call in calls.items()}
            self._keep(key, self._interleave(title, blocks, at_once=tasks))

    def _interleave(self, title: str, blocks: dict[str, Block], *, at_once: int = 1, least: int = 2) -> Series:
        return interleave(title, blocks, self.scale, self.server, at_once=at_once, least=least)

    def _keep(self, key: str, series: Series) -> None:
        self.results.series[key] = series


PARTS = ("sync", "threads", "tasks", "uvloop", "tls", "large", "fairness", "imports", "memory")


def measure(parts: list[str], *, quick: bool) -> Results:
    """Measure the named parts."""
    for name in list(os.environ):  # proxies, certificates and credentials of this machine
        if name.upper().endswith(("_PROXY", "_CA_BUNDLE", "_CERT_FILE", "_CERT_DIR")) or name.startswith("LIVEKIT_"):
            del os.environ[name]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(DESCRIPTORS, hard)), hard))
    warnings.simplefilter("ignore")  # a plain http URL on loopback, a short secret
    results = Results(environment("part" if set(parts) < set(PARTS) else "quick" if quick else "full"))
    scale = Scale(rounds=5, seconds=0.02, limit=2) if quick else Scale(rounds=25, seconds=0.06, limit=14)
    with serving() as server:
        run = Run(server, scale, results)
        for part in parts:
            getattr(run, part)()
    results.missing = dict(contenders.missing)
    return results


def main() -> None:
    """Measure, print, and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less than a minute, with wider spreads")
    parser.add_argument("--docs", action="store_true", help="write the tables and plots of docs/benchmarks.md")
    parser.add_argument("--again", action="store_true", help="measure nothing: take the results of the last run")
    parser.add_argument("--only", nargs="+", choices=PARTS, metavar="PART", help=f"of {', '.join(PARTS)}")
    options = parser.parse_args()
    started = time.monotonic()
    if options.again:
        results = Results.read(LATEST)
    else:
        results = measure(options.only or list(PARTS), quick=options.quick)
        if not options.only:
            results.write(LATEST)
        say(f"{time.monotonic() - started:.0f} s")
    print(report.markdown(results))
    if options.docs:
        report.write_docs(results)


if __name__ == "__main__":
    main()
