"""Lists that come in pages, iterated by both clients at the socket."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jwt
import pytest

from livekit_twirp import (
    AsyncLiveKitAPI,
    DeadlineExceededError,
    InternalError,
    ListPhoneNumbersRequest,
    ListPhoneNumbersResponse,
    LiveKitAPI,
    NotFoundError,
    PhoneNumber,
)
from livekit_twirp._methods import agent_simulation, egress, ingress, phone_number, replay, room
from twirpkit import HttpRequest, HttpResponse, Method
from twirpkit.conformance import ReceivedRequest, ReplayServer
from twirpkit.sdk import CallOptions, aiterate, iterate

KEY, SECRET = "devkey", "a secret that is long enough for HS256"
PATH = f"/twirp/{phone_number.LIST_PHONE_NUMBERS.path}"

Script = list[bytes | None]
Take = Callable[..., tuple[list[str], BaseException | None]]


class Pages:
    """A server that answers with the pages of a list, by their tokens."""

    def __init__(self, pages: Mapping[str, tuple[list[str], str] | bytes | None]) -> None:
        self.pages = pages
        self.server = ReplayServer(self.answer)

    def answer(self, received: ReceivedRequest) -> bytes | None:
        """The page that a request asks for."""
        page = self.pages[ListPhoneNumbersRequest.FromString(received.body).page_token.token]
        if not isinstance(page, tuple):
            return page
        ids, token = page
        answer = ListPhoneNumbersResponse(items=[{"id": each} for each in ids])
        if token:
            answer.next_page_token.token = token
        body = answer.SerializeToString()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/protobuf\r\nContent-Length: {len(body)}\r\n\r\n"
        return head.encode() + body


THREE = {"": (["a", "b"], "x"), "x": (["c"], "y"), "y": (["d"], "")}
CASES: dict[str, tuple[Mapping[str, Any], list[str], list[str]]] = {
    "one page": ({"": (["a"], "")}, ["a"], [""]),
    "nothing": ({"": ([], "")}, [], [""]),
    "three pages": (THREE, ["a", "b", "c", "d"], ["", "x", "y"]),
    "an empty page between": ({"": (["a"], "x"), "x": ([], "y"), "y": (["b"], "")}, ["a", "b"], ["", "x", "y"]),
    "an empty page first": ({"": ([], "x"), "x": (["a"], "")}, ["a"], ["", "x"]),
}


def take_sync(server: ReplayServer, *args: Any, at_most: int = 100, **options: Any) -> Any:
    """The ids of the items that come, and the error that ends them."""
    ids: list[str] = []
    with LiveKitAPI(server.url, KEY, SECRET) as lk:
        try:
            for number in lk.phone_number.iter_phone_numbers(*args, **options):
                ids.append(number.id)
                if len(ids) == at_most:
                    break
        except Exception as error:
            return ids, error
    return ids, None


def take_async(server: ReplayServer, *args: Any, at_most: int = 100, **options: Any) -> Any:
    """The same of the async client."""

    async def run() -> Any:
        ids: list[str] = []
        async with AsyncLiveKitAPI(server.url, KEY, SECRET) as lk:
            try:
                async for number in lk.phone_number.iter_phone_numbers(*args, **options):
                    ids.append(number.id)
                    if len(ids) == at_most:
                        break
            except Exception as error:
                return ids, error
        return ids, None

    return asyncio.run(run())


@pytest.fixture(params=[take_sync, take_async], ids=["sync", "async"])
def take(request: pytest.FixtureRequest) -> Take:
    """How to take items, by either client."""
    found: Take = request.param
    return found


def asked(server: ReplayServer) -> list[ListPhoneNumbersRequest]:
    """The requests that came."""
    taken = server.take()
    assert [each.target for each in taken] == [PATH] * len(taken)
    return [ListPhoneNumbersRequest.FromString(each.body) for each in taken]


@pytest.mark.parametrize(("pages", "ids", "tokens"), CASES.values(), ids=CASES)
def test_items_of_all_pages(take: Take, pages: Any, ids: list[str], tokens: list[str]) -> None:
    with Pages(pages).server as server:
        assert take(server) == (ids, None)
        assert [each.page_token.token for each in asked(server)] == tokens


@pytest.mark.parametrize("form", ["message", "mapping", "keywords"])
def test_every_form_of_a_request(take: Take, form: str) -> None:
    """All pages are asked for with the same fields, and the message of the caller stays what it was."""
    fields: dict[str, Any] = {"limit": 2, "sip_dispatch_rule_id": "SDR_1"}
    message = ListPhoneNumbersRequest(**fields)
    args, keywords = {"message": ((message,), {}), "mapping": ((fields,), {}), "keywords": ((), fields)}[form]
    with Pages(THREE).server as server:
        assert take(server, *args, **keywords) == (["a", "b", "c", "d"], None)
        requests = asked(server)
    assert [(each.limit, each.sip_dispatch_rule_id) for each in requests] == [(2, "SDR_1")] * 3
    assert message == ListPhoneNumbersRequest(limit=2, sip_dispatch_rule_id="SDR_1")
    assert fields == {"limit": 2, "sip_dispatch_rule_id": "SDR_1"}


def test_starts_where_the_caller_says(take: Take) -> None:
    request = ListPhoneNumbersRequest(page_token={"token": "x"})
    with Pages(THREE).server as server:
        assert take(server, request) == (["c", "d"], None)
        assert [each.page_token.token for each in asked(server)] == ["x", "y"]
    assert request.page_token.token == "x"


def test_a_page_is_fetched_when_it_is_needed(take: Take) -> None:
    with Pages(THREE).server as server:
        assert take(server, at_most=2) == (["a", "b"], None)
        assert len(asked(server)) == 1


@pytest.mark.parametrize(
    ("pages", "start", "ids"),
    [
        ({"": (["a"], "x"), "x": (["b"], "x")}, "", ["a", "b"]),
        ({"": (["a"], "x"), "x": (["b"], "y"), "y": (["c"], "x")}, "", ["a", "b", "c"]),
        ({"x": (["a"], "x")}, "x", ["a"]),
        ({"x": (["a"], "y"), "y": (["b"], "x")}, "x", ["a", "b"]),
    ],
    ids=["the same", "an earlier one", "the caller's", "the caller's, later"],
)
def test_a_token_that_leads_back_is_an_error(take: Take, pages: Any, start: str, ids: list[str]) -> None:
    """What came is given first, and then nothing is asked for any more."""
    with Pages(pages).server as server:
        got, error = take(server, page_token={"token": start})
        assert len(asked(server)) == len(ids)
    assert got == ids
    assert isinstance(error, InternalError)
    assert "livekit.PhoneNumberService/ListPhoneNumbers" in str(error)
    assert "leads back to a page" in str(error)
    assert (error.sent, error.status) == ("yes", 200)


def test_an_error_of_a_page_comes_after_the_items_before_it(take: Take) -> None:
    body = b'{"code":"not_found","msg":"no more"}'
    gone = b"HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    with Pages({"": (["a"], "x"), "x": gone}).server as server:
        got, error = take(server)
    assert got == ["a"]
    assert isinstance(error, NotFoundError)


def test_each_page_has_the_options_and_a_token_of_its_own(take: Take) -> None:
    """A call each, with an id of its own."""
    with Pages(THREE).server as server:
        take(server, timeout=7, extra_headers={"X-Trace": "1"})
        received = server.take()
    assert [each.values("X-Trace") for each in received] == [["1"]] * 3
    assert len({each.values("X-Livekit-Request-Id")[0] for each in received}) == 3
    for each in received:
        claims = jwt.decode(each.values("Authorization")[0].removeprefix("Bearer "), SECRET, algorithms=["HS256"])
        assert claims["sip"] == {"admin": True}


def test_a_timeout_is_a_pages(take: Take) -> None:
    with Pages(THREE).server as server:
        got, error = take(server, timeout=0)
        assert asked(server) == []
    assert got == []
    assert isinstance(error, DeadlineExceededError)


class Canned:
    """A transport, sync and async, that gives the three pages and keeps the deadlines."""

    def __init__(self) -> None:
        self.deadlines: list[float | None] = []

    def answer(self, request: HttpRequest) -> HttpResponse:
        """The next page, a moment later."""
        self.deadlines.append(request.deadline)
        token = ["x", "y", ""][len(self.deadlines) - 1]
        answer = ListPhoneNumbersResponse(next_page_token={"token": token}).SerializeToString()
        then = time.monotonic()
        while time.monotonic() == then:
            pass
        return HttpResponse(200, {"content-type": "application/protobuf"}, answer)


class Sync(Canned):
    """The sync one."""

    def send(self, request: HttpRequest, /) -> HttpResponse:
        return self.answer(request)

    def close(self) -> None: ...


class Async(Canned):
    """The async one."""

    async def send(self, request: HttpRequest, /) -> HttpResponse:
        return self.answer(request)

    async def aclose(self) -> None: ...


def test_each_page_has_the_whole_timeout() -> None:
    """The deadline of each page is counted from that page."""

    async def run() -> None:
        async with AsyncLiveKitAPI("http://127.0.0.1:1", token="t", transport=asynchronous) as lk:
            assert [each async for each in lk.phone_number.iter_phone_numbers(timeout=5)] == []

    sync, asynchronous = Sync(), Async()
    with LiveKitAPI("http://127.0.0.1:1", token="t", transport=sync) as lk:
        assert list(lk.phone_number.iter_phone_numbers(timeout=5)) == []
    asyncio.run(run())
    for deadlines in (sync.deadlines, asynchronous.deadlines):
        assert len(deadlines) == 3
        assert sorted(set(deadlines), key=lambda deadline: deadline or 0) == deadlines


@pytest.fixture(params=["sync", "async"])
def unused(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A client of either kind that can call nothing."""
    if request.param == "sync":
        with LiveKitAPI("http://127.0.0.1:1", token="t") as lk:
            yield lk
        return
    other = AsyncLiveKitAPI("http://127.0.0.1:1", token="t")
    yield other
    asyncio.run(other.aclose())


