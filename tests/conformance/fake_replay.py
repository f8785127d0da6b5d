"""Recorded exchanges against FakeLiveKit: the same requests, with tokens that were signed anew, and the comparison.

Ids and times differ between the two servers. Ids are paired as they come: where the recording has one, the fake must
have the same one in every later place. Times, secrets and other made-up values are not compared.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final

import jwt
from google.protobuf import json_format

import livekit_twirp
from livekit_twirp import AccessToken, LiveKitAPI, VideoGrants
from livekit_twirp.testing import FakeLiveKit, FakeParticipant, FakeSettings, RpcFailure
from twirpkit.conformance import Exchange
from twirpkit.livekit.testing.fake_application import FakeApplication
from twirpkit.server import IncomingRequest
from twirpkit.server.request_steps import run
from twirpkit.transports.base import HttpResponse

__all__ = ["Replay", "differences"]

_ID: Final = re.compile(r"(RM|PA|TR|EG|IN|ST|SDR|SCL|AD|AJ)_\w+")
_TOKEN: Final = re.compile(r"eyJ[\w.-]+")
_TIMES: Final = {
    "creation_time",
    "creation_time_ms",
    "joined_at",
    "joined_at_ms",
    "started_at",
    "ended_at",
    "updated_at",
}
_OF_MEDIA: Final = {"backup_codec_policy", "codecs", "layers", "mid", "mime_type", "stream"}
_VOLATILE: Final = frozenset(
    {"capabilities", "client_protocol", "participant_id", "stream_key", "turn_password", "version"} | _TIMES | _OF_MEDIA
)
"""Fields that each server makes up."""
_ID_FIELDS: Final = ("sid", "egress_id", "ingress_id", "sip_trunk_id", "sip_dispatch_rule_id", "id")
_DISPATCH_TIME: Final = "created_at"


class Replay:
    """A fake server for each configuration that was recorded, and the ids of the recording in terms of the fake's."""

    def __init__(self) -> None:
        self._fakes: dict[str, FakeLiveKit] = {}
        self._ids: dict[str, dict[str, str]] = {}
        self.ids: dict[str, str] = {}
        """Ids of the recording, and the fake's for them, with the configuration of the last exchange."""

    def close(self) -> None:
        for fake in self._fakes.values():
            fake.close()

    def respond(self, exchange: Exchange) -> HttpResponse:
        """Send the request of an exchange to the fake that has its configuration."""
        kind = _kind(exchange)
        self.ids = self._ids.setdefault(kind, {})
        if kind not in self._fakes:
            self._fakes[kind] = FakeLiveKit(settings=_SETTINGS.get(kind))
            _prepare(self._fakes[kind], self, exchange)
        fake = self._fakes[kind]
        _before(fake, self, exchange)
        request = _request(exchange, fake, self.ids)
        application: FakeApplication = fake.application
        return run(application.handle(request))


def differences(exchange: Exchange, response: HttpResponse, ids: dict[str, str]) -> list[str]:
    """Where the fake's response differs from the recorded one; ids that are new are paired."""
    recorded = exchange.response
    assert recorded is not None
    found = [] if recorded.status == response.status else [f"status {response.status}, not {recorded.status}"]
    expected = recorded.message
    if exchange.request.method == "HEAD":  # whose body a server's HTTP leaves out
        return found
    if expected is None:
        theirs, ours = (
            _TOKEN.sub("<token>", each.decode("utf-8", "replace")) for each in (recorded.body, response.body)
        )
        return found if theirs == ours else [*found, f"body {ours!r}, not {theirs!r}"]
    return [*found, *_compare(expected, _message(exchange, response), "", ids)]


def _message(exchange: Exchange, response: HttpResponse) -> Any:
    if response.headers["content-type"] == "application/protobuf":
        assert exchange.rpc is not None
        service, _, name = exchange.rpc.partition("/")
        cls = _method(service, name).response
        return json_format.MessageToDict(
            cls.FromString(response.body), preserving_proto_field_name=True, descriptor_pool=cls.DESCRIPTOR.file.pool
        )
    try:
        value = json.loads(response.body)
    except ValueError:
        return response.body.decode("utf-8", "replace")
    if response.status == 200 and exchange.rpc is not None:  # JSON has every field: compared as a message
        cls = _method(*exchange.rpc.split("/")).response
        message = json_format.ParseDict(value, cls(), descriptor_pool=cls.DESCRIPTOR.file.pool)
        return json_format.MessageToDict(
            message, preserving_proto_field_name=True, descriptor_pool=cls.DESCRIPTOR.file.pool
        )
    return value


def _method(service: str, name: str) -> Any:
    attribute = livekit_twirp._sdk.PACKAGE.services[service].attribute
    module = __import__(f"livekit_twirp._methods.{attribute}", fromlist=["METHODS"])
    return next(each for each in module.METHODS if each.name == name)


