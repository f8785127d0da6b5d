"""Webhooks: recorded deliveries, deliveries that are not what they claim to be, and what newer servers may send
(rule A16)."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import pickle
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from hidden import KEY, SECRET, texts_of
from livekit import api
from minting import mint
from odd_webhook import OddEvent
from webhook_schema import WebhookEvent as EventMessage

from twirpkit.livekit import (
    UNKNOWN_ENUM,
    AccessToken,
    TokenError,
    VideoGrants,
    WebhookError,
    WebhookEvent,
    WebhookReceiver,
    decode_unverified,
)

FIXTURE = Path(__file__).parents[2] / "conformance" / "fixtures" / "webhooks.jsonl"
RECORDED: list[dict[str, Any]] = [json.loads(line) for line in FIXTURE.read_text(encoding="utf-8").splitlines()]
RECORDED_SECRET = "secret" * 6

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
T = int(NOW.timestamp())
EVENT: dict[str, Any] = {"event": "room_started", "id": "EV_1", "createdAt": str(T), "room": {"name": "canary"}}


class Event(WebhookEvent[Any]):
    """As a generated package makes it, without its properties."""

    __slots__ = ()

    @classmethod
    def message_class(cls) -> type[Any]:
        return EventMessage  # type: ignore[no-any-return]  # made at run time


class Receiver(WebhookReceiver[Event]):
    """As a generated package binds it."""

    @classmethod
    def event_class(cls) -> type[Event]:
        return Event


class OddWebhookEvent(WebhookEvent[Any]):
    """An event of another schema."""

    __slots__ = ()

    @classmethod
    def message_class(cls) -> type[Any]:
        return OddEvent  # type: ignore[no-any-return]  # made at run time


class OddReceiver(WebhookReceiver[OddWebhookEvent]):
    """Its receiver."""

    @classmethod
    def event_class(cls) -> type[OddWebhookEvent]:
        return OddWebhookEvent


@pytest.fixture
def receiver() -> Receiver:
    return Receiver(KEY, SECRET)


def body_of(*more: dict[str, Any], **fields: Any) -> bytes:
    event = {**EVENT, **fields}
    for each in more:
        event.update(each)
    return json.dumps(event).encode()


def signature(body: bytes, **claims: Any) -> str:
    sha256 = base64.b64encode(hashlib.sha256(body).digest()).decode()
    return mint({"nbf": T, "exp": T + 300, "sha256": sha256, **claims})


def received(receiver: WebhookReceiver[Any], body: bytes | bytearray | str, **claims: Any) -> WebhookEvent[Any]:
    data = body.encode() if isinstance(body, str) else bytes(body)
    event: WebhookEvent[Any] = receiver.receive(body, signature(data, **claims), at=NOW)
    return event


class TestRecorded:
    @pytest.fixture
    def receiver(self) -> Receiver:
        return Receiver("devkey", RECORDED_SECRET)

    @pytest.mark.parametrize("delivery", RECORDED, ids=lambda each: each["id"])
    def test_recorded_webhook_verifies_and_decodes(self, receiver: Receiver, delivery: dict[str, Any]) -> None:
        body, token, expected = parts(delivery)
        signed_at = decode_unverified(token).not_before
        event = receiver.receive(body, token, at=signed_at)

        assert MessageToDict(event.message, preserving_proto_field_name=True) == expected
        assert (event.message.event, event.message.id) == (expected["event"], expected["id"])
        assert event.created_at == datetime.fromtimestamp(int(expected["created_at"]), UTC)
        assert event.created_at.tzinfo is UTC
        assert event.unknown == {}
        assert event.raw == frozen(json.loads(body))

    @pytest.mark.parametrize("delivery", RECORDED, ids=lambda each: each["id"])
    def test_recorded_webhook_has_expired_today(self, receiver: Receiver, delivery: dict[str, Any]) -> None:
        body, token, _ = parts(delivery)
        signed_at = decode_unverified(token).not_before
        assert signed_at is not None

        receiver.receive(body, token, at=signed_at + timedelta(seconds=359))
        with pytest.raises(WebhookError, match="has expired"):
            receiver.receive(body, token, at=signed_at + timedelta(seconds=360))

    def test_recorded_webhook_the_second_try_has_the_same_id(self, receiver: Receiver) -> None:
        tries = [parts(each) for each in RECORDED if each["id"].startswith("webhooks/retry/")]
        events = [receiver.receive(body, token, at=decode_unverified(token).not_before) for body, token, _ in tries]

        assert len(events) == 2
        assert events[0] == events[1]


def parts(delivery: dict[str, Any]) -> tuple[bytes, str, dict[str, Any]]:
    request = delivery["request"]
    return base64.b64decode(request["body_b64"]), dict(request["headers"])["Authorization"], request["message"]


def frozen(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(frozen(each) for each in value)
    return {key: frozen(each) for key, each in value.items()} if isinstance(value, dict) else value


class TestGood:
    @pytest.mark.parametrize(
        "written",
        ["{}", "Bearer {}", "bearer {}", "BEARER   {}", "  {}  ", " Bearer {} "],
    )
    def test_valid_webhook_with_and_without_bearer(self, receiver: Receiver, written: str) -> None:
        body = body_of()

        assert receiver.receive(body, written.format(signature(body)), at=NOW).message.id == "EV_1"

    def test_valid_webhook_text_and_bytes(self, receiver: Receiver) -> None:
        body = json.dumps({**EVENT, "room": {"name": "für älle \U0001f600"}}, ensure_ascii=False)
        for form in (body, body.encode(), bytearray(body.encode())):
            assert received(receiver, form).message.room.name == "für älle \U0001f600"

    def test_valid_webhook_of_now(self, receiver: Receiver) -> None:
        body = body_of()
        sha256 = base64.b64encode(hashlib.sha256(body).digest()).decode()
        token = AccessToken(api_key=KEY, api_secret=SECRET, sha256=sha256).to_jwt()

        assert receiver.receive(body, token).created_at == NOW

    def test_valid_webhook_several_keys(self) -> None:
        receiver = Receiver(keys={"old": "o" * 32, KEY: SECRET})

        assert received(receiver, body_of()).message.event == "room_started"
        assert received(receiver, body_of()).message.room.name == "canary"

    def test_valid_webhook_from_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("LIVEKIT_API_KEY", KEY)
        monkeypatch.setenv("LIVEKIT_API_SECRET", SECRET)

        assert received(Receiver(), body_of()).message.id == "EV_1"
        with pytest.raises(WebhookError, match="known API key"):
            received(Receiver("other", "other"), body_of())

    def test_valid_webhook_as_livekits_own_receiver(self, receiver: Receiver) -> None:
        body, token, _ = parts(RECORDED[0])
        sha256 = decode_unverified(token).sha256
        assert sha256 is not None
        fresh = api.AccessToken(KEY, SECRET).with_sha256(sha256).to_jwt()
        theirs = api.WebhookReceiver(api.TokenVerifier(KEY, SECRET)).receive(body.decode(), fresh)

        assert receiver.receive(body, fresh).message.SerializeToString(deterministic=True) == theirs.SerializeToString(
            deterministic=True
        )

    def test_valid_webhook_an_event_of_tomorrow_keeps_its_name(self, receiver: Receiver) -> None:
        event = received(receiver, body_of(event="room_teleported", unheardOf={"a": [1]}))

        assert event.message.event == "room_teleported"
        assert event.raw["unheardOf"] == {"a": (1,)}
        assert event.unknown == {}

    @pytest.mark.parametrize("spelled", ["createdAt", "created_at"])
    @pytest.mark.parametrize("number", ['"1795348800"', "1795348800", "1795348800.0"])
    def test_valid_webhook_both_spellings_and_numbers_as_texts(
        self, receiver: Receiver, spelled: str, number: str
    ) -> None:
        event = received(receiver, f'{{"event":"e","{spelled}":{number},"numDropped":3,"num_dropped":null}}')

        assert event.message.created_at == 1795348800

    def test_valid_webhook_without_a_time(self, receiver: Receiver) -> None:
        assert received(receiver, b"{}").created_at == datetime(1970, 1, 1, tzinfo=UTC)


ENUMS: list[tuple[dict[str, Any], dict[str, str], Callable[[Any], Any]]] = [
    ({"participant": {"kind": "HOLOGRAM"}}, {"participant.kind": "HOLOGRAM"}, lambda m: m.participant.kind),
    ({"participant": {"state": "ASLEEP"}}, {"participant.state": "ASLEEP"}, lambda m: m.participant.state),
    (
        {"participant": {"kindDetails": ["CLOUD_AGENT", "CLOUD_NINE"]}},
        {"participant.kindDetails[1]": "CLOUD_NINE"},
        lambda m: m.participant.kind_details[1],
    ),
    (
        {"participant": {"kind_details": ["CLOUD_NINE"]}},
        {"participant.kind_details[0]": "CLOUD_NINE"},
        lambda m: m.participant.kind_details[0],
    ),
    ({"track": {"source": "SMELL"}}, {"track.source": "SMELL"}, lambda m: m.track.source),
    ({"track": {"source": "4"}}, {"track.source": "4"}, lambda m: m.track.source),
    ({"track": {"source": ""}}, {"track.source": ""}, lambda m: m.track.source),
    (
        {"participant": {"tracks": [{}, {"type": "TASTE"}]}},
        {"participant.tracks[1].type": "TASTE"},
        lambda m: m.participant.tracks[1].type,
    ),
    ({"egressInfo": {"status": "EGRESS_LOST"}}, {"egressInfo.status": "EGRESS_LOST"}, lambda m: m.egress_info.status),
]


class TestUnknownEnums:
    @pytest.mark.parametrize(("fields", "unknown", "read"), ENUMS)
    def test_unknown_enums_are_seen_and_never_0(
        self, receiver: Receiver, fields: dict[str, Any], unknown: dict[str, str], read: Callable[[Any], Any]
    ) -> None:
        event = received(receiver, body_of(fields))

        assert event.unknown == unknown
        assert read(event.message) == UNKNOWN_ENUM
        assert next(iter(unknown.values())) in json.dumps(event.raw)
        assert type(event.message).FromString(event.message.SerializeToString()) == event.message

    def test_unknown_enums_known_names_and_numbers_are_what_they_are(self, receiver: Receiver) -> None:
        event = received(receiver, body_of(participant={"kind": "SIP", "state": 77, "kindDetails": ["FORWARDED", 99]}))

        assert event.unknown == {}
        assert event.message.participant.kind == 3
        assert event.message.participant.state == 77
        assert list(event.message.participant.kind_details) == [1, 99]

    def test_unknown_enums_in_maps_and_in_googles_types(self) -> None:
        receiver = OddReceiver(KEY, SECRET)
        event = received(
            receiver,
            b'{"moods":{"a":"GOOD","b\\"":"ODD"},"inner":{"x":{"moods":{"y":"WEIRD"}}},'
            b'"anything":{"mood":"no enum","kind":[1]},"at":"2026-11-22T12:00:00Z"}',
        )

        assert event.unknown == {'moods["b\\""]': "ODD", 'inner["x"].moods["y"]': "WEIRD"}
        assert dict(event.message.moods) == {"a": 1, 'b"': UNKNOWN_ENUM}
        assert event.message.at.seconds == T


class TestRefused:
    def refused(self, receiver: WebhookReceiver[Any], body: bytes | str, authorization: Any, problem: str) -> None:
        with pytest.raises(WebhookError, match=problem) as caught:
            receiver.receive(body, authorization, at=NOW)

        error = caught.value
        assert error.__cause__ is None
        assert error.__context__ is None
        assert "canary" not in texts_of(error)

    @pytest.mark.parametrize(
        ("authorization", "problem"),
        [
            (None, r"^no Authorization header$"),
            ("", "not a JWT"),
            ("Bearer", "not a JWT"),
            ("Bearer ", "not a JWT"),
            ("Basic Y2FuYXJ5", "not a JWT"),
            ("Bearer Bearer canary.canary.canary", "prefix 'Bearer'"),
            ("canary.canary.canary", "not a JWT"),
            ("x" * 1_000_000, "longer than"),
            (b"canary", r"^the Authorization header must be a str, not bytes: decode it, header.decode\(\)$"),
            (["canary"], "must be a str, not list"),
        ],
    )
    def test_refused_webhook_header(self, receiver: Receiver, authorization: Any, problem: str) -> None:
        self.refused(receiver, body_of(), authorization, problem)

    @pytest.mark.parametrize(
        ("claims", "problem"),
        [
            ({"exp": T - 61}, "has expired"),
            ({"nbf": T + 61}, "not valid yet"),
            ({"exp": None}, "no exp"),
            ({"iss": "nobody"}, "known API key"),
            ({"iss": 7}, "known API key"),
            ({"sha256": None}, "no sha256"),
            ({"sha256": 7}, "sha256 must be a str"),
            ({"sha256": ""}, "not the one that was signed"),
            ({"sha256": "canary"}, "not the one that was signed"),
            ({"sha256": "für älle"}, "not the one that was signed"),
            ({"video": {"roomJoin": True, "room": "r"}}, "a participant's"),
        ],
    )
    def test_refused_webhook_token(self, receiver: Receiver, claims: dict[str, Any], problem: str) -> None:
        body = body_of()
        self.refused(receiver, body, signature(body, **claims), problem)

    def test_refused_webhook_a_participants_token(self, receiver: Receiver) -> None:
        joining = AccessToken(
            api_key=KEY, api_secret=SECRET, identity="mallory", video=VideoGrants(room_join=True, room="r")
        )
        self.refused(receiver, body_of(), joining.to_jwt(at=NOW), "it is not from a webhook")

    def test_refused_webhook_an_administrators_token(self, receiver: Receiver) -> None:
        admin = AccessToken(api_key=KEY, api_secret=SECRET, video=VideoGrants(room_create=True))
        self.refused(receiver, body_of(), admin.to_jwt(at=NOW), "it is not from a webhook")

    def test_refused_webhook_another_secret(self, receiver: Receiver) -> None:
        body = body_of()
        sha256 = base64.b64encode(hashlib.sha256(body).digest()).decode()
        token = mint({"exp": T + 60, "sha256": sha256}, secret="another-canary-secret")
        self.refused(receiver, body, token, "known API key")

    def test_refused_webhook_a_hash_that_is_spelled_otherwise(self, receiver: Receiver) -> None:
        body = body_of(id="EV_20")
        digest = hashlib.sha256(body).digest()
        right = base64.b64encode(digest).decode()
        loose = right[:-2] + chr(ord(right[-2]) + 1) + "="  # two bits of it mean nothing
        assert base64.b64decode(loose) == digest
        for spelled in (loose, right.rstrip("="), right + "=", f" {right}", f"{right}\n", digest.hex(), right.lower()):
            self.refused(receiver, body, signature(body, sha256=spelled), "not the one that was signed")
        urlsafe = body_of(id=next(i for i in map(str, range(99)) if "/" in sha256_of(body_of(id=i))))
        self.refused(
            receiver, urlsafe, signature(urlsafe, sha256=sha256_of(urlsafe).replace("/", "_")), "not the one that was"
        )

    @pytest.mark.parametrize("changed", [b" ", b"\n", b"\0"])
    def test_refused_webhook_another_body(self, receiver: Receiver, changed: bytes) -> None:
        body = body_of()
        self.refused(receiver, body + changed, signature(body), "not the one that was signed")
        self.refused(receiver, json.dumps(json.loads(body), indent=1), signature(body), "not the one that was signed")
        self.refused(receiver, b"\0", signature(body), "not the one that was signed")

    def test_refused_webhook_half_a_surrogate(self, receiver: Receiver) -> None:
        self.refused(receiver, "\ud800canary", signature(b"x"), "not the one that was signed")

    @pytest.mark.parametrize("body", [b"x" * 1025, "x" * 1025, "ä" * 513, "\U0001f600" * 257])
    def test_refused_webhook_a_large_body(self, body: bytes | str) -> None:
        receiver = Receiver(KEY, SECRET, max_bytes=1024)
        self.refused(receiver, body, "never read", "^the body is larger than 1024 bytes$")

    def test_refused_webhook_the_limit_itself(self) -> None:
        body = b'{"event":"' + b"x" * (1024 - 12) + b'"}'

        assert len(body) == 1024
        assert received(Receiver(KEY, SECRET, max_bytes=1024), body).message.event == "x" * 1012
        assert received(Receiver(KEY, SECRET), b'{"event":"' + b"x" * 500_000 + b'"}').message.event == "x" * 500_000
        self.refused(Receiver(KEY, SECRET), b" " * (1024 * 1024 + 1), "", "larger than 1048576 bytes")

    def test_refused_webhook_a_large_body_costs_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(hashlib, "sha256", None)
        self.refused(Receiver(KEY, SECRET), b"x" * 100_000_000, "canary", "larger than")

    @pytest.mark.parametrize(
        "body",
        [
            b"null",
            b"[]",
            b'"canary"',
            b"canary",
            b'{"event":"canary"',
            b'{"event":"canary"}x',
            b'{"event":7}',
            b'{"event":["canary"]}',
            b'{"event":{"canary":1}}',
            b'{"event":"a","event":"canary"}',
            b'{"createdAt":"canary"}',
            b'{"createdAt":1.5}',
            b'{"createdAt":true}',
            b'{"createdAt":"9223372036854775808"}',
            b'{"createdAt":1e999}',
            b'{"createdAt":NaN}',
            b'{"room":"canary"}',
            b'{"room":[{"name":"canary"}]}',
            b'{"room":{"name":null,"enabledCodecs":"canary"}}',
            b'{"room":{"enabledCodecs":[null]}}',
            b'{"room":{"emptyTimeout":-1}}',
            b'{"room":{"emptyTimeout":4294967296}}',
            b'{"participant":{"attributes":["canary"]}}',
            b'{"participant":{"attributes":{"a":7}}}',
            b'{"participant":{"attributes":"canary"}}',
            b'{"participant":{"kind":{"canary":1}}}',
            b'{"participant":{"kind":1.5}}',
            b'{"participant":{"kind":true}}',
            b'{"participant":{"kind":99999999999}}',
            b'{"participant":{"tracks":[["canary"]]}}',
            b'{"participant":{"tracks":{"canary":1}}}',
            b'{"participant":{"name":"\\ud800canary"}}',
            b'{"participant":{"metadata":"\xff\xfecanary"}}',
            b"\xef\xbb\xbf{}",
            b"{}".decode().encode("utf-16"),
            b'{"x":' + b"[" * 100_000,
            b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
            b'{"x":' + b"[" * 600 + b"]" * 600 + b"}",
            b'{"x":' + b"9" * 5000 + b"}",
        ],
    )
    def test_refused_webhook_a_signed_body_that_is_no_event(self, receiver: Receiver, body: bytes) -> None:
        self.refused(receiver, body, signature(body), r"^the body is not a livekit.WebhookEvent in JSON$")

    @pytest.mark.parametrize("seconds", [-1, 253402300800, 2**63 - 1])
    def test_refused_webhook_a_time_beyond_all_dates(self, receiver: Receiver, seconds: int) -> None:
        body = body_of(createdAt=str(seconds))
        self.refused(receiver, body, signature(body), "time is out of range")

    def test_refused_webhook_random_bodies_never_break(self, receiver: Receiver) -> None:
        dice = random.Random(11)
        good = [parts(each)[0] for each in RECORDED[:6]]
        read = 0
        for _ in range(600):
            body = bytearray(dice.choice(good))
            for _ in range(dice.randrange(1, 4)):
                body[dice.randrange(len(body))] = dice.choice(b'{}[]",:0x- \x00\xff')
            try:
                received(receiver, bytes(body))
                read += 1
            except WebhookError as error:
                assert error.__context__ is None
        assert 0 < read < 600

    def test_refused_webhook_random_values_never_break(self, receiver: Receiver) -> None:
        dice = random.Random(13)
        values: list[Any] = [None, True, 0, -1, 1.5, 1e300, 2**70, "", "x", "\ud800", [], [None], [[]], {}, {"a": None}]
        for _ in range(800):
            event = json.loads(parts(dice.choice(RECORDED))[0])
            place: Any = event
            while True:
                key = dice.choice(list(place) if isinstance(place, dict) else range(len(place)))
                if not isinstance(place[key], dict | list) or not place[key] or dice.random() < 0.3:
                    break
                place = place[key]
            place[key] = dice.choice(values)
            try:
                received(receiver, json.dumps(event).encode())
            except WebhookError as error:
                assert error.__context__ is None

    @pytest.mark.parametrize(
        ("body", "problem"),
        [
            (None, "must be the bytes that arrived, not NoneType: the request has none, or it was read before$"),
            ({"event": "canary"}, "must be the bytes that arrived, not dict: it was parsed already, and written again"),
            (["canary"], "must be the bytes that arrived, not list: it was parsed already"),
            (memoryview(b"canary"), "must be the bytes that arrived, not memoryview$"),
            (7, "must be the bytes that arrived, not int$"),
            (b"", "is empty: pass the bytes that arrived, which can often be read only once$"),
            ("", "is empty: "),
            (bytearray(), "is empty: "),
        ],
    )
    def test_refused_webhook_a_body_that_was_read_already(self, receiver: Receiver, body: Any, problem: str) -> None:
        self.refused(receiver, body, signature(b"x"), f"^the body {problem}")

    def test_refused_webhook_a_body_that_was_not_awaited(self, receiver: Receiver) -> None:
        async def body() -> bytes:
            return b"canary"

        reading: Any = body()
        self.refused(receiver, reading, signature(b"x"), "not coroutine: await it$")
        reading.close()

    def test_refused_webhook_a_moment_without_time_zone(self, receiver: Receiver) -> None:
        with pytest.raises(ValueError, match="at has no time zone") as caught:
            receiver.receive(b"x", "x", at=datetime(2026, 1, 1))

        assert not isinstance(caught.value, WebhookError)

    def test_refused_webhook_one_family_of_its_own(self) -> None:
        assert issubclass(WebhookError, ValueError)
        assert not issubclass(WebhookError, TokenError)
        error = pickle.loads(pickle.dumps(WebhookError("why")))
        assert (type(error), str(error)) == (WebhookError, "why")


def sha256_of(body: bytes) -> str:
    return base64.b64encode(hashlib.sha256(body).digest()).decode()


class TestAge:
    @pytest.mark.parametrize(
        ("claims", "good"),
        [
            ({"nbf": T}, True),
            ({"nbf": T - 90}, True),
            ({"nbf": T - 91}, False),
            ({"nbf": T - 3600, "iat": T - 90}, True),
            ({"nbf": T, "iat": T - 91}, False),
            ({"nbf": None}, False),
        ],
    )
    def test_age_maximum_and_leeway(self, claims: dict[str, Any], good: bool) -> None:
        receiver = Receiver(KEY, SECRET, max_age=timedelta(seconds=30))
        body = body_of()
        if good:
            received(receiver, body, **claims)
        else:
            with pytest.raises(WebhookError, match=r"signed too long ago|when it was signed"):
                received(receiver, body, **claims)

    def test_age_of_a_replay(self) -> None:
        receiver = Receiver("devkey", RECORDED_SECRET, max_age=timedelta(seconds=30), leeway=timedelta(0))
        body, token, _ = parts(RECORDED[0])
        signed_at = decode_unverified(token).not_before
        assert signed_at is not None

        receiver.receive(body, token, at=signed_at + timedelta(seconds=30))
        with pytest.raises(WebhookError, match="signed too long ago"):
            receiver.receive(body, token, at=signed_at + timedelta(seconds=31))

    def test_age_none_given(self, receiver: Receiver) -> None:
        assert received(receiver, body_of(), nbf=T - 10**8).message.id == "EV_1"


class TestMaking:
    @pytest.mark.parametrize(
        ("arguments", "problem"),
        [
            ({}, "no credentials"),
            ({"api_key": KEY}, "no API secret"),
            ({"keys": {}}, "keys is empty"),
            ({"keys": {KEY: SECRET}, "api_key": KEY}, "not both"),
            ({"keys": {KEY: "canary\n"}}, "white space around it"),
            ({"keys": {KEY: SECRET}, "max_bytes": 0}, "max_bytes must be above 0"),
            ({"keys": {KEY: SECRET}, "max_age": 30}, "max_age must be a timedelta"),
            ({"keys": {KEY: SECRET}, "max_age": timedelta(seconds=-1)}, "max_age must not be negative"),
            ({"keys": {KEY: SECRET}, "leeway": 3}, "leeway must be a timedelta"),
        ],
    )
    def test_receiver_refused(self, arguments: dict[str, Any], problem: str) -> None:
        with pytest.raises((ValueError, TypeError), match=problem) as caught:
            Receiver(**arguments)

        assert "canary" not in texts_of(caught.value)

    def test_receiver_without_a_generated_package(self) -> None:
        with pytest.raises(TypeError, match=r"^WebhookReceiver of twirpkit.livekit has no messages: take "):
            WebhookReceiver(KEY, SECRET)
        with pytest.raises(TypeError, match=r"^WebhookEvent of twirpkit.livekit has no messages: take "):
            WebhookEvent(event="room_started")

    def test_receiver_secrets_do_not_show(self, receiver: Receiver) -> None:
        assert SECRET not in f"{receiver!r} {vars(receiver)} {vars(receiver._verifier)}"
        for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match="holds secrets"):
                attempt(receiver)


class TestEvent:
    def test_event_pickles_and_does_not_change(self, receiver: Receiver) -> None:
        event = received(receiver, body_of(participant={"kind": "HOLOGRAM"}))

        assert pickle.loads(pickle.dumps(event)) == event
        assert copy.deepcopy(event) == event
        with pytest.raises(AttributeError):
            event.message = EventMessage()  # type: ignore[misc]
        with pytest.raises(TypeError, match="read-only"):
            event.raw["room"]["name"] = "x"
        with pytest.raises(TypeError, match="read-only"):
            event.unknown["x"] = "y"  # type: ignore[index]

    def test_event_repr_shows_nothing_of_the_message(self, receiver: Receiver) -> None:
        event = received(receiver, body_of(participant={"kind": "HOLOGRAM"}))

        assert repr(event) == (
            "Event(event='room_started', id='EV_1', "
            "created_at=datetime.datetime(2026, 11, 22, 12, 0, tzinfo=datetime.timezone.utc), "
            "unknown={'participant.kind': 'HOLOGRAM'})"
        )