@pytest.mark.parametrize(
    ("args", "fields", "text"),
    [
        ((), {"page_tokn": {}}, "has no field 'page_tokn'"),
        (({},), {"limit": 1}, "not both"),
        ((PhoneNumber(),), {}, "expected livekit.ListPhoneNumbersRequest"),
    ],
)
def test_a_malformed_request_is_told_at_the_call(unused: Any, args: Any, fields: Any, text: str) -> None:
    with pytest.raises(TypeError, match=text):
        unused.phone_number.iter_phone_numbers(*args, **fields)


def test_only_what_answers_in_pages_can_be_iterated(unused: Any) -> None:
    items = iterate if isinstance(unused, LiveKitAPI) else aiterate
    with pytest.raises(TypeError, match="ListRooms does not answer in pages"):
        items(unused, room.LIST_ROOMS, None, {}, CallOptions())


def test_the_message_is_copied_at_the_call() -> None:
    """What the caller does to its message afterwards is nothing to the pages that follow."""
    request = ListPhoneNumbersRequest(limit=2)
    with Pages(THREE).server as server, LiveKitAPI(server.url, KEY, SECRET) as lk:
        numbers = lk.phone_number.iter_phone_numbers(request)
        request.limit = 9
        assert next(numbers).id == "a"
        request.Clear()
        assert [number.id for number in numbers] == ["b", "c", "d"]
        assert [each.limit for each in asked(server)] == [2, 2, 2]


