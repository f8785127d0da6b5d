"""`twirpkit.otel`: one client span and one duration for each call, over both clients, with exporters in memory."""

from __future__ import annotations

import asyncio
import contextvars
import dataclasses
import json
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from typing import Any

import aiohttp
import httpx
import pytest
import requests
from opentelemetry import context, trace
from opentelemetry.baggage import set_baggage
from opentelemetry.instrumentation.aiohttp_client import AioHttpClientInstrumentor
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from scripted_transport import Opened, open_livekit

from livekit_twirp import AsyncLiveKitAPI, LiveKitAPI
from twirpkit import Event, HttpRequest, HttpResponse, Phase, RetryPolicy, TransportFailure, TwirpError
from twirpkit.events import global_hooks
from twirpkit.otel import TwirpkitInstrumentor, otel_hook
from twirpkit.testing import ScriptedServer, reply

Livekit = Callable[..., Opened]

RPC = {"rpc.system": "twirp", "rpc.service": "livekit.RoomService", "rpc.method": "ListRooms"}
SERVER = {"server.address": "livekit.example.com", "server.port": 443}
OK = HttpResponse(200, {"content-type": "application/protobuf"}, b"")
NOT_FOUND = HttpResponse(404, {}, json.dumps({"code": "not_found", "msg": "no such room"}).encode())
UNAVAILABLE = HttpResponse(503, {}, json.dumps({"code": "unavailable", "msg": "busy"}).encode())
NOT_SENT = TransportFailure("connection refused", Phase.NOT_SENT)


@dataclasses.dataclass
class Telemetry:
    """Providers whose spans and durations stay in memory."""

    spans: InMemorySpanExporter = dataclasses.field(default_factory=InMemorySpanExporter)
    reader: InMemoryMetricReader = dataclasses.field(default_factory=InMemoryMetricReader)

    def __post_init__(self) -> None:
        self.tracer_provider = TracerProvider()
        self.tracer_provider.add_span_processor(SimpleSpanProcessor(self.spans))
        self.meter_provider = MeterProvider([self.reader])

    def span(self) -> ReadableSpan:
        (span,) = self.spans.get_finished_spans()
        return span

    def durations(self) -> dict[str, list[HistogramDataPoint]]:
        data = self.reader.get_metrics_data()
        if data is None:
            return {}
        metrics = [
            each for resource in data.resource_metrics for scope in resource.scope_metrics for each in scope.metrics
        ]
        return {f"{each.name} {each.unit}": list(each.data.data_points) for each in metrics}  # type: ignore[misc]  # histograms only

    def duration(self) -> HistogramDataPoint:
        (points,) = self.durations().values()
        (point,) = points
        return point


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    """Telemetry of every client."""
    telemetry = Telemetry()
    instrumentor = TwirpkitInstrumentor()
    instrumentor.instrument(tracer_provider=telemetry.tracer_provider, meter_provider=telemetry.meter_provider)
    yield telemetry
    if instrumentor.is_instrumented_by_opentelemetry:
        instrumentor.uninstrument()
    assert global_hooks() == ()
    assert trace.get_current_span() is trace.INVALID_SPAN


def names_of_events(span: ReadableSpan) -> list[str]:
    return [each.name for each in span.events]


def test_success_is_one_client_span_and_one_duration(livekit: Livekit, telemetry: Telemetry) -> None:
    opened = livekit(OK)

    opened.room()

    span = telemetry.span()
    (request,) = opened.requests
    assert (span.name, span.kind) == ("livekit.RoomService/ListRooms", SpanKind.CLIENT)
    assert span.status.status_code is StatusCode.UNSET
    assert span.attributes == {
        **RPC,
        **SERVER,
        "http.response.status_code": 200,
        "twirpkit.attempts": 1,
        "twirpkit.request_id": request.headers["X-Livekit-Request-Id"],
        "twirpkit.sent": "yes",
    }
    assert names_of_events(span) == ["attempt"]
    assert list(telemetry.durations()) == ["rpc.client.duration ms"]
    point = telemetry.duration()
    assert (point.count, point.attributes) == (1, {**RPC, **SERVER})


