"""Webhook events: one class, with the fields of the schema, that the receiver returns and tests can make."""

from __future__ import annotations

import copy
import inspect
import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import livekit.protocol.webhook
import pytest

import livekit_twirp
from livekit_twirp import (
    UNKNOWN_ENUM,
    ParticipantInfo,
    Room,
    TrackInfo,
    TrackSource,
    WebhookError,
    WebhookEvent,
    WebhookReceiver,
    sign_webhook,
)
from livekit_twirp.messages import livekit_webhook

KEY, SECRET = "devkey", "a secret that is long enough for HS256"
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
KINDS: list[dict[str, Any]] = [
    {"event": "room_started", "room": {"sid": "RM_1", "name": "standup"}},
    {"event": "room_finished", "room": {"name": "standup"}, "room_end_reason": 1},
    {"event": "participant_joined", "room": {"name": "standup"}, "participant": {"identity": "ann"}},
    {"event": "participant_left", "participant": ParticipantInfo(identity="ann", attributes={"seat": "4"})},
    {"event": "participant_connection_aborted", "participant": {"identity": "ann"}},
    {"event": "track_published", "track": TrackInfo(sid="TR_1", source=TrackSource.CAMERA)},
    {"event": "track_unpublished", "track": {"sid": "TR_1"}},
    {"event": "egress_started", "egress_info": {"egress_id": "EG_1", "room_name": "standup"}},
    {"event": "egress_updated", "egress_info": {"egress_id": "EG_1", "started_at": 1_795_000_000_000_000_000}},
    {"event": "egress_ended", "egress_info": {"egress_id": "EG_1", "error": "no space"}},
    {"event": "ingress_started", "ingress_info": {"ingress_id": "IN_1", "state": {"room_id": "RM_1"}}},
    {"event": "ingress_ended", "ingress_info": {"ingress_id": "IN_1"}},
]
"""An event of each kind that LiveKit's documentation lists."""


@pytest.fixture
def receiver() -> WebhookReceiver:
    return WebhookReceiver(KEY, SECRET)


def event_of(**fields: Any) -> WebhookEvent:
    return WebhookEvent(**{"event": "room_started", "id": "EV_1", "created_at": NOW, **fields})


class TestOneClass:
    def test_is_exported_and_returned(self, receiver: WebhookReceiver) -> None:
        event = receiver.receive(*sign_webhook(event_of(room={"name": "standup"}), KEY, SECRET))

        assert type(event) is WebhookEvent is livekit_twirp.WebhookEvent
        assert (event.event, event.id, event.created_at, event.room.name) == ("room_started", "EV_1", NOW, "standup")
        assert type(event.room) is Room
        assert event.participant.identity == ""

    def test_has_every_field_of_the_schema(self) -> None:
        names = [field.name for field in livekit_webhook.WebhookEvent.DESCRIPTOR.fields]

        assert list(inspect.signature(WebhookEvent).parameters) == names
        assert all(isinstance(getattr(WebhookEvent, name), property) for name in names)
        assert set(names) <= set(dir(event_of()))

    def test_a_misspelt_field_is_an_error(self) -> None:
        with pytest.raises(AttributeError, match="roon"):
            event_of().roon  # type: ignore[attr-defined]  # noqa: B018  # looking is what fails
        with pytest.raises(TypeError, match="roon"):
            WebhookEvent(roon={})  # type: ignore[call-arg]  # the mistake is what is tested

    @pytest.mark.parametrize(
        ("fields", "problem"),
        [
            ({"room": {"nam": "standup"}}, "has no field 'nam'"),
            ({"room": "standup"}, r"WebhookEvent\.room"),
            ({"created_at": datetime(2026, 1, 1)}, "^created_at has no time zone"),
            ({"created_at": 1795000000}, "^created_at must be a datetime, not int$"),
            ({"created_at": datetime(1969, 12, 31, tzinfo=UTC)}, "time is out of range"),
        ],
    )
    def test_a_wrong_value_is_refused_when_the_event_is_made(self, fields: dict[str, Any], problem: str) -> None:
        with pytest.raises((TypeError, ValueError), match=problem):
            event_of(**fields)

    def test_loads_no_message_before_it_is_used(self) -> None:
        program = (
            "import sys; from livekit_twirp import WebhookEvent, WebhookReceiver; "
            "print([name for name in sys.modules if name.startswith('livekit_twirp.messages')])"
        )
        ran = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
        assert ran.stdout == "[]\n"


