"""A client that has made calls, and then a fork: parent and children use it, and nobody gets another's response."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import calls
import server_process
from figures import Row, main, scaled

from livekit_twirp import AsyncLiveKitAPI, LiveKitAPI
from twirpkit import RetryClass
from twirpkit.testing import ScriptedServer

CHILDREN = 8
CALLS = 500
WARM = 16
"""Connections that the client has when it forks."""


def server() -> ScriptedServer:
    """The server of this scenario."""
    return ScriptedServer(calls.response_to, call_id_header=calls.ID)


def run(scale: float) -> Iterator[Row]:
    """The rows."""
    count = scaled(CALLS, scale)
    for mode, play in (("sync", play_sync), ("async", play_async)):
        with server_process.server_process(server) as running:
            told = play(running.url, count)
        what = f"{mode}, warmed, then parent and {CHILDREN} children x {count} calls"
        wanted = (CHILDREN + 1) * count
        yield Row(f"{what}, wrong bodies", "0", str(told["wrong"]), told["wrong"] == 0)
        yield Row(f"{what}, right bodies", str(wanted), str(told["right"]), told["right"] == wanted)
        if told["failed"]:
            print(f"     failures: {told}")


def play_sync(url: str, count: int) -> Counter[str]:
    """What came of the calls through a sync client."""
    with LiveKitAPI(url, auth=calls.AUTH) as client:
        at_once(lambda place: ask(client, f"warm-{place}"))
        return forked(lambda who: ask_all(client, who, count))


def ask_all(client: LiveKitAPI, who: str, count: int) -> Counter[str]:
    """Many calls, and what came of them."""
    return Counter(ask(client, f"{who}-{number}") for number in range(count))


def ask(client: LiveKitAPI, name: str) -> str:
    """One call: right, wrong, or failed."""
    try:
        made = calls.call(client, RetryClass.READ, name)
    except Exception as failed:
        return f"failed {failed!r}"[:200]
    return judge(made, name)


def judge(made: Any, name: str) -> str:
    """Whether a response is the one to this call."""
    return "right" if [room.name for room in made.rooms] == [name] else "wrong"


def at_once(work: Callable[[int], object]) -> None:
    """Do it in as many threads as there shall be connections."""
    together = threading.Barrier(WARM)

    def run(place: int) -> None:
        together.wait(30)
        work(place)

    threads = [threading.Thread(target=run, args=(place,)) for place in range(WARM)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def play_async(url: str, count: int) -> Counter[str]:
    """What came of the calls through an async client. The loop that warmed it is still there, and does not run."""

    async def ask(name: str) -> str:
        try:
            made = await calls.call(client, RetryClass.READ, name)
        except Exception as failed:
            return f"failed {failed!r}"[:200]
        return judge(made, name)

    async def ask_all(who: str) -> Counter[str]:
        return Counter([await ask(f"{who}-{number}") for number in range(count)])

    async def warm() -> None:
        await asyncio.gather(*(ask(f"warm-{place}") for place in range(WARM)))

    with asyncio.Runner() as runner:
        client = AsyncLiveKitAPI(url, auth=calls.AUTH)
        runner.run(warm())

        def work(who: str) -> Counter[str]:
            return runner.run(ask_all(who)) if who == "parent" else asyncio.run(ask_all(who))

        told = forked(work)
        runner.run(client.aclose())
    return told


def forked(work: Callable[[str], Counter[str]]) -> Counter[str]:
    """Do it in the parent and in each child, at the same time; the sum of what they tell."""
    pipes = []
    for child in range(CHILDREN):
        reading, writing = os.pipe()
        process = os.fork()
        if process == 0:
            os.close(reading)
            be_child(work, f"child-{child}", writing)
        os.close(writing)
        pipes.append((process, reading))
    told = work("parent")
    for process, reading in pipes:
        with os.fdopen(reading, encoding="utf-8") as pipe:
            text = pipe.read()
        os.waitpid(process, 0)
        told += Counter(json.loads(text)) if text else Counter({"failed without a word": 1})
    told["failed"] = sum(times for outcome, times in told.items() if outcome.startswith("failed "))
    return told


def be_child(work: Callable[[str], Counter[str]], who: str, writing: int) -> None:
    """Work, tell the parent, and end without running what is the parent's."""
    try:
        told = work(who)
        with os.fdopen(writing, "w", encoding="utf-8") as pipe:
            json.dump(told, pipe)
    finally:
        os._exit(0)


if __name__ == "__main__":
    main(run)
