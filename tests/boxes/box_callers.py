"""One way to make calls with either client, one after the other or many at once."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
import uuid
from collections.abc import Callable
from typing import Any

from livekit_twirp import AsyncLiveKitAPI, LiveKitAPI, TwirpError
from livekit_twirp._methods import room, sip
from twirpkit import Method
from twirpkit.testing import Outcomes

__all__ = ["DELETE", "DIAL", "ID", "LIST", "AsyncCaller", "Caller", "SyncCaller"]

ID = "X-Livekit-Request-Id"
Call = tuple[str, str, Method[Any, Any], dict[str, Any]]
LIST: Call = ("room", "list_rooms", room.LIST_ROOMS, {})
"""An RPC of class ``read``."""
DELETE: Call = ("room", "delete_room", room.DELETE_ROOM, {"room": "standup"})
"""An RPC of class ``idempotent``."""
DIAL: Call = (
    "sip",
    "create_sip_participant",
    sip.CREATE_SIP_PARTICIPANT,
    {"room_name": "standup", "sip_trunk_id": "ST_1", "sip_call_to": "+15550100"},
)
"""An RPC of class ``never``."""


class SyncCaller:
    """The sync client."""

    def __init__(self, url: str, **options: Any) -> None:
        self._client = LiveKitAPI(url, **{"auth": "Bearer of-the-boxes", "timeout": 20, **options})

    def call(self, call: Call, **options: Any) -> Any:
        """Make a call; return its response, or raise its error."""
        service, name, _, fields = call
        return getattr(getattr(self._client, service), name)(**fields, **options)

    def error(self, call: Call, **options: Any) -> TwirpError:
        """Make a call that fails, and return its error."""
        try:
            response = self.call(call, **options)
        except TwirpError as error:
            return error
        raise AssertionError(f"a response came: {response!r}")

    def call_many(
        self, call: Call, count: int, width: int, outcomes: Outcomes, between: Callable[[int], None] | None = None
    ) -> list[TwirpError]:
        """Make many calls, some at a time. Return the errors; note every outcome.

        Args:
            call: The RPC.
            count: The number of calls.
            width: The number of calls at the same time.
            outcomes: Where the outcome of each call is noted, by its id.
            between: A function that is given the number of each call, before that begins.
        """
        errors: list[TwirpError] = []
        lock = threading.Lock()

        def one(number: int) -> None:
            if between is not None:
                between(number)
            name = str(uuid.uuid4())
            try:
                response = self.call(call, extra_headers={ID: name})
            except TwirpError as error:
                with lock:
                    errors.append(error)
                    outcomes.failure(name, call[2].retry, error)
            else:
                with lock:
                    outcomes.success(name, call[2].retry, response)

        with concurrent.futures.ThreadPoolExecutor(width) as threads:
            for done in [threads.submit(one, number) for number in range(count)]:
                done.result()
        return errors

    def end(self) -> None:
        self._client.close()


class AsyncCaller:
    """The async client, with the same methods."""

    def __init__(self, url: str, **options: Any) -> None:
        self._runner = asyncio.Runner()
        self._client = AsyncLiveKitAPI(url, **{"auth": "Bearer of-the-boxes", "timeout": 20, **options})

    def call(self, call: Call, **options: Any) -> Any:
        return self._runner.run(self._call(call, **options))

    def error(self, call: Call, **options: Any) -> TwirpError:
        try:
            response = self.call(call, **options)
        except TwirpError as error:
            return error
        raise AssertionError(f"a response came: {response!r}")

    def call_many(
        self, call: Call, count: int, width: int, outcomes: Outcomes, between: Callable[[int], None] | None = None
    ) -> list[TwirpError]:
        errors: list[TwirpError] = []
        numbers = iter(range(count))

        async def work() -> None:
            for number in numbers:
                if between is not None:
                    between(number)
                name = str(uuid.uuid4())
                try:
                    response = await self._call(call, extra_headers={ID: name})
                except TwirpError as error:
                    errors.append(error)
                    outcomes.failure(name, call[2].retry, error)
                else:
                    outcomes.success(name, call[2].retry, response)

        async def gather() -> None:
            await asyncio.gather(*(work() for _ in range(width)))

        self._runner.run(gather())
        return errors

    def end(self) -> None:
        self._runner.run(self._client.aclose())
        self._runner.close()

    async def _call(self, call: Call, **options: Any) -> Any:
        service, name, _, fields = call
        return await getattr(getattr(self._client, service), name)(**fields, **options)


Caller = SyncCaller | AsyncCaller
