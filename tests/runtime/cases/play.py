"""Plays rows of the table: one server at a socket, both clients before it."""

from __future__ import annotations

import asyncio
import dataclasses
import email.utils
import functools
import pickle
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Self

from scripted_transport import every_text

from cases.case import Case, Step, http_answer
from livekit_twirp import AsyncLiveKitAPI, ListRoomsResponse, LiveKitAPI, Room
from twirpkit import Event, RetryPolicy, TransportError, TwirpError
from twirpkit.livekit import Regions
from twirpkit.options import ClientOptions
from twirpkit.testing import (
    Close,
    CloseOnNext,
    Cluster,
    Hang,
    Keep,
    ReceivedRequest,
    Request,
    Reset,
    ScriptedResponse,
    Send,
)
from twirpkit.testing import Step as ServerStep

__all__ = ["CLIENTS", "DEFAULTS", "Player", "Stage"]

REQUEST_ID = "id-of-this-call"
SIGNING_SECRET = "a-secret-that-is-long-enough-for-HS256"
AT_ONCE = RetryPolicy(backoff=0.0)
OTHER_ANSWER = ListRoomsResponse(rooms=[Room(name="of another call")])
ANOTHER = Step(http_answer(200, OTHER_ANSWER.SerializeToString()), "keep")
"""Answers the calls that are made around a row's."""


ENDS: dict[str, ServerStep] = {
    "keep": Keep(),
    "close": Close(),
    "reset": Reset(),
    "hold": Hang(),
    "race": CloseOnNext(),
}


class Stage:
    """A server that plays one script after the other: the n-th request since `play` gets its n-th step.

    It listens on four ports of 127.0.0.1 for one ``with`` block: ``base``, the regions ``r1`` and ``r2``, and ``door``,
    which refuses connections first.
    """

    def __init__(self) -> None:
        self._names = ("base", "r1", "r2", "door")
        self._servers = Cluster(*[functools.partial(self._answer, name) for name in self._names])
        self._lock = threading.Lock()
        self._script: Iterator[Step] = iter(())
        self.asked: list[tuple[str, ReceivedRequest]] = []
        """Requests since `play`, and the port that each came to."""

    @property
    def url(self) -> str:
        """Where it listens."""
        return self._servers[0].url

    def play(self, steps: Sequence[Step]) -> None:
        """Begin a script. A request that it has no step for is answered with a closed connection."""
        with self._lock:
            self._script = iter(steps)
            self.asked = []

    def refusing(self, attempts: int) -> tuple[str, Callable[[Event], None]]:
        """An address at which nobody listens, and the hook that opens it once so many attempts have failed."""
        door = self._servers[self._names.index("door")]
        door.go_down()
        left = attempts

        def hook(event: Event) -> None:
            nonlocal left
            left -= event.kind == "retry"
            if left == 0:
                door.come_up()

        return door.url, hook

    def __enter__(self) -> Self:
        self._servers.__enter__()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._servers.__exit__(*exc_info)

    def _answer(self, name: str, request: Request) -> tuple[ServerStep, ...]:
        received = dataclasses.replace(request.received, body=request.body)
        with self._lock:
            step = next(self._script, Step())
            self.asked.append((name, received))
        return (Send(ScriptedResponse(self._filled(step.data))), ENDS[step.then])

    def _filled(self, data: bytes) -> bytes:
        """With the ports of the regions in it."""
        for place, name in ((b"@R1@@", "r1"), (b"@R2@@", "r2")):
            data = data.replace(place, b"%05d" % self._servers[self._names.index(name)].port)
        return re.sub(rb"@NOW([+-]\d+)@", lambda found: _date(int(found[1])), data)


def _date(seconds: int) -> bytes:
    """A header's value: the date in so many seconds."""
    return email.utils.formatdate(time.time() + seconds, usegmt=True).encode()


