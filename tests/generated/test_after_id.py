"""Lists whose next page starts after the id of the last item, iterated by both clients at the socket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from livekit_twirp import (
    AsyncLiveKitAPI,
    ListSIPInboundTrunkRequest,
    ListSIPInboundTrunkResponse,
    LiveKitAPI,
    NotFoundError,
)
from livekit_twirp._methods import sip
from twirpkit import Method
from twirpkit.conformance import ReceivedRequest, ReplayServer

KEY, SECRET = "devkey", "a secret that is long enough for HS256"
ALL = ["ST_a", "ST_b", "ST_c", "ST_d"]

Take = Callable[..., list[str]]
Server = Callable[[ListSIPInboundTrunkRequest], list[str]]


def sorted_pages(request: ListSIPInboundTrunkRequest) -> list[str]:
    """Two ids at a time, in order, as the limit says."""
    return [each for each in ALL if each > request.page.after_id][: request.page.limit or 2]


def no_limit(request: ListSIPInboundTrunkRequest) -> list[str]:
    """All that follow, in no order: a server that ignores the limit."""
    return [each for each in ("ST_c", "ST_a", "ST_d", "ST_b") if each > request.page.after_id]


def no_paging(request: ListSIPInboundTrunkRequest) -> list[str]:
    """Always all: a server that ignores the whole page."""
    return ALL


def overlapping(request: ListSIPInboundTrunkRequest) -> list[str]:
    """Pages that begin with the last item of the page before."""
    return [each for each in ALL if each >= request.page.after_id][:2]


def without_ids(request: ListSIPInboundTrunkRequest) -> list[str]:
    """Items that have no id."""
    return ["", ""]


class Trunks:
    """A server with four trunks, and the requests that it got."""

    def __init__(self, ids: Server) -> None:
        self.ids = ids
        self.server = ReplayServer(self.respond)

    def respond(self, received: ReceivedRequest) -> bytes:
        request = ListSIPInboundTrunkRequest.FromString(received.body)
        body = ListSIPInboundTrunkResponse(items=[{"sip_trunk_id": each} for each in self.ids(request)])
        content = body.SerializeToString()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/protobuf\r\nContent-Length: {len(content)}\r\n\r\n"
        return head.encode() + content


def take_sync(server: ReplayServer, *args: Any, **fields: Any) -> list[str]:
    with LiveKitAPI(server.url, KEY, SECRET) as lk:
        return [trunk.sip_trunk_id for trunk in lk.sip.iter_sip_inbound_trunk(*args, **fields)]


def take_async(server: ReplayServer, *args: Any, **fields: Any) -> list[str]:
    async def run() -> list[str]:
        async with AsyncLiveKitAPI(server.url, KEY, SECRET) as lk:
            return [trunk.sip_trunk_id async for trunk in lk.sip.iter_sip_inbound_trunk(*args, **fields)]

    return asyncio.run(run())


@pytest.fixture(params=[take_sync, take_async], ids=["sync", "async"])
def take(request: pytest.FixtureRequest) -> Take:
    """How to take all ids, by either client."""
    found: Take = request.param
    return found


def starts(server: ReplayServer) -> list[str]:
    """The id after which each page started."""
    return [ListSIPInboundTrunkRequest.FromString(each.body).page.after_id for each in server.take()]


@pytest.mark.parametrize(
    ("ids", "fields", "expected", "pages"),
    [
        (sorted_pages, {}, ALL, ["", "ST_b", "ST_d"]),
        (sorted_pages, {"page": {"limit": 3}}, ALL, ["", "ST_c", "ST_d"]),
        (sorted_pages, {"page": {"after_id": "ST_a"}}, ALL[1:], ["ST_a", "ST_c", "ST_d"]),
        (no_limit, {"page": {"limit": 1}}, ["ST_c", "ST_a", "ST_d", "ST_b"], ["", "ST_b"]),
        (no_paging, {}, ALL, ["", "ST_d"]),
        (overlapping, {}, ALL, ["", "ST_b", "ST_c", "ST_d"]),
        (overlapping, {"page": {"after_id": "ST_b"}}, ALL[2:], ["ST_b", "ST_c", "ST_d"]),
        (lambda request: [], {}, [], [""]),
        (without_ids, {}, ["", ""], [""]),
    ],
    ids=[
        "pages",
        "a limit",
        "a start",
        "a server without limits",
        "a server without pages",
        "pages that overlap",
        "pages that overlap, from a start",
        "nothing",
        "no ids",
    ],
)
def test_each_item_comes_once_and_the_list_ends(
    take: Take, ids: Server, fields: Any, expected: list[str], pages: list[str]
) -> None:
    with Trunks(ids).server as server:
        assert take(server, **fields) == expected
        assert starts(server) == pages


def test_filters_and_limit_are_those_of_every_page(take: Take) -> None:
    request = ListSIPInboundTrunkRequest(numbers=["+1"], page={"limit": 2})
    with Trunks(sorted_pages).server as server:
        assert take(server, request) == ALL
        sent = [ListSIPInboundTrunkRequest.FromString(each.body) for each in server.take()]
    assert [(list(each.numbers), each.page.limit) for each in sent] == [(["+1"], 2)] * 3
    assert request == ListSIPInboundTrunkRequest(numbers=["+1"], page={"limit": 2})


def test_an_error_of_a_page_is_raised(take: Take) -> None:
    def fail(received: ReceivedRequest) -> bytes:
        body = b'{"code":"not_found","msg":"no more"}'
        head = b"HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        return head % len(body) + body

    with ReplayServer(fail) as server, pytest.raises(NotFoundError):
        take(server)


@pytest.mark.parametrize(
    ("method", "item_id"),
    [
        (sip.LIST_SIP_TRUNK, "sip_trunk_id"),
        (sip.LIST_SIP_INBOUND_TRUNK, "sip_trunk_id"),
        (sip.LIST_SIP_OUTBOUND_TRUNK, "sip_trunk_id"),
        (sip.LIST_SIP_DISPATCH_RULE, "sip_dispatch_rule_id"),
    ],
    ids=lambda value: "" if isinstance(value, str) else value.name,
)
def test_every_list_by_id_has_an_iterator(method: Method[Any, Any], item_id: str) -> None:
    assert method.pages is not None
    assert (method.pages.start, method.pages.next, method.pages.items) == ("page.after_id", "", "items")
    assert method.pages.item_id == item_id
    with LiveKitAPI("localhost:1", token="t") as lk:
        assert callable(getattr(lk.sip, f"iter_{method.py_name.removeprefix('list_')}"))