class TestRaw:
    @pytest.mark.parametrize("fields", KINDS, ids=lambda each: each["event"])
    def test_rebuilds_the_event(self, receiver: WebhookReceiver, fields: dict[str, Any]) -> None:
        event = receiver.receive(*sign_webhook(event_of(**fields), KEY, SECRET))
        queued = json.loads(json.dumps(event.raw))
        rebuilt = WebhookEvent.from_raw(queued)

        assert rebuilt == event == event_of(**fields)
        assert rebuilt.message == event.message
        assert hash(rebuilt) == hash(event)

    @pytest.mark.parametrize("made", [pickle.dumps, copy.copy, copy.deepcopy], ids=lambda each: each.__name__)
    def test_pickles_and_copies(self, made: Callable[[Any], Any]) -> None:
        event = event_of(room={"name": "standup", "metadata": "ä"})
        copied = made(event)

        assert (pickle.loads(copied) if isinstance(copied, bytes) else copied) == event

    def test_keeps_what_this_version_does_not_know(self) -> None:
        raw = {"event": "room_teleported", "participant": {"kind": "HOLOGRAM", "tracks": []}, "mood": ["good"]}
        event = WebhookEvent.from_raw(raw)

        assert event.event == "room_teleported"
        assert event.participant.kind == UNKNOWN_ENUM
        assert event.unknown == {"participant.kind": "HOLOGRAM"}
        again = WebhookEvent.from_raw(event.raw)
        assert (again, again.unknown, json.loads(json.dumps(again.raw))) == (event, event.unknown, raw)

    @pytest.mark.parametrize(
        "raw", [None, "{}", b"{}", [], {"room": "standup"}, {"createdAt": "soon"}, {"createdAt": -1}, {"room": {1}}]
    )
    def test_that_is_not_an_event_is_refused(self, raw: Any) -> None:
        with pytest.raises(WebhookError, match=r"raw must be|is not a livekit\.WebhookEvent|out of range") as caught:
            WebhookEvent.from_raw(raw)
        assert caught.value.__context__ is None

    def test_that_is_nested_without_end_is_refused(self) -> None:
        raw: dict[str, Any] = {}
        raw["room"] = raw

        with pytest.raises(WebhookError, match=r"is not a livekit\.WebhookEvent"):
            WebhookEvent.from_raw(raw)

    def test_other_events_are_not_equal(self) -> None:
        assert event_of() != event_of(id="EV_2")
        assert event_of() != {"event": "room_started"}


class TestSigning:
    def test_is_what_livekits_own_receiver_takes(self) -> None:
        from livekit import api

        body, authorization = sign_webhook(event_of(room={"name": "standup"}), KEY, SECRET)
        theirs = api.WebhookReceiver(api.TokenVerifier(KEY, SECRET)).receive(body.decode(), authorization)

        assert type(theirs) is livekit.protocol.webhook.WebhookEvent
        assert (theirs.event, theirs.id, theirs.created_at) == ("room_started", "EV_1", int(NOW.timestamp()))

    def test_holds_for_five_minutes(self, receiver: WebhookReceiver) -> None:
        delivery = sign_webhook(event_of(), KEY, SECRET, at=NOW)

        assert receiver.receive(*delivery, at=NOW + timedelta(minutes=5)).id == "EV_1"
        with pytest.raises(WebhookError, match="has expired"):
            receiver.receive(*delivery, at=NOW + timedelta(minutes=6))
        with pytest.raises(WebhookError, match="not valid yet"):
            receiver.receive(*delivery, at=NOW - timedelta(minutes=2))

    def test_with_another_secret_is_refused(self, receiver: WebhookReceiver) -> None:
        with pytest.raises(WebhookError, match="not signed by a known API key"):
            receiver.receive(*sign_webhook(event_of(), KEY, SECRET + "!"))

    def test_takes_keys_from_the_environment(self, receiver: WebhookReceiver, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(ValueError, match="LIVEKIT_API_KEY"):
            sign_webhook(event_of())
        monkeypatch.setenv("LIVEKIT_API_KEY", KEY)
        monkeypatch.setenv("LIVEKIT_API_SECRET", SECRET)

        assert receiver.receive(*sign_webhook(event_of())).id == "EV_1"

    @pytest.mark.parametrize("event", [{"event": "room_started"}, livekit_webhook.WebhookEvent(), b"{}"])
    def test_takes_events_only(self, event: Any) -> None:
        with pytest.raises(TypeError, match=r"^event must be a WebhookEvent, not "):
            sign_webhook(event, KEY, SECRET)
