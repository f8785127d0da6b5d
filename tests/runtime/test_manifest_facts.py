"""What rows of the manifest say of an RPC: its default timeout, its wait for a person, its own host and errors."""

from __future__ import annotations

import inspect
import math
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unittest.mock import Mock, create_autospec

import pytest
from scripted_transport import Opened, failure_of

from livekit_twirp import CreateSIPParticipantRequest, PerformRpcRequest
from twirpkit import AuthError, DeadlineExceededError, HttpResponse
from twirpkit.livekit.cloud_hosts import agents_url
from twirpkit.livekit.sip_errors import SIPCallError

Livekit = Callable[..., Opened]

DIAL = {"sip_trunk_id": "ST_1", "sip_call_to": "+1555", "room_name": "r"}


def seconds(opened: Opened, call: Any) -> float | None:
    """How long the deadline of a client's only request was away when it was called, in halves of a second."""
    before = time.monotonic()
    opened.wait(call())
    (request,) = opened.requests
    # Rounded down: a busy machine may take its time between the two looks at the clock.
    return None if request.deadline is None else math.floor((request.deadline - before) * 2) / 2


def dial(opened: Opened, **fields: Any) -> tuple[float | None, CreateSIPParticipantRequest]:
    """Seconds left to the call when it was sent, and what was sent."""
    left = seconds(opened, lambda: opened.client.sip.create_sip_participant(**DIAL | fields))
    return left, CreateSIPParticipantRequest.FromString(opened.requests[0].body)


@pytest.mark.parametrize(
    ("fields", "left", "rings"),
    [
        ({}, 10, None),
        ({"ringing_timeout": timedelta(seconds=50)}, 10, 50e9),
        ({"wait_until_answered": True}, 32, 30e9),
        ({"wait_until_answered": True, "ringing_timeout": timedelta(seconds=50)}, 52, 50e9),
        ({"wait_until_answered": True, "ringing_timeout": timedelta(seconds=5.5)}, 10, 5.5e9),
        ({"wait_until_answered": True, "ringing_timeout": timedelta(seconds=8.5)}, 10.5, 8.5e9),
        ({"wait_until_answered": True, "ringing_timeout": timedelta(0)}, 10, 0),
        ({"wait_until_answered": True, "timeout": 1}, 32, 30e9),
        ({"wait_until_answered": True, "timeout": 5}, 32, 30e9),
        ({"wait_until_answered": True, "timeout": 40}, 40, 30e9),
        ({"wait_until_answered": True, "timeout": None}, None, 30e9),
        ({"timeout": 5}, 5, None),
    ],
)
def test_a_call_that_rings_is_given_time_to(
    livekit: Livekit, fields: dict[str, Any], left: float | None, rings: float | None
) -> None:
    opened = livekit()

    got, sent = dial(opened, **fields)

    assert got == left
    assert (sent.ringing_timeout.ToNanoseconds() if sent.HasField("ringing_timeout") else None) == rings


def test_a_call_whose_time_has_passed_does_not_ring(livekit: Livekit) -> None:
    opened = livekit()

    error = failure_of(lambda: dial(opened, wait_until_answered=True, timeout=0))

    assert (type(error), error.sent, opened.requests) == (DeadlineExceededError, "no", [])


def test_the_callers_message_is_not_filled(livekit: Livekit) -> None:
    opened = livekit()
    message = CreateSIPParticipantRequest(**DIAL, wait_until_answered=True)

    opened.wait(opened.client.sip.create_sip_participant(message))

    assert not message.HasField("ringing_timeout")


def test_a_transfer_always_waits(livekit: Livekit) -> None:
    opened = livekit()
    fields = {"room_name": "r", "participant_identity": "a", "transfer_to": "tel:1"}

    assert seconds(opened, lambda: opened.client.sip.transfer_sip_participant(**fields)) == 32


@pytest.mark.parametrize(
    ("fields", "left", "waits"),
    [
        ({}, 15, 10_000),
        ({"response_timeout_ms": 20_000}, 25, 20_000),
        ({"response_timeout_ms": 500}, 10, 500),
        ({"response_timeout_ms": 20_000, "timeout": 3}, 25, 20_000),
        ({"response_timeout_ms": 20_000, "timeout": 60}, 60, 20_000),
        ({"response_timeout_ms": 20_000, "timeout": None}, None, 20_000),
    ],
)
def test_a_call_to_a_participant_is_given_the_milliseconds_that_the_server_waits(
    livekit: Livekit, fields: dict[str, Any], left: float | None, waits: int
) -> None:
    opened = livekit()
    call = {"room": "r", "destination_identity": "a", "method": "m", **fields}

    assert seconds(opened, lambda: opened.client.room.perform_rpc(**call)) == left
    assert PerformRpcRequest.FromString(opened.requests[0].body).response_timeout_ms == waits


