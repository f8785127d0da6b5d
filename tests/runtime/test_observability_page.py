"""`docs/observability.md` is true: its recipes run over both clients, and its tables name what there is."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
import os
import re
import subprocess
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints

import prometheus_client
import pytest
import sentry_sdk
from scripted_transport import Opened
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

from twirpkit import Event, HttpResponse, Phase, RetryPolicy, TransportFailure, TwirpError
from twirpkit.events import LOGGER
from twirpkit.testing import ScriptedServer, error

Livekit = Callable[..., Opened]

TEXT = (Path(__file__).parents[2] / "docs" / "observability.md").read_text(encoding="utf-8")
RPC = "livekit.RoomService/ListRooms"
OK = HttpResponse(200, {"content-type": "application/protobuf"}, b"")
DENIED = HttpResponse(403, {}, json.dumps({"code": "permission_denied", "msg": "no"}).encode())
NOT_SENT = TransportFailure("connection refused", Phase.NOT_SENT)


def section(title: str) -> str:
    return TEXT[TEXT.index(f"\n## {title}\n") :].split("\n## ", 2)[1]


def recipe(title: str) -> types.ModuleType:
    """The first block of Python of a section, run."""
    (code, *_) = re.findall(r"```python\n(.*?)```", section(title), re.DOTALL)
    module = types.ModuleType("recipe")
    exec(code, module.__dict__)
    return module


def rows(heading: str) -> list[str]:
    """The names in the first column of the table under a heading row."""
    table = TEXT[TEXT.index(heading) :].split("\n\n", 1)[0]
    return [name for row in table.splitlines()[2:] for name in re.findall(r"`([^`]+)`", row.split("|")[1])]


class TestTables:
    def test_name_every_kind(self) -> None:
        assert rows("| kind |") == list(get_args(get_type_hints(Event)["kind"]))

    def test_name_every_attribute_of_an_event(self) -> None:
        assert set(rows("| attribute | type |")) == {field.name for field in dataclasses.fields(Event)}

    def test_name_every_field_of_a_log_record(self, livekit: Livekit, caplog: pytest.LogCaptureFixture) -> None:
        plain = logging.LogRecord("", 0, "", 0, "", None, None).__dict__.keys()
        with caplog.at_level(logging.DEBUG, LOGGER.name), pytest.raises(TwirpError):
            livekit(DENIED).room()

        attempt, failure = caplog.records
        named = set(rows("| attribute | meaning |"))
        for record in (attempt, failure):
            assert record.__dict__.keys() - plain - {"message", "asctime"} == named
        assert (attempt.levelname, failure.levelname) == ("DEBUG", "INFO")


@pytest.mark.usefixtures("sleeps")
def test_first_hook_reports_retries(livekit: Livekit, capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    monkeypatch.setenv("LIVEKIT_URL", "https://livekit.example.com")
    monkeypatch.setenv("LIVEKIT_TOKEN", "scripted")
    hook = recipe("Hooks and events").watch

    livekit(NOT_SENT, OK, retry=RetryPolicy(), hooks=[hook]).room()

    assert f"{RPC} at livekit.example.com: again in" in capsys.readouterr().out


def test_variable_turns_the_log_on() -> None:
    code = (
        "import sys\n"
        "from livekit_twirp import LiveKitAPI, TwirpError\n"
        "try:\n"
        "    LiveKitAPI(sys.argv[1], token='t').room.list_rooms()\n"
        "except TwirpError:\n"
        "    pass\n"
    )
    with ScriptedServer(error("not_found", "gone")) as server:
        run = [sys.executable, "-W", "ignore", "-c", code, server.url]
        loud = subprocess.run(
            run, env={**os.environ, "TWIRPKIT_LOG": "debug"}, capture_output=True, text=True, check=True
        )
        quiet = subprocess.run(run, capture_output=True, text=True, check=True)

    assert re.findall(r" twirpkit (\w+) (\S+)", loud.stderr) == [("DEBUG", RPC), ("INFO", RPC)]
    assert quiet.stderr == ""


class Kept(Transport):
    """A transport of Sentry's that keeps what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.items: list[dict[str, Any]] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        self.items += [item.payload.json for item in envelope.items if isinstance(item.payload.json, dict)]


@pytest.fixture
def sentry() -> Iterator[types.SimpleNamespace]:
    """Sentry over a transport that keeps; the recipe; what was kept."""
    found = recipe("Sentry")
    transport = Kept()
    with sentry_sdk.isolation_scope(), sentry_sdk.new_scope():
        sentry_sdk.init(
            dsn="http://key@127.0.0.1:9/1",
            before_send=found.before_send,
            traces_sample_rate=1.0,
            transport=transport,
            default_integrations=False,
        )
        yield types.SimpleNamespace(hook=found.sentry_hook, items=transport.items)
        sentry_sdk.get_client().close(timeout=0)
    sentry_sdk.get_global_scope().set_client(None)


