"""FakeLiveKit, used as a test of somebody's own code uses it."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import jwt
import pytest

from livekit_twirp import (
    AccessToken,
    AsyncLiveKitAPI,
    DeadlineExceededError,
    EgressStatus,
    LiveKitAPI,
    NotFoundError,
    RoomConfiguration,
    SendDataRequest,
    SIPCallError,
    TokenError,
    TokenExpiredError,
    TransportError,
    TwirpError,
    UnauthenticatedError,
    UnavailableError,
    UnimplementedError,
    VideoGrants,
    WebhookEvent,
    WebhookReceiver,
)
from livekit_twirp.testing import FakeLiveKit, FakeServer, FakeSettings, JoinRefusedError, RpcFailure
from twirpkit.livekit.testing import run_fake
from twirpkit.livekit.testing.fake_application import FakeApplication
from twirpkit.livekit.testing.scripted_faults import Faults

START = datetime(2030, 1, 1, 12, tzinfo=UTC)


def kinds(fake: FakeLiveKit) -> list[str]:
    return [event.event for event in fake.events]


def test_lesson() -> None:
    with FakeLiveKit() as fake, fake.api() as lk:
        lk.room.create_room(name="lesson")
        ada = fake.join("lesson", "ada")
        assert [p.identity for p in lk.room.list_participants(room="lesson").participants] == ["ada"]
        lk.room.send_data(room="lesson", data=b"hi", destination_identities=["ada"])
        assert ada.data[-1].data == b"hi"
        fake.fail("DeleteRoom", NotFoundError("gone"), times=1)
        assert fake.calls[-1].rpc == "livekit.RoomService/SendData"
        assert fake.calls[-1].request.data == b"hi"
        fake.advance(seconds=60)
        assert [event.event for event in fake.events][:2] == ["room_started", "participant_joined"]
        with pytest.raises(NotFoundError, match="gone"):
            lk.room.delete_room(room="lesson")
        lk.room.delete_room(room="lesson")
        assert (ada.connected, ada.disconnect_reason) == (False, "ROOM_DELETED")


def test_lesson_with_the_async_client() -> None:
    async def scene() -> None:
        with FakeLiveKit() as fake:
            async with fake.async_api() as lk:
                room = await lk.room.create_room(name="lesson")
                ada = fake.join("lesson", "ada")
                await lk.room.send_data(room=room.name, data=b"hi", topic="chat", kind="LOSSY")
                assert [(each.data, each.topic, each.reliable) for each in ada.data] == [(b"hi", "chat", False)]
                assert [request.data for request in fake.requests(SendDataRequest)] == [b"hi"]

    asyncio.run(scene())


def test_a_server_on_a_port() -> None:
    with FakeLiveKit() as fake, fake.serve() as server:
        with LiveKitAPI(server.url, server.api_key, server.api_secret) as lk:
            assert lk.room.create_room(name="hall", metadata="m" * 5000).metadata == "m" * 5000
            fake.drop("ListRooms")
            assert [room.name for room in lk.room.list_rooms().rooms] == ["hall"]
            fake.drop("CreateDispatch", executed=True)
            with pytest.raises(TransportError):
                lk.agent_dispatch.create_dispatch(room="hall", agent_name="x", retry=False)
            assert len(lk.agent_dispatch.list_dispatch(room="hall").agent_dispatches) == 2
            fake.delay("ListRooms", 5)
            with pytest.raises(DeadlineExceededError):
                lk.room.list_rooms(timeout=0.1, retry=False)

        async def scene() -> None:
            async with AsyncLiveKitAPI(server.url, server.api_key, server.api_secret) as lk:
                assert len((await lk.room.list_rooms()).rooms) == 1

        asyncio.run(scene())


# --- faults


def test_faults_of_the_network_in_process() -> None:
    with FakeLiveKit() as fake, fake.api() as lk:
        fake.drop("CreateRoom")
        with pytest.raises(TransportError) as lost:
            lk.room.create_room(name="a", retry=False)
        assert (lost.value.sent, lk.room.list_rooms().rooms) == ("maybe", [])
        fake.drop("livekit.RoomService/CreateRoom", executed=True)
        assert lk.room.create_room(name="a").name == "a"
        fake.delay("ListRooms", 60)
        with pytest.raises(DeadlineExceededError):
            lk.room.list_rooms(timeout=0.05, retry=False)
        fake.delay("ListRooms", 0.01)
        assert len(lk.room.list_rooms().rooms) == 1
        assert kinds(fake) == ["room_started"]


def test_faults_of_the_network_in_process_async() -> None:
    async def scene() -> None:
        with FakeLiveKit() as fake:
            async with fake.async_api() as lk:
                fake.drop("CreateRoom", times=2)
                fake.drop("CreateRoom", executed=True)
                for sent in range(3):
                    with pytest.raises(TransportError):
                        await lk.room.create_room(name="a", retry=False)
                    assert kinds(fake) == ["room_started"] * (sent == 2)
                fake.delay("ListRooms", 60)
                with pytest.raises(DeadlineExceededError):
                    await lk.room.list_rooms(timeout=0.05, retry=False)
                fake.delay("ListRooms", 0.001)
                assert len((await lk.room.list_rooms()).rooms) == 1

    asyncio.run(scene())


def test_a_call_that_is_repeated_succeeds() -> None:
    with FakeLiveKit() as fake, fake.api() as lk:
        fake.fail("ListRooms", UnavailableError("starting"), times=2)
        assert lk.room.list_rooms().rooms == []
        assert [call.rpc for call in fake.calls] == ["livekit.RoomService/ListRooms"] * 3


def test_errors_follow_each_other_in_order() -> None:
    with FakeLiveKit() as fake, fake.api(retry=False) as lk:
        fake.fail("ListRooms", NotFoundError("first"))
        fake.fail("ListRooms", NotFoundError("then always"), times=None)
        for text in ("first", "then always", "then always"):
            with pytest.raises(NotFoundError, match=text):
                lk.room.list_rooms()
        assert lk.egress.list_egress().items == []


@pytest.mark.parametrize(
    ("order", "error", "text"),
    [
        (lambda fake: fake.fail("CreateRom", NotFoundError("x")), ValueError, "no RPC 'CreateRom'; did you mean"),
        (lambda fake: fake.fail("CreateRoom", NotFoundError("x"), times=0), ValueError, "times must be above 0"),
        (lambda fake: fake.fail("CreateRoom", KeyError("x")), TypeError, "error must be a TwirpError, not KeyError"),
        (lambda fake: fake.delay("CreateRoom", -1), ValueError, "must not be negative"),
        (lambda fake: fake.advance(-1), ValueError, "time does not go back"),
        (lambda fake: fake.dial("+1", "bored"), ValueError, "an outcome is one of answered, busy"),
        (lambda fake: fake.dial("+1", 99), ValueError, "a SIP status from 200 to 699"),
        (lambda fake: fake.end_egress("EG_x"), ValueError, "there is no egress 'EG_x'"),
        (lambda fake: fake.start_ingress("IN_x"), ValueError, "there is no ingress 'IN_x'"),
        (lambda fake: fake.join("", ""), JoinRefusedError, "give room and identity"),
        (lambda fake: fake.join("r", "i").publish(source="nose"), ValueError, "a source is one of microphone"),
        (lambda fake: fake.join("r", "i").unpublish("TR_x"), ValueError, "i has no track 'TR_x'"),
    ],
)
def test_mistakes_are_told(order: Any, error: type[Exception], text: str) -> None:
    with FakeLiveKit() as fake, pytest.raises(error, match=text):
        order(fake)


def test_wrong_settings_are_told() -> None:
    with pytest.raises(ValueError, match="start has no time zone"):
        FakeLiveKit(start=datetime(2030, 1, 1))
    with pytest.raises(ValueError, match="is not an http or https URL"):
        FakeLiveKit(webhook="ftp://x")


# --- tokens


def test_tokens_and_grants_are_checked() -> None:
    fake = FakeLiveKit()
    none = AccessToken(fake.api_key, fake.api_secret).to_jwt()
    for options in (
        {"api_key": fake.api_key, "api_secret": "another secret, which is long enough for it"},
        {"api_key": "other", "api_secret": fake.api_secret},
        {"token": "nonsense"},
        {"token": none},
    ):
        with fake.api(**options) as lk, pytest.raises(UnauthenticatedError):
            lk.room.list_rooms()
    assert fake.calls == []


def test_a_participant_joins_by_token() -> None:
    with FakeLiveKit(start=START) as fake, fake.api() as lk:
        video = VideoGrants(room_join=True, room="hall", can_publish=False, can_publish_sources=["camera"])
        config = RoomConfiguration(max_participants=1, metadata="of the token", agents=[{"agent_name": "scribe"}])
        token = AccessToken(
            fake.api_key, fake.api_secret, identity="ada", name="Ada", kind="sip", video=video, room_config=config
        )
        text = token.to_jwt(at=START)
        ada = fake.join(token=text)
        assert (ada.identity, ada.room_name, ada.info.name) == ("ada", "hall", "Ada")
        permission = ada.info.permission
        assert (permission.can_publish, permission.can_subscribe, permission.can_publish_data) == (False, True, False)
        room = lk.room.list_rooms().rooms[0]
        assert (room.metadata, room.num_participants) == ("of the token", 1)
        names = [each.agent_name for each in lk.agent_dispatch.list_dispatch(room="hall").agent_dispatches]
        assert names == ["", "scribe"]
        with pytest.raises(JoinRefusedError, match="has its 1 participants"):
            fake.join("hall", "bob")
        again = fake.join(token=text)
        assert (ada.disconnect_reason, again.connected) == ("DUPLICATE_IDENTITY", True)
        fake.advance(7 * 3600)
        with pytest.raises(TokenExpiredError):
            fake.join(token=text)
        other = AccessToken(fake.api_key, fake.api_secret, identity="ada").to_jwt(at=fake.now)
        with pytest.raises(TokenError, match="does not allow to join"):
            fake.join(token=other)


# --- rooms and time


def test_rooms_close_by_their_timeouts() -> None:
    with FakeLiveKit(start=START) as fake, fake.api() as lk:
        lk.room.create_room(name="empty", empty_timeout=10)
        lk.room.create_room(name="left", departure_timeout=5)
        ada = fake.join("left", "ada")
        fake.join("left", "bot", kind="agent")
        fake.advance(9.5)
        assert len(lk.room.list_rooms().rooms) == 2
        fake.advance(0.5)
        assert [room.name for room in lk.room.list_rooms().rooms] == ["left"]
        ada.leave()
        ada.leave()
        fake.advance(4)
        assert len(lk.room.list_rooms().rooms) == 1
        bob = fake.join("left", "bob")
        fake.advance(100)
        bob.leave()
        fake.advance(5)
        assert lk.room.list_rooms().rooms == []
        assert fake.now == START + timedelta(seconds=119)
        assert kinds(fake).count("room_finished") == 2


def test_a_participant_does_what_participants_do() -> None:
    with FakeLiveKit() as fake, fake.api() as lk:
        ada = fake.join("hall", "ada", name="Ada", metadata="m", attributes={"a": "1"})
        track = ada.publish("mic")
        assert lk.room.mute_published_track(room="hall", identity="ada", track_sid=track.sid, muted=True).track.muted
        assert ada.info.tracks[0].muted
        ada.update(name="A", metadata="", attributes={"a": "", "b": "2"})
        info = lk.room.get_participant(room="hall", identity="ada")
        assert (info.name, info.metadata, dict(info.attributes), info.is_publisher) == ("A", "", {"b": "2"}, True)
        lk.room.update_subscriptions(room="hall", identity="ada", track_sids=["TR_1"], subscribe=False)
        assert ada.subscriptions == {"TR_1": False}
        lk.room.send_data(room="hall", data=b"1", nonce=b"n" * 16)
        lk.room.send_data(room="hall", data=b"2", nonce=b"n" * 16)
        lk.room.send_data(room="hall", data=b"3", destination_sids=[ada.sid])
        lk.room.send_data(room="hall", data=b"4", destination_identities=["nobody"])
        assert [each.data for each in ada.data] == [b"1", b"3"]
        ada.unpublish(track.sid)
        assert kinds(fake)[-2:] == ["track_published", "track_unpublished"]
        lk.room.remove_participant(room="hall", identity="ada")
        assert (ada.disconnect_reason, fake.participant("hall", "ada")) == ("PARTICIPANT_REMOVED", None)
        assert repr(ada) == "FakeParticipant(identity='ada', room='hall', connected=False)"
        with pytest.raises(RuntimeError, match="ada is not in the room 'hall' any more"):
            ada.publish()


def test_methods_of_participants() -> None:
    def fails(payload: str) -> str:
        raise RpcFailure(3001, "not now", "later")

    with FakeLiveKit() as fake, fake.api() as lk:
        ada = fake.join("hall", "ada")
        ada.on_rpc("upper", str.upper)
        ada.on_rpc("fails", fails)
        ada.on_rpc("slow", str.upper, seconds=60)

        def perform(method: str) -> str:
            return lk.room.perform_rpc(room="hall", destination_identity="ada", method=method, payload="x").payload

        assert perform("upper") == "X"
        for method, text in (("fails", "3001: not now: later"), ("slow", "1502: Response timeout"), ("none", "1400")):
            with pytest.raises(TwirpError, match=text if method != "slow" else "."):
                perform(method)


def test_what_is_not_there_is_not_found_or_not_answered() -> None:
    with FakeLiveKit(settings=FakeSettings(max_room_name=3)) as fake, fake.api(retry=False) as lk:
        with pytest.raises(NotFoundError, match="requested room does not exist"):
            lk.room.delete_room(room="x")
        with pytest.raises(UnavailableError, match="no response from servers"):
            lk.room.send_data(room="x", data=b"")
        with pytest.raises(DeadlineExceededError, match="request canceled"):
            lk.room.send_data(room="x", data=b"", timeout=2)
        with pytest.raises(TwirpError, match="max length 3"):
            lk.room.create_room(name="abcd")
        with pytest.raises(TwirpError, match="404"):
            lk.phone_number.list_phone_numbers()


# --- long-lived records


def test_a_recording_goes_through_its_states() -> None:
    with FakeLiveKit(start=START) as fake, fake.api() as lk:
        lk.room.create_room(name="hall")
        egress = lk.egress.start_room_composite_egress(
            room_name="hall", file_outputs=[{"filepath": "a.mp4"}], stream_outputs=[{"urls": ["rtmp://x/y"]}]
        )
        fake.advance(1)
        assert lk.room.list_rooms().rooms[0].active_recording
        info = lk.egress.update_stream(egress_id=egress.egress_id, add_output_urls=["rtmp://x/z"])
        assert [stream.url for stream in info.stream_results] == ["rtmp://x/y", "rtmp://x/z"]
        with pytest.raises(NotFoundError, match="stream not found"):
            lk.egress.update_stream(egress_id=egress.egress_id, remove_output_urls=["rtmp://other"])
        fake.advance(9)
        lk.egress.stop_egress(egress_id=egress.egress_id)
        fake.advance(1)
        (done,) = lk.egress.list_egress(egress_id=egress.egress_id).items
        assert [(file.filename, file.duration) for file in done.file_results] == [("a.mp4", 10 * 10**9)]
        assert [kind for kind in kinds(fake) if kind.startswith("egress")] == [
            "egress_started",
            "egress_updated",
            "egress_updated",
            "egress_ended",
        ]
        with pytest.raises(TwirpError, match="EGRESS_COMPLETE cannot be stopped"):
            lk.egress.stop_egress(egress_id=egress.egress_id)


def test_recordings_end_with_their_room_or_by_an_error() -> None:
    with FakeLiveKit() as fake, fake.api() as lk:
        lk.room.create_room(name="hall", egress={"room": {"layout": "grid"}})
        (of_room,) = lk.egress.list_egress(room_name="hall").items
        track = lk.egress.start_track_egress(room_name="hall", track_id="TR_x", file={"filepath": "t"})
        web = lk.egress.start_web_egress(url="https://example.com")
        fake.end_egress(web.egress_id, error="page did not load")
        fake.end_egress(web.egress_id)
        lk.room.delete_room(room="hall")
        fake.advance(2)
        found = {each.egress_id: each for each in lk.egress.list_egress().items}
        names = {
            key: type(of_room).DESCRIPTOR.fields_by_name["status"].enum_type.values_by_number[each.status].name
            for key, each in found.items()
        }
        assert names == {
            of_room.egress_id: "EGRESS_ABORTED",
            track.egress_id: "EGRESS_ABORTED",
            web.egress_id: "EGRESS_FAILED",
        }
        assert found[web.egress_id].error == "page did not load"
        assert lk.egress.list_egress(active=True).items == []


def test_an_ingress_publishes_and_stops() -> None:
    with FakeLiveKit() as fake, fake.api() as lk:
        ingress = lk.ingress.create_ingress(participant_identity="cam", room_name="hall", name="camera")
        fake.start_ingress(ingress.ingress_id)
        (info,) = lk.ingress.list_ingress(room_name="hall").items
        assert info.state.tracks[0].name == "video"
        assert fake.participant("hall", "cam") is not None
        fake.stop_ingress(ingress.ingress_id)
        assert fake.participant("hall", "cam") is None
        assert [kind for kind in kinds(fake) if kind.startswith("ingress")] == ["ingress_started", "ingress_ended"]
        nowhere = lk.ingress.create_ingress(participant_identity="cam")
        with pytest.raises(ValueError, match="has no room_name"):
            fake.start_ingress(nowhere.ingress_id)


def test_calls_end_as_the_test_says() -> None:
    with FakeLiveKit() as fake, fake.api() as lk:
        trunk = lk.sip.create_sip_outbound_trunk(trunk={"address": "sip.example.com", "numbers": ["+1"]})
        to = {"sip_trunk_id": trunk.sip_trunk_id, "room_name": "hall"}
        fake.dial("+2", "busy")
        with pytest.raises(SIPCallError) as busy:
            lk.sip.create_sip_participant(sip_call_to="+2", wait_until_answered=True, **to)  # type: ignore[typeddict-item]  # plain texts
        assert (busy.value.sip_status_code, busy.value.sip_status) == (486, "Busy Here")
        lk.sip.create_sip_participant(sip_call_to="+2", participant_identity="b", **to)  # type: ignore[typeddict-item]  # plain texts
        lk.sip.create_sip_participant(sip_call_to="+3", participant_identity="a", **to)  # type: ignore[typeddict-item]  # plain texts
        assert {p.identity for p in lk.room.list_participants(room="hall").participants} == {"a", "b"}
        fake.advance(1)
        (answered,) = lk.room.list_participants(room="hall").participants
        assert (answered.identity, answered.attributes["sip.callStatus"]) == ("a", "active")
        fake.dial("tel:+4", "no_answer")
        with pytest.raises(SIPCallError, match="REQUEST_TIMEOUT"):
            lk.sip.transfer_sip_participant(room_name="hall", participant_identity="a", transfer_to="tel:+4")
        lk.sip.transfer_sip_participant(room_name="hall", participant_identity="a", transfer_to="tel:+5")
        assert lk.room.list_participants(room="hall").participants == []


# --- webhooks


def test_webhooks_are_signed_and_given_to_a_function() -> None:
    received: list[WebhookEvent] = []
    receiver = WebhookReceiver("devkey", FakeLiveKit().api_secret)
    with FakeLiveKit(webhook=lambda body, auth: received.append(receiver.receive(body, auth)), start=START) as fake:
        fake.join("hall", "ada")
        fake.emit(WebhookEvent(event="room_finished"))
        assert received == fake.events
        assert [event.event for event in received] == ["room_started", "participant_joined", "room_finished"]
        assert received[1].participant.identity == "ada"
        assert received[0].created_at == START
        assert fake.wait_for_webhooks()


@pytest.mark.parametrize(("statuses", "tries"), [((200,), 1), ((500, 200), 2), ((500, 500, 500), 3)])
def test_webhooks_are_delivered_to_a_url(statuses: tuple[int, ...], tries: int) -> None:
    bodies: list[bytes] = []
    left = list(statuses)

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            assert self.headers["Content-Type"] == "application/webhook+json"
            self.send_response(left.pop(0))
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        with FakeLiveKit(webhook=f"http://127.0.0.1:{server.server_port}/hook") as fake, fake.api() as lk:
            lk.room.create_room(name="hall")
            assert fake.wait_for_webhooks()
            assert len(fake.webhook_failures) == (200 not in statuses)
        assert len(bodies) == tries
        assert len(set(bodies)) == 1
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def test_a_receiver_that_is_not_there_is_told() -> None:
    with FakeLiveKit(webhook="http://127.0.0.1:9/hook") as fake:
        fake.join("hall", "ada")
        assert fake.wait_for_webhooks()
        assert len(fake.webhook_failures) == 2


def test_a_receiver_may_call_the_server() -> None:
    with FakeLiveKit() as fake, fake.api() as lk:

        def answer(body: bytes, authorization: str) -> None:
            if b"participant_joined" in body:
                thread = threading.Thread(target=lambda: lk.room.delete_room(room="hall"))
                thread.start()
                thread.join(10)
                assert not thread.is_alive()

        fake.on_webhook(answer)
        assert not fake.join("hall", "ada").connected


# --- the parts


def test_faults_of_one_name_in_two_services() -> None:
    faults = Faults(["a.One/Get", "a.Two/Get"])
    with pytest.raises(ValueError, match="several services have"):
        faults.order("Get", NotFoundError("x"), 1)
    seen = NotFoundError("x", rpc="a.Other/Get")
    faults.order("a.Two/Get", seen, None)
    first, second = faults.error("a.Two/Get"), faults.error("a.Two/Get")
    assert first is not second
    assert (first is not None, first and first.rpc, seen.rpc) == (True, "", "a.Other/Get")
    assert faults.network("a.Two/Get") is None


def test_an_rpc_that_the_fake_lacks_is_unimplemented() -> None:
    fake = FakeLiveKit()
    state = fake.application._state
    state_only = FakeApplication(state, {"livekit.Egress": object()}, fake.application._tokens)
    with fake.api(transport=state_only.transport()) as lk, pytest.raises(UnimplementedError, match="ListEgress"):
        lk.egress.list_egress()


def test_many_tokens_are_forgotten() -> None:
    fake = FakeLiveKit()
    for identity in range(300):
        video = VideoGrants(room_list=True)
        token = AccessToken(fake.api_key, fake.api_secret, identity=str(identity), video=video).to_jwt()
        with fake.api(token=token) as lk:
            lk.room.list_rooms()
    assert len(fake.calls) == 300
    for text in ("a.b.c", jwt.PyJWS().encode(b"[1]", "x" * 32)):
        with fake.api(token=text) as lk, pytest.raises(UnauthenticatedError, match="invalid authorization token"):
            lk.room.list_rooms()


def test_a_delay_without_a_deadline_is_waited_for() -> None:
    with FakeLiveKit() as fake, fake.api() as lk:
        fake.delay("ListRooms", 0.01)
        assert lk.room.list_rooms(timeout=None).rooms == []


# --- the command


def test_the_clock_runs_for_code_that_waits() -> None:
    with FakeLiveKit(start=START) as fake, fake.api() as lk:
        lk.room.create_room(name="hall", empty_timeout=300)
        egress = lk.egress.start_room_composite_egress(room_name="hall", file_outputs=[{"filepath": "a.mp4"}])
        fake.run_clock(speed=100)
        assert lk.egress.wait_until_ended(egress_id=stopped(fake, lk, egress.egress_id), timeout=30).error == ""
        assert fake.now > START
        fake.run_clock(0)
        assert fake.now == fake.now
        for speed in (-1.0, float("nan"), float("inf")):
            with pytest.raises(ValueError, match="speed must be"):
                fake.run_clock(speed)


def stopped(fake: FakeLiveKit, lk: LiveKitAPI, egress_id: str) -> str:
    while lk.egress.list_egress(egress_id=egress_id).items[0].status == EgressStatus.EGRESS_STARTING:
        fake.advance(1)
    lk.egress.stop_egress(egress_id=egress_id)
    return egress_id


def test_helpers_find_what_there_is() -> None:
    with FakeLiveKit() as fake, fake.api() as lk:
        fake.join("hall", "ada")
        assert lk.room.wait_until_active(room="hall", identity="ada").identity == "ada"
        changed = lk.room.change_permissions(room="hall", identity="ada", can_publish=False).permission
        assert (changed.can_publish, changed.can_subscribe) == (False, True)
        first = lk.agent_dispatch.dispatch_once(room="hall", agent_name="scribe")
        assert lk.agent_dispatch.dispatch_once(room="hall", agent_name="scribe").id == first.id
        trunk = lk.sip.create_sip_outbound_trunk(
            trunk={"name": "out", "address": "a.example", "numbers": ["+15550100"]}
        )
        found = lk.sip.find_sip_outbound_trunk(number="+1 555 0100")
        assert found is not None
        assert found.sip_trunk_id == trunk.sip_trunk_id
        assert lk.sip.find_sip_inbound_trunk(number="+1 555 0100") is None


def test_events_come_while_nobody_calls() -> None:
    with FakeLiveKit() as fake, fake.api() as lk:
        lk.room.create_room(name="hall", empty_timeout=1)
        fake.run_clock(speed=1000)
        until = time.monotonic() + 10
        while len(fake.events) < 2 and time.monotonic() < until:
            time.sleep(0.01)
        assert [event.event for event in fake.events] == ["room_started", "room_finished"]


def test_a_server_that_waits_keeps_the_clock_up_to_date() -> None:
    finished = threading.Event()
    with FakeLiveKit() as fake, fake.api() as lk, fake.serve() as server:
        waiting = threading.Thread(target=server.wait)
        fake.on_webhook(lambda body, authorization: finished.set() if b"room_finished" in body else None)
        lk.room.create_room(name="hall", empty_timeout=1)
        fake.run_clock(speed=100)
        waiting.start()
        assert finished.wait(10)
    waiting.join(10)
    assert not waiting.is_alive()


def test_the_command_refuses_a_speed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run_fake(FakeLiveKit, ["--port", "0", "--speed", "-1"])
    assert "speed must be a number that is not negative" in capsys.readouterr().err


def test_the_command_in_this_process(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(server: FakeServer) -> None:
        with LiveKitAPI(server.url, server.api_key, server.api_secret) as lk:
            lk.room.create_room(name="hall")
        raise KeyboardInterrupt

    monkeypatch.setattr(FakeServer, "wait", interrupted)
    assert run_fake(FakeLiveKit, ["--port", "0", "--api-key", "k", "--api-secret", "s" * 32]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("LIVEKIT_URL=http://127.0.0.1:")
    assert lines[1:] == ["LIVEKIT_API_KEY=k", f"LIVEKIT_API_SECRET={'s' * 32}"]


def test_the_command_serves_until_it_is_interrupted() -> None:
    command = [sys.executable, "-W", "error", "-m", "livekit_twirp.testing", "--port", "0"]
    # A shell that started these tests in the background makes them, and what they start, ignore it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    finally:
        signal.signal(signal.SIGINT, before)
    with process:
        assert process.stdout is not None
        values = dict(process.stdout.readline().strip().split("=", 1) for _ in range(3))
        with LiveKitAPI(values["LIVEKIT_URL"], values["LIVEKIT_API_KEY"], values["LIVEKIT_API_SECRET"]) as lk:
            assert lk.room.create_room(name="hall").name == "hall"
        process.send_signal(signal.SIGINT)
        try:
            assert process.wait(20) == 0
        finally:
            process.kill()
        assert process.stderr is not None
        assert process.stderr.read() == ""
