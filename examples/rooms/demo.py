"""Create, list and delete a room with both clients, and say what each call did.

Without an argument the answers come from recorded exchanges, played by the bundled replay server. With ``--live`` they
come from the server that TWIRPKIT_TEST_URL, TWIRPKIT_TEST_KEY and TWIRPKIT_TEST_SECRET name.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from livekit_twirp import AsyncLiveKitAPI, LiveKitAPI, TwirpError
from twirpkit.conformance import ReplayServer, load

RECORDINGS = Path(__file__).parents[2] / "tests" / "conformance" / "fixtures" / "room.jsonl"
VARIABLES = ("TWIRPKIT_TEST_URL", "TWIRPKIT_TEST_KEY", "TWIRPKIT_TEST_SECRET")


class Step(NamedTuple):
    """One call: how people would write it, the recording that answers it, and the call itself."""

    text: str
    recording: str
    call: Callable[[Any, str], Any]
    show: Callable[[Any], str]


STEPS = (
    Step(
        "create_room(name=…)",
        "room/create_room/minimal",
        lambda api, room: api.room.create_room(name=room),
        lambda room: f"room {room.sid}, closes {room.empty_timeout} s after it is empty",
    ),
    Step(
        "list_rooms(names=[…])",
        "room/list_rooms/known_and_unknown",
        lambda api, room: api.room.list_rooms(names=["nowhere", room]),
        lambda answer: f"{len(answer.rooms)} room: {', '.join(room.name for room in answer.rooms)}",
    ),
    Step(
        "delete_room(room=…)",
        "room/delete_room/existing",
        lambda api, room: api.room.delete_room(room=room),
        lambda answer: "deleted",
    ),
    Step(
        "delete_room(room=…) again",
        "room/delete_room/again",
        lambda api, room: api.room.delete_room(room=room),
        lambda answer: "deleted twice: the server should have said not_found",
    ),
)


def main() -> int:
    """Run the steps; the exit code says whether every call did what it should."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--live", action="store_true", help="call the server that TWIRPKIT_TEST_* name")
    if parser.parse_args().live:
        missing = [name for name in VARIABLES if not os.environ.get(name)]
        if missing:
            print(f"--live needs {', '.join(missing)}: URL, API key and secret of a server to try on", file=sys.stderr)
            return 2
        url, key, secret = (os.environ[name] for name in VARIABLES)
        try:
            return _run(url, key, secret, f"twirpkit-{secrets.token_hex(4)}", lambda step: None)
        except ValueError as error:  # said before anything was sent
            print(f"--live: {error}", file=sys.stderr)
            return 2
    answers = {exchange.id: exchange.response.raw for exchange in load(RECORDINGS) if exchange.response is not None}
    with ReplayServer() as server:
        keys = "devkey", "no signature is looked at by a replay server"
        return _run(server.url, *keys, "standup", lambda step: server.respond_with(answers[step.recording]))


def _run(url: str, key: str, secret: str, room: str, before: Callable[[Step], None]) -> int:
    print(f"\n{url}, room {room!r}\n")
    print(f"{'client':<16}{'call':<27}{'ms':>6}  outcome")
    with LiveKitAPI(url, key, secret) as api:
        good = [_told(step, before, api, room) for step in STEPS]

    async def run_async() -> list[bool]:
        async with AsyncLiveKitAPI(url, key, secret) as api:
            return [await _told_async(step, before, api, room) for step in STEPS]

    good += asyncio.run(run_async())
    print()
    return 0 if all(good) else 1


def _told(step: Step, before: Callable[[Step], None], api: LiveKitAPI, room: str) -> bool:
    before(step)
    start = time.perf_counter()
    try:
        answer = step.call(api, room)
    except TwirpError as error:
        answer = error
    return _line("LiveKitAPI", step, start, answer)


async def _told_async(step: Step, before: Callable[[Step], None], api: AsyncLiveKitAPI, room: str) -> bool:
    before(step)
    start = time.perf_counter()
    try:
        answer = await step.call(api, room)
    except TwirpError as error:
        answer = error
    return _line("AsyncLiveKitAPI", step, start, answer)


def _line(client: str, step: Step, start: float, outcome: Any) -> bool:
    milliseconds = (time.perf_counter() - start) * 1000
    failed = isinstance(outcome, TwirpError)
    told = f"{type(outcome).__name__}: {outcome.message}" if failed else step.show(outcome)
    print(f"{client:<16}{step.text:<27}{milliseconds:>6.1f}  {told}")
    return failed is step.text.endswith("again")


if __name__ == "__main__":
    sys.exit(main())
