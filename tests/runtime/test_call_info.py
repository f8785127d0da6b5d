"""Facts of calls that succeeded, beside their plain responses."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from scripted_transport import OK, URL, AsyncScript, Opened

from livekit_twirp import AsyncLiveKitAPI, ListRoomsResponse, NotFoundError, RetryPolicy
from twirpkit import HttpResponse, call_info

Livekit = Callable[..., Opened]
BUSY = HttpResponse(503, {"content-type": "application/json"}, b'{"code":"unavailable","msg":"later"}')
GONE = HttpResponse(404, {"content-type": "application/json"}, b'{"code":"not_found","msg":"no such room"}')
REGIONS = HttpResponse(
    200, {"cache-control": "max-age=60"}, b'{"regions": [{"url": "https://two.example.livekit.cloud"}]}'
)


def ok(**headers: str) -> HttpResponse:
    return HttpResponse(200, {"content-type": "application/protobuf", **headers}, b"")


def test_a_call_says_what_it_took_and_returns_the_plain_response(livekit: Livekit, clock: Any) -> None:
    opened = livekit(ok(server="nginx"))
    with call_info() as calls:
        response = opened.room(extra_headers={"X-Livekit-Request-Id": "mine"})

    (info,) = calls
    assert response == ListRoomsResponse()
    assert (info.rpc, info.request_id, info.attempts) == ("livekit.RoomService/ListRooms", "mine", 1)
    assert (info.url, info.host) == (f"{URL}/twirp/livekit.RoomService/ListRooms", "livekit.example.com")
    assert info.headers["server"] == "nginx"
    assert info.elapsed >= 0
    assert "nginx" not in repr(info)


def test_a_retried_call_counts_all_attempts(livekit: Livekit) -> None:
    opened = livekit(BUSY, OK, retry=RetryPolicy(backoff=0))
    with call_info() as calls:
        opened.room()

    assert [(info.attempts, info.request_id) for info in calls] == [
        (2, opened.requests[0].headers["X-Livekit-Request-Id"])
    ]


def test_the_host_is_that_of_the_region_that_responded(livekit: Livekit) -> None:
    opened = livekit(BUSY, REGIONS, OK, url="https://one.livekit.cloud", retry=RetryPolicy(backoff=0))
    with call_info() as calls:
        opened.room()

    assert [info.host for info in calls] == ["two.example.livekit.cloud"]


def test_a_failed_call_is_not_there(livekit: Livekit) -> None:
    opened = livekit(GONE, OK)
    with call_info() as calls:
        with pytest.raises(NotFoundError):
            opened.room()
        assert calls == []
        opened.room()
    opened.room()

    assert [info.attempts for info in calls] == [1]


def test_blocks_may_be_nested(livekit: Livekit) -> None:
    opened = livekit(OK)
    with call_info() as outer:
        opened.room()
        with call_info() as inner:
            opened.room("delete_room", room="standup")
        opened.room()

    assert [info.rpc.partition("/")[2] for info in outer] == ["ListRooms", "DeleteRoom", "ListRooms"]
    assert inner == [outer[1]]


def test_a_block_is_that_of_its_thread(livekit: Livekit) -> None:
    opened = livekit(OK)
    other = threading.Thread(target=opened.room)
    with call_info() as calls:
        other.start()
        other.join()

    assert calls == []


def test_tasks_of_a_block_are_in_it_and_others_are_not() -> None:
    async def run() -> tuple[list[str], int]:
        lk = AsyncLiveKitAPI(URL, auth="x", transport=AsyncScript(OK))
        outside = asyncio.create_task(lk.room.list_rooms())
        with call_info() as calls:
            await asyncio.gather(lk.room.list_rooms(), lk.room.delete_room(room="a"))
            await outside
        await lk.aclose()
        return sorted(info.rpc.partition("/")[2] for info in calls), len(calls)

    assert asyncio.run(run()) == (["DeleteRoom", "ListRooms"], 2)