def _compare(theirs: Any, ours: Any, path: str, ids: dict[str, str]) -> list[str]:
    if isinstance(theirs, dict) and isinstance(ours, dict):
        keys = [key for key in {**theirs, **ours} if key not in _VOLATILE]
        found: list[str] = []
        for key in keys:
            if key == _DISPATCH_TIME and str(theirs.get(key, "")).isdecimal():
                continue
            if key not in theirs or key not in ours:
                found.append(f"{path}.{key}: {ours.get(key)!r}, not {theirs.get(key)!r}")
            else:
                found += _compare(theirs[key], ours[key], f"{path}.{key}", ids)
        return found
    if isinstance(theirs, list) and isinstance(ours, list):
        if len(theirs) != len(ours):
            return [f"{path}: {len(ours)} items, not {len(theirs)}"]
        theirs, ours = _aligned(theirs, ours, ids)
        return [
            each
            for n, pair in enumerate(zip(theirs, ours, strict=True))
            for each in _compare(*pair, f"{path}[{n}]", ids)
        ]
    if isinstance(theirs, str) and isinstance(ours, str):
        return [] if _same_text(theirs, ours, ids) else [f"{path}: {ours!r}, not {theirs!r}"]
    return [] if theirs == ours else [f"{path}: {ours!r}, not {theirs!r}"]


def _aligned(theirs: list[Any], ours: list[Any], ids: dict[str, str]) -> tuple[list[Any], list[Any]]:
    """Bring both lists into one order, by paired ids, or by names: servers keep records in any order."""
    if not theirs or not isinstance(theirs[0], dict):
        return theirs, ours
    paired, left = set(ids.values()), list(ours)
    found: list[Any] = []
    for each in theirs:
        match = next((one for one in left if _is_same(each, one, ids, paired)), left[0])
        left.remove(match)
        found.append(match)
    return theirs, found


def _is_same(theirs: dict[str, Any], ours: dict[str, Any], ids: dict[str, str], paired: set[str]) -> bool:
    key = next((name for name in _ID_FIELDS if name in theirs and name in ours), None)
    if key is None:
        return False
    if theirs[key] in ids:
        return bool(ids[theirs[key]] == ours[key])
    return ours[key] not in paired and all(
        theirs.get(name) == ours.get(name) for name in ("name", "identity", "agent_name")
    )


def _same_text(theirs: str, ours: str, ids: dict[str, str]) -> bool:
    theirs_ids, ours_ids = ([m.group() for m in _ID.finditer(each)] for each in (theirs, ours))
    if len(theirs_ids) != len(ours_ids) or _ID.sub("<id>", theirs) != _ID.sub("<id>", ours):
        return False
    return all(ids.setdefault(a, b) == b for a, b in zip(theirs_ids, ours_ids, strict=True))


# --- requests


def _request(exchange: Exchange, fake: FakeLiveKit, ids: Mapping[str, str]) -> IncomingRequest:
    recorded = exchange.request
    path, _, query = recorded.target.partition("?")
    body = _with_ids(exchange, ids)
    headers = {name.lower(): value for name, value in recorded.headers}
    token = _token(exchange, fake)
    headers = {name: value.replace("<token>", token) for name, value in headers.items()}
    return IncomingRequest(recorded.method, path, headers, body, query.replace("<token>", token))


def _with_ids(exchange: Exchange, ids: Mapping[str, str]) -> bytes:
    """The request's body with the fake's ids in it."""
    recorded = exchange.request
    text = json.dumps(recorded.message)
    if exchange.rpc is None or not any(each in text for each in ids):
        return recorded.body
    for theirs, ours in ids.items():
        text = text.replace(f'"{theirs}"', f'"{ours}"')
    cls = _method(*exchange.rpc.split("/")).request
    message = json_format.ParseDict(json.loads(text), cls(), descriptor_pool=cls.DESCRIPTOR.file.pool)
    if (recorded.header("Content-Type") or "").startswith("application/json"):
        return text.encode()
    serialized: bytes = message.SerializeToString()
    return serialized


def _token(exchange: Exchange, fake: FakeLiveKit) -> str:
    claims = dict(exchange.claims or {})
    if exchange.claims is None and "in_query" in exchange.id:
        claims = {"video": {"roomList": True}}
    name = exchange.id.rpartition("/")[2]
    moved = _seconds_since(exchange)
    claims |= {key: claims[key] + moved for key in ("nbf", "exp", "iat") if key in claims}
    claims["iss"] = {"unknown_key": "otherkey", "no_issuer": None}.get(name, fake.api_key)
    if "exp" not in claims and name != "no_exp":
        claims["exp"] = int(time.time()) + 600
    if claims["iss"] is None:
        del claims["iss"]
    if "bad_token" in name or name in ("expect_continue_refused",):
        claims["exp"] = int(time.time()) - 3600
    secret = "another secret than the one that the fake has" if name == "wrong_secret" else fake.api_secret
    algorithm = {"algorithm_none": "none", "algorithm_hs512": "HS512"}.get(name, "HS256")
    if name == "three_parts_of_garbage":
        return "a.b.c"
    return (
        jwt.encode(claims, None if algorithm == "none" else secret.ljust(64), algorithm)
        if algorithm != "HS256"
        else jwt.encode(claims, secret, algorithm)
    )


