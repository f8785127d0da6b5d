"""Fifty thousand calls, half of which fail in every way: descriptors, threads, tasks and memory must come back."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

import calls
import server_process
from figures import Row, main, scaled
from process_resources import descriptors, resident

from twirpkit import TwirpError
from twirpkit.testing import Behaviour, Request, ScriptedServer, break_off, cut, error, hang, mix

CALLS = 50_000
WARM_UP = 10_000
SHARE = 0.1
TIMEOUT = 0.25
WORKERS = 16
GROWTH = 1 << 20


def cut_somewhere(request: Request) -> Behaviour:
    """Cut the response at a random byte."""
    response = calls.response_to(request)
    return cut(response, request.random("cut").randrange(len(response)))


def server() -> ScriptedServer:
    """The server of this scenario. Its ledger stays small: nobody asks for it."""
    faults = (break_off(), break_off(executed=True), cut_somewhere, error("unavailable"), hang())
    return ScriptedServer(mix(calls.response_to, *((SHARE, fault) for fault in faults)), call_id_header=calls.ID)


def run(scale: float) -> Iterator[Row]:
    """The rows."""
    for mode in calls.MODES:
        with server_process.server_process(server) as running:
            before = descriptors(), threading.active_count()
            memory: list[int] = []
            tasks: list[int] = []
            told: Counter[str] = Counter()

            def after(phase: int, memory: Any = memory, tasks: Any = tasks, mode: str = mode) -> None:
                memory.append(resident())
                tasks.append(len(asyncio.all_tasks()) if mode == "async" else 0)

            def tell(job: calls.Job, outcome: Any, told: Any = told) -> None:
                if isinstance(outcome, BaseException) and not isinstance(outcome, TwirpError):
                    raise outcome
                told["failed" if isinstance(outcome, TwirpError) else "succeeded"] += 1

            def start(client: Any, job: calls.Job) -> Any:
                return calls.call(client, job[1], job[0], timeout=TIMEOUT)

            # In parts that are as large as the warm-up: what a part itself needs is then there in both.
            part = scaled(WARM_UP, scale)
            phases = [calls.jobs(part, prefix=f"part-{number}") for number in range(1 + CALLS // WARM_UP)]
            calls.in_phases(mode, running.url, phases, start, tell, after, workers=WORKERS)
            left = descriptors(), threading.active_count()
            closed = running.all_closed()
        what = f"{mode}, {sum(told.values())} calls, {told['failed']} of them failed"
        shown = f"{before} before, {left} after, server's side {'closed' if closed else 'open'}"
        yield Row(f"{what}, descriptors and threads", "back to the start", shown, left == before and closed)
        yield Row(f"{what}, tasks", "back to the start", f"{tasks[0]}, {tasks[-1]}", tasks[-1] == tasks[0])
        grown = memory[-1] - memory[0]
        yield Row(f"{what}, memory after warm-up", "< 1 MB more", f"{grown / 1024:+.0f} KiB", grown < GROWTH)


if __name__ == "__main__":
    main(run)
