"""Calls that are given up at random points: cancelled tasks, and exceptions that a signal's handler raises."""

from __future__ import annotations

import asyncio
import faulthandler
import random
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

import calls
import server_process
from figures import Row, main, scaled
from process_resources import descriptors

from livekit_twirp import AsyncLiveKitAPI, LiveKitAPI
from twirpkit import RetryClass
from twirpkit.testing import Behaviour, Outcomes, Report, Request, ScriptedServer, check, delay, drip

CANCELLED = 10_000
TASKS = 20
SIGNALLED = 3_000
LONGEST = {"sync": 0.02, "async": 0.08}
"""Seconds until a call is given up, at most; many responses take less, so that calls end at every point."""
PATIENCE = 60.0
"""Seconds without an end after which a call counts as hung."""


def script(request: Request) -> Behaviour:
    """Respond at once, a little later, or in drops."""
    response, chance = calls.response_to(request), request.random()
    kind = chance.random()
    if kind < 0.4:
        return response
    if kind < 0.7:
        return delay(chance.uniform(0, 0.003), response)
    return drip(response, 0.0002, start=chance.randrange(len(response)))


def server() -> ScriptedServer:
    """The server of this scenario."""
    return ScriptedServer(script, call_id_header=calls.ID, key=calls.nonce)


class Given(Exception):
    """What the signal's handler raises."""


def run(scale: float) -> Iterator[Row]:
    """The rows."""
    for mode, count in (("async", CANCELLED), ("sync", SIGNALLED)):
        outcomes = Outcomes()
        with server_process.server_process(server) as running:
            before = descriptors(), threading.active_count()
            faulthandler.dump_traceback_later(PATIENCE + scaled(count, scale) / 50, exit=True)
            todo = calls.jobs(scaled(count, scale))
            left = asyncio.run(cancelled(running.url, todo, outcomes)) if mode == "async" else 0
            if mode == "sync":
                signalled(running.url, todo, outcomes)
            faulthandler.cancel_dump_traceback_later()
            after = descriptors(), threading.active_count()
            closed = running.all_closed()
            report = check(running.entries(), outcomes)
        yield from judge(mode, report, left, before == after and closed, f"{before} before, {after} after")


def judge(mode: str, report: Report, left: int, clean: bool, counts: str) -> Iterator[Row]:
    """What came of it."""
    given_up = sum(count for kind, count in report.kinds.items() if "abandoned" in kind)
    what = f"{mode}, {report.calls} calls, {given_up} of them given up"
    crossed = [each for each in report.contradictions if each.rule.startswith("success")]
    yield Row(f"{what}, crossed responses", "0", str(len(crossed)), not crossed)
    others = len(report.contradictions) - len(crossed)
    yield Row(f"{what}, other contradictions", "0", str(others), others == 0)
    yield Row(f"{what}, descriptors, threads, connections", "none left", counts, clean)
    yield Row(f"{what}, tasks", "none left", str(left), left == 0)
    yield Row(f"{what}, hangs", "0", "0", passed=True)  # a call that hangs ends the process
    if report.contradictions:
        print(report)


async def cancelled(url: str, todo: list[calls.Job], outcomes: Outcomes) -> int:
    """Make calls, each in a task that is cancelled after a random time; how many tasks are left at the end."""
    chance = random.Random(1)
    pending = iter(todo)
    async with AsyncLiveKitAPI(url, auth=calls.AUTH) as client:

        async def work() -> None:
            for name, retry in pending:
                task = asyncio.ensure_future(calls.call(client, retry, name))
                handle = asyncio.get_running_loop().call_later(chance.uniform(0, LONGEST["async"]), task.cancel)
                await asyncio.wait({task}, timeout=PATIENCE)
                handle.cancel()
                record(outcomes, name, retry, task)

        await asyncio.gather(*(work() for _ in range(TASKS)))
    return len(asyncio.all_tasks()) - 1


def record(outcomes: Outcomes, name: str, retry: RetryClass, task: asyncio.Future[Any]) -> None:
    """Tell what came of a task."""
    if not task.done():
        raise AssertionError(f"the call {name} hangs although it was cancelled: {task}")
    if task.cancelled():
        outcomes.abandoned(name, retry)
    else:
        calls.record(outcomes, (name, retry), task.exception() or task.result())


def signalled(url: str, todo: list[calls.Job], outcomes: Outcomes) -> None:
    """Make calls in the main thread, in each of which a signal's handler raises after a random time."""
    chance = random.Random(1)

    def give_up(number: int, frame: FrameType | None) -> None:
        raise Given

    signal.signal(signal.SIGALRM, give_up)
    with LiveKitAPI(url, auth=calls.AUTH) as client:
        for name, retry in todo:
            try:
                outcome = interrupted(client, name, retry, chance.uniform(0.00001, LONGEST["sync"]))
            except Given:
                outcomes.abandoned(name, retry)
                continue
            calls.record(outcomes, (name, retry), outcome)


def interrupted(client: LiveKitAPI, name: str, retry: RetryClass, after: float) -> Any:
    """One call under an alarm. Raises `Given` wherever the alarm finds it."""
    try:
        signal.setitimer(signal.ITIMER_REAL, after)
        return calls.call(client, retry, name)
    except Given:
        raise
    except Exception as failed:
        return failed
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


if __name__ == "__main__":
    main(run)
