"""A backend that is dead for a minute, and 200 workers that keep calling: retries must not multiply the traffic."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Iterator
from typing import Any

import calls
import server_process
from figures import Row, main

from twirpkit import TwirpError
from twirpkit.livekit.regions import Regions
from twirpkit.testing import Behaviour, Cluster, Request, by_path, error, regions

SECONDS = 60
WORKERS = 200
PAUSE = 0.4
"""Seconds that a worker waits before each call."""
EMPTY_AFTER = 5.0
"""Seconds after which the budget, 100 retries, is spent for sure."""
MAX_AGE = 25
"""Seconds for which a discovery holds."""
MOST = 1.1
DISCOVERY = "/settings/regions"


def dead() -> Cluster:
    """A server that responds to each call with 503, and names itself as the only region."""

    def discovery(request: Request) -> Behaviour:
        return regions([f"http://127.0.0.1:{request.port}"], max_age=MAX_AGE)

    return Cluster(by_path({DISCOVERY: discovery}, error("unavailable", "dead")), call_id_header=calls.ID)


def run(scale: float) -> Iterator[Row]:
    """The rows."""
    seconds = max(2 * EMPTY_AFTER, SECONDS * scale)
    for mode in calls.MODES:
        for kind in ("503", "refused"):
            with server_process.server_process(dead) as running:
                if kind == "refused":
                    running.go_down()
                attempts = play(mode, running.url, seconds)
                entries = running.entries()
            what = f"{mode}, {kind} for {seconds:.0f} s, {WORKERS} workers"
            mean = sum(attempts) / max(1, len(attempts))
            must = f"<= {MOST} attempts per call"
            shown = f"{mean:.4f} over {len(attempts)} calls"
            yield Row(f"{what}, once the budget is empty", must, shown, bool(attempts) and mean <= MOST)
            if kind == "503":
                windows = math.ceil(seconds / MAX_AGE)
                asked = sum(entry.method == "GET" for entry in entries)
                yield Row(f"{what}, discoveries", f"1 to {windows}, one a TTL", str(asked), 1 <= asked <= windows)


def play(mode: str, url: str, seconds: float) -> list[int]:
    """The attempts of each call that began after the budget was empty."""
    began = time.monotonic()
    attempts: list[int] = []

    def todo() -> Iterator[float]:
        while time.monotonic() - began < seconds:
            yield 0.0

    def start(client: Any, job: float) -> Any:
        if mode == "async":
            return later(client)
        time.sleep(PAUSE)
        return call(client)

    async def later(client: Any) -> Any:
        await asyncio.sleep(PAUSE)
        late = time.monotonic() - began > EMPTY_AFTER
        try:
            return await client.room.list_rooms()
        except TwirpError as failed:
            return (failed.attempts, late)

    def call(client: Any) -> Any:
        late = time.monotonic() - began > EMPTY_AFTER
        try:
            return client.room.list_rooms()
        except TwirpError as failed:
            return (failed.attempts, late)

    def tell(job: float, outcome: Any) -> None:
        if not isinstance(outcome, tuple):
            raise AssertionError(f"a dead backend answered: {outcome!r}")
        if outcome[1]:
            attempts.append(outcome[0])

    suffixes = Regions(suffixes=("127.0.0.1",))
    calls.each(mode, url, todo(), start, tell, workers=WORKERS, regions=suffixes)
    return attempts


if __name__ == "__main__":
    main(run)
