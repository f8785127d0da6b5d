"""Message classes and enums out of a private pool: names, pickles, imports, and other packages beside them."""

from __future__ import annotations

import copy
import json
import os
import pickle
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf import descriptor_pb2, duration_pb2, timestamp_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from odd_schema import FD, ODD, enum, field, module_of, odd_file

import livekit_twirp as lk
from twirpkit._schema.enums import Enum
from twirpkit._schema.message_pool import MessagePool
from twirpkit._schema.names import safe_name

NONE = vars(ODD)["None_"]
CLASSES = {
    "Thing": ODD.Thing,
    "Thing.Part": ODD.Thing.Part,
    "Thing.Part.Inner": ODD.Thing.Part.Inner,
    "Empty": ODD.Empty,
    "None_": NONE,
    "None_.class_": vars(NONE)["class_"],
}
COPIES: dict[str, Callable[[Any], Any]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    **{f"pickle-{n}": (lambda message, n=n: pickle.loads(pickle.dumps(message, n))) for n in range(6)},
}


class TestMessages:
    @pytest.mark.parametrize("qualname", CLASSES)
    def test_messages_have_their_place(self, qualname: str) -> None:
        cls = CLASSES[qualname]

        assert cls.__module__ == "odd_messages"
        assert cls.__qualname__ == qualname
        assert cls.__name__ == qualname.rpartition(".")[2]
        assert cls.DESCRIPTOR.full_name == "odd." + qualname.replace("_", "")

    @pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
    @pytest.mark.parametrize("qualname", CLASSES)
    def test_messages_survive_pickle_and_copy(self, qualname: str, copied: Any) -> None:
        message = CLASSES[qualname]()
        if qualname == "Thing":
            message = ODD.Thing(a_string="x", part={"inner": {"depth": 2}}, texts={"a": "b"}, left="")
        if qualname == "Thing.Part.Inner":
            message.depth = 3

        again = copied(message)

        assert type(again) is type(message)
        assert again == message
        assert again is not message

    def test_messages_inside_of_others_survive_too(self) -> None:
        thing = ODD.Thing(part={"name": "a"}, parts=[{"name": "b"}])

        again = pickle.loads(pickle.dumps([thing.part, thing.parts[0]]))

        assert again == [thing.part, thing.parts[0]]
        assert {type(each) for each in again} == {ODD.Thing.Part}

    def test_messages_of_livekit_are_where_they_say(self) -> None:
        header = lk.DataStream.Header(topic="chat")

        assert lk.Room.__module__ == "livekit_twirp.messages.livekit_models"
        assert type(header).__qualname__ == "DataStream.Header"
        assert pickle.loads(pickle.dumps(header)) == header

    def test_messages_without_their_required_fields_survive_too(self) -> None:
        file = FileDescriptorProto(name="n.proto", package="n")
        field(file.message_type.add(name="Needy"), "name", FD.TYPE_STRING)
        file.message_type[0].field[0].label = FD.LABEL_REQUIRED
        needy = module_of("needy_pickles", file).Needy

        assert pickle.loads(pickle.dumps(needy())) == needy()

    def test_messages_of_two_pools_are_strangers(self) -> None:
        other = module_of("odd_stranger", odd_file())

        assert other.Thing is not ODD.Thing
        assert not isinstance(other.Thing(), ODD.Thing)
        assert other.Thing.DESCRIPTOR.full_name == ODD.Thing.DESCRIPTOR.full_name
        assert pickle.loads(pickle.dumps(other.Thing.Part(name="a"))) == other.Thing.Part(name="a")


