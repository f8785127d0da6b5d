"""Recordings of a server and their replay: what is kept, what is left out, and what a call finds."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import pytest

from livekit_twirp import AsyncLiveKitAPI, LiveKitAPI, NotFoundError, TransportError, UnauthenticatedError
from livekit_twirp._methods import room, sip
from livekit_twirp.testing import FakeLiveKit
from twirpkit import HttpRequest, HttpResponse, Phase, TransportFailure
from twirpkit.conformance import load
from twirpkit.conformance.recorder import (
    AsyncRecordingTransport,
    AsyncReplayTransport,
    Recorder,
    RecordingTransport,
    Replay,
    ReplayTransport,
    without_secrets,
)
from twirpkit.livekit.testing.fake_transports import AsyncFakeTransport, FakeTransport

METHODS = (*room.METHODS, *sip.METHODS)
URL = "http://localhost"


def recorded(tmp_path: Path, recorder: Recorder) -> Replay:
    path = tmp_path / "it.jsonl"
    path.write_text("".join(f"{line}\n" for line in recorder.lines), encoding="utf-8")
    return Replay(load(path), METHODS)


def calls(lk: LiveKitAPI) -> list[Any]:
    made = lk.room.create_room(name="hall")
    trunk = lk.sip.create_sip_inbound_trunk(trunk={"numbers": ["+1"], "auth_username": "u", "auth_password": "hunter2"})
    with pytest.raises(NotFoundError) as missing:
        lk.room.delete_room(room="nowhere")
    return [made.sid, trunk.sip_trunk_id, missing.value.message]


def test_calls_are_recorded_and_played_again(tmp_path: Path) -> None:
    fake = FakeLiveKit()
    recorder = Recorder(METHODS, "it")
    transport = RecordingTransport(FakeTransport(fake.application), recorder)
    with fake.api(transport=transport) as lk:
        first = calls(lk)
    replay = recorded(tmp_path, recorder)
    with LiveKitAPI(URL, token="any", transport=ReplayTransport(replay)) as lk:
        assert calls(lk) == first
        assert replay.left == []
        with pytest.raises(TransportError, match="no recorded exchange is left for livekit") as gone:
            lk.room.list_rooms()
        assert (gone.value.sent, gone.value.attempts) == ("no", 1)


def test_calls_of_async_clients_are_recorded_and_played_again(tmp_path: Path) -> None:
    fake = FakeLiveKit()
    recorder = Recorder(METHODS, "it")

    async def scene(lk: AsyncLiveKitAPI) -> str:
        async with lk:
            return (await lk.room.create_room(name="hall")).sid

    transport = AsyncRecordingTransport(AsyncFakeTransport(fake.application), recorder)
    first = asyncio.run(scene(fake.async_api(transport=transport)))
    played = AsyncReplayTransport(recorded(tmp_path, recorder))
    assert asyncio.run(scene(AsyncLiveKitAPI(URL, token="any", transport=played))) == first


def test_secrets_are_left_out() -> None:
    fake = FakeLiveKit()
    recorder = Recorder(METHODS, "it")
    with fake.api(transport=RecordingTransport(FakeTransport(fake.application), recorder)) as lk:
        calls(lk)
    refused = {"api_key": fake.api_key, "api_secret": "another secret than the one that it has"}
    with fake.api(transport=RecordingTransport(FakeTransport(fake.application), recorder), **refused) as lk:
        with pytest.raises(UnauthenticatedError):
            lk.room.list_rooms()
    lines = [json.loads(line) for line in recorder.lines]
    raw = [base64.b64decode(line["response"]["raw_b64"]) for line in lines]
    bodies = [base64.b64decode(line[side]["body_b64"]) for line in lines for side in ("request", "response")]
    text = f"{lines}{raw}{bodies}"
    assert "error: token signature is invalid" in text
    for secret in ("hunter2", fake.api_secret, "eyJhbGci", "fake0"):
        assert secret not in text


def test_only_responses_to_known_rpcs_are_recorded() -> None:
    class Odd:
        result: Any = HttpResponse(200, {}, b"\xff")

        def send(self, request: HttpRequest, /) -> Any:
            return self.result

        def close(self) -> None:
            """Nothing to close."""

    recorder, odd = Recorder(METHODS, "it"), Odd()
    transport = RecordingTransport(odd, recorder)
    transport.send(HttpRequest(f"{URL}/settings/regions", {}, b""))
    assert recorder.lines == []
    transport.send(HttpRequest(f"{URL}/twirp/livekit.RoomService/ListRooms", {}, b"\xff"))
    (line,) = map(json.loads, recorder.lines)
    assert (line["request"]["message"], line["response"]["message"], line["response"]["status"]) == (None, None, 200)
    odd.result = TransportFailure("away", Phase.NOT_SENT)
    transport.send(HttpRequest(f"{URL}/twirp/livekit.RoomService/ListRooms", {}, b""))
    assert len(recorder.lines) == 1


def test_messages_without_secrets_keep_the_rest() -> None:
    cls = sip.CREATE_SIP_INBOUND_TRUNK.request
    message = cls(trunk={"name": "n", "numbers": ["+1"], "auth_password": "hunter2", "headers": {"a": "b"}})
    shown = without_secrets(message)
    assert (shown.trunk.name, shown.trunk.auth_password, list(shown.trunk.numbers)) == ("n", "<redacted>", ["+1"])
    assert message.trunk.auth_password == "hunter2"
    rooms = room.LIST_ROOMS.response(rooms=[{"name": "a", "turn_password": "t"}])
    assert without_secrets(rooms).rooms[0].turn_password == "<redacted>"