def test_the_message_of_a_call_to_a_participant_is_not_filled(livekit: Livekit) -> None:
    message = PerformRpcRequest(room="r", destination_identity="a", method="m")

    livekit().room("perform_rpc", message)

    assert message.response_timeout_ms == 0


@pytest.mark.parametrize(
    ("options", "call", "left"),
    [
        ({}, {}, 15),
        ({"timeout": 3}, {}, 3),
        ({"timeout": None}, {}, None),
        ({"timeout": None}, {"timeout": 4}, 4),
        ({"timeout": 3}, {"timeout": None}, None),
    ],
)
def test_the_call_says_then_the_client_then_the_rpc(
    livekit: Livekit, options: dict[str, Any], call: dict[str, Any], left: float | None
) -> None:
    opened = livekit(**options)

    assert seconds(opened, lambda: opened.client.room.create_room(name="r", **call)) == left


def test_a_busy_line_is_an_error_of_its_own(livekit: Livekit) -> None:
    body = b'{"code":"unauthenticated","msg":"x","meta":{"sip_status_code":"407","sip_status":"Proxy Auth"}}'
    opened = livekit(HttpResponse(401, {}, body))

    error = failure_of(lambda: dial(opened))

    assert type(error) is SIPCallError
    assert not isinstance(error, AuthError)
    assert (error.sip_status_code, error.sip_status) == (407, "Proxy Auth")
    assert (error.attempts, error.sent, error.status) == (1, "yes", 401)
    assert error.request_id == opened.requests[0].headers["X-Livekit-Request-Id"]


@pytest.mark.parametrize(
    ("base", "there"),
    [
        ("https://hats-1a2b.livekit.cloud", "https://agents.livekit.cloud"),
        ("https://hats.eu.production.livekit.cloud", "https://agents.eu.production.livekit.cloud"),
        ("https://HATS.LiveKit.Cloud:8443/base", "https://agents.livekit.cloud:8443/base"),
    ],
)
def test_hosted_agents_have_a_host_beside_the_projects(
    livekit: Livekit, monkeypatch: pytest.MonkeyPatch, base: str, there: str
) -> None:
    monkeypatch.delenv("LK_AGENTS_URL", raising=False)
    opened = livekit(url=base)
    opened.wait(opened.client.cloud_agent.list_agents())
    opened.room("list_rooms")

    assert opened.requests[0].url == f"{there}/twirp/livekit.CloudAgent/ListAgents"
    assert "agents." not in opened.requests[1].url


def test_tools_may_look_at_a_client_whose_services_are_not_all_known(livekit: Livekit) -> None:
    client = livekit(url="https://livekit.example.com").client

    assert hasattr(client, "cloud_agent")
    assert Mock(spec=client).cloud_agent is not None
    create_autospec(client)
    assert "cloud_agent" in dict(inspect.getmembers(client))


@pytest.mark.parametrize("base", ["https://livekit.example.com", "http://127.0.0.1:7880", "https://evillivekit.cloud"])
def test_no_token_goes_to_a_guessed_host(livekit: Livekit, monkeypatch: pytest.MonkeyPatch, base: str) -> None:
    monkeypatch.delenv("LK_AGENTS_URL", raising=False)
    refused = livekit(url=base)
    service = refused.client.cloud_agent  # reading the attribute must not raise: tools look at all of them
    with pytest.raises(ValueError, match=r"ListAgents cannot be called: .* not on it: set LK_AGENTS_URL"):
        refused.wait(service.list_agents())
    assert refused.requests == []

    opened = livekit(url=base)
    monkeypatch.setenv("LK_AGENTS_URL", "https://agents.example.com")
    assert agents_url(base) == "https://agents.example.com"
    opened.wait(opened.client.cloud_agent.list_agents())
    assert opened.requests[0].url == "https://agents.example.com/twirp/livekit.CloudAgent/ListAgents"