def _seconds_since(exchange: Exchange) -> int:
    assert exchange.response is not None
    date = exchange.response.header("Date")
    return int(time.time() - parsedate_to_datetime(date).timestamp()) if date else 0


# --- what was there when the exchanges were recorded

_SETTINGS: Final = {
    "no redis": FakeSettings(redis=False, workers=False),
    "no worker": FakeSettings(workers=False),
    "small": FakeSettings(max_room_name=16, max_metadata=64, max_attributes=64, remote_unmute=True),
}


def _kind(exchange: Exchange) -> str:
    name = exchange.id.rpartition("/")[2]
    if "without_redis" in name:
        return "no redis"
    if "no_worker" in name or name == "room_egress_without_worker":
        return "no worker"
    if "small" in name or ("unmute" in name and "refused" not in name):
        return "small"
    service = exchange.id.partition("/")[0]
    if "grants" in name:
        return f"{service} grants"
    return service


def _prepare(fake: FakeLiveKit, replay: Replay, exchange: Exchange) -> None:
    """Make what the recorder had made before."""
    kind = _kind(exchange)
    with fake.api() as lk:
        if kind == "http":
            lk.room.create_room(name="plaza")
        elif kind in ("egress", "no worker", "ingress"):
            lk.room.create_room(name="stage-left")
        elif kind == "small":
            lk.room.create_room(name="kitchen")
            track = fake.join("kitchen", "dora").publish("mic")
            replay.ids["TR_AMjBLvDiafKNhM"] = track.sid
        elif kind.endswith("grants"):
            _prepare_grants(fake, lk, replay)
        if kind == "no worker":
            trunk = lk.sip.create_sip_outbound_trunk(trunk={"address": "x", "numbers": ["+1"]})
            replay.ids["ST_xMv9oLp3mJr5"] = trunk.sip_trunk_id
    for number, status in (
        ("486", 486),
        ("603", 603),
        ("480", 480),
        ("503", 503),
        ("404", 404),
        ("408", 408),
        ("487", 487),
        ("407", 407),
        ("488", 488),
    ):
        fake.dial(f"+1555*{number}", status)
        fake.dial(f"sip:desk*{number}@example.com", status)


def _prepare_grants(fake: FakeLiveKit, lk: LiveKitAPI, replay: Replay) -> None:
    lk.room.create_room(name="guarded")
    gina = fake.join("guarded", "gina")
    gina.on_rpc("echo", lambda payload: payload)
    replay.ids["TR_AMNnyHSFuFPbpD"] = gina.publish("mic").sid
    trunk = lk.sip.create_sip_inbound_trunk(trunk={"name": "guarded", "numbers": ["+37740101"]})
    replay.ids["ST_tZsXckXYej2j"] = trunk.sip_trunk_id
    out = lk.sip.create_sip_outbound_trunk(
        trunk={"name": "guarded", "address": "sip.example.com", "numbers": ["+37740102"]}
    )
    replay.ids["ST_k9ypBvMh8L8S"] = out.sip_trunk_id
    rule = lk.sip.create_sip_dispatch_rule(
        dispatch_rule={
            "rule": {"dispatch_rule_direct": {"room_name": "guarded", "pin": "5"}},
            "trunk_ids": [trunk.sip_trunk_id],
        }
    )
    replay.ids["SDR_iZHcGjbwSZfM"] = rule.sip_dispatch_rule_id
    fake.join("guarded", "gina-phone", attributes={"sip.callID": "SCL_x"}, kind="sip")
    for theirs in ("IN_dNqqU8U6Detv", "IN_m4s4pb7yENpL"):
        room = {"room_name": "guarded"} if theirs.startswith("IN_d") else {}
        replay.ids[theirs] = lk.ingress.create_ingress(participant_identity="gina", **room).ingress_id  # type: ignore[typeddict-item]  # a room or none
    replay.ids["EG_CC7F6LHFrBQn"] = lk.egress.start_room_composite_egress(room_name="guarded").egress_id
    fake.advance(2)
    replay.ids["EG_wGHiQ9NXTWnC"] = lk.egress.start_web_egress(url="https://example.com").egress_id
    replay.ids["AD_Tq4nJajeMMNW"] = lk.agent_dispatch.create_dispatch(agent_name="a", room="guarded").id


