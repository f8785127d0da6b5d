"""Tools that replace, record or watch the calls of a library: they do so with ours over a session of it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import aiohttp
import httpx
import pytest
import requests
import requests_mock
import responses
import respx
import vcr
from aioresponses import aioresponses
from byte_server import Server, serve
from byte_server import http as answer
from opentelemetry.instrumentation.aiohttp_client import AioHttpClientInstrumentor
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from livekit_twirp import AsyncLiveKitAPI, ListRoomsResponse, LiveKitAPI, Room
from twirpkit import TransportError

URL = "https://livekit.invalid"
CALL = f"{URL}/twirp/livekit.RoomService/ListRooms"
ROOMS = ListRoomsResponse(rooms=[Room(name="mocked")])
BODY = ROOMS.SerializeToString()
TYPE = {"Content-Type": "application/protobuf"}
KNOWN: dict[str, Any] = {"token": "a token that is long enough", "retry": False}
CLIENTS = ("requests", "aiohttp", "httpx", "httpx-async")


def list_rooms(client: str, url: str = URL) -> ListRoomsResponse:
    """Make one call over a session of the user's."""
    if client == "requests":
        with requests.Session() as session, LiveKitAPI(url, session=session, **KNOWN) as lk:
            return lk.room.list_rooms()
    if client == "httpx":
        with httpx.Client() as httpx_client, LiveKitAPI(url, session=httpx_client, **KNOWN) as lk:
            return lk.room.list_rooms()
    return asyncio.run(_list_rooms(client, url))


async def _list_rooms(client: str, url: str) -> ListRoomsResponse:
    session = aiohttp.ClientSession() if client == "aiohttp" else httpx.AsyncClient()
    async with session, AsyncLiveKitAPI(url, session=session, **KNOWN) as lk:
        return await lk.room.list_rooms()


class TestDoubles:
    """What is not registered is not sent either."""

    @responses.activate
    def test_responses(self) -> None:
        responses.post(CALL, body=BODY, content_type="application/protobuf")
        assert list_rooms("requests") == ROOMS
        (call,) = responses.calls
        assert call.request.headers["Authorization"] == "Bearer a token that is long enough"

    @responses.activate
    def test_responses_stops_what_it_does_not_know(self) -> None:
        with pytest.raises(TransportError, match="Connection refused by Responses"):
            list_rooms("requests")

    def test_requests_mock(self) -> None:
        with requests_mock.Mocker() as mocker:
            mocker.post(CALL, content=BODY, headers=TYPE)
            assert list_rooms("requests") == ROOMS
            assert mocker.call_count == 1
            with pytest.raises(requests_mock.NoMockAddress):
                list_rooms("requests", "https://other.invalid")

    @pytest.mark.parametrize("client", ["httpx", "httpx-async"])
    def test_respx(self, client: str) -> None:
        with respx.mock:
            route = respx.post(CALL).respond(200, headers=TYPE, content=BODY)
            assert list_rooms(client) == ROOMS
            assert route.call_count == 1
            with pytest.raises(AssertionError, match="not mocked"):
                list_rooms(client, "https://other.invalid")

    def test_aioresponses(self) -> None:
        with aioresponses() as mocker:
            mocker.post(CALL, body=BODY, headers=TYPE, response_class=_Response)
            assert list_rooms("aiohttp") == ROOMS
            mocker.assert_called_once()
            with pytest.raises(TransportError, match="Connection refused"):
                list_rooms("aiohttp", "https://other.invalid")

    @pytest.mark.parametrize("client", CLIENTS)
    def test_vcrpy_records_and_replays(self, client: str, tmp_path: Path) -> None:
        cassette = str(tmp_path / "cassette.yaml")
        recorder = vcr.VCR(filter_headers=["Authorization", "X-Twirp-Timeout-Ms"])
        with serve(answer(BODY, "Content-Type: application/protobuf")) as server:
            with recorder.use_cassette(cassette):
                assert list_rooms(client, server.url) == ROOMS
            url = server.url
        with recorder.use_cassette(cassette, record_mode="none") as played:
            assert list_rooms(client, url) == ROOMS
            assert played.play_count == 1
        assert "a token" not in Path(cassette).read_text()


class _Response(aiohttp.ClientResponse):
    """A response as aioresponses makes it, with what newer versions of aiohttp want besides."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"stream_writer": Mock(), **options})


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    instrumentors: list[Any] = [RequestsInstrumentor(), AioHttpClientInstrumentor(), HTTPXClientInstrumentor()]
    for each in instrumentors:
        each.instrument(tracer_provider=provider)
    yield exporter
    for each in instrumentors:
        each.uninstrument()
    provider.shutdown()


@pytest.mark.parametrize("client", CLIENTS)
def test_opentelemetry_makes_a_span_and_propagates_it(client: str, spans: InMemorySpanExporter) -> None:
    with serve(answer(BODY, "Content-Type: application/protobuf")) as server:
        assert list_rooms(client, server.url) == ROOMS
    (span,) = spans.get_finished_spans()
    assert span.name == "POST"
    assert 200 in (span.attributes or {}).values()
    (request,) = server.requests
    parent = {name.lower(): value for name, value in request.headers}["traceparent"]
    assert span.context is not None
    assert parent.split("-")[1:3] == [f"{span.context.trace_id:032x}", f"{span.context.span_id:016x}"]


WATCHED = """
    import json, sys
    import sentry_sdk

    events = []
    sentry_sdk.init("https://key@sentry.invalid/1", before_send=lambda event, hint: events.append(event))
    sys.path.insert(0, {here!r})
    from test_session_tools import list_rooms

    list_rooms({client!r}, {url!r})
    sentry_sdk.capture_message("now")
    print(json.dumps([each["data"] for each in events[0]["breadcrumbs"]["values"] if each["type"] == "http"]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("client", CLIENTS)
def test_sentry_leaves_a_breadcrumb(client: str) -> None:
    with serve(answer(BODY, "Content-Type: application/protobuf")) as server:
        (crumb,) = breadcrumbs(client, server)
    assert crumb["http.method"] == "POST"
    assert crumb["url"] == f"{server.url}/twirp/livekit.RoomService/ListRooms"
    assert crumb["http.response.status_code"] == 200


def breadcrumbs(client: str, server: Server) -> list[dict[str, Any]]:
    """Make a call in an interpreter of its own: what Sentry changes in a library stays changed."""
    code = textwrap.dedent(WATCHED).format(here=str(Path(__file__).parent), client=client, url=server.url)
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    found: list[dict[str, Any]] = json.loads(ran.stdout)
    return found


Double = Callable[[], Any]
DOUBLES: dict[str, Double] = {
    "responses": responses.RequestsMock,
    "requests_mock": requests_mock.Mocker,
    "respx": respx.mock,
    "aioresponses": aioresponses,
}


@pytest.mark.parametrize("double", DOUBLES)
def test_the_default_transports_are_stopped_by_none_of_them(double: str) -> None:
    """As docs/testing.md warns."""

    async def call(url: str) -> ListRoomsResponse:
        async with AsyncLiveKitAPI(url, **KNOWN) as lk:
            return await lk.room.list_rooms()

    data = answer(BODY, "Content-Type: application/protobuf")
    with serve(data, data) as server, DOUBLES[double]():
        with LiveKitAPI(server.url, **KNOWN) as lk:
            assert lk.room.list_rooms() == ROOMS
        assert asyncio.run(call(server.url)) == ROOMS
    assert len(server.requests) == 2
