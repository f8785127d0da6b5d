"""The keep-alive race: calls that go out just as the server closes the connection that they would use."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator
from typing import Any

import calls
import server_process
from figures import Row, main, scaled

from twirpkit import RetryClass
from twirpkit.testing import Behaviour, Outcomes, Report, Request, ScriptedServer, check, keep_alive_race, respond

CALLS = 5_000
IDLE = 5.0
"""Node's and uvicorn's limit."""
AROUND = 0.05
"""Seconds by which a call is off the limit, at most."""
WORKERS = 500
SHORT = 0.05
"""A limit below the age at which the client drops its connections: then only its probe helps."""
FEW = 8
"""Workers where the limit is short: more would measure how long a busy server takes from its decision to its FIN."""
RACES = 0.08
"""The share of responses after which the server wins the race. More would spend the retry budget."""
WANTED = (RetryClass.READ, RetryClass.IDEMPOTENT, RetryClass.KEYED)


def slow_to_close(idle: float) -> ScriptedServer:
    """A server with an idle limit."""
    return ScriptedServer(calls.response_to, call_id_header=calls.ID, key=calls.nonce, idle=idle)


def script(request: Request) -> Behaviour:
    """Some responses leave a connection behind that ends when the next request arrives."""
    response = calls.response_to(request)
    return keep_alive_race(response) if request.random().random() < RACES else respond(response)


def worst() -> ScriptedServer:
    """A server that always wins the race."""
    return ScriptedServer(script, call_id_header=calls.ID, key=calls.nonce)


def run(scale: float) -> Iterator[Row]:
    """The rows."""
    count = scaled(CALLS, scale)
    for mode in calls.MODES:
        report = play(mode, count, IDLE, min(WORKERS, count))
        yield from judge(f"{mode}, idle limit {IDLE:g} s", report, most_errors=0.001)
        report = play(mode, count, SHORT, FEW)
        yield from judge(f"{mode}, idle limit {SHORT:g} s", report, most_errors=None)
        outcomes = Outcomes()
        with server_process.server_process(worst) as running:
            calls.run(mode, running.url, calls.jobs(count), outcomes, workers=FEW)
            report = check(running.entries(), outcomes)
        yield from judge(f"{mode}, closed by the next request", report, most_errors=None)


def play(mode: str, count: int, idle: float, workers: int) -> Report:
    """Calls by so many workers, each of which waits about the idle limit between two calls."""
    outcomes = Outcomes()
    chance = random.Random(1)
    around = min(AROUND, idle / 20)

    def pause() -> float:
        return idle + chance.uniform(-around, around)

    def start(client: Any, job: calls.Job) -> Any:
        if mode == "async":
            return later(client, job)
        time.sleep(pause())
        return calls.call(client, job[1], job[0])

    async def later(client: Any, job: calls.Job) -> Any:
        await asyncio.sleep(pause())
        return await calls.call(client, job[1], job[0])

    def tell(job: calls.Job, outcome: Any) -> None:
        calls.record(outcomes, job, outcome)

    with server_process.server_process(slow_to_close, idle) as running:
        calls.each(mode, running.url, calls.jobs(count), start, tell, workers=workers)
        return check(running.entries(), outcomes)


def judge(what: str, report: Report, *, most_errors: float | None) -> Iterator[Row]:
    """What a report shows.

    Args:
        what: Of the row.
        report: Of the calls.
        most_errors: The share of calls of class "never" that may fail; None: that cannot be helped, only told.
    """
    failed = [kind for kind in report.kinds if "failure" in kind and RetryClass(kind.split()[0]) in WANTED]
    shown = ", ".join(failed) or "100 %"
    yield Row(f"{what}, {report.calls} calls, read, idempotent, keyed", "100 %", shown, not failed)
    never = {kind: count for kind, count in report.kinds.items() if kind.startswith("never")}
    share = 1 - never.get("never success", 0) / max(1, sum(never.values()))
    must = "said truly" if most_errors is None else f"<= {most_errors:.1%} errors"
    yield Row(f"{what}, never", must, f"{share:.2%} errors", most_errors is None or share <= most_errors)
    found = report.contradictions
    yield Row(f"{what}, duplicates and other contradictions", "0", str(len(found)), not found)
    if found:
        print(report)


if __name__ == "__main__":
    main(run)