def test_server_is_told_the_span(livekit: Livekit, telemetry: Telemetry) -> None:
    opened = livekit(OK)

    token = context.attach(set_baggage("tenant", "blue"))
    opened.room()
    context.detach(token)

    span = telemetry.span()
    (request,) = opened.requests
    ids = span.get_span_context()
    assert ids is not None
    assert request.headers["traceparent"].startswith(f"00-{ids.trace_id:032x}-{ids.span_id:016x}-")
    assert request.headers["baggage"] == "tenant=blue"


def test_span_is_a_child_of_the_callers(livekit: Livekit, telemetry: Telemetry) -> None:
    opened = livekit(OK)

    with telemetry.tracer_provider.get_tracer("app").start_as_current_span("request") as parent:
        opened.room()
        assert trace.get_current_span() is parent

    child, _ = telemetry.spans.get_finished_spans()
    assert child.parent == parent.get_span_context()


def test_failure_has_its_code_and_text(livekit: Livekit, telemetry: Telemetry) -> None:
    with pytest.raises(TwirpError) as raised:
        livekit(NOT_FOUND).room()

    span = telemetry.span()
    assert span.attributes is not None
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, str(raised.value))
    assert span.attributes["error.type"] == "not_found"
    assert span.attributes["http.response.status_code"] == 404
    assert span.attributes["twirpkit.sent"] == "yes"
    assert telemetry.duration().attributes == {**RPC, **SERVER, "error.type": "not_found"}


@pytest.mark.usefixtures("sleeps")
def test_retried_call_is_one_span_with_an_event_for_each_attempt(livekit: Livekit, telemetry: Telemetry) -> None:
    opened = livekit(NOT_SENT, UNAVAILABLE, OK, retry=RetryPolicy())

    opened.room()

    span = telemetry.span()
    assert names_of_events(span) == ["attempt", "retry", "attempt", "retry", "attempt"]
    attempts = [each.attributes for each in span.events if each.name == "attempt"]
    assert attempts == [{"twirpkit.attempt": number, **SERVER} for number in (1, 2, 3)]
    first, second = [dict(each.attributes or {}) for each in span.events if each.name == "retry"]
    assert (first["error.type"], "http.response.status_code" in first) == ("unavailable", False)
    assert (second["error.type"], second["http.response.status_code"]) == ("unavailable", 503)
    assert second["twirpkit.reason"]
    assert span.status.status_code is StatusCode.UNSET
    assert span.attributes is not None
    assert span.attributes["twirpkit.attempts"] == 3
    assert telemetry.duration().count == 1
    assert len({request.headers["traceparent"] for request in opened.requests}) == 1


def test_cancelled_call_ends_its_span(telemetry: Telemetry) -> None:
    class Hanging:
        async def send(self, request: HttpRequest, /) -> Any:
            sending.set()
            await asyncio.Event().wait()

        async def aclose(self) -> None:
            """Nothing is open."""

    async def cancel() -> None:
        call = asyncio.create_task(opened.client.room.list_rooms())
        await sending.wait()
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)

    sending = asyncio.Event()
    opened = open_livekit("async", transport=Hanging())
    opened.wait(cancel())
    opened.end()

    span = telemetry.span()
    assert span.attributes is not None
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, None)
    assert span.attributes["error.type"] == "asyncio.exceptions.CancelledError"
    assert span.attributes["twirpkit.sent"] == "maybe"
    assert names_of_events(span) == ["attempt"]
    assert telemetry.duration().attributes == {**RPC, **SERVER, "error.type": "asyncio.exceptions.CancelledError"}


def test_interrupted_call_ends_its_span(livekit: Livekit, telemetry: Telemetry) -> None:
    with pytest.raises(KeyboardInterrupt):
        livekit(KeyboardInterrupt("secret")).room()

    span = telemetry.span()
    assert span.attributes is not None
    assert span.attributes["error.type"] == "KeyboardInterrupt"
    assert "secret" not in span.to_json()


