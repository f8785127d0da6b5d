"""Messages of other pools in constructors, ``CopyFrom`` and ``MergeFrom``: google's own, and livekit-protocol's."""

from __future__ import annotations

import datetime
import re
from typing import Any

import pytest
from google.protobuf import any_pb2, duration_pb2, struct_pb2, timestamp_pb2, wrappers_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from livekit.protocol import models as their_models
from livekit.protocol import room as their_room
from odd_schema import FD, ODD, field, module_of, odd_file

import livekit_twirp as lk

pytestmark = pytest.mark.protobuf

Thing = ODD.Thing
Part = ODD.Thing.Part
AGAIN = module_of("odd_of_another_pool", odd_file())
THREE = duration_pb2.Duration(seconds=3)

CONSTRUCTED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "duration-of-google": ({"duration": THREE}, {"duration": {"seconds": 3}}),
    "timestamp-of-google": ({"timestamp": timestamp_pb2.Timestamp(seconds=3)}, {"timestamp": {"seconds": 3}}),
    "timestamps-of-google": ({"timestamps": [timestamp_pb2.Timestamp(seconds=3)]}, {"timestamps": [{"seconds": 3}]}),
    "struct-of-google": ({"struct": struct_pb2.Struct()}, {"struct": {}}),
    "wrapper-of-google": ({"maybe_int32": wrappers_pb2.Int32Value(value=3)}, {"maybe_int32": {"value": 3}}),
    "any-of-google": ({"any": any_pb2.Any(type_url="a/odd.Thing")}, {"any": {"type_url": "a/odd.Thing"}}),
    "message": ({"part": AGAIN.Thing.Part(name="a")}, {"part": {"name": "a"}}),
    "empty-message": ({"part": AGAIN.Thing.Part()}, {"part": {}}),
    "list": ({"parts": [AGAIN.Thing.Part(name="a"), Part(name="b")]}, {"parts": [{"name": "a"}, {"name": "b"}]}),
    "map": ({"part_of": {"k": AGAIN.Thing.Part(name="a")}}, {"part_of": {"k": {"name": "a"}}}),
    "member-of-a-oneof": ({"right": AGAIN.Thing.Part(name="a")}, {"right": {"name": "a"}}),
    "inside-of-a-mapping": (
        {"part": {"inner": AGAIN.Thing.Part.Inner(depth=3)}},
        {"part": {"inner": {"depth": 3}}},
    ),
    "beside-plain-fields": (
        {"a_string": "x", "many_int32": [1], "texts": {"a": "b"}, "duration": THREE},
        {"a_string": "x", "many_int32": [1], "texts": {"a": "b"}, "duration": {"seconds": 3}},
    ),
}


@pytest.mark.parametrize("name", CONSTRUCTED)
def test_constructors_take_them(name: str) -> None:
    given, expected = CONSTRUCTED[name]

    # By their bytes: protobuf's pure Python engine compares an Any by the default pool's messages.
    assert Thing(**given).SerializeToString(deterministic=True) == Thing(**expected).SerializeToString(
        deterministic=True
    )


PLAIN: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "timedelta": ({"duration": datetime.timedelta(seconds=3)}, {"duration": {"seconds": 3}}),
    "wrapped-int": ({"maybe_int32": 3}, {"maybe_int32": {"value": 3}}),
    "value": ({"value": "a"}, {"value": struct_pb2.Value(string_value="a")}),
    "fieldmask": ({"fieldmask": ["a"]}, {"fieldmask": {"paths": ["a"]}}),
    "enum-name": ({"color": "GREEN", "colors": ["RED", "VERDE"]}, {"color": 1, "colors": [0, 1]}),
    "json-name": ({"aString": "a"}, {"a_string": "a"}),
    "keyword": ({"from_": "a"}, {"from": "a"}),
}


@pytest.mark.parametrize("name", PLAIN)
def test_constructors_take_what_calls_take(name: str) -> None:
    given, expected = PLAIN[name]

    assert Thing(**given) == Thing(**expected)


