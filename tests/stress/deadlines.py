"""Deadlines: a server that hangs or drips, wherever it does. How early or late does a call end?"""

from __future__ import annotations

import inspect
import itertools
import math
import statistics
import time
from collections import defaultdict
from collections.abc import Awaitable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import calls
import server_process
from figures import Row, main, scaled

from twirpkit import DeadlineExceededError, RetryClass, TwirpError
from twirpkit.livekit.regions import Regions
from twirpkit.testing import (
    Behaviour,
    Request,
    ScriptedServer,
    black_hole,
    drip,
    error,
    hang,
    http,
    reply,
)

BUDGETS = {0.05: 40, 0.1: 40, 0.25: 40, 0.5: 20, 1.0: 20, 2.0: 10, 5.5: 10, 12.0: 10}
"""Seconds, and how many calls of each at each place."""
EARLY = 0.005
LATE = {"sync": 0.1, "async": 0.05}
AT_ONCE = 16
"""Calls under way at a time: more would measure how busy this machine is."""
DISCOVERY = "/settings/regions"

ANSWER = reply(b"\xa2\x06" + bytes([100]) + bytes(100))
PLACES: dict[str, tuple[RetryClass, Behaviour]] = {
    "hang before the header": (RetryClass.NEVER, hang()),
    "drip in the header": (RetryClass.NEVER, drip(ANSWER, 0.2)),
    "drip of interim responses": (RetryClass.NEVER, drip(http(200, interim=[103] * 50), 0.01)),
    "hang before the body": (RetryClass.NEVER, hang(ANSWER, ANSWER.head_length)),
    "drip in the body": (RetryClass.NEVER, drip(ANSWER, 0.2, start=ANSWER.head_length)),
    "drip in an error's body": (RetryClass.NEVER, drip(error("not_found"), 0.5, start=error("not_found").head_length)),
    "retries that hang": (RetryClass.READ, hang()),
    "discovery that hangs": (RetryClass.READ, http(451)),
    "discovery that drips": (RetryClass.READ, http(451)),
}
CONNECTING = "connecting"
DISCOVERING = ("discovery that hangs", "discovery that drips")
HEARD = ("drip in an error's body", *DISCOVERING)
"""Here a response's header came, so that the error is the response's, and not that of a deadline (rule A14)."""
LONGEST_DISCOVERY = 2.0
"""Discovery ends by itself after 2 s (rule D2), so its budgets are below that."""

Job = tuple[str, float]
Timed = tuple[float, object]


def script(request: Request) -> Behaviour:
    """Do what a header names: discovery carries the call's extra headers, too."""
    place = request.header("X-Place") or ""
    if request.path == DISCOVERY:
        return hang() if place == "discovery that hangs" else drip(http(200, bytes(1000)), 0.05)
    return PLACES[place][1]


def server() -> ScriptedServer:
    """The server of this scenario."""
    return ScriptedServer(script)


def todo(places: Sequence[str], scale: float) -> list[Job]:
    """Places and budgets, the long ones first so that they overlap."""
    return [
        (place, budget)
        for budget, count in sorted(BUDGETS.items(), reverse=True)
        for _ in range(scaled(count, scale))
        for place in places
        if budget < LONGEST_DISCOVERY or place not in DISCOVERING
    ]


def start(client: Any, job: Job) -> Any:
    """Begin a call; how long it took and what came of it, or what an async client wants awaited for that."""
    place, budget = job
    retry = RetryClass.READ if place == CONNECTING else PLACES[place][0]
    rpc = calls.RPCS[retry]
    began = time.monotonic()
    try:
        method = getattr(getattr(client, rpc.service), rpc.name)
        made = method(**rpc.fields("x"), extra_headers={"X-Place": place}, timeout=budget)
    except TwirpError as failed:
        return time.monotonic() - began, failed
    return _awaited(made, began) if inspect.isawaitable(made) else (time.monotonic() - began, made)


async def _awaited(made: Awaitable[object], began: float) -> Timed:
    try:
        return time.monotonic() - began, await made
    except TwirpError as failed:
        return time.monotonic() - began, failed


def run(scale: float) -> Iterator[Row]:
    """The rows."""
    with server_process.server_process(server) as running, black_hole() as hole:
        for mode in calls.MODES:
            late: dict[str, list[float]] = defaultdict(list)
            wrong: list[str] = []

            def tell(job: Job, outcome: Any, late: Any = late, wrong: Any = wrong) -> None:
                place, budget = job
                if isinstance(outcome, BaseException):
                    raise outcome
                took, what = outcome
                late[place].append(took - budget)
                if not isinstance(what, DeadlineExceededError) and place not in HEARD:
                    wrong.append(f"{place}, {budget} s: {what!r}")

            plain = [place for place in PLACES if place not in DISCOVERING]
            calls.each(mode, running.url, todo(plain, scale), start, tell, workers=AT_ONCE)
            calls.each(mode, hole, todo([CONNECTING], scale), start, tell, workers=AT_ONCE)

            def alone(job: Job, mode: str = mode, tell: Any = tell) -> None:
                # With a client of its own: the calls of one client would share a discovery, and with it its end.
                options: dict[str, Any] = {"regions": Regions(suffixes=("127.0.0.1",)), "workers": 1}
                calls.each(mode, running.url, [job], start, tell, **options)

            with ThreadPoolExecutor(AT_ONCE) as pool:
                list(pool.map(alone, todo(DISCOVERING, scale)))
            yield from judge(mode, late, wrong)


def judge(mode: str, late: dict[str, list[float]], wrong: list[str]) -> Iterator[Row]:
    """What the times show."""
    for place, each in late.items():
        print(f"     {mode}, {place}: {len(each)} calls, {min(each):+.4f} to {max(each):+.4f} s")
    every = sorted(itertools.chain.from_iterable(late.values()))
    what = f"{mode}, {len(every)} calls of {min(BUDGETS):g} to {max(BUDGETS):g} s"
    yield Row(f"{what}, early", f"<= {EARLY * 1000:g} ms", f"{max(0.0, -every[0]) * 1000:.1f} ms", -every[0] <= EARLY)
    p99 = every[min(len(every) - 1, math.ceil(len(every) * 0.99) - 1)]
    must = f"<= {LATE[mode] * 1000:g} ms in 99 %"
    shown = f"{p99 * 1000:.1f} ms, median {statistics.median(every) * 1000:.1f} ms, at most {every[-1] * 1000:.1f} ms"
    yield Row(f"{what}, late", must, shown, p99 <= LATE[mode])
    yield Row(f"{what}, outcome", "DeadlineExceededError", wrong[0] if wrong else "DeadlineExceededError", not wrong)


if __name__ == "__main__":
    main(run)
