"""Coroutine functions as ``auth``: awaited by the async client within the deadline, refused by the sync one."""

from __future__ import annotations

import asyncio
import functools
import gc
import warnings
from typing import Any

import pytest
from scripted_transport import OK, every_text, open_livekit

from livekit_twirp import DeadlineExceededError, LiveKitAPI, RetryPolicy
from twirpkit import HttpResponse, Phase, TransportFailure

LOST = TransportFailure("the connection was refused", Phase.NOT_SENT)
UNAVAILABLE = HttpResponse(503, {"content-type": "application/json"}, b'{"code":"unavailable","msg":"later"}')


class Vault:
    """An ``auth`` whose tokens take a turn of the loop, and are numbered."""

    def __init__(self) -> None:
        self.made = 0

    async def __call__(self, method: Any, message: Any) -> str:
        await asyncio.sleep(0)
        self.made += 1
        return f"Bearer {method.name}-{self.made}"


async def from_a_function(method: Any, message: Any) -> str:
    await asyncio.sleep(0)
    return "Bearer vault"


def tokens(opened: Any) -> list[str]:
    return [request.headers["Authorization"] for request in opened.requests]


@pytest.mark.parametrize(
    "auth",
    [from_a_function, functools.partial(from_a_function), lambda method, message: from_a_function(method, message)],
    ids=["a coroutine function", "a partial of one", "a function that returns a coroutine"],
)
def test_the_async_client_awaits_auth(auth: Any) -> None:
    opened = open_livekit("async", OK, auth=auth)
    opened.room()
    opened.end()
    assert tokens(opened) == ["Bearer vault"]


def test_every_attempt_awaits_anew() -> None:
    opened = open_livekit("async", UNAVAILABLE, OK, auth=Vault(), retry=RetryPolicy(backoff=0))
    opened.room()
    opened.end()
    assert tokens(opened) == ["Bearer ListRooms-1", "Bearer ListRooms-2"]


def test_another_auth_by_with_options() -> None:
    opened = open_livekit("async", OK)
    opened.with_options(auth=from_a_function).room()
    opened.end()
    assert tokens(opened) == ["Bearer vault"]


@pytest.mark.parametrize(("outcomes", "sent", "attempts"), [([OK], "no", 0), ([UNAVAILABLE], "yes", 1)])
def test_the_deadline_bounds_auth(outcomes: Any, sent: str, attempts: int) -> None:
    calls = 0
    cancelled: list[bool] = []

    async def auth(method: Any, message: Any) -> str:
        nonlocal calls
        calls += 1
        if calls > attempts:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.append(True)
                raise
        return "Bearer vault"

    seen: list[Any] = []
    opened = open_livekit("async", *outcomes, auth=auth, retry=RetryPolicy(backoff=0), hooks=[seen.append])
    with pytest.raises(DeadlineExceededError, match=r"auth did not return within the timeout of 0\.05 s") as caught:
        opened.room(timeout=0.05)
    opened.end()
    error = caught.value
    assert (error.sent, error.attempts, error.retryable) == (sent, attempts, True)
    assert error.rpc == "livekit.RoomService/ListRooms"
    assert cancelled == [True]
    assert (seen[-1].kind, seen[-1].error) == ("end", error)


@pytest.mark.parametrize("raised", [LookupError("no key today"), TimeoutError("the vault's own")])
def test_an_exception_of_auth_passes_through(raised: Exception) -> None:
    async def auth(method: Any, message: Any) -> str:
        raise raised

    opened = open_livekit("async", OK, auth=auth)
    with pytest.raises(type(raised)) as caught:
        opened.room()
    opened.end()
    assert caught.value is raised
    assert opened.requests == []


@pytest.mark.parametrize(
    ("returned", "kind", "text"), [(7, TypeError, "must be a str"), ("Bearer canary\n", ValueError, "white space")]
)
def test_what_auth_returns_is_checked(returned: Any, kind: type[Exception], text: str) -> None:
    async def auth(method: Any, message: Any) -> Any:
        return returned

    opened = open_livekit("async", OK, auth=auth)
    with pytest.raises(kind, match=text) as caught:
        opened.room()
    opened.end()
    assert [each for each in every_text(caught.value) if "canary" in each] == []


@pytest.mark.parametrize("auth", [from_a_function, Vault(), functools.partial(from_a_function)])
def test_the_sync_client_refuses_a_coroutine_function(auth: Any) -> None:
    with pytest.raises(TypeError, match=r"auth is a coroutine function.*use the async client"):
        open_livekit("sync", auth=auth)
    client = LiveKitAPI("localhost:7880", "key", "a secret that is long enough for HS256")
    with pytest.raises(TypeError, match="auth is a coroutine function"):
        client.with_options(auth=auth)
    client.close()


def test_the_sync_client_refuses_what_only_turns_out_to_be_a_coroutine() -> None:
    opened = open_livekit("sync", OK, auth=lambda method, message: from_a_function(method, message))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(TypeError, match="auth is a coroutine function"):
            opened.room()
        gc.collect()
    opened.end()
    assert opened.requests == []