@pytest.mark.parametrize(
    ("method", "attribute", "name", "items"),
    [
        (phone_number.LIST_PHONE_NUMBERS, "phone_number", "iter_phone_numbers", "items"),
        (phone_number.SEARCH_PHONE_NUMBERS, "phone_number", "iter_search_phone_numbers", "items"),
        (egress.LIST_EGRESS, "egress", "iter_egress", "items"),
        (ingress.LIST_INGRESS, "ingress", "iter_ingress", "items"),
        (replay.LIST_REPLAYS, "replay", "iter_replays", "replays"),
        (agent_simulation.LIST_SIMULATION_RUNS, "agent_simulation", "iter_simulation_runs", "runs"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_list_with_a_page_token_has_an_iterator(
    method: Method[Any, Any], attribute: str, name: str, items: str, unused: Any
) -> None:
    assert method.pages is not None
    assert (method.pages.start, method.pages.next) == ("page_token.token", "next_page_token.token")
    assert method.pages.items == items
    assert callable(getattr(getattr(unused, attribute), name))


def test_no_other_request_says_where_a_page_starts(unused: Any) -> None:
    for facts in unused.package.services.values():
        methods = __import__(f"livekit_twirp._methods.{facts.attribute}", fromlist=["METHODS"]).METHODS
        for method in methods:
            starts = {"page_token", "page"} & {field.name for field in method.request.DESCRIPTOR.fields}
            assert (method.pages is not None) is bool(starts), method.path
