"""Records of the log: one for each attempt at DEBUG, and each decision at INFO (rules C8, E5)."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest
from attempt_outcomes import AT_ONCE, METHODS, answered, endpoint, failed
from odd_schema import ODD
from scripted_transport import OK, Opened, every_text, failure_of

from twirpkit import Phase, RetryPolicy

Livekit = Callable[..., Opened]
Bare = Callable[..., Opened]

FACTS = ("rpc", "host", "attempt", "request_id", "status", "seconds", "decision")


def facts(record: logging.LogRecord) -> dict[str, Any]:
    return {name: getattr(record, name) for name in FACTS}


def test_each_attempt_is_a_record_at_debug(livekit: Livekit, caplog: pytest.LogCaptureFixture) -> None:
    opened = livekit(failed(Phase.STALE), answered(503, "unavailable"), OK, retry=AT_ONCE)
    before = time.monotonic()
    with caplog.at_level(logging.DEBUG, "twirpkit"):
        opened.room("create_room", name="standup", metadata="my own affairs")
    took = time.monotonic() - before

    records = [record for record in caplog.records if record.levelno == logging.DEBUG]
    request_id = opened.requests[0].headers["X-Livekit-Request-Id"]
    for number, (record, result) in enumerate(
        zip(
            records,
            [
                "no response (kept connection closed); a kept connection had closed",
                "503; the service is unavailable",
                "200; done",
            ],
            strict=True,
        ),
        1,
    ):
        start = f"livekit.RoomService/CreateRoom to livekit.example.com, attempt {number}, id {request_id}, after "
        assert record.getMessage().startswith(start)
        assert record.getMessage().endswith(f" s: {result}; request: name='standup', metadata=<redacted>")
        assert 0 <= facts(record)["seconds"] <= took
        assert {**facts(record), "seconds": 0} == {
            "rpc": "livekit.RoomService/CreateRoom",
            "host": "livekit.example.com",
            "attempt": number,
            "request_id": request_id,
            "status": [None, 503, 200][number - 1],
            "seconds": 0,
            "decision": result.partition("; ")[2],
        }


def decisions(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [facts(record)["decision"] for record in caplog.records if record.levelno == logging.INFO]


def test_each_retry_and_each_failure_is_a_record_at_info(bare: Bare, caplog: pytest.LogCaptureFixture) -> None:
    opened = bare(endpoint(), failed(Phase.NOT_SENT), answered(503), answered(404, "not_found"))
    with caplog.at_level(logging.INFO, "twirpkit"):
        failure_of(opened.call, METHODS["read"])

    assert decisions(caplog) == [
        "failed with unavailable, next attempt in 0.000 s: the request was not sent",
        "failed with unavailable, next attempt in 0.000 s: a gateway failed in place of the server",
        "failed with not_found, sent=maybe: the response is conclusive: a request of class 'read' is not repeated "
        "after that",
    ]
    assert [record.getMessage().endswith(facts(record)["decision"]) for record in caplog.records] == [True] * 3


@pytest.mark.parametrize(
    ("method", "outcome", "options", "reason"),
    [
        ("never", failed(Phase.CUT), {}, "the response was cut: a request of class 'never' is not repeated after that"),
        ("read", failed(Phase.CUT), {"retry": False}, "retries are off"),
        ("read", failed(Phase.CUT), {}, "attempt 3 of 3 was the last"),
        (
            "idempotent",
            failed(Phase.CUT),
            {},
            "the response was cut: a request of class 'idempotent' is not repeated a second time after that",
        ),
        ("read", answered(503, retry_after="30"), {"timeout": 5}, "a wait of 30 s would pass the deadline"),
        (
            "read",
            answered(503, retry_after="90"),
            {"timeout": None},
            "a wait of 90 s is longer than 60 s, without a time limit",
        ),
        ("read", failed(Phase.CUT), {"retry": RetryPolicy(max_attempts=1)}, "attempt 1 of 1 was the last"),
    ],
)
def test_the_last_record_says_why_the_call_was_not_repeated(
    bare: Bare, caplog: pytest.LogCaptureFixture, method: str, outcome: Any, options: Any, reason: str
) -> None:
    with caplog.at_level(logging.INFO, "twirpkit"):
        failure_of(bare(endpoint(), outcome).call, METHODS[method], **options)

    assert decisions(caplog)[-1].endswith(f": {reason}")


def test_a_spent_budget_is_a_reason(bare: Bare, caplog: pytest.LogCaptureFixture) -> None:
    opened = bare(endpoint(), failed(Phase.NOT_SENT))
    for _ in range(50):
        failure_of(opened.call, METHODS["read"])
    caplog.clear()
    with caplog.at_level(logging.INFO, "twirpkit"):
        failure_of(opened.call, METHODS["read"])

    assert decisions(caplog) == ["failed with unavailable, sent=no: the retry budget for this host is spent"]


def test_a_call_that_succeeds_at_once_says_nothing_above_debug(
    livekit: Livekit, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "twirpkit"):
        livekit(OK).room()

    assert caplog.records == []


def test_a_schema_without_the_option_shows_no_value(bare: Bare, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "twirpkit"):
        bare(endpoint()).call(
            METHODS["read"], ODD.Thing(a_string="canary", part={"name": "canary"}, texts={"k": "canary"})
        )

    assert caplog.records[0].getMessage().endswith("request: a_string=<redacted>, part=<redacted>, texts=<redacted>")


LOGGING = """
from twirpkit.events import LOGGER
LOGGER.debug("an attempt")
LOGGER.info("a retry")
"""


@pytest.mark.parametrize(
    ("level", "shown"),
    [
        ("debug", ["twirpkit DEBUG an attempt", "twirpkit INFO a retry"]),
        ("Info", ["twirpkit INFO a retry"]),
        ("warning", []),
        ("", []),
    ],
)
def test_a_variable_turns_it_on(level: str, shown: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOGGING], env={"TWIRPKIT_LOG": level}, capture_output=True, text=True, check=True
    )

    assert [line.split(" ", 2)[2] for line in done.stderr.splitlines()] == shown


def test_a_variable_that_names_no_level_warns() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOGGING], env={"TWIRPKIT_LOG": "loud"}, capture_output=True, text=True, check=True
    )

    assert "TWIRPKIT_LOG must be debug, info or warning, not 'loud'" in done.stderr
    assert "an attempt" not in done.stderr


REQUESTS: dict[str, tuple[str, str, dict[str, Any], str]] = {
    "a stream key": (
        "egress",
        "start_room_composite_egress",
        {"room_name": "r", "stream_outputs": [{"urls": ["rtmps://live.example.com/app/canary"]}]},
        "rtmps://live.example.com/app/canary is not a URL",
    ),
    "a token in a URL": (
        "egress",
        "start_track_egress",
        {"track_id": "T", "websocket_url": "wss://h/?token=canary"},
        "cannot dial wss://h/?token=canary",
    ),
    "a password in a URL": (
        "egress",
        "start_web_egress",
        {"url": "https://user:canary@example.com/"},
        "https://user:canary@example.com/ is not a URL",
    ),
    "a webhook's URL": (
        "egress",
        "start_web_egress",
        {"webhooks": [{"url": "https://h/hook?secret=canary"}]},
        "/hook?secret=canary is not a path",
    ),
    "digits to dial": (
        "sip",
        "create_sip_participant",
        {"sip_trunk_id": "T", "sip_call_to": "+1", "room_name": "r", "dtmf": "canary"},
        "cannot dial 'canary'",
    ),
    "the number of a callee": (
        "sip",
        "create_sip_participant",
        {"sip_trunk_id": "T", "sip_call_to": "canary", "to_user_override": "canary", "room_name": "r"},
        "canary is not a number",
    ),
    "the target of a transfer": (
        "sip",
        "transfer_sip_participant",
        {"participant_identity": "i", "room_name": "r", "transfer_to": "tel:canary"},
        "cannot transfer to tel:canary",
    ),
    "the payload of an RPC": (
        "room",
        "perform_rpc",
        {"room": "r", "destination_identity": "i", "method": "m", "payload": "canary"},
        "RpcError 3001: cannot use canary: canary",
    ),
    "a data packet": ("room", "send_data", {"room": "r", "data": b"canary"}, "no"),
}
"""Requests with a secret that the schema does not mark: service, RPC, fields, and a server's words about them."""


@pytest.mark.parametrize("name", REQUESTS)
def test_no_secret_of_a_request_is_in_its_records_or_its_error(
    livekit: Livekit, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    service, rpc, fields, said = REQUESTS[name]
    opened = livekit(answered(400, "invalid_argument", said))
    with caplog.at_level(logging.DEBUG, "twirpkit"):
        error = failure_of(lambda: opened.wait(getattr(getattr(opened.client, service), rpc)(**fields)))

    assert "<redacted>" in caplog.text
    assert not [text for text in (caplog.text, *every_text(error)) if "canary" in text]
