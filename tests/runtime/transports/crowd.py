"""More calls at once than there are descriptors, in a process of its own; prints "well" if none failed (rule C10)."""

from __future__ import annotations

import asyncio
import resource
import sys
import threading

from echo_process import echo_process
from worlds import AsyncWorld, UvloopWorld, make_request

from twirpkit.transports.async_sockets import AsyncSocketTransport
from twirpkit.transports.base import HttpResponse
from twirpkit.transports.sync_sockets import SocketTransport

CALLS = 400
DESCRIPTORS = 64


def sync_calls(url: str) -> list[object]:
    """Make them in threads that all start with the same bell."""
    transport = SocketTransport()
    outcomes: list[object] = []
    bell = threading.Barrier(CALLS)

    def call(number: int) -> None:
        bell.wait()
        outcome = transport.send(make_request(url, body=b"%d" % number, timeout=30))
        outcomes.append((outcome, number))

    threads = [threading.Thread(target=call, args=(number,)) for number in range(CALLS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    transport.close()
    return outcomes


async def async_calls(url: str) -> list[object]:
    """Make them in tasks."""
    transport = AsyncSocketTransport()

    async def call(number: int) -> object:
        return await transport.send(make_request(url, body=b"%d" % number, timeout=30)), number

    outcomes = await asyncio.gather(*map(call, range(CALLS)))
    await transport.aclose()
    return outcomes


def main(name: str) -> None:
    """Make the calls, and look at what came of each."""
    with echo_process() as url:
        resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
        if name == "sync":
            outcomes = sync_calls(url)
        else:
            world = UvloopWorld if name == "uvloop" else AsyncWorld
            with asyncio.Runner(loop_factory=world.new_loop) as runner:
                outcomes = runner.run(async_calls(url))
    wrong = [
        (outcome, number)
        for outcome, number in outcomes  # type: ignore[misc]  # pairs
        if not isinstance(outcome, HttpResponse) or outcome.body != b"%d" % number
    ]
    assert len(outcomes) == CALLS
    assert not wrong, wrong[:3]
    print("well")


if __name__ == "__main__":
    main(sys.argv[1])