class TestEnums:
    def test_enums_members_are_ints(self) -> None:
        color = ODD.Color

        assert (color.RED, color.GREEN, color.VERDE) == (0, 1, 1)
        assert isinstance(color.RED, int)
        assert isinstance(color.RED, color)
        assert vars(color)["True_"] == 7
        assert {1: "one"}[color.GREEN] == "one"
        assert [color.GREEN + 1, -color.GREEN, color.GREEN | 2] == [2, -1, 3]

    def test_enums_members_print_their_names(self) -> None:
        color = ODD.Color

        assert (str(color.GREEN), f"{color.GREEN}", f"{color.GREEN:>6}", f"{color.GREEN:d}") == (
            "GREEN",
            "GREEN",
            "     1",
            "1",
        )
        assert repr([color.GREEN, ODD.Thing.Part.Inner.Level.LOW]) == "[Color.GREEN, Thing.Part.Inner.Level.LOW]"
        assert repr(vars(color)["True_"]) == "Color.True_"
        assert json.dumps({"color": color.GREEN}) == '{"color": 1}'

    def test_enums_a_number_with_two_names_prints_the_first(self) -> None:
        assert ODD.Color.VERDE is ODD.Color.GREEN
        assert str(ODD.Color.VERDE) == "GREEN"

    def test_enums_numbers_convert(self) -> None:
        assert ODD.Color(1) is ODD.Color.GREEN
        assert ODD.Color(ODD.Thing(color=7).color) is vars(ODD.Color)["True_"]

    def test_enums_unknown_numbers_convert_too(self) -> None:
        newer = ODD.Color(99)

        assert isinstance(newer, ODD.Color)
        assert (newer, str(newer), repr(newer)) == (99, "99", "Color(99)")

    @pytest.mark.parametrize("number", ["1", None, 1.0, b"1"])
    def test_enums_other_things_do_not(self, number: Any) -> None:
        with pytest.raises(TypeError):
            ODD.Color(number)

    def test_enums_a_name_is_converted_by_its_key(self) -> None:
        assert ODD.Color["GREEN"] is ODD.Color["VERDE"] is ODD.Color.GREEN
        with pytest.raises(TypeError, match=r"^Color takes a number; for a name, write Color\['GREEN'\]$"):
            ODD.Color("GREEN")

    def test_enums_an_unknown_name_is_a_key_error_with_a_suggestion(self) -> None:
        with pytest.raises(KeyError, match=r"Color has no value 'GREN'; did you mean 'GREEN'\?") as caught:
            ODD.Color["GREN"]
        assert caught.value.__context__ is None

    def test_enums_iterate_over_their_members(self) -> None:
        assert [str(each) for each in ODD.Color] == ["RED", "GREEN", "True", "keys"]
        assert len(ODD.Color) == 4
        assert (ODD.Color.GREEN in ODD.Color, 1 in ODD.Color, 99 in ODD.Color, "RED" in ODD.Color) == (
            True,
            True,
            False,
            False,
        )
        assert bool(ODD.Color)

    def test_enums_members_stand_in_the_message_too(self) -> None:
        assert ODD.Thing.Part.Inner.HIGH is ODD.Thing.Part.Inner.Level.HIGH
        assert lk.DataPacket.RELIABLE is lk.DataPacket.Kind.RELIABLE

    def test_enums_a_member_does_not_hide_a_method_of_its_message(self) -> None:
        file = FileDescriptorProto(name="hiding.proto", package="hiding", syntax="proto3")
        file.message_type.add(name="Box").enum_type.append(enum("Verb", A=0, CopyFrom=1, Sum=2))
        box = module_of("hiding_messages", file).Box

        assert callable(box.CopyFrom)
        assert (box.Verb.CopyFrom, box.Sum) == (1, 2)

    def test_enums_a_member_may_have_the_name_of_a_method_of_int(self) -> None:
        file = FileDescriptorProto(name="ints.proto", package="ints", syntax="proto3")
        file.enum_type.append(enum("Kind", real=0, bit_length=1, ValueType=2))
        kind = module_of("ints_messages", file).Kind

        assert (kind.real, kind.bit_length, kind["bit_length"], kind.ValueType) == (0, 1, 1, 2)
        assert (int(kind.real), str(kind.bit_length), kind.real == 0) == (0, "bit_length", True)

    def test_enums_the_type_of_a_member_has_mypy_protobufs_name(self) -> None:
        assert ODD.Color.ValueType is ODD.Color

    @pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
    def test_enums_members_survive_pickle_and_copy(self, copied: Any) -> None:
        for member in (ODD.Color.GREEN, ODD.Thing.Part.Inner.Level.HIGH):
            assert copied(member) is member
        assert (type(copied(ODD.Color(99))), copied(ODD.Color(99))) == (ODD.Color, 99)

    def test_enums_names_of_numbers(self) -> None:
        assert [ODD.Color.Name(number) for number in (0, 1, 7, ODD.Color.GREEN)] == ["RED", "GREEN", "True", "GREEN"]

    def test_enums_unknown_numbers_are_named_by_their_digits(self) -> None:
        assert [ODD.Color.Name(number) for number in (2, -1)] == ["2", "-1"]

    @pytest.mark.parametrize("number", ["RED", None, 1.5])
    def test_enums_other_things_have_no_name(self, number: Any) -> None:
        with pytest.raises(TypeError):
            ODD.Color.Name(number)

    def test_enums_numbers_of_names(self) -> None:
        assert [ODD.Color.Value(name) for name in ("RED", "GREEN", "VERDE", "True", "keys")] == [0, 1, 1, 7, 8]

    @pytest.mark.parametrize(
        ("name", "hint"),
        [
            ("red", "did you mean 'RED'?"),
            ("GREN", "did you mean 'GREEN'?"),
            ("True_", "it has RED, GREEN, VERDE, True, keys"),
            ("", "it has RED, GREEN, VERDE, True, keys"),
        ],
    )
    def test_enums_names_without_a_number(self, name: str, hint: str) -> None:
        with pytest.raises(ValueError, match=re.escape(f"Color has no value {name!r}; {hint}")) as caught:
            ODD.Color.Value(name)
        assert caught.value.__context__ is None

    def test_enums_lists(self) -> None:
        kind = lk.DataPacket.Kind
        pairs = [("RELIABLE", 0), ("LOSSY", 1)]

        assert (kind.keys(), kind.values(), kind.items()) == (["RELIABLE", "LOSSY"], [0, 1], pairs)

    def test_enums_lists_keep_the_order_and_the_aliases(self) -> None:
        assert ODD.Color.values() == [0, 1, 1, 7, 8]
        assert [name for name, _ in ODD.Color.items()] == ["RED", "GREEN", "VERDE", "True", "keys"]

    def test_enums_a_member_may_have_the_name_of_a_method(self) -> None:
        assert ODD.Color.keys == 8

    def test_enums_have_their_place(self) -> None:
        level = ODD.Thing.Part.Inner.Level

        assert (ODD.Color.__module__, ODD.Color.__qualname__) == ("odd_messages", "Color")
        assert (level.__module__, level.__qualname__, level.__name__) == (
            "odd_messages",
            "Thing.Part.Inner.Level",
            "Level",
        )
        assert level.Name(1) == "HIGH"
        assert level.DESCRIPTOR.full_name == "odd.Thing.Part.Inner.Level"
        assert issubclass(level, Enum)

    def test_enums_whose_names_are_keywords(self) -> None:
        for owner, name in ((vars(ODD), "import_"), (vars(NONE), "def_")):
            assert owner[name].__name__ == name
        nested = vars(NONE)["def_"]
        assert (nested.__qualname__, nested.pass_, nested.return_) == ("None_.def_", 0, 3)
        assert nested.items() == [("pass_", 0), ("return", 3)]

    def test_enums_are_pickled_by_name(self) -> None:
        for each in (ODD.Color, ODD.Thing.Part.Inner.Level):
            assert pickle.loads(pickle.dumps(each)) is each

    def test_enums_hold_unknown_numbers_as_they_are(self) -> None:
        thing = ODD.Thing.FromString(ODD.Thing(color=99).SerializeToString())

        assert thing.color == 99


