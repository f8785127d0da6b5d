"""What a call costs: our clients beside the bare HTTP libraries and livekit-api, in one process, against one server.

python benchmarks/calls.py [ROUNDS]
"""

import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import aiohttp
import requests
from livekit import api
from requests.adapters import HTTPAdapter

from livekit_twirp import AsyncLiveKitAPI, CreateRoomRequest, LiveKitAPI

KEY, SECRET = "devkey", "a secret that is long enough for HS256"
CALLS = 400
"""Calls of one contender in one round."""
THREADS, TASKS = 16, 100
PATH = "/twirp/livekit.RoomService/CreateRoom"
BODY = CreateRoomRequest(name="standup").SerializeToString()
HEADERS = {"Content-Type": "application/protobuf", "Authorization": f"Bearer {'x' * 200}"}

Call = Callable[[], Any]
AsyncCall = Callable[[], Awaitable[Any]]
Figures = dict[str, list[float]]


@contextlib.contextmanager
def serving() -> Iterator[str]:
    """The URL of a server in a process of its own."""
    command = [sys.executable, str(Path(__file__).parent / "server.py")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        try:
            yield f"http://127.0.0.1:{server.stdout.readline().strip()}"
        finally:
            server.kill()


@contextlib.contextmanager
def sync_contenders(url: str) -> Iterator[dict[str, Call]]:
    """One call each; the base first."""
    with requests.Session() as session, LiveKitAPI(url, KEY, SECRET) as ours:
        session.mount("http://", HTTPAdapter(pool_maxsize=THREADS))
        yield {
            "requests.Session.post": lambda: session.post(url + PATH, BODY, headers=HEADERS).content,
            "LiveKitAPI, keywords": lambda: ours.room.create_room(name="standup"),
            "LiveKitAPI, message": lambda: ours.room.create_room(CreateRoomRequest(name="standup")),
        }


@contextlib.asynccontextmanager
async def async_contenders(url: str) -> Any:
    """One call each; the base first."""
    async with (
        aiohttp.ClientSession() as session,
        AsyncLiveKitAPI(url, KEY, SECRET) as ours,
        api.LiveKitAPI(url, KEY, SECRET) as theirs,
    ):

        async def bare() -> bytes:
            async with session.post(url + PATH, data=BODY, headers=HEADERS) as response:
                return await response.read()

        yield {
            "aiohttp.ClientSession.post": bare,
            "AsyncLiveKitAPI, keywords": lambda: ours.room.create_room(name="standup"),
            "AsyncLiveKitAPI, message": lambda: ours.room.create_room(CreateRoomRequest(name="standup")),
            "livekit-api's LiveKitAPI": lambda: theirs.room.create_room(api.CreateRoomRequest(name="standup")),
        }


def measure_sync(url: str, rounds: int) -> tuple[Figures, Figures]:
    """CPU seconds a call, one call after the other; wall seconds a call in threads."""
    alone: Figures = {}
    together: Figures = {}
    with sync_contenders(url) as contenders, ThreadPoolExecutor(THREADS) as pool:
        for _ in range(rounds):
            for name, call in contenders.items():
                started = time.process_time()
                for _ in range(CALLS):
                    call()
                alone.setdefault(name, []).append((time.process_time() - started) / CALLS)
                started = time.perf_counter()
                for done in [pool.submit(call) for _ in range(CALLS)]:
                    done.result()
                together.setdefault(name, []).append((time.perf_counter() - started) / CALLS)
    return alone, together


async def measure_async(url: str, rounds: int) -> tuple[Figures, Figures]:
    """The same with tasks."""
    alone: Figures = {}
    together: Figures = {}
    async with async_contenders(url) as contenders:
        for _ in range(rounds):
            for name, call in contenders.items():
                started = time.process_time()
                for _ in range(CALLS):
                    await call()
                alone.setdefault(name, []).append((time.process_time() - started) / CALLS)
                started = time.perf_counter()
                await asyncio.gather(*(worker(call, CALLS // TASKS) for _ in range(TASKS)))
                together.setdefault(name, []).append((time.perf_counter() - started) / CALLS)
    return alone, together


async def worker(call: AsyncCall, calls: int) -> None:
    """One of the tasks."""
    for _ in range(calls):
        await call()


def table(title: str, figures: Figures, *, throughput: bool = False) -> None:
    """Print the best rounds: whatever else runs on the machine only adds."""
    best = {name: min(seconds) for name, seconds in figures.items()}
    base = next(iter(best))
    print(f"\n| {title} | {'calls/s' if throughput else 'µs a call'} | ÷ {base} |\n|---|---|---|")
    for name, seconds in best.items():
        figure = 1 / seconds if throughput else seconds * 1e6
        print(f"| {name} | {figure:.0f} | {best[base] / seconds if throughput else seconds / best[base]:.2f} |")


def main(rounds: int) -> None:
    """Measure and print."""
    with serving() as url:
        alone, together = measure_sync(url, rounds)
        table("sync, CPU", alone)
        table(f"sync, {THREADS} threads", together, throughput=True)
        alone, together = asyncio.run(measure_async(url, rounds))
        table("async, CPU", alone)
        table(f"async, {TASKS} tasks", together, throughput=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 30)
