"""RPCs that the proto calls deprecated: each call warns, at the line that made it, in both clients."""

from __future__ import annotations

import asyncio
import inspect
import typing
import warnings
from collections.abc import Iterator

import pytest

from livekit_twirp import SIP, AsyncLiveKitAPI, AsyncSIP, LiveKitAPI
from twirpkit.conformance import ReplayServer

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/protobuf\r\nContent-Length: 0\r\n\r\n"
TEXT = "ListSIPTrunk is deprecated: use `ListSIPInboundTrunk` and `ListSIPOutboundTrunk`"


@pytest.fixture
def server() -> Iterator[ReplayServer]:
    with ReplayServer(lambda received: OK) as server:
        yield server


@pytest.fixture
def warned() -> Iterator[list[warnings.WarningMessage]]:
    """The warnings of a test, none an error."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield caught


def line_of(marker: str) -> int:
    """The line of this file that ends with a comment."""
    with open(__file__, encoding="utf-8") as file:
        (number,) = [number for number, line in enumerate(file, 1) if line.endswith(f"  # {marker}\n")]
    return number


def told(warned: list[warnings.WarningMessage]) -> list[tuple[str, int, str]]:
    """File, line and text of the deprecation warnings."""
    return [(each.filename, each.lineno, str(each.message)) for each in warned if each.category is DeprecationWarning]


def test_sync_call_warns_at_its_line(server: ReplayServer, warned: list[warnings.WarningMessage]) -> None:
    with LiveKitAPI(server.url, token="t") as lk:
        lk.sip.list_sip_trunk()  # the sync call
    assert told(warned) == [(__file__, line_of("the sync call"), TEXT)]
    assert len(server.take()) == 1


def test_awaited_call_warns_at_its_line(server: ReplayServer, warned: list[warnings.WarningMessage]) -> None:
    async def run() -> None:
        async with AsyncLiveKitAPI(server.url, token="t") as lk:
            await lk.sip.list_sip_trunk()  # the async call

    asyncio.run(run())
    assert told(warned) == [(__file__, line_of("the async call"), TEXT)]
    assert len(server.take()) == 1


def test_call_warns_where_it_is_made_not_where_it_is_awaited(
    server: ReplayServer, warned: list[warnings.WarningMessage]
) -> None:
    """The frame below a task is the event loop's."""

    async def run() -> None:
        async with AsyncLiveKitAPI(server.url, token="t") as lk:
            task = asyncio.create_task(lk.sip.list_sip_trunk({}))  # the task's call
            await task

    asyncio.run(run())
    assert told(warned) == [(__file__, line_of("the task's call"), TEXT)]


def test_nothing_else_warns(server: ReplayServer, warned: list[warnings.WarningMessage]) -> None:
    with LiveKitAPI(server.url, token="t") as lk:
        lk.sip.list_sip_inbound_trunk()
    assert told(warned) == []


@pytest.mark.parametrize("service", [SIP, AsyncSIP])
def test_a_marked_method_is_what_it_was(service: typing.Any) -> None:
    """Its signature, docstring and overloads are there, and it says what it is."""
    marked, plain = service.list_sip_trunk, service.list_sip_inbound_trunk
    assert marked.__deprecated__ == TEXT
    assert not hasattr(plain, "__deprecated__")
    assert marked.__qualname__ == f"{service.__name__}.list_sip_trunk"
    assert "Deprecated: use `ListSIPInboundTrunk`" in marked.__doc__
    of_both = ["self", "request", "page", "timeout", "retry", "extra_headers"]
    assert list(inspect.signature(marked).parameters) == of_both
    assert set(of_both) <= set(inspect.signature(plain).parameters)
    assert len(typing.get_overloads(marked)) == 2
    assert inspect.iscoroutinefunction(marked) is (service is AsyncSIP)
