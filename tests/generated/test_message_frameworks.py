"""Messages in the hands of FastAPI, pydantic, Celery and the standard library."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import Annotated, Any

import fastapi
import httpx
import kombu.utils.json
import pydantic
import pytest

import livekit_twirp as lk
from livekit_twirp import CreateRoomRequest, ParticipantInfo, Room, SIPOutboundTrunkInfo, from_dict, to_dict

pytestmark = pytest.mark.protobuf

ROOM = Room(sid="RM_1", name="standup", creation_time=2**53 + 1, turn_password="hunter2")
ROOM_JSON = {"sid": "RM_1", "name": "standup", "creation_time": 2**53 + 1, "turn_password": "hunter2"}
app = fastapi.FastAPI()


class Meeting(pydantic.BaseModel):
    title: str
    room: Room
    guests: list[ParticipantInfo] = []
    trunk: SIPOutboundTrunkInfo | None = None


@app.get("/annotated")
def annotated() -> Room:
    return ROOM


@app.get("/plain")
def plain():  # type: ignore[no-untyped-def]  # as many handlers are written
    return ROOM


@app.get("/list")
async def listed() -> list[Room]:
    return [ROOM, Room()]


@app.get("/plain-list")
async def plain_list():  # type: ignore[no-untyped-def]  # likewise
    return {"rooms": [ROOM], "next": lk.RoomEgress(room={"layout": "grid"})}


@app.get("/model")
def model() -> Meeting:
    return Meeting(title="x", room=ROOM, guests=[ParticipantInfo(kind="SIP")])


@app.post("/create")
def create(request: Annotated[CreateRoomRequest, fastapi.Body()]) -> dict[str, Any]:
    assert isinstance(request, CreateRoomRequest)
    return {"timeout": request.empty_timeout}


def call(method: str, path: str, body: Any = None) -> httpx.Response:
    """Call the application, in this process."""

    async def send() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://app") as client:
            return await client.request(method, path, json=body)

    return asyncio.run(send())


class TestFastAPI:
    @pytest.mark.parametrize(
        ("path", "expected"),
        [
            ("annotated", ROOM_JSON),
            ("plain", ROOM_JSON),
            ("list", [ROOM_JSON, {}]),
            ("plain-list", {"rooms": [ROOM_JSON], "next": {"room": {"layout": "grid"}}}),
            ("model", {"title": "x", "room": ROOM_JSON, "guests": [{"kind": "SIP"}], "trunk": None}),
        ],
    )
    def test_returns_messages(self, path: str, expected: Any) -> None:
        response = call("GET", f"/{path}")

        assert (response.status_code, response.json()) == (200, expected)

    def test_takes_a_message_as_the_body(self) -> None:
        for body in ({"emptyTimeout": 300}, {"empty_timeout": 300}):
            assert call("POST", "/create", body).json() == {"timeout": 300}

    def test_says_what_is_wrong_with_a_body(self) -> None:
        response = call("POST", "/create", {"empty_timeot": 300})

        assert response.status_code == 422
        assert "CreateRoomRequest has no field 'empty_timeot'; did you mean 'empty_timeout'?" in response.text

    def test_describes_them(self) -> None:
        schema = call("GET", "/openapi.json").json()

        answer = schema["paths"]["/annotated"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        assert answer["type"] == "object"


class TestPydantic:
    def test_fields_hold_messages(self) -> None:
        meeting = Meeting(title="x", room=ROOM)

        assert meeting.room is ROOM
        assert json.loads(meeting.model_dump_json())["room"] == ROOM_JSON
        assert meeting.model_dump()["room"] is ROOM
        assert meeting.model_dump(mode="json")["room"] == ROOM_JSON
        assert Meeting.model_validate_json(meeting.model_dump_json()) == meeting

    def test_fields_take_mappings(self) -> None:
        meeting = Meeting.model_validate({"title": "x", "room": {"numParticipants": 3}, "trunk": {"name": "t"}})

        assert (meeting.room, meeting.trunk) == (Room(num_participants=3), SIPOutboundTrunkInfo(name="t"))

    @pytest.mark.parametrize(
        ("value", "words"),
        [
            ({"nmae": "x"}, "Room has no field 'nmae'; did you mean 'name'?"),
            ("standup", "expected Room or an object"),
            (ParticipantInfo(), "expected Room or an object"),
            (None, "expected Room or an object"),
        ],
    )
    def test_fields_say_what_is_wrong(self, value: Any, words: str) -> None:
        with pytest.raises(pydantic.ValidationError, match=words.replace("?", r"\?")) as caught:
            Meeting(title="x", room=value)
        assert caught.value.errors()[0]["loc"] == ("room",)

    def test_schemas_name_them(self) -> None:
        assert Meeting.model_json_schema()["properties"]["room"] == {"title": "Room", "type": "object"}

    def test_repr_hides_what_the_schema_marks(self) -> None:
        assert "hunter2" not in repr(Meeting(title="x", room=ROOM))

    def test_is_not_imported_by_the_package(self) -> None:
        program = (
            "import sys, livekit_twirp; livekit_twirp.to_json(livekit_twirp.Room()); print('pydantic' in sys.modules)"
        )
        ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

        assert ran.stdout == "False\n"


def test_celery_serializes_messages() -> None:
    text = kombu.utils.json.dumps({"args": [ROOM]})

    assert from_dict(Room, kombu.utils.json.loads(text)["args"][0]) == ROOM


def test_json_dumps_says_that_it_does_not_know_messages() -> None:
    with pytest.raises(TypeError, match="Room is not JSON serializable"):
        json.dumps({"room": ROOM})
    assert json.loads(json.dumps({"room": ROOM}, default=to_dict)) == {"room": ROOM_JSON}


def test_a_dict_of_a_message_is_its_json() -> None:
    assert dict(ROOM) == to_dict(ROOM)  # type: ignore[call-overload]  # for FastAPI's encoder; a program writes to_dict