def _studio(fake: FakeLiveKit, replay: Replay) -> None:
    """Make the busy room: seven participants of several kinds."""

    def join(identity: str, grants: dict[str, Any], **fields: Any) -> FakeParticipant:
        video = VideoGrants(room_join=True, room="studio", **grants)
        token = AccessToken(fake.api_key, fake.api_secret, identity=identity, video=video, **fields)
        return fake.join(token=token.to_jwt())

    _only_rooms(fake, ["studio"], empty_timeout=120)
    alice = join(
        "alice",
        {},
        name="Alice Ångström",
        metadata='{"seat":"1A","mood":"☀"}',
        attributes={"näme": "wert", "empty": "", "lang": "sv"},
    )
    replay.ids["TR_AMnqDdWbsxDsfZ"] = alice.publish("mic").sid
    replay.ids["TR_VCJRZqcpcAzESb"] = alice.publish("cam", source="camera", width=320, height=180).sid
    bob = join("bob", {})
    slides = bob.publish("slides", source="screen_share", width=640, height=360, simulcast=True)
    replay.ids |= {"TR_VSkUKrDoSzTN9Z": slides.sid, "PA_NNeAVzDT2e4S": bob.sid, "PA_2ThcnyeyG2bT": alice.sid}
    dj = join("dj", {})
    replay.ids["TR_AMc2J5ooxjbcWv"] = dj.publish(
        "decks", disable_dtx=True, disable_red=True, audio_features=["TF_NO_DTX"]
    ).sid
    dj.publish("lights", source="camera", width=1280, height=720, simulcast=True)
    join(
        "クララ",
        {
            "can_publish": False,
            "can_publish_data": False,
            "can_publish_sources": ["camera", "screen_share"],
            "can_update_own_metadata": True,
        },
        name="クララ",
    )
    join("ghost", {"hidden": True, "can_publish": False, "can_subscribe": False, "can_publish_data": False})
    join(
        "caller",
        {},
        name="+15550100",
        kind="sip",
        attributes={"sip.phoneNumber": "+15550100", "sip.callID": "SCL_recorded"},
    )
    agent = dict.fromkeys(("recorder", "agent", "can_subscribe_metrics", "can_manage_agent_session"), True)
    join("helper", agent, kind="agent", kind_details=["cloud_agent"], attributes={"lk.agent.state": "listening"})

    def refuse(payload: str) -> str:
        raise RpcFailure(3001, "not on weekends", '{"retry":"monday"}')

    bob.on_rpc("greet", lambda payload: f"hello, {payload}")
    bob.on_rpc("refuse", refuse)
    bob.on_rpc("crash", lambda payload: str(1 / 0))
    bob.on_rpc("flood", lambda payload: "x" * 20_000)
    bob.on_rpc("sleep", lambda payload: "", seconds=5)


def _only_rooms(fake: FakeLiveKit, names: list[str], **fields: Any) -> None:
    with fake.api() as lk:
        for room in lk.room.list_rooms().rooms:
            lk.room.delete_room(room=room.name)
        for name in names:
            lk.room.create_room(name=name, **fields)


def _before(fake: FakeLiveKit, replay: Replay, exchange: Exchange) -> None:
    """Let happen what the recorder did between two exchanges."""
    if exchange.id == "room/list_participants/several":
        _studio(fake, replay)
    elif exchange.id == "room/list_rooms/many":
        _only_rooms(fake, [f"lesson-{n:03d}" for n in range(205)])
    elif exchange.id == "room/perform_rpc/success":
        with fake.api() as lk:
            lk.room.update_participant(room="studio", identity="bob", permission={"can_publish_data": True})
    elif exchange.id == "http/json/get_participant":
        fake.join("plaza", "json", name='J "Quote"', attributes={"a": "ü"}).publish(
            "cam", source="camera", width=320, height=180
        )
    elif exchange.id == "http/body/empty":
        _only_rooms(fake, ["plaza"])
    elif exchange.id == "egress/update_stream/added" or exchange.id == "egress/list_egress/finished":
        fake.advance(1)
    elif exchange.id == "egress/list_egress/failed":
        fake.end_egress(replay.ids["EG_GEr5VzF27skN"], error="page did not load")
    elif exchange.id == "sip/transfer_sip_participant/missing_participant":
        fake.join("callroom", "plain")
        fake.join("callroom", "caller", attributes={"sip.callID": "SCL_x"}, kind="sip")
    elif exchange.id in ("sip/transfer_sip_participant/busy",):
        fake.join("callroom", "caller", attributes={"sip.callID": "SCL_x"}, kind="sip")
    elif exchange.id == "sip/transfer_sip_participant/no_worker_with_timeout":
        fake.join("callroom", "lonely", attributes={"sip.callID": "SCL_x"}, kind="sip")