def test_coroutine_that_is_closed_in_another_context_ends_its_span(
    telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """As the garbage collector does with a task that never ended."""

    class Waiting:
        async def send(self, request: HttpRequest, /) -> Any:
            await asyncio.sleep(0)

        async def aclose(self) -> None:
            """Nothing is open."""

    opened = open_livekit("async", transport=Waiting())
    call = opened.client.room.list_rooms()

    async def begin() -> None:
        contextvars.copy_context().run(call.send, None)

    asyncio.run(begin())
    call.close()
    opened.end()

    assert (telemetry.span().attributes or {})["error.type"] == "GeneratorExit"
    assert caplog.records == []


def test_concurrent_calls_keep_their_spans_apart(telemetry: Telemetry) -> None:
    async def gather() -> None:
        await asyncio.gather(*(opened.client.room.list_rooms() for _ in range(20)))

    opened = open_livekit("async", OK)
    opened.wait(gather())
    opened.end()

    told = {request.headers["traceparent"].split("-")[2] for request in opened.requests}
    made = {f"{span.context.span_id:016x}" for span in telemetry.spans.get_finished_spans()}
    assert told == made
    assert len(made) == 20
    assert all(span.parent is None for span in telemetry.spans.get_finished_spans())


def test_server_is_where_the_last_attempt_went(kind: str, telemetry: Telemetry) -> None:
    opened = open_livekit(kind, OK, url="http://[::1]:7880")
    opened.room()
    opened.end()

    assert telemetry.duration().attributes == {**RPC, "server.address": "::1", "server.port": 7880}


def test_secrets_are_in_no_span(livekit: Livekit, telemetry: Telemetry) -> None:
    echo = HttpResponse(401, {}, b"bad token: canary-of-the-token")
    with pytest.raises(TwirpError):
        livekit(echo, auth="Bearer canary-of-the-token").room("create_room", name="a")

    assert "canary" not in telemetry.span().to_json()
    assert "canary" not in repr(telemetry.durations())


class TestScope:
    def test_clients_that_exist_are_reached_and_left_again(self, livekit: Livekit, telemetry: Telemetry) -> None:
        opened = livekit(OK)
        opened.room()
        TwirpkitInstrumentor().uninstrument()
        opened.room()

        assert telemetry.span()
        assert "traceparent" not in opened.requests[1].headers

    def test_uninstrumented_call_under_way_ends_its_span(self, livekit: Livekit, telemetry: Telemetry) -> None:
        def stop(event: Event) -> None:
            if event.kind == "request":
                TwirpkitInstrumentor().uninstrument()

        livekit(OK, hooks=[stop]).room()

        assert telemetry.span().end_time

    def test_hook_of_one_client_and_instrumentor_make_one_span(self, livekit: Livekit, telemetry: Telemetry) -> None:
        other = Telemetry()
        hook = otel_hook(other.tracer_provider, other.meter_provider)

        livekit(OK, hooks=[hook]).room()

        assert telemetry.span()
        assert other.spans.get_finished_spans() == ()
        assert other.durations() == {}

    def test_hook_of_one_client_alone(self, livekit: Livekit) -> None:
        other = Telemetry()
        hook = otel_hook(other.tracer_provider, other.meter_provider)

        livekit(OK, hooks=[hook]).room()
        livekit(OK).room()

        assert other.duration().count == 1

    def test_suppressed_instrumentation_makes_nothing(self, livekit: Livekit, telemetry: Telemetry) -> None:
        opened = livekit(OK)
        with suppress_instrumentation():
            opened.room()

        assert telemetry.spans.get_finished_spans() == ()
        assert "traceparent" not in opened.requests[0].headers

    def test_unsampled_call_has_its_duration(self, livekit: Livekit) -> None:
        other = Telemetry()
        hook = otel_hook(trace.NoOpTracerProvider(), other.meter_provider)

        livekit(OK, hooks=[hook]).room()

        assert other.duration().count == 1

    def test_entry_point_names_the_instrumentor(self) -> None:
        (found,) = entry_points(group="opentelemetry_instrumentor", name="twirpkit")
        assert found.load() is TwirpkitInstrumentor


class TestConventions:
    def call(self, livekit: Livekit) -> Telemetry:
        other = Telemetry()
        livekit(OK, hooks=[otel_hook(other.tracer_provider, other.meter_provider)]).room()
        return other

    def test_opt_in_gives_the_newer_names(self, livekit: Livekit, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", "http, rpc")

        telemetry = self.call(livekit)

        newer = {"rpc.system.name": "twirp", "rpc.method": "livekit.RoomService/ListRooms", **SERVER}
        attributes = telemetry.span().attributes
        assert attributes is not None
        assert newer.items() <= attributes.items()
        assert not {"rpc.system", "rpc.service"} & attributes.keys()
        assert list(telemetry.durations()) == ["rpc.client.call.duration s"]
        point = telemetry.duration()
        assert point.attributes == newer
        assert min(point.explicit_bounds) == 0.005

    def test_opt_in_gives_both(self, livekit: Livekit, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", "rpc/dup")

        telemetry = self.call(livekit)

        attributes = telemetry.span().attributes
        assert attributes is not None
        assert {"rpc.system", "rpc.system.name", "rpc.service"} <= attributes.keys()
        ((old,), (new,)) = (
            telemetry.durations()[name] for name in ("rpc.client.duration ms", "rpc.client.call.duration s")
        )
        assert old.attributes == {**RPC, **SERVER}
        assert new.attributes == {"rpc.system.name": "twirp", "rpc.method": "livekit.RoomService/ListRooms", **SERVER}
        assert old.sum == pytest.approx(new.sum * 1000)


class TestInstrumentedLibrary:
    """A session that is lent to a client makes no spans for our calls, and goes on making them for its owner's."""

    @pytest.mark.parametrize(
        ("instrumentor", "make"),
        [(RequestsInstrumentor, requests.Session), (HTTPXClientInstrumentor, httpx.Client)],
        ids=["requests", "httpx"],
    )
    def test_of_the_sync_client(self, telemetry: Telemetry, instrumentor: Any, make: Any) -> None:
        instrumentor().instrument(tracer_provider=telemetry.tracer_provider)
        try:
            with ScriptedServer(reply(b"")) as server, make() as session:
                with LiveKitAPI(server.url, token="scripted", session=session) as lk:
                    lk.room.list_rooms()
                session.post(server.url, timeout=5)
        finally:
            instrumentor().uninstrument()

        ours, theirs = telemetry.spans.get_finished_spans()
        assert (ours.name, theirs.name) == ("livekit.RoomService/ListRooms", "POST")

    @pytest.mark.parametrize(
        ("instrumentor", "make"),
        [(AioHttpClientInstrumentor, aiohttp.ClientSession), (HTTPXClientInstrumentor, httpx.AsyncClient)],
        ids=["aiohttp", "httpx"],
    )
    def test_of_the_async_client(self, telemetry: Telemetry, instrumentor: Any, make: Any) -> None:
        async def call(url: str) -> None:
            async with make() as session:
                async with AsyncLiveKitAPI(url, token="scripted", session=session) as lk:
                    await lk.room.list_rooms()
                response = await session.post(url)
                response.close() if isinstance(response, aiohttp.ClientResponse) else await response.aclose()

        instrumentor().instrument(tracer_provider=telemetry.tracer_provider)
        try:
            with ScriptedServer(reply(b"")) as server:
                asyncio.run(call(server.url))
        finally:
            instrumentor().uninstrument()

        ours, theirs = telemetry.spans.get_finished_spans()
        assert (ours.name, theirs.name) == ("livekit.RoomService/ListRooms", "POST")
