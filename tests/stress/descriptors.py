"""Two thousand calls at once in a process that may have 256 descriptors: each waits its turn, and none fails."""

from __future__ import annotations

import asyncio
import multiprocessing
import resource
import threading
from collections import Counter
from collections.abc import Iterator

import calls
import server_process
from figures import Row, main
from process_resources import descriptors

from livekit_twirp import AsyncLiveKitAPI, LiveKitAPI
from twirpkit import RetryClass
from twirpkit.testing import Behaviour, Request, ScriptedServer, delay

CALLS = 2_000
LIMIT = 256
"""The soft limit of descriptors."""
TAKES = 0.05
"""Seconds that the server takes, so that many connections are in use at once."""
TIMEOUT = 120.0
STACK = 256 * 1024
"""Bytes of a thread's stack."""


def script(request: Request) -> Behaviour:
    """Respond a little later."""
    return delay(TAKES, calls.response_to(request))


def server() -> ScriptedServer:
    """The server of this scenario."""
    return ScriptedServer(script, call_id_header=calls.ID)


def run(scale: float) -> Iterator[Row]:
    """The rows. The calls are as many at every scale: fewer would not have to wait."""
    context = multiprocessing.get_context("spawn")
    for mode in calls.MODES:
        with server_process.server_process(server) as running:
            with context.Pool(1) as pool:
                told, left = pool.apply(play, (mode, running.url, CALLS))
            connections = running.connections()
        what = f"{mode}, {CALLS} calls at once, a limit of {LIMIT} descriptors"
        failed = {kind: times for kind, times in told.items() if kind != "right"}
        yield Row(f"{what}, failures", "0", str(failed or 0), not failed and told["right"] == CALLS)
        print(f"     {what}: {connections} connections")
        yield Row(f"{what}, descriptors left", "0", str(left), left == 0)


def play(mode: str, url: str, count: int) -> tuple[Counter[str], int]:
    """Make the calls under the limit; return their outcomes, and how many descriptors are left of them."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (LIMIT, hard))
    before = descriptors()
    told = at_once_sync(url, count) if mode == "sync" else asyncio.run(at_once_async(url, count))
    return told, descriptors() - before


def at_once_sync(url: str, count: int) -> Counter[str]:
    """Make each call in a thread of its own."""
    told: list[str] = []
    together = threading.Barrier(count + 1)
    threading.stack_size(STACK)

    def work(name: str) -> None:
        together.wait()
        try:
            made = calls.call(client, RetryClass.READ, name, timeout=TIMEOUT)
        except Exception as failed:  # whatever it is, it is counted
            told.append(f"{failed!r}"[:200])
        else:
            told.append("right" if [room.name for room in made.rooms] == [name] else "wrong")

    with LiveKitAPI(url, auth=calls.AUTH) as client:
        threads = [threading.Thread(target=work, args=(f"call-{number}",)) for number in range(count)]
        for thread in threads:
            thread.start()
        together.wait()
        for thread in threads:
            thread.join()
    return Counter(told)


async def at_once_async(url: str, count: int) -> Counter[str]:
    """Make each call in a task of its own."""

    async def work(name: str) -> str:
        try:
            made = await calls.call(client, RetryClass.READ, name, timeout=TIMEOUT)
        except Exception as failed:  # whatever it is, it is counted
            return f"{failed!r}"[:200]
        return "right" if [room.name for room in made.rooms] == [name] else "wrong"

    async with AsyncLiveKitAPI(url, auth=calls.AUTH) as client:
        told = await asyncio.gather(*(work(f"call-{number}") for number in range(count)))
    return Counter(told)


if __name__ == "__main__":
    main(run)