class Player:
    """Plays rows over one of the clients."""

    def __init__(self, stage: Stage, client: str) -> None:
        self._stage = stage
        self._transport: Any = LENT.get(client)
        # A library keeps a connection after a body that cannot be decoded, and the stage answers nothing more on it.
        # The defaults keep none that is out of step, and a retry would hide it if they did.
        policy = dataclasses.replace(AT_ONCE, attempt_timeout=1.0)
        self._around: ClientOptions = {"retry": policy if self._transport else False}
        self._runner = None if client in SYNC else asyncio.Runner()

    def play(self, case: Case) -> None:
        """Make the row's call. Raises AssertionError where it does not end as the row says.

        After bytes that are not plain HTTP, another call on the same client must have its own answer: neither what is
        left of the first one, nor a connection that is out of step.
        """
        before, after = [ANOTHER] * case.warm, [ANOTHER] * case.followed
        self._stage.play((*before, *case.steps, *after))
        events: list[Event] = []
        known = {"url": self._stage.url, "hooks": [events.append], "retry": case.retry, "transport": self._transport}
        known |= {"api_key": "key", "api_secret": SIGNING_SECRET} if case.signed else {"token": case.token}
        if case.refused:
            known["url"], opening = self._stage.refusing(case.refused)
            known["hooks"] = [events.append, opening]
        if case.route is not None:
            known["regions"] = Regions(suffixes=("127.0.0.1",))
        outcome, others = self._made(case, known)
        assert others == [OTHER_ANSWER] * len([*before, *after])
        self._check_requests(case, self._stage.asked[len(before) : len(self._stage.asked) - len(after)])
        assert sorted(event.kind for event in events if event.kind in ("start", "end")) == sorted(
            ["start", "end"] * (1 + len(others))
        )
        attempts = [event for event in events if event.kind == "request" and event.method.py_name == case.call]
        assert len(attempts) == case.attempts + (len(others) if case.call == "list_rooms" else 0)
        if case.answer is not None:
            assert outcome == case.answer
        else:
            assert isinstance(outcome, TwirpError), f"an answer came: {outcome!r}"
            check(case, outcome)

    def _check_requests(self, case: Case, asked: Sequence[tuple[str, ReceivedRequest]]) -> None:
        calls = [request for _, request in asked if request.method == "POST"]
        assert len(calls) == max(0, case.attempts - case.refused), f"{len(calls)} requests"
        tokens = [request.values("Authorization")[0] for _, request in asked]
        assert len(set(tokens)) == len(calls) if case.signed else set(tokens) <= {f"Bearer {case.token}"}
        assert len({(each.target, each.body, *each.values("X-Livekit-Request-Id")) for each in calls}) <= 1
        if case.route is not None:
            assert tuple(name + "?" * (request.method == "GET") for name, request in asked) == case.route

    def close(self) -> None:
        if self._runner is not None:
            self._runner.close()

    def _made(self, case: Case, known: dict[str, Any]) -> tuple[Any, list[Any]]:
        """What came of the row's call, and what the calls around it returned."""
        options = {"extra_headers": {"X-Livekit-Request-Id": REQUEST_ID}, **case.fields, **case.options}
        if self._runner is not None:
            return self._runner.run(_amade(case, known, options, self._around))
        with LiveKitAPI(**known) as client:
            other = client.room.with_options(**self._around)
            others = [other.list_rooms() for _ in range(case.warm)]
            try:
                outcome = getattr(client.room, case.call)(**options)
            except TwirpError as error:
                outcome = error
            return outcome, others + [other.list_rooms() for _ in range(case.followed)]


async def _amade(
    case: Case, known: dict[str, Any], options: dict[str, Any], around: ClientOptions
) -> tuple[Any, list[Any]]:
    async with AsyncLiveKitAPI(**known) as client:
        other = client.room.with_options(**around)
        others = [await other.list_rooms() for _ in range(case.warm)]
        try:
            outcome = await getattr(client.room, case.call)(**options)
        except TwirpError as error:
            outcome = error
        return outcome, others + [await other.list_rooms() for _ in range(case.followed)]


SYNC = ("sync", "requests", "httpx")
LENT = {"requests": "requests", "aiohttp": "aiohttp", "httpx": "httpx", "httpx-async": "httpx"}
"""Clients over libraries, and the names of the transports."""
DEFAULTS = ("sync", "async")
CLIENTS = (*DEFAULTS, *LENT)
RPC_OF = {
    "create_room": "livekit.RoomService/CreateRoom",
    "list_rooms": "livekit.RoomService/ListRooms",
    "move_participant": "livekit.RoomService/MoveParticipant",
    "send_data": "livekit.RoomService/SendData",
}
"""By method: what an error names."""


def check(case: Case, error: TwirpError) -> None:
    """Hold an error against its row, and against what holds of every error."""
    assert type(error) is case.error, repr(error)
    assert error.code is case.code
    assert error.status in (case.statuses or (case.status,))
    assert error.sent == case.sent
    assert case.retryable in (None, error.retryable)
    assert error.attempts == case.attempts
    assert error.request_id == REQUEST_ID
    assert error.rpc == RPC_OF[case.call]
    assert error.url is None if case.attempts == 0 else str(error.url).endswith(f"/{error.rpc}")
    assert error.__cause__ is None or (isinstance(error, TransportError) and isinstance(error.__cause__, OSError))
    if case.message is not None:
        assert error.message == case.message
    if case.meta is not None:
        assert error.meta == case.meta
    assert [part for part in case.says if part not in str(error)] == [], str(error)
    shown = str(error).removeprefix(f"{error.rpc}: {error.code}: ").removesuffix(f" (request id {REQUEST_ID})")
    assert len(str(error)) - len(shown) == len(f"{error.rpc}: {error.code}:  (request id {REQUEST_ID})"), str(error)
    assert shown.isprintable(), repr(shown)
    assert len(shown) <= (513 if error.message[:512].isprintable() else 6 * 512 + 1)
    assert len(error.message) <= 64 * 1024 + 512 + 200
    assert max([0, *(len(text.encode()) for item in error.meta.items() for text in item)]) <= 64 * 1024
    if len(case.token) >= 16:  # a shorter one is a part of too many words (rule E1)
        assert [text for text in every_text(error) if case.token in text] == []
        assert case.token.encode() not in pickle.dumps(error)
