"""Calls on which the server itself waits: for a participant whom nobody serves, and who may come yet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest
from callers import Caller, failure_of, transport_with
from name_registry import NameRegistry

from livekit_twirp import DeadlineExceededError, UnavailableError

HEADER: Final = "X-Twirp-Timeout-Ms"
SHORT: Final = 1.0
"""Seconds. A server gives up waiting after 3."""
LONG: Final = 30.0

WAITING: Final[dict[str, dict[str, Any]]] = {
    "livekit.RoomService/MutePublishedTrack": {"identity": "nobody", "track_sid": "TR_twirpkit", "muted": True},
    "livekit.RoomService/UpdateSubscriptions": {"identity": "nobody", "track_sids": ["TR_twirpkit"]},
    "livekit.RoomService/SendData": {"data": b"x"},
    "livekit.AgentDispatchService/ListDispatch": {},
}
"""RPCs that wait where the room does not exist, and what they are asked beside its name. PerformRpc is not among them:
it gets the time for which a participant may think, whatever the caller says (rule B1)."""


@pytest.mark.parametrize("rpc", WAITING)
def test_short_timeout_ends_the_wait(rpc: str, world: Caller, registry: NameRegistry) -> None:
    error = failure_of(world.call, rpc, {"room": registry.name(), **WAITING[rpc]}, timeout=SHORT)
    assert type(error) is DeadlineExceededError
    # Ours, or the server's, which was told how long it has: whichever was first.
    assert (error.status, error.sent) in ((None, "maybe"), (408, "yes"))


def test_wait_of_the_servers_own_ends_in_its_answer(world: Caller, registry: NameRegistry) -> None:
    error = failure_of(
        world.call, "livekit.RoomService/SendData", {"room": registry.name(), "data": b"x"}, timeout=LONG
    )
    assert type(error) is UnavailableError
    assert (error.status, error.sent) == (503, "yes")
    assert "no response from servers" in str(error)


def test_server_keeps_to_the_time_that_it_is_told(
    kind: str, open_caller: Callable[..., Caller], registry: NameRegistry
) -> None:
    caller = open_caller(transport=transport_with(kind, lambda headers: headers.update({HEADER: "500"})), timeout=LONG)
    error = failure_of(caller.call, "livekit.RoomService/SendData", {"room": registry.name(), "data": b"x"})
    assert type(error) is DeadlineExceededError
    assert (error.status, error.meta["server_code"]) == (408, "canceled")
    assert "request canceled" in str(error)


def test_header_leaves_the_answer_its_way_back(
    kind: str, open_caller: Callable[..., Caller], registry: NameRegistry
) -> None:
    sent: list[str | None] = []
    caller = open_caller(transport=transport_with(kind, lambda headers: sent.append(headers.get(HEADER))))
    caller.call("livekit.RoomService/ListRooms", {"names": [registry.name()]}, timeout=LONG)
    caller.call("livekit.RoomService/ListRooms", {"names": [registry.name()]}, timeout=None)
    told, untold = sent
    assert told is not None
    assert 0 < int(told) < LONG * 1000
    assert untold is None
