"""nginx and haproxy before a server: their 5xx, bare responses, limits of connections, reloads (rules A12, C, C7)."""

from __future__ import annotations

import http.client
import re
import signal
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from box import LOOPBACK, Box
from box_callers import DELETE, DIAL, ID, LIST, Caller

from twirpkit import DecodeError, InternalError, PermissionDeniedError, ResourceExhaustedError, UnavailableError
from twirpkit.testing import Entry, Outcomes, ScriptedServer, check

Make = Callable[..., Caller]


@pytest.fixture(params=["nginx", "haproxy"])
def gateway(request: pytest.FixtureRequest) -> Box:
    box: Box = request.getfixturevalue(request.param)
    return box


@pytest.fixture
def name() -> str:
    """The id of a call."""
    return str(uuid.uuid4())


def entries(backend: ScriptedServer, name: str) -> list[Entry]:
    backend.ledger.settle()
    return backend.ledger.of(name)


class TestFailureOfAGateway:
    """A 5xx that no Twirp server wrote leaves the call in doubt (rule C5)."""

    @pytest.mark.parametrize(
        ("scene", "status", "arrives"),
        [("refused", {502, 503}, False), ("maintenance", {503}, False), ("broken", {502}, True), ("slow", {504}, True)],
    )
    @pytest.mark.parametrize(
        ("call", "attempts"), [(LIST, 3), (DELETE, 2), (DIAL, 1)], ids=["read", "idempotent", "never"]
    )
    def test_is_repeated_by_class(
        self,
        caller: Make,
        gateway: Box,
        backend: ScriptedServer,
        name: str,
        scene: str,
        status: set[int],
        arrives: bool,
        call: Any,
        attempts: int,
    ) -> None:
        error = caller(gateway.url("HTTP", f"/{scene}")).error(call, extra_headers={ID: name})

        if call is DELETE and scene == "broken" and "haproxy" in gateway.program:
            # On a connection that has served before, haproxy says nothing and closes it: that is phase P1.
            attempts = 3
        assert isinstance(error, UnavailableError)
        assert error.status in status
        assert (error.sent, error.attempts) == ("maybe", attempts)
        assert error.retryable is (call is not DIAL)
        executed = [entry for entry in entries(backend, name) if entry.executed is not None]
        assert len(executed) == (attempts if arrives else 0)

    def test_full_queue(self, caller: Make, haproxy: Box, backend: ScriptedServer) -> None:
        outcomes = Outcomes()
        errors = caller(haproxy.url("HTTP", "/crowded")).call_many(LIST, 60, 20, outcomes)

        assert errors == []
        assert_explained(backend, outcomes)


class TestResponseOfAGateway:
    @pytest.mark.parametrize("call", [LIST, DELETE, DIAL], ids=["read", "idempotent", "never"])
    def test_bare_200_is_no_message(self, caller: Make, gateway: Box, call: Any) -> None:
        error = caller(gateway.url("HTTP", "/bare")).error(call)

        assert isinstance(error, DecodeError)
        assert (error.status, error.attempts, error.retryable) == (200, 1, False)

    @pytest.mark.parametrize(
        ("scene", "kind", "words"),
        [
            ("login", DecodeError, "text/html"),
            ("moved", InternalError, "elsewhere.example"),
            ("denied", PermissionDeniedError, "403"),
            ("limited", ResourceExhaustedError, "429"),
        ],
    )
    def test_is_told_and_not_repeated(
        self, caller: Make, nginx: Box, scene: str, kind: type[Exception], words: str
    ) -> None:
        error = caller(nginx.url("HTTP", f"/{scene}")).error(LIST)

        assert isinstance(error, kind)
        assert error.attempts == 1
        assert words in str(error)


class TestDeadServerBesideAGoodOne:
    def test_is_passed_over(self, caller: Make, gateway: Box, backend: ScriptedServer) -> None:
        outcomes = Outcomes()
        errors = caller(gateway.url("HTTP", "/half_dead")).call_many(DIAL, 100, 4, outcomes)

        assert errors == []
        assert_explained(backend, outcomes)


class TestLimitsOfConnections:
    @pytest.mark.parametrize("call", [LIST, DIAL], ids=["read", "never"])
    def test_of_requests_lose_no_call(self, caller: Make, gateway: Box, backend: ScriptedServer, call: Any) -> None:
        outcomes = Outcomes()
        errors = caller(gateway.url("SHORT"), retry=False).call_many(call, 300, 6, outcomes)

        assert errors == []
        assert_explained(backend, outcomes)

    def test_of_idle_time_lose_no_call(self, caller: Make, nginx: Box, backend: ScriptedServer, name: str) -> None:
        """Not even a call that is never repeated: the client notices that nginx has closed the kept connection."""
        client = caller(nginx.url("SHORT"), retry=False)
        for _ in range(2):
            client.call(DIAL, extra_headers={ID: name})
            wait_until_idle(nginx)

        assert len(entries(backend, name)) == 2


def wait_until_idle(nginx: Box) -> None:
    """Return when nginx has closed every connection but that of the question."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        connection = http.client.HTTPConnection(LOOPBACK, nginx.ports["SHORT"], timeout=5)
        connection.request("GET", "/status", headers={"Connection": "close"})
        status = connection.getresponse().read().decode()
        connection.close()
        active = re.search(r"Active connections: (\d+)", status)
        assert active is not None, status
        if active[1] == "1":
            return
        time.sleep(0.05)
    raise AssertionError(f"connections stay open: {status}")


class TestReloadUnderLoad:
    @pytest.mark.parametrize("program", ["nginx", "haproxy"])
    @pytest.mark.parametrize("call", [LIST, DIAL], ids=["read", "never"])
    def test_fails_no_call_that_may_be_repeated(
        self, caller: Make, backend: ScriptedServer, request: pytest.FixtureRequest, program: str, call: Any
    ) -> None:
        """And says of each other whether it may have been executed: the backend's ledger knows."""
        box: Box = request.getfixturevalue(program)
        by = {"nginx": signal.SIGHUP, "haproxy": signal.SIGUSR2}[program]

        def reload(number: int) -> None:
            if number % 200 == 100:
                box.reload(by)

        outcomes = Outcomes()
        errors = caller(box.url("HTTP", "/ok")).call_many(call, 1000, 8, outcomes, between=reload)

        assert call is DIAL or errors == []
        assert len(errors) < 50
        assert_explained(backend, outcomes)


def assert_explained(backend: ScriptedServer, outcomes: Outcomes) -> None:
    """Hold the outcomes of calls against what the backend received and executed."""
    calls = outcomes.all()
    report = check([entry for entry in backend.ledger.settled() if entry.call in calls], outcomes)
    assert not report.contradictions, str(report)
