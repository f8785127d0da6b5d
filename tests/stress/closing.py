"""Closing a client under 500 calls: each ends with its response, or with an error that says whether it was executed."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import calls
import server_process
from figures import Row, main, scaled
from process_resources import descriptors

from livekit_twirp import AsyncLiveKitAPI, LiveKitAPI
from twirpkit import Event, TwirpError
from twirpkit.testing import Behaviour, Outcomes, Request, ScriptedServer, break_off, check, delay, error, hang, mix

CALLS = 500
TIMEOUT = 6.0
"""Seconds of each call. Those that hang end by it, and those of the first row all wait for a connection meanwhile."""
CUT_AFTER = 0.5
"""Seconds that `aclose(timeout=…)` gives the calls."""
PATIENCE = 60.0
"""Seconds after which a call counts as hung."""
IN_DOUBT = "sent maybe, without a reason"
WAYS = {"sync": ("close()",), "async": ("aclose()", f"aclose(timeout={CUT_AFTER:g})")}


def slow(request: Request) -> Behaviour:
    """A success that the client is closed before."""
    return delay(request.random("delay").uniform(0.2, 1.5), calls.response_to(request))


def unavailable(request: Request) -> Behaviour:
    """An error after which a call is repeated, so that some clients are closed between two attempts."""
    return delay(request.random("delay").uniform(0.0, 1.0), error("unavailable", "try again"))


def dropped(request: Request) -> Behaviour:
    """The end of the connection in place of a response."""
    return delay(request.random("delay").uniform(0.0, 1.0), break_off(executed=True))


def server() -> ScriptedServer:
    """The server of this scenario."""
    script = mix(slow, (0.2, unavailable), (0.1, dropped), (0.05, hang()), (0.2, calls.response_to))
    return ScriptedServer(script, call_id_header=calls.ID, key=calls.nonce)


class Watch:
    """Hook that counts the calls that have begun, and the attempts that were made although the client was closed."""

    def __init__(self, count: int) -> None:
        self.all_begun = threading.Event()
        self.closed = False
        """Set after the client was closed."""
        self.too_late = 0
        """Attempts that were decided, and made, after that."""
        self._left = count
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        """Take an event."""
        if event.kind == "start":
            with self._lock:
                self._left -= 1
                if self._left == 0:
                    self.all_begun.set()
        elif event.kind == "retry":
            event.context["after"] = self.closed
        elif event.kind == "request" and event.context.get("after"):
            with self._lock:
                self.too_late += 1


def run(scale: float) -> Iterator[Row]:
    """The rows."""
    count = scaled(CALLS, scale)
    for mode in calls.MODES:
        for way in WAYS[mode]:
            outcomes, watch = Outcomes(), Watch(count)
            ends: Counter[str] = Counter()

            def tell(job: calls.Job, outcome: Any, outcomes: Any = outcomes, ends: Any = ends) -> None:
                calls.record(outcomes, job, outcome)
                ends[kind_of(outcome)] += 1

            with server_process.server_process(server) as running:
                before = descriptors()
                play = close_sync if mode == "sync" else close_async
                play(running.url, calls.jobs(count), way, watch, tell)
                left, closed = descriptors() - before, running.all_closed()
                report = check(running.entries(), outcomes)
            what = f"{mode}, {way}, {count} calls under way"
            shown = ", ".join(f"{times} {kind}" for kind, times in sorted(ends.items()))
            wrong = sum(times for kind, times in ends.items() if kind.startswith("foreign"))
            yield Row(f"{what}, ends without `sent`", "0", f"{wrong} ({shown})", wrong == 0)
            hung = count - sum(ends.values())
            yield Row(f"{what}, hangs", "0", str(hung), hung == 0)
            yield Row(f"{what}, attempts that began after it", "0", str(watch.too_late), watch.too_late == 0)
            # A call that `timeout` ends is in doubt, although the server may have responded a moment later.
            found = [each for each in report.contradictions if "timeout" not in way or each.rule != IN_DOUBT]
            yield Row(f"{what}, contradictions", "0", str(len(found)), not found)
            yield Row(f"{what}, connections left", "0", str(left), left == 0 and closed)
            if found:
                print(report)


def kind_of(outcome: Any) -> str:
    """Name the end of a call."""
    if not isinstance(outcome, BaseException):
        return "success"
    return f"sent={outcome.sent}" if isinstance(outcome, TwirpError) else f"foreign {outcome!r}"


Tell = Callable[[calls.Job, Any], None]


def close_sync(url: str, todo: list[calls.Job], way: str, watch: Watch, tell: Tell) -> None:
    """Make the calls, each in a thread of its own, and close the client as soon as all have begun."""
    client = LiveKitAPI(url, auth=calls.AUTH, hooks=[watch])
    lock = threading.Lock()

    def work(job: calls.Job) -> None:
        outcome: Any
        try:
            outcome = calls.call(client, job[1], job[0], timeout=TIMEOUT)
        except Exception as failed:  # whatever it is, the scenario judges it
            outcome = failed
        with lock:
            tell(job, outcome)

    threads = [threading.Thread(target=work, args=(job,), daemon=True) for job in todo]
    for thread in threads:
        thread.start()
    watch.all_begun.wait(PATIENCE)
    client.close()
    watch.closed = True
    for thread in threads:
        thread.join(PATIENCE)


def close_async(url: str, todo: list[calls.Job], way: str, watch: Watch, tell: Tell) -> None:
    """Make the calls, each in a task of its own, and close the client as soon as all have begun."""

    async def work() -> None:
        client = AsyncLiveKitAPI(url, auth=calls.AUTH, hooks=[watch])
        tasks = {asyncio.ensure_future(calls.call(client, job[1], job[0], timeout=TIMEOUT)): job for job in todo}
        while not watch.all_begun.is_set():
            await asyncio.sleep(0)
        # A step of the loop for the connections: else all calls would be closed before they send anything.
        await asyncio.sleep(CUT_AFTER / 2)
        closing = asyncio.ensure_future(client.aclose(timeout=CUT_AFTER if "timeout" in way else None))
        await asyncio.sleep(0)
        watch.closed = True
        done, _ = await asyncio.wait({*tasks, closing}, timeout=PATIENCE)
        for task in done - {closing}:
            tell(tasks[task], task.exception() or task.result())
        await asyncio.wait_for(closing, 1)

    asyncio.run(work())


if __name__ == "__main__":
    main(run)