class TestLoading:
    def test_loading_gives_the_file(self) -> None:
        assert ODD.DESCRIPTOR.name == "odd.proto"
        assert ODD.DESCRIPTOR.pool is not timestamp_pb2.DESCRIPTOR.pool

    def test_loading_puts_nothing_else_into_the_module(self) -> None:
        names = {name for name in vars(ODD) if not name.startswith("__")}

        assert names == {"Thing", "None_", "Empty", "Names", "Color", "import_", "DESCRIPTOR"}

    def test_loading_takes_googles_files_from_the_installed_protobuf(self) -> None:
        thing = ODD.Thing(timestamp={"seconds": 1})

        assert type(thing.timestamp) is not timestamp_pb2.Timestamp
        assert thing.timestamp.SerializeToString() == timestamp_pb2.Timestamp(seconds=1).SerializeToString()

    def test_loading_takes_them_with_their_imports(self) -> None:
        file = FileDescriptorProto(name="t.proto", package="t", syntax="proto3")
        file.dependency.extend(["google/protobuf/type.proto", "google/protobuf/api.proto"])
        field(file.message_type.add(name="T"), "type", FD.TYPE_MESSAGE, ".google.protobuf.Type")

        module = module_of("t_messages", file)

        source = module.T(type={"source_context": {"file_name": "a"}}).type.source_context
        assert source.file_name == "a"

    def test_loading_several_files_share_them(self) -> None:
        pool = MessagePool()
        first = FileDescriptorProto(name="first.proto", package="p", syntax="proto3")
        first.dependency.append("google/protobuf/duration.proto")
        field(first.message_type.add(name="First"), "d", FD.TYPE_MESSAGE, ".google.protobuf.Duration")
        second = FileDescriptorProto(name="second.proto", package="p", syntax="proto3")
        second.dependency.extend(["google/protobuf/duration.proto", "first.proto"])
        field(second.message_type.add(name="Second"), "d", FD.TYPE_MESSAGE, ".google.protobuf.Duration")
        field(second.message_type[0], "first", FD.TYPE_MESSAGE, ".p.First")

        one, two = module_of("p_first", first, pool), module_of("p_second", second, pool)

        message = two.Second(first=one.First(d={"seconds": 3}))
        assert type(message.first) is one.First
        assert type(message.d) is type(message.first.d) is not duration_pb2.Duration

    def test_loading_of_a_file_whose_import_is_missing_fails(self) -> None:
        file = FileDescriptorProto(name="lonely.proto", package="p", dependency=["missing.proto"])

        with pytest.raises(Exception, match=r"missing\.proto"):
            module_of("p_lonely", file)

    def test_loading_of_a_bad_descriptor_fails(self) -> None:
        file = FileDescriptorProto(name="twice.proto", package="p")
        file.message_type.add(name="A")
        file.enum_type.append(enum("A", ZERO=0))

        with pytest.raises(Exception, match=r"p\.A"):
            module_of("p_twice", file)

    def test_loading_leaves_the_default_pool_alone(self) -> None:
        with pytest.raises(KeyError):
            timestamp_pb2.DESCRIPTOR.pool.FindMessageTypeByName("odd.Thing")

    def test_loading_of_descriptor_proto_itself(self) -> None:
        # LiveKit's logger/options.proto extends google's options, so its pool holds descriptor.proto too
        file = FileDescriptorProto(name="o.proto", package="o", syntax="proto3")
        file.dependency.append("google/protobuf/descriptor.proto")
        field(file.message_type.add(name="O"), "file", FD.TYPE_MESSAGE, ".google.protobuf.FileDescriptorProto")

        message = module_of("o_messages", file).O(file={"name": "x"})

        assert descriptor_pb2.FileDescriptorProto.FromString(message.file.SerializeToString()).name == "x"


ORDERS = [
    ["livekit_twirp.messages.livekit_room", "livekit.protocol.room"],
    ["livekit.protocol.room", "livekit_twirp.messages.livekit_room"],
]
BESIDE = """
import importlib, pickle, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
from livekit.protocol.models import DataStream as Theirs
from livekit_twirp import DataStream as Ours
assert Theirs is not Ours and Theirs.DESCRIPTOR.full_name == Ours.DESCRIPTOR.full_name
for message in (Ours(), Ours.Header(topic="a")):
    again = pickle.loads(pickle.dumps(message))
    assert type(again) is type(message) and again == message, type(message)
"""


@pytest.mark.parametrize("order", ORDERS, ids=["ours-first", "theirs-first"])
def test_livekits_own_package_may_be_beside(order: list[str]) -> None:
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", BESIDE, *order], env=dict(os.environ), capture_output=True, text=True
    )

    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize(
    ("name", "safe"), [("name", "name"), ("from", "from_"), ("None", "None_"), ("match", "match"), ("From", "From")]
)
def test_safe_names(name: str, safe: str) -> None:
    assert safe_name(name) == safe