REFUSED: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "other-message": ({"part": their_room.ListRoomsRequest()}, TypeError, "Thing.part: expected odd.Thing.Part, got "),
    "misspelled-field": ({"a_sting": "x"}, TypeError, "Thing has no field 'a_sting'; did you mean 'a_string'?"),
    "misspelled-inside": ({"part": {"nam": "x"}}, TypeError, "Thing.part has no field 'nam'; did you mean 'name'?"),
    "misspelled-enum-name": ({"color": "GREN"}, ValueError, "Thing.color: Color has no such name; did you mean 'GR"),
    "str-for-int": ({"a_int32": "x"}, TypeError, "Thing.a_int32: expected int32, got str"),
    "int-for-duration": ({"duration": 3}, TypeError, "Thing.duration: expected a datetime.timedelta, such as"),
    "negative-uint": ({"a_uint32": -1}, ValueError, "Thing.a_uint32: not a valid uint32: out of range, which is 0 to"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_constructors_say_what_is_wrong(name: str) -> None:
    given, kind, words = REFUSED[name]

    with pytest.raises(kind, match=f"^{re.escape(words)}") as caught:
        Thing(a_string="before", **given) if "a_string" not in given else Thing(**given)

    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


def test_a_constructor_takes_a_field_called_self() -> None:
    assert vars(Thing)["__init__"] is not None
    assert Thing(self="a", duration=THREE) == Thing(self="a", duration={"seconds": 3})


def test_the_classes_of_livekit_take_livekits_own() -> None:
    theirs = their_models.ParticipantPermission(can_publish=True)

    ours = lk.UpdateParticipantRequest(room="r", permission=theirs)  # type: ignore[arg-type]  # as a program without a checker writes it
    assert ours == lk.UpdateParticipantRequest(room="r", permission={"can_publish": True})
    assert lk.CreateSIPParticipantRequest(ringing_timeout=THREE).ringing_timeout.seconds == 3


class TestCopies:
    @pytest.mark.parametrize("method", ["CopyFrom", "MergeFrom"])
    def test_of_another_pool(self, method: str) -> None:
        part = Part(names=["a"])

        getattr(part, method)(AGAIN.Thing.Part(name="x", names=["b"]))

        assert part == Part(name="x", names=["b"] if method == "CopyFrom" else ["a", "b"])

    def test_into_a_message_of_google_in_our_pool(self) -> None:
        thing = Thing()
        thing.duration.CopyFrom(THREE)
        thing.timestamp.MergeFrom(timestamp_pb2.Timestamp(seconds=5))

        assert (thing.duration.seconds, thing.timestamp.seconds) == (3, 5)
        request = lk.CreateSIPParticipantRequest()
        request.ringing_timeout.CopyFrom(THREE)
        assert request.ringing_timeout.seconds == 3

    def test_into_a_part_of_a_message(self) -> None:
        thing = Thing()
        thing.part.inner.CopyFrom(AGAIN.Thing.Part.Inner(depth=3))
        thing.parts.add().CopyFrom(AGAIN.Thing.Part(name="a"))
        thing.part_of["k"].CopyFrom(AGAIN.Thing.Part(name="b"))

        assert thing == Thing(part={"inner": {"depth": 3}}, parts=[{"name": "a"}], part_of={"k": {"name": "b"}})

    @pytest.mark.parametrize("method", ["CopyFrom", "MergeFrom"])
    @pytest.mark.parametrize(
        ("other", "words"),
        [
            (duration_pb2.Duration(), "expected odd.Thing.Part, got google.protobuf.Duration"),
            (Thing(), "expected odd.Thing.Part, got odd.Thing"),
            ({"name": "a"}, None),
            (None, None),
            (Part, None),
        ],
    )
    def test_of_another_type_are_refused(self, method: str, other: Any, words: str | None) -> None:
        with pytest.raises(TypeError, match=words):
            getattr(Part(), method)(other)

    def test_of_another_schema_are_refused(self) -> None:
        file = FileDescriptorProto(name="odd.proto", package="odd", syntax="proto3")
        part = file.message_type.add(name="Thing").nested_type.add(name="Part")
        field(part, "name", FD.TYPE_BYTES)
        theirs = module_of("odd_of_another_schema", file)

        with pytest.raises(ValueError, match=r"^Part: this odd.Thing.Part has another schema than the one here$"):
            Part().CopyFrom(theirs.Thing.Part(name=b"\xff"))

    def test_of_ones_own_class_are_as_before(self) -> None:
        part, same = Part(name="a"), Part(name="a")
        part.CopyFrom(part)
        assert part == same
        part.CopyFrom(Part(names=["b"]))
        part.MergeFrom(Part(name="c"))
        assert part == Part(name="c", names=["b"])
