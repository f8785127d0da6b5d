"""Make, list and end a room with both clients, and say what each call did.

Without an argument the server is `FakeLiveKit`, which runs in this process: somebody joins, and its webhooks are shown.
With ``--live`` it is the server that TWIRPKIT_TEST_URL, TWIRPKIT_TEST_KEY and TWIRPKIT_TEST_SECRET name.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from livekit_twirp import AsyncLiveKitAPI, LiveKitAPI, TwirpError
from livekit_twirp.testing import FakeLiveKit

VARIABLES = ("TWIRPKIT_TEST_URL", "TWIRPKIT_TEST_KEY", "TWIRPKIT_TEST_SECRET")


class Step(NamedTuple):
    """One call: how people would write it, the call itself, and what to show of its response."""

    text: str
    call: Callable[[Any, str], Any]
    show: Callable[[Any], str]


STEPS = (
    Step(
        "create_room(name=…)",
        lambda api, room: api.room.create_room(name=room),
        lambda room: f"room {room.sid}, closes {room.empty_timeout} s after it is empty",
    ),
    Step(
        "list_rooms(names=[…])",
        lambda api, room: api.room.list_rooms(names=["nowhere", room]),
        lambda response: f"{len(response.rooms)} room: {', '.join(room.name for room in response.rooms)}",
    ),
    Step(
        "list_participants(room=…)",
        lambda api, room: api.room.list_participants(room=room),
        lambda response: ", ".join(each.identity for each in response.participants) or "nobody",
    ),
    Step(
        "delete_room(room=…)",
        lambda api, room: api.room.delete_room(room=room),
        lambda response: "deleted",
    ),
    Step(
        "delete_room(room=…) again",
        lambda api, room: api.room.delete_room(room=room),
        lambda response: "deleted twice: the server should have said not_found",
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
    with FakeLiveKit() as fake, fake.serve() as server:

        def join(step: Step) -> None:
            if step.text.startswith("list_participants"):
                fake.join("standup", "ada")

        outcome = _run(server.url, server.api_key, server.api_secret, "standup", join)
        print("webhooks that came, signed:")
        for event in fake.events:
            print(f"  {event.event:<20} {event.room.name} {event.participant.identity}".rstrip())
        print()
        return outcome


def _run(url: str, key: str, secret: str, room: str, before: Callable[[Step], None]) -> int:
    print(f"\n{url}, room {room!r}\n")
    print(f"{'client':<16}{'call':<27}{'ms':>6}  outcome")
    with LiveKitAPI(url, key, secret) as api:
        good = [_shown(step, before, api, room) for step in STEPS]

    async def run_async() -> list[bool]:
        async with AsyncLiveKitAPI(url, key, secret) as api:
            return [await _shown_async(step, before, api, room) for step in STEPS]

    good += asyncio.run(run_async())
    print()
    return 0 if all(good) else 1


def _shown(step: Step, before: Callable[[Step], None], api: LiveKitAPI, room: str) -> bool:
    before(step)
    start = time.perf_counter()
    try:
        outcome = step.call(api, room)
    except TwirpError as error:
        outcome = error
    return _line("LiveKitAPI", step, start, outcome)


async def _shown_async(step: Step, before: Callable[[Step], None], api: AsyncLiveKitAPI, room: str) -> bool:
    before(step)
    start = time.perf_counter()
    try:
        outcome = await step.call(api, room)
    except TwirpError as error:
        outcome = error
    return _line("AsyncLiveKitAPI", step, start, outcome)


def _line(client: str, step: Step, start: float, outcome: Any) -> bool:
    milliseconds = (time.perf_counter() - start) * 1000
    failed = isinstance(outcome, TwirpError)
    shown = f"{type(outcome).__name__}: {outcome.message}" if failed else step.show(outcome)
    print(f"{client:<16}{step.text:<27}{milliseconds:>6.1f}  {shown}")
    return failed is step.text.endswith("again")


if __name__ == "__main__":
    sys.exit(main())