@pytest.mark.usefixtures("sleeps")
class TestSentry:
    def test_call_is_a_span_that_the_server_can_continue(self, livekit: Livekit, sentry: types.SimpleNamespace) -> None:
        opened = livekit(NOT_SENT, OK, retry=RetryPolicy(), hooks=[sentry.hook])

        with sentry_sdk.start_transaction(name="job"):
            opened.room()

        (transaction,) = sentry.items
        (span,) = transaction["spans"]
        assert (span["op"], span["description"], span["tags"]["status"]) == ("rpc.client", RPC, "ok")
        assert span["data"]["attempts"] == 2
        told = {request.headers["sentry-trace"] for request in opened.requests}
        assert told == {f"{span['trace_id']}-{span['span_id']}-1"}

    def test_retry_is_a_breadcrumb_of_the_error_that_follows(
        self, livekit: Livekit, sentry: types.SimpleNamespace
    ) -> None:
        try:
            livekit(NOT_SENT, DENIED, retry=RetryPolicy(), hooks=[sentry.hook]).room()
        except TwirpError as raised:
            sentry_sdk.capture_exception(raised)

        (report,) = sentry.items
        (crumb,) = report["breadcrumbs"]["values"]
        assert (crumb["category"], crumb["data"]["rpc"]) == ("twirpkit", RPC)

    def test_error_is_grouped_by_rpc_and_code(self, livekit: Livekit, sentry: types.SimpleNamespace) -> None:
        with sentry_sdk.start_transaction(name="job"):
            try:
                livekit(DENIED, auth="Bearer canary-of-the-token", hooks=[sentry.hook]).room()
            except TwirpError as raised:
                sentry_sdk.capture_exception(raised)

        report, transaction = sentry.items
        assert report["fingerprint"] == ["twirp", RPC, "permission_denied"]
        assert report["tags"]["rpc"] == RPC
        assert report["contexts"]["twirp"]["sent"] == "yes"
        assert transaction["spans"][0]["tags"]["status"] == "permission_denied"
        assert "canary" not in json.dumps([frame for frame in frames(report) if "twirpkit" in frame["filename"]])

    def test_another_exception_is_left_as_it_is(self, sentry: types.SimpleNamespace) -> None:
        sentry_sdk.capture_exception(KeyError("x"))

        (report,) = sentry.items
        assert "fingerprint" not in report


def frames(report: dict[str, Any]) -> list[dict[str, Any]]:
    return [frame for each in report["exception"]["values"] for frame in each["stacktrace"]["frames"]]


@pytest.fixture
def prometheus() -> Iterator[Any]:
    """The recipe, with metrics that are taken out of the global registry again."""
    found = recipe("Prometheus")
    yield found
    for metric in (found.CALLS, found.RETRIES, found.IN_PROGRESS):
        prometheus_client.REGISTRY.unregister(metric)


@pytest.mark.usefixtures("sleeps")
class TestPrometheus:
    def test_counts_calls_and_retries(self, livekit: Livekit, prometheus: Any) -> None:
        livekit(NOT_SENT, OK, retry=RetryPolicy(), hooks=[prometheus.prometheus_hook]).room()
        with pytest.raises(TwirpError):
            livekit(DENIED, hooks=[prometheus.prometheus_hook]).room()

        assert sample("twirp_client_duration_seconds_count", outcome="ok") == 1
        assert sample("twirp_client_duration_seconds_count", outcome="permission_denied") == 1
        assert sample("twirp_client_retries_total", outcome="unavailable") == 1
        assert sample("twirp_client_in_progress") == 0

    def test_gauge_returns_to_zero_after_an_interrupt(self, livekit: Livekit, prometheus: Any) -> None:
        during: list[float | None] = []

        def look(event: Event) -> None:
            if event.kind == "request":
                during.append(sample("twirp_client_in_progress"))

        cancelled = asyncio.CancelledError()
        with pytest.raises(asyncio.CancelledError):
            livekit(cancelled, hooks=[prometheus.prometheus_hook, look]).room()

        assert during == [1]
        assert sample("twirp_client_in_progress") == 0
        assert sample("twirp_client_duration_seconds_count", outcome="CancelledError") == 1


def sample(name: str, **labels: str) -> float | None:
    return prometheus_client.REGISTRY.get_sample_value(name, {"rpc": RPC, **labels})
