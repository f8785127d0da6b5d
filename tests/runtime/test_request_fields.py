"""A request as a message, a mapping or keywords: what is taken, what is refused, and in which words."""

from __future__ import annotations

import copy
import datetime
import enum
import inspect
from collections import ChainMap, OrderedDict, defaultdict, deque
from collections.abc import Callable
from types import MappingProxyType
from typing import Any, get_args

import pytest
from google.protobuf import any_pb2, duration_pb2, field_mask_pb2, struct_pb2, timestamp_pb2, wrappers_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from livekit.protocol import models as their_models
from livekit.protocol import room as their_room
from odd_schema import FD, ODD, field, module_of, odd_file
from odd_schema import enum as enum_proto

import livekit_twirp as lk
from twirpkit._schema.message_pool import MessagePool
from twirpkit._schema.request_messages import request_message
from twirpkit.options import Strings

Thing = ODD.Thing
Part = ODD.Thing.Part
UTC = datetime.UTC
NOON = datetime.datetime(2026, 11, 22, 12, 0, 0, 250000, tzinfo=UTC)
CANARY = "canary-value"


def by_keywords(fields: Any) -> Any:
    return request_message(Thing, None, fields)


def by_mapping(fields: Any) -> Any:
    return request_message(Thing, fields, {})


def nested(fields: Any) -> Any:
    """As a nested mapping: the wrapper has one field of the message's type."""
    return request_message(WRAPPER, {"thing": fields}, {}).thing


def _wrapper() -> Any:
    pool = MessagePool()
    module_of("odd_again", odd_file(), pool)
    file = FileDescriptorProto(name="wrapper.proto", package="odd", syntax="proto3", dependency=["odd.proto"])
    field(file.message_type.add(name="Wrapper"), "thing", FD.TYPE_MESSAGE, ".odd.Thing")
    return module_of("odd_wrapper", file, pool).Wrapper


WRAPPER = _wrapper()
FORMS: dict[str, Callable[[Any], Any]] = {"keywords": by_keywords, "mapping": by_mapping, "nested": nested}


@pytest.fixture(params=FORMS)
def make(request: pytest.FixtureRequest) -> Callable[[Any], Any]:
    """Each way that fields can be given."""
    return FORMS[request.param]


class Number(enum.IntEnum):
    ONE = 1


class Text(enum.StrEnum):
    A = "a"


class Names(list[str]):
    """A list of the user's own."""


def packed(message: Any) -> any_pb2.Any:
    """A message in an `Any`, as protobuf packs it."""
    return any_pb2.Any(
        type_url=f"type.googleapis.com/{message.DESCRIPTOR.full_name}", value=message.SerializeToString()
    )


def struct_of(**fields: struct_pb2.Value) -> struct_pb2.Struct:
    """A `Struct` by its fields, whatever protobuf's constructor makes of a mapping."""
    made = struct_pb2.Struct()
    for name, value in fields.items():
        made.fields[name].CopyFrom(value)
    return made


class IntLike:
    def __index__(self) -> int:
        return 5


# What is given, and what the message then holds; what can be read only once is made by a function.
GOOD: dict[str, tuple[Any, Any]] = {
    # scalars
    "int32": ({"a_int32": -5}, {"a_int32": -5}),
    "int32-limits": ({"a_int32": -(2**31)}, {"a_int32": -(2**31)}),
    "int64-limits": ({"a_int64": 2**63 - 1}, {"a_int64": 2**63 - 1}),
    "uint64-limits": ({"a_uint64": 2**64 - 1}, {"a_uint64": 2**64 - 1}),
    "zero": ({"a_uint32": 0}, {}),
    "int-enum-as-int": ({"a_int32": Number.ONE}, {"a_int32": 1}),
    "index-as-int": ({"a_int32": IntLike()}, {"a_int32": 5}),
    "float": ({"a_float": 0.5, "a_double": 1.5}, {"a_float": 0.5, "a_double": 1.5}),
    "int-as-float": ({"a_float": 2, "a_double": 3}, {"a_float": 2.0, "a_double": 3.0}),
    "infinite": ({"a_double": float("-inf")}, {"a_double": float("-inf")}),
    "bool": ({"a_bool": True}, {"a_bool": True}),
    "false": ({"a_bool": False}, {}),
    "string": ({"a_string": "größer 😀\0"}, {"a_string": "größer 😀\0"}),
    "string-subclass": ({"a_string": Text.A}, {"a_string": "a"}),
    "empty-string": ({"a_string": ""}, {}),
    "bytes": ({"a_bytes": b"\xff\0"}, {"a_bytes": b"\xff\0"}),
    # None is unset
    "none": ({"a_string": None, "a_int32": None, "part": None, "parts": None, "texts": None, "struct": None}, {}),
    "none-beside-others": ({"a_string": None, "a_int32": 1}, {"a_int32": 1}),
    "none-in-a-nested-mapping": ({"part": {"name": None, "one": 1}}, {"part": Part(one=1)}),
    # enums
    "enum-number": ({"color": 1}, {"color": 1}),
    "enum-unknown-number": ({"color": 99}, {"color": 99}),
    "enum-negative-number": ({"color": -1}, {"color": -1}),
    "enum-member": ({"color": ODD.Color.VERDE}, {"color": 1}),
    "enum-name": ({"color": "VERDE"}, {"color": 1}),
    "enum-name-that-is-a-keyword": ({"color": "True"}, {"color": 7}),
    "enums": ({"colors": [0, 99]}, {"colors": [0, 99]}),
    "enum-names": ({"colors": ["RED", 1, ODD.Color.GREEN, "keys"]}, {"colors": [0, 1, 1, 8]}),
    "enum-member-as-int": ({"a_int32": ODD.Color.GREEN}, {"a_int32": 1}),
    # lists
    "list": ({"many_string": ["a", ""]}, {"many_string": ["a", ""]}),
    "tuple": ({"many_int32": (1, 2)}, {"many_int32": [1, 2]}),
    "empty-list": ({"many_string": []}, {}),
    "generator": ({"many_string": lambda: (each for each in "ab")}, {"many_string": ["a", "b"]}),
    "iterator": ({"parts": lambda: iter([{"name": "a"}])}, {"parts": [Part(name="a")]}),
    "range": ({"many_int32": range(3)}, {"many_int32": [0, 1, 2]}),
    "deque": ({"many_bool": deque([True, False])}, {"many_bool": [True, False]}),
    "set": ({"many_string": {"a"}}, {"many_string": ["a"]}),
    "dict-keys": ({"many_string": {"a": 1, "b": 2}.keys()}, {"many_string": ["a", "b"]}),
    "list-subclass": ({"many_string": Names(["a"])}, {"many_string": ["a"]}),
    "repeated-field": ({"many_string": Part(names=["a", "b"]).names}, {"many_string": ["a", "b"]}),
    "list-of-bytes": ({"many_bytes": [b"a", b""]}, {"many_bytes": [b"a", b""]}),
    "ints-as-doubles": ({"many_double": [1, 0.5]}, {"many_double": [1.0, 0.5]}),
    "list-of-both": (
        {"parts": [Part(name="a"), {"name": "b"}, {}]},
        {"parts": [Part(name="a"), Part(name="b"), Part()]},
    ),
    # messages
    "message": ({"part": Part(name="a")}, {"part": Part(name="a")}),
    "empty-message": ({"part": Part()}, {"part": Part()}),
    "empty-mapping": ({"part": {}}, {"part": Part()}),
    "deep-mapping": ({"part": {"inner": {"depth": 3}}}, {"part": Part(inner=Part.Inner(depth=3))}),
    "mapping-subclasses": (
        {"part": defaultdict(str, name="a"), "parts": [OrderedDict(name="b"), ChainMap({"name": "c"})]},
        {"part": Part(name="a"), "parts": [Part(name="b"), Part(name="c")]},
    ),
    "read-only-mapping": ({"part": MappingProxyType({"name": "a"})}, {"part": Part(name="a")}),
    # maps
    "map": ({"texts": {"a": "b", "": ""}}, {"texts": {"a": "b", "": ""}}),
    "map-of-ints": ({"counts": {-1: 2**40}}, {"counts": {-1: 2**40}}),
    "map-of-bools": ({"flags": {True: False}}, {"flags": {True: False}}),
    "empty-map": ({"texts": {}}, {}),
    "map-of-mappings": ({"part_of": {"a": {"name": "x"}, "b": {}}}, {"part_of": {"a": Part(name="x"), "b": Part()}}),
    "map-of-messages": ({"part_at": {7: Part(name="x")}}, {"part_at": {7: Part(name="x")}}),
    "map-field": ({"texts": Thing(texts={"a": "b"}).texts}, {"texts": {"a": "b"}}),
    # oneofs
    "oneof-text": ({"left": "a"}, {"left": "a"}),
    "oneof-message": ({"right": {"name": "a"}}, {"right": Part(name="a")}),
    "oneof-with-none": ({"left": None, "right": {}}, {"right": Part()}),
    "oneof-empty-text": ({"left": ""}, {"left": ""}),
    "optional-empty-text": ({"note": ""}, {"note": ""}),
    "optional-beside-a-oneof": ({"note": "n", "left": "l"}, {"note": "n", "left": "l"}),
    # names
    "keyword": ({"from_": "a"}, {"from": "a"}),
    "keyword-as-it-is": ({"from": "a"}, {"from": "a"}),
    "constant": ({"None_": "a"}, {"None": "a"}),
    "name-with-underscore": ({"class_": "a"}, {"class_": "a"}),
    "json-names": (
        {"aString": "a", "manyInt32": [1], "partOf": {"k": {"name": "x"}}},
        {"a_string": "a", "many_int32": [1], "part_of": {"k": Part(name="x")}},
    ),
    "option-and-self": ({"timeout": "t", "self": "s"}, {"timeout": "t", "self": "s"}),
    # well-known types
    "datetime": ({"timestamp": NOON}, {"timestamp": timestamp_pb2.Timestamp(seconds=1795348800, nanos=250000000)}),
    "datetime-elsewhere": (
        {"timestamp": NOON.astimezone(datetime.timezone(datetime.timedelta(hours=5)))},
        {"timestamp": timestamp_pb2.Timestamp(seconds=1795348800, nanos=250000000)},
    ),
    "datetimes": (
        {"timestamps": [NOON]},
        {"timestamps": [timestamp_pb2.Timestamp(seconds=1795348800, nanos=250000000)]},
    ),
    "timestamp-mapping": ({"timestamp": {"seconds": 3}}, {"timestamp": timestamp_pb2.Timestamp(seconds=3)}),
    "timestamp-of-google": (
        {"timestamp": timestamp_pb2.Timestamp(seconds=3)},
        {"timestamp": timestamp_pb2.Timestamp(seconds=3)},
    ),
    "timedelta": (
        {"duration": datetime.timedelta(seconds=-1.5)},
        {"duration": duration_pb2.Duration(seconds=-1, nanos=-500000000)},
    ),
    "no-timedelta": ({"duration": datetime.timedelta(0)}, {"duration": duration_pb2.Duration()}),
    "duration-of-google": ({"duration": duration_pb2.Duration(nanos=3)}, {"duration": duration_pb2.Duration(nanos=3)}),
    "struct": ({"struct": {"a": [1, "x", None, {"b": True}]}}, {"struct": {"a": [1, "x", None, {"b": True}]}}),
    "empty-struct": ({"struct": {}}, {"struct": {}}),
    "listvalue": ({"listvalue": [1, "x", None, [True]]}, {"listvalue": [1, "x", None, [True]]}),
    "listvalue-of-a-tuple": ({"listvalue": ("a",)}, {"listvalue": ["a"]}),
    "value-str": ({"value": "a"}, {"value": struct_pb2.Value(string_value="a")}),
    "value-number": ({"value": 5}, {"value": struct_pb2.Value(number_value=5)}),
    "value-bool": ({"value": True}, {"value": struct_pb2.Value(bool_value=True)}),
    "value-list": (
        {"value": [None]},
        {
            "value": struct_pb2.Value(
                list_value=struct_pb2.ListValue(values=[struct_pb2.Value(null_value="NULL_VALUE")])
            )
        },
    ),
    "value-empty-list": ({"value": ()}, {"value": struct_pb2.Value(list_value=struct_pb2.ListValue())}),
    "value-mapping": (
        {"value": {"string_value": "a"}},
        {"value": struct_pb2.Value(struct_value=struct_of(string_value=struct_pb2.Value(string_value="a")))},
    ),
    "value-empty-mapping": ({"value": {}}, {"value": struct_pb2.Value(struct_value=struct_pb2.Struct())}),
    "value-of-google": (
        {"value": struct_pb2.Value(string_value="a")},
        {"value": struct_pb2.Value(string_value="a")},
    ),
    "value-of-a-struct-of-google": (
        {"value": struct_of(a=struct_pb2.Value(bool_value=True))},
        {"value": struct_pb2.Value(struct_value=struct_of(a=struct_pb2.Value(bool_value=True)))},
    ),
    "map-of-values": (
        {"value_of": {"a": 1, "b": None, "c": ["x"]}},
        {
            "value_of": {
                "a": struct_pb2.Value(number_value=1),
                "b": struct_pb2.Value(null_value="NULL_VALUE"),
                "c": struct_pb2.Value(list_value=struct_pb2.ListValue(values=[struct_pb2.Value(string_value="x")])),
            }
        },
    ),
    "fieldmask": ({"fieldmask": ["a", "b.c"]}, {"fieldmask": field_mask_pb2.FieldMask(paths=["a", "b.c"])}),
    "fieldmask-of-a-tuple": ({"fieldmask": ("a",)}, {"fieldmask": field_mask_pb2.FieldMask(paths=["a"])}),
    "fieldmask-mapping": ({"fieldmask": {"paths": ["a"]}}, {"fieldmask": field_mask_pb2.FieldMask(paths=["a"])}),
    "any-of-ours": ({"any": Part(name="a")}, {"any": packed(Part(name="a"))}),
    "any-of-googles": (
        {"any": duration_pb2.Duration(seconds=3)},
        {"any": packed(duration_pb2.Duration(seconds=3))},
    ),
    "any-mapping": ({"any": {"@type": "odd.Thing.Part", "name": "a"}}, {"any": packed(Part(name="a"))}),
    "any-mapping-with-a-url": (
        {"any": {"@type": "example.com/odd.Thing.Part", "name": "a"}},
        {"any": any_pb2.Any(type_url="example.com/odd.Thing.Part", value=b"\n\1a")},
    ),
    "any-mapping-of-googles": (
        {"any": {"@type": "google.protobuf.Duration", "value": datetime.timedelta(seconds=3)}},
        {"any": packed(duration_pb2.Duration(seconds=3))},
    ),
    "any-of-google-itself": ({"any": packed(Part(name="a"))}, {"any": packed(Part(name="a"))}),
    "any-by-its-fields": (
        {"any": {"type_url": "x/odd.Thing.Part", "value": b""}},
        {"any": any_pb2.Any(type_url="x/odd.Thing.Part")},
    ),
    "empty-any": ({"any": {}}, {"any": any_pb2.Any()}),
    "wrapped-bool": ({"maybe_bool": False}, {"maybe_bool": wrappers_pb2.BoolValue(value=False)}),
    "wrapped-text": ({"maybe_string": ""}, {"maybe_string": wrappers_pb2.StringValue()}),
    "wrapped-bytes": ({"maybe_bytes": b"a"}, {"maybe_bytes": wrappers_pb2.BytesValue(value=b"a")}),
    "wrapped-int32": ({"maybe_int32": -3}, {"maybe_int32": wrappers_pb2.Int32Value(value=-3)}),
    "wrapped-int64": ({"maybe_int64": 2**40}, {"maybe_int64": wrappers_pb2.Int64Value(value=2**40)}),
    "wrapped-uint32": ({"maybe_uint32": 0}, {"maybe_uint32": wrappers_pb2.UInt32Value()}),
    "wrapped-uint64": ({"maybe_uint64": 2**64 - 1}, {"maybe_uint64": wrappers_pb2.UInt64Value(value=2**64 - 1)}),
    "wrapped-float": ({"maybe_float": 0.5}, {"maybe_float": wrappers_pb2.FloatValue(value=0.5)}),
    "wrapped-double": ({"maybe_double": 1}, {"maybe_double": wrappers_pb2.DoubleValue(value=1)}),
    "wrapper-mapping": ({"maybe_int32": {"value": 4}}, {"maybe_int32": wrappers_pb2.Int32Value(value=4)}),
    "wrapper-of-google": (
        {"maybe_int32": wrappers_pb2.Int32Value(value=4)},
        {"maybe_int32": wrappers_pb2.Int32Value(value=4)},
    ),
    "nothing": ({}, {}),
}


def expected_bytes(values: dict[str, Any]) -> bytes:
    """What protobuf's own constructor makes of plain values, with google's messages given by their bytes."""
    message = Thing()
    for name, value in values.items():
        target = getattr(message, name)
        if isinstance(value, list) and hasattr(target, "add"):
            for each in value:
                target.add().MergeFromString(each.SerializeToString())
        elif name in ("part_of", "part_at", "value_of"):
            for key, each in value.items():
                target[key].MergeFromString(each.SerializeToString())
        elif name in ("struct", "listvalue"):
            stock = struct_pb2.Struct() if name == "struct" else struct_pb2.ListValue()
            (stock.update if name == "struct" else stock.extend)(value)
            target.SetInParent()
            target.MergeFromString(stock.SerializeToString())
        elif hasattr(value, "SerializeToString"):
            target.SetInParent()
            target.MergeFromString(value.SerializeToString())
        elif hasattr(target, "update"):
            target.update(value)
        elif hasattr(target, "extend"):
            target.extend(value)
        else:
            setattr(message, name, value)
    return bytes(message.SerializeToString(deterministic=True))


@pytest.mark.parametrize("name", GOOD)
def test_taken(make: Callable[[Any], Any], name: str) -> None:
    given, values = GOOD[name]
    given = {key: value() if inspect.isfunction(value) else value for key, value in given.items()}

    message = make(given)

    assert message.SerializeToString(deterministic=True) == expected_bytes(values)


BAD: dict[str, tuple[Any, type[Exception], str]] = {
    # names
    "unknown": ({"nothing_like_it": 1}, TypeError, "Thing has no field 'nothing_like_it'; it has a_int32, a_int64, "),
    "misspelled": ({"a_sting": 1}, TypeError, "Thing has no field 'a_sting'; did you mean 'a_string'?"),
    "misspelled-json-name": ({"aSting": CANARY}, TypeError, "Thing has no field 'aSting'; did you mean 'a_string'?"),
    "two-spellings": (
        {"a_string": "a", "aString": "b"},
        ValueError,
        "Thing: a_string and aString exclude each other: give one",
    ),
    "two-spellings-in-the-other-order": (
        {"aString": "b", "a_string": "a"},
        ValueError,
        "Thing: a_string and aString exclude each other: give one",
    ),
    "underscore-without-keyword": (
        {"a_string_": 1},
        TypeError,
        "Thing has no field 'a_string_'; did you mean 'a_string'?",
    ),
    "oneof-by-its-name": ({"choice": CANARY}, TypeError, "Thing has no field 'choice'; "),
    "unknown-set-to-none": ({"nothing_like_it": None}, TypeError, "Thing has no field 'nothing_like_it'; "),
    "unknown-nested": ({"part": {"nam": CANARY}}, TypeError, "Thing.part has no field 'nam'; did you mean 'name'?"),
    "unknown-in-a-list": ({"parts": [{}, {"nam": 1}]}, TypeError, "Thing.parts[1] has no field 'nam'; did you mean"),
    "unknown-in-a-map": ({"part_of": {"k": {"x": 1}}}, TypeError, "Thing.part_of['k'] has no field 'x'; it has name, "),
    "name-twice": ({"from": "a", "from_": "b"}, ValueError, "Thing: from and from_ exclude each other: give one"),
    # scalars
    "str-for-int": ({"a_int32": CANARY}, TypeError, "Thing.a_int32: expected int32, got str"),
    "bytes-for-int": ({"a_int32": b"canary"}, TypeError, "Thing.a_int32: expected int32, got bytes"),
    "bool-for-int": ({"a_int32": True}, TypeError, "Thing.a_int32: expected int32, got bool"),
    "float-for-int": ({"a_int64": 1.0}, TypeError, "Thing.a_int64: expected int64, got float"),
    "list-for-int": ({"a_int32": [1]}, TypeError, "Thing.a_int32: expected int32, got list"),
    "mapping-for-int": ({"a_uint32": {}}, TypeError, "Thing.a_uint32: expected uint32, got dict"),
    "int-for-str": ({"a_string": 5}, TypeError, "Thing.a_string: expected string, got int"),
    "bytes-for-str": ({"a_string": b"canary"}, TypeError, "Thing.a_string: expected string, got bytes"),
    "list-for-str": ({"a_string": [CANARY]}, TypeError, "Thing.a_string: expected string, got list"),
    "str-for-bytes": ({"a_bytes": CANARY}, TypeError, "Thing.a_bytes: expected bytes, got str"),
    "bytearray-for-bytes": (
        {"a_bytes": bytearray(b"canary")},
        TypeError,
        "Thing.a_bytes: expected bytes, got bytearray",
    ),
    "int-for-bytes": ({"a_bytes": 5}, TypeError, "Thing.a_bytes: expected bytes, got int"),
    "int-for-bool": ({"a_bool": 1}, TypeError, "Thing.a_bool: expected bool, got int"),
    "str-for-bool": ({"a_bool": CANARY}, TypeError, "Thing.a_bool: expected bool, got str"),
    "str-for-float": ({"a_float": CANARY}, TypeError, "Thing.a_float: expected float, got str"),
    "bool-for-float": ({"a_double": True}, TypeError, "Thing.a_double: expected double, got bool"),
    "object-for-double": ({"a_double": object()}, TypeError, "Thing.a_double: expected double, got object"),
    "int32-too-large": (
        {"a_int32": 2**31},
        ValueError,
        "Thing.a_int32: not a valid int32: out of range, which is -2147483648 to 2147483647",
    ),
    "int32-too-small": ({"a_int32": -(2**31) - 1}, ValueError, "Thing.a_int32: not a valid int32: "),
    "uint32-negative": (
        {"a_uint32": -1},
        ValueError,
        "Thing.a_uint32: not a valid uint32: out of range, which is 0 to 4294967295",
    ),
    "uint64-too-large": ({"a_uint64": 2**64}, ValueError, "Thing.a_uint64: not a valid uint64: "),
    "int-huge": ({"a_int64": 10**400}, ValueError, "Thing.a_int64: not a valid int64: "),
    "double-huge": ({"a_double": 10**400}, ValueError, "Thing.a_double: not a valid double: "),
    "surrogate": ({"a_string": f"{CANARY}\ud800"}, ValueError, "Thing.a_string: not a valid string: not Unicode"),
    # enums
    "enum-name-misspelled": (
        {"color": "GREN"},
        ValueError,
        "Thing.color: Color has no such name; did you mean 'GREEN'?",
    ),
    "enum-name-in-lower-case": (
        {"color": "green"},
        ValueError,
        "Thing.color: Color has no such name; did you mean 'GREEN'?",
    ),
    "enum-name-of-nothing": (
        {"color": CANARY},
        ValueError,
        "Thing.color: Color has no such name; it has RED, GREEN, VERDE, True, keys",
    ),
    "enum-bool": (
        {"color": True},
        TypeError,
        "Thing.color: expected a member or a name of Color (RED, GREEN, VERDE, True, keys), got bool",
    ),
    "enum-float": ({"color": 1.0}, TypeError, "Thing.color: expected a member or a name of Color (RED, GREEN,"),
    "enum-of-another-kind": (
        {"color": Part.Inner.Level.HIGH},
        TypeError,
        "Thing.color: expected a member or a name of Color (RED, GREEN, VERDE, True, keys), got one of "
        "Thing.Part.Inner.Level",
    ),
    "enum-huge": ({"color": 2**40}, ValueError, "Thing.color: not a valid enum: "),
    "enum-names": (
        {"colors": ["RED", "BLU"]},
        ValueError,
        "Thing.colors[1]: Color has no such name; ",
    ),
    "enum-names-in-a-str": ({"colors": "RED"}, TypeError, "Thing.colors: give a list, not str"),
    # lists
    "bare-str": ({"many_string": CANARY}, TypeError, "Thing.many_string: give a list, not str"),
    "bare-bytes": ({"many_bytes": b"canary"}, TypeError, "Thing.many_bytes: give a list, not bytes"),
    "bare-bytes-for-ints": ({"many_int32": b"canary"}, TypeError, "Thing.many_int32: give a list, not bytes"),
    "bare-bytearray": ({"many_int32": bytearray(b"canary")}, TypeError, "Thing.many_int32: give a list, not bytearray"),
    "bare-int": ({"many_int32": 5}, TypeError, "Thing.many_int32: give a list, not int"),
    "bare-mapping": ({"parts": {"name": CANARY}}, TypeError, "Thing.parts: give a list, not dict"),
    "bare-mapping-of-strings": ({"many_string": {"a": 1}}, TypeError, "Thing.many_string: give a list, not dict"),
    "bare-message": ({"parts": Part(name=CANARY)}, TypeError, "Thing.parts: give a list, not Part"),
    "none-in-strings": ({"many_string": ["a", None]}, TypeError, "Thing.many_string[1]: expected string, got None"),
    "none-in-ints": ({"many_int32": [None]}, TypeError, "Thing.many_int32[0]: expected int32, got None"),
    "none-in-messages": (
        {"parts": [None]},
        TypeError,
        "Thing.parts[0]: expected odd.Thing.Part or a mapping, got None",
    ),
    "int-in-strings": ({"many_string": [5]}, TypeError, "Thing.many_string[0]: expected string, got int"),
    "bool-in-ints": ({"many_int32": [1, True]}, TypeError, "Thing.many_int32[1]: expected int32, got bool"),
    "int-in-bools": ({"many_bool": [0]}, TypeError, "Thing.many_bool[0]: expected bool, got int"),
    "large-in-ints": ({"many_int32": [1, 2**31]}, ValueError, "Thing.many_int32[1]: not a valid int32: "),
    "surrogate-in-strings": ({"many_string": ["\udc00"]}, ValueError, "Thing.many_string[0]: not a valid string: "),
    "str-in-messages": (
        {"parts": [CANARY]},
        TypeError,
        "Thing.parts[0]: expected odd.Thing.Part or a mapping, got str",
    ),
    "deep-in-a-list": (
        {"parts": [{"inner": {"depth": CANARY}}]},
        TypeError,
        "Thing.parts[0].inner.depth: expected int32, got str",
    ),
    # messages
    "str-for-message": ({"part": CANARY}, TypeError, "Thing.part: expected odd.Thing.Part or a mapping, got str"),
    "list-for-message": (
        {"part": [("name", CANARY)]},
        TypeError,
        "Thing.part: expected odd.Thing.Part or a mapping, got",
    ),
    "class-for-message": ({"part": Part}, TypeError, "Thing.part: expected odd.Thing.Part or a mapping, got "),
    "other-message": ({"part": ODD.Empty()}, TypeError, "Thing.part: expected odd.Thing.Part, got odd.Empty"),
    "other-message-in-a-list": (
        {"parts": [Thing()]},
        TypeError,
        "Thing.parts[0]: expected odd.Thing.Part, got odd.Thing",
    ),
    "key-that-is-no-name": ({"part": {5: CANARY}}, TypeError, "Thing.part: a field's name must be a str, not int"),
    # maps
    "list-for-map": ({"texts": [("a", CANARY)]}, TypeError, "Thing.texts: give a mapping, not list"),
    "str-for-map": ({"texts": CANARY}, TypeError, "Thing.texts: give a mapping, not str"),
    "none-in-a-map": ({"texts": {"a": None}}, TypeError, "Thing.texts['a']: expected string, got None"),
    "none-in-a-map-of-messages": (
        {"part_of": {"a": None}},
        TypeError,
        "Thing.part_of['a']: expected odd.Thing.Part or a",
    ),
    "int-in-a-map": ({"texts": {"a": 5}}, TypeError, "Thing.texts['a']: expected string, got int"),
    "str-in-a-map-of-ints": ({"counts": {1: CANARY}}, TypeError, "Thing.counts[1]: expected int64, got str"),
    "large-in-a-map": ({"counts": {1: 2**63}}, ValueError, "Thing.counts[1]: not a valid int64: "),
    "surrogate-in-a-map": ({"texts": {"a": "\ud800"}}, ValueError, "Thing.texts['a']: not a valid string: "),
    "int-as-a-key": ({"texts": {5: CANARY}}, TypeError, "Thing.texts[5]: expected string, got int"),
    "none-as-a-key": ({"texts": {None: CANARY}}, TypeError, "Thing.texts[None]: expected string, got None"),
    "str-as-an-int-key": ({"counts": {"1": 1}}, TypeError, "Thing.counts['1']: expected int32, got str"),
    "bool-as-an-int-key": ({"counts": {True: 1}}, TypeError, "Thing.counts[True]: expected int32, got bool"),
    "int-as-a-bool-key": ({"flags": {1: True}}, TypeError, "Thing.flags[1]: expected bool, got int"),
    "int-as-a-key-of-messages": ({"part_of": {5: {}}}, TypeError, "Thing.part_of[5]: expected string, got int"),
    "large-key-of-messages": ({"part_at": {2**31: {}}}, ValueError, "Thing.part_at[2147483648]: not a valid int32: "),
    "other-message-in-a-map": (
        {"part_at": {3: Thing()}},
        TypeError,
        "Thing.part_at[3]: expected odd.Thing.Part, got odd.",
    ),
    # oneofs
    "oneof-twice": ({"left": CANARY, "right": {}}, ValueError, "Thing: left and right exclude each other: give one"),
    "oneof-twice-in-the-other-order": (
        {"right": {}, "left": ""},
        ValueError,
        "Thing: right and left exclude each other",
    ),
    "oneof-twice-nested": (
        {"part": {"one": 1, "two": 2}},
        ValueError,
        "Thing.part: one and two exclude each other: give",
    ),
    "oneof-twice-in-a-list": (
        {"parts": [{"one": 0, "two": 0}]},
        ValueError,
        "Thing.parts[0]: one and two exclude each",
    ),
    # well-known types
    "naive-datetime": (
        {"timestamp": datetime.datetime(2026, 11, 22)},
        ValueError,
        "Thing.timestamp: the datetime has no time zone: give it one, for example datetime.timezone.utc",
    ),
    "naive-datetime-in-a-list": (
        {"timestamps": [NOON, NOON.replace(tzinfo=None)]},
        ValueError,
        "Thing.timestamps[1]: the datetime has no time zone",
    ),
    "datetime-too-early": (
        {"timestamp": datetime.datetime(1, 1, 1, tzinfo=datetime.timezone(datetime.timedelta(hours=5)))},
        ValueError,
        "Thing.timestamp: a google.protobuf.Timestamp cannot hold this datetime",
    ),
    "date-for-timestamp": (
        {"timestamp": NOON.date()},
        TypeError,
        "Thing.timestamp: expected a datetime.datetime with a time zone, got date",
    ),
    "int-for-timestamp": (
        {"timestamp": 5},
        TypeError,
        "Thing.timestamp: expected a datetime.datetime with a time zone, got int",
    ),
    "timedelta-for-timestamp": (
        {"timestamp": datetime.timedelta(1)},
        TypeError,
        "Thing.timestamp: expected a datetime.datetime with a time zone, got timedelta",
    ),
    "datetime-for-duration": (
        {"duration": NOON},
        TypeError,
        "Thing.duration: expected a datetime.timedelta, such as datetime.timedelta(seconds=30), got datetime",
    ),
    "timedelta-too-long": (
        {"duration": datetime.timedelta.max},
        ValueError,
        "Thing.duration: a google.protobuf.Duration cannot hold this timedelta",
    ),
    "float-for-duration": (
        {"duration": 1.5},
        TypeError,
        "Thing.duration: expected a datetime.timedelta, such as datetime.timedelta(seconds=30), got float",
    ),
    "duration-for-timestamp": (
        {"timestamp": duration_pb2.Duration()},
        TypeError,
        "Thing.timestamp: expected google.protobuf.Timestamp, got google.protobuf.Duration",
    ),
    "object-in-a-struct": (
        {"struct": {"a": [object(), CANARY]}},
        TypeError,
        "Thing.struct['a'][0]: expected None, a bool, a number, a str, a list or a mapping, got object",
    ),
    "key-of-a-struct": (
        {"struct": {1: CANARY}},
        TypeError,
        "Thing.struct[1]: expected string, got int",
    ),
    "surrogate-in-a-struct": (
        {"struct": {"a": f"{CANARY}\ud800"}},
        ValueError,
        "Thing.struct['a']: not a valid string: not Unicode",
    ),
    "list-for-struct": (
        {"struct": [1]},
        TypeError,
        "Thing.struct: expected a mapping, got list",
    ),
    "object-in-a-listvalue": (
        {"listvalue": [object()]},
        TypeError,
        "Thing.listvalue[0]: expected None, a bool, a number, a str, a list or a mapping, got object",
    ),
    "str-for-listvalue": (
        {"listvalue": CANARY},
        TypeError,
        "Thing.listvalue: expected a list, got str",
    ),
    "bytes-for-value": (
        {"value": b"canary"},
        TypeError,
        "Thing.value: expected None, a bool, a number, a str, a list or a mapping, got bytes",
    ),
    "int-in-a-struct-that-no-double-is": (
        {"struct": {"a": 2**53 + 1}},
        ValueError,
        "Thing.struct['a']: this int cannot be a number of JSON without loss: give it as a str",
    ),
    "int-for-value-that-is-too-large": (
        {"value": 10**400},
        ValueError,
        "Thing.value: this int cannot be a number of JSON without loss: give it as a str",
    ),
    "bare-str-for-fieldmask": (
        {"fieldmask": CANARY},
        TypeError,
        'Thing.fieldmask: expected a list of paths, such as ["name"], got str',
    ),
    "int-in-a-fieldmask": ({"fieldmask": ["a", 5]}, TypeError, "Thing.fieldmask[1]: expected string, got int"),
    "any-of-an-unknown-type": (
        {"any": {"@type": "acme.Unknown", "a": CANARY}},
        ValueError,
        "Thing.any['@type']: there is no message 'acme.Unknown' in this package",
    ),
    "any-whose-type-is-no-str": ({"any": {"@type": 5}}, TypeError, "Thing.any['@type']: expected string, got int"),
    "any-with-a-wrong-field": (
        {"any": {"@type": "odd.Thing.Part", "nam": CANARY}},
        TypeError,
        "Thing.any has no field 'nam'; did you mean 'name'?",
    ),
    "any-of-googles-own-with-fields": (
        {"any": {"@type": "google.protobuf.Duration", "seconds": 5}},
        ValueError,
        "Thing.any: beside '@type', a google.protobuf.Duration has the key 'value' and no other",
    ),
    "str-for-any": ({"any": CANARY}, TypeError, 'Thing.any: expected a message, or a mapping with "@type", got str'),
    "list-for-a-message-of-lists": (
        {"names": [CANARY]},
        TypeError,
        'Thing.names: expected odd.Names or a mapping such as {"set": [...]}, got list',
    ),
    "str-for-a-message-of-lists": (
        {"names": CANARY},
        TypeError,
        'Thing.names: expected odd.Names or a mapping such as {"set": [...]}, got str',
    ),
    "int-for-a-message-of-lists": ({"names": 5}, TypeError, "Thing.names: expected odd.Names or a mapping, got int"),
    "str-for-wrapped-int": ({"maybe_int32": CANARY}, TypeError, "Thing.maybe_int32: expected int32, got str"),
    "bool-for-wrapped-int": ({"maybe_int64": True}, TypeError, "Thing.maybe_int64: expected int64, got bool"),
    "int-for-wrapped-str": ({"maybe_string": 5}, TypeError, "Thing.maybe_string: expected string, got int"),
    "large-wrapped-int": ({"maybe_uint32": 2**32}, ValueError, "Thing.maybe_uint32: not a valid uint32: "),
    "list-for-wrapped-int": (
        {"maybe_int32": [1]},
        TypeError,
        "Thing.maybe_int32: expected google.protobuf.Int32Value or",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_refused(make: Callable[[Any], Any], name: str) -> None:
    given, error, words = BAD[name]
    if make is nested:
        words = words.replace("Thing", "Wrapper.thing", 1)

    with pytest.raises(error) as caught:
        make(given)

    text = str(caught.value)
    assert type(caught.value) is error
    assert text.startswith(words)
    assert "canary" not in text
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


def test_the_words_of_a_value_that_does_not_fit() -> None:
    with pytest.raises(
        ValueError, match=r"^Thing.a_int32: not a valid int32: out of range, which is -2147483648 to 2147483647$"
    ):
        by_keywords({"a_int32": 2**31})


def test_a_message_without_fields_says_so() -> None:
    with pytest.raises(TypeError, match=r"^Empty has no field 'a'; it has none$"):
        request_message(ODD.Empty, None, {"a": 1})


def test_deep_nesting_is_a_value_error() -> None:
    file = FileDescriptorProto(name="deep_request.proto", package="deep", syntax="proto3")
    field(file.message_type.add(name="Node"), "child", FD.TYPE_MESSAGE, ".deep.Node")
    data: dict[str, Any] = {}
    for _ in range(5000):
        data = {"child": data}

    with pytest.raises(ValueError, match=r"^Node: nested too deeply$"):
        request_message(module_of("deep_request", file).Node, data, {})


@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("retries", "retry"),
        ("max_retries", "retry"),
        ("extra_header", "extra_headers"),
        ("headers", "extra_headers"),
    ],
)
def test_a_misspelt_option_of_a_call_is_suggested(name: str, option: str) -> None:
    with pytest.raises(TypeError, match=rf"^a call has no option '{name}'; did you mean '{option}'\?$") as caught:
        request_message(Thing, None, {"a_string": "x", name: 2})
    assert caught.value.__context__ is None


def test_an_option_that_is_closer_than_a_field_is_suggested() -> None:
    with pytest.raises(TypeError, match=r"^a call has no option 'time_out'; did you mean 'timeout'\?$"):
        request_message(lk.CreateRoomRequest, None, {"name": "x", "time_out": 2})
    with pytest.raises(TypeError, match=r" has no field 'empty_time_out'; did you mean 'empty_timeout'\?$"):
        request_message(lk.CreateRoomRequest, None, {"empty_time_out": 2})


def test_a_misspelt_field_is_not_taken_for_an_option() -> None:
    with pytest.raises(TypeError, match=r"^Thing has no field 'a_sting'; did you mean 'a_string'\?$"):
        request_message(Thing, None, {"a_sting": "x"})


class TestForms:
    def test_request_a_message_is_taken_as_it_is(self) -> None:
        message = Thing(a_string="x")

        assert request_message(Thing, message, {}) is message

    @pytest.mark.parametrize("request_", [Thing(), {}, {"a_string": "x"}, 0, ""])
    def test_request_not_together_with_keywords(self, request_: Any) -> None:
        with pytest.raises(
            TypeError, match=r"^give the request or keyword fields, not both \(got a_int32, left too\)$"
        ):
            request_message(Thing, request_, {"left": CANARY, "a_int32": None})

    def test_request_nothing_is_an_empty_message(self) -> None:
        assert request_message(Thing, None, {}) == Thing()
        assert request_message(Thing, {}, {}) == Thing()

    @pytest.mark.parametrize("request_", ["canary", b"canary", 5, [("a", 1)], Thing, object(), False])
    def test_request_other_things_are_refused(self, request_: Any) -> None:
        with pytest.raises(TypeError, match=r"^Thing: expected odd.Thing or a mapping, got ") as caught:
            request_message(Thing, request_, {})
        assert "canary" not in str(caught.value)

    def test_request_the_wrong_message_is_refused(self) -> None:
        with pytest.raises(TypeError, match=r"^Thing: expected odd.Thing, got odd.Empty$"):
            request_message(Thing, ODD.Empty(), {})

    def test_request_a_key_that_is_no_name_is_refused(self) -> None:
        with pytest.raises(TypeError, match=r"^Thing: a field's name must be a str, not bytes$"):
            request_message(Thing, {b"a": CANARY}, {})

    def test_request_what_the_caller_gave_is_not_changed(self) -> None:
        part = Part(name="a")
        given = {"part": part, "parts": [part, {"name": "b"}], "texts": {"k": "v"}, "struct": {"a": [1]}, "left": None}
        before = copy.deepcopy(given)

        message = by_mapping(given)
        message.part.name = message.parts[0].name = "changed"
        message.texts["k"] = "changed"

        assert given == before
        assert part == Part(name="a")

    def test_request_a_default_dict_gets_no_keys(self) -> None:
        given: Any = defaultdict(list, many_string=["a"])

        assert by_mapping(given) == Thing(many_string=["a"])
        assert given == {"many_string": ["a"]}


class TestMessagesFromElsewhere:
    def test_foreign_messages_as_the_request(self) -> None:
        theirs = their_room.CreateRoomRequest(name="standup", tags={"a": "b"}, agents=[{"agent_name": "notes"}])

        ours = request_message(lk.CreateRoomRequest, theirs, {})

        assert type(ours) is lk.CreateRoomRequest
        assert ours == lk.CreateRoomRequest(name="standup", tags={"a": "b"}, agents=[{"agent_name": "notes"}])

    @pytest.mark.parametrize("form", [lambda fields: {"fields": fields}, lambda fields: {"request": fields}])
    def test_foreign_messages_inside_of_fields(self, form: Any) -> None:
        permission = their_models.ParticipantPermission(can_publish=True)
        given = {"request": None, "fields": {}, **form({"room": "r", "permission": permission})}

        ours = request_message(lk.UpdateParticipantRequest, given["request"], given["fields"])

        assert ours == lk.UpdateParticipantRequest(room="r", permission={"can_publish": True})

    def test_foreign_messages_in_lists_and_maps(self) -> None:
        tracks = [their_models.ParticipantTracks(participant_sid="P", track_sids=["T"])]
        ours = request_message(lk.UpdateSubscriptionsRequest, None, {"participant_tracks": tracks})
        assert ours.participant_tracks[0].track_sids == ["T"]

        again = module_of("odd_elsewhere", odd_file())
        assert by_keywords({"part_of": {"k": again.Thing.Part(name="a")}}) == Thing(part_of={"k": Part(name="a")})

    def test_foreign_messages_an_empty_one_counts_as_set(self) -> None:
        given = {"permission": their_models.ParticipantPermission()}

        assert request_message(lk.UpdateParticipantRequest, given, {}).HasField("permission")

    @pytest.mark.parametrize(
        ("given", "words"),
        [
            (
                their_room.ListRoomsRequest(names=["canary"]),
                "CreateRoomRequest: expected livekit.CreateRoomRequest, got",
            ),
            (
                {"egress": their_room.CreateRoomRequest(name="canary")},
                "CreateRoomRequest.egress: expected livekit.RoomEgress",
            ),
        ],
    )
    def test_foreign_messages_of_another_type_are_refused(self, given: Any, words: str) -> None:
        with pytest.raises(TypeError) as caught:
            request_message(lk.CreateRoomRequest, given, {})

        assert str(caught.value).startswith(words)
        assert "canary" not in str(caught.value)

    def test_foreign_messages_are_not_changed(self) -> None:
        theirs = their_room.CreateRoomRequest(name="standup")

        request_message(lk.CreateRoomRequest, theirs, {}).name = "changed"

        assert theirs.name == "standup"

    def test_foreign_messages_of_another_schema_are_refused_unseen(self) -> None:
        file = FileDescriptorProto(name="odd.proto", package="odd", syntax="proto3")
        field(file.message_type.add(name="Empty"), "x", FD.TYPE_BYTES)
        thing = file.message_type.add(name="Thing")
        part = thing.nested_type.add(name="Part")
        field(part, "name", FD.TYPE_BYTES)
        theirs = module_of("odd_other_schema", file)

        words = r"^Thing.part: this odd.Thing.Part has another schema than the one here$"
        with pytest.raises(ValueError, match=words) as caught:
            by_keywords({"part": theirs.Thing.Part(name=b"canary\xff")})
        assert caught.value.__context__ is None

    def test_foreign_messages_that_lack_a_required_field_are_taken_for_the_call_to_refuse(self) -> None:
        file = FileDescriptorProto(name="required.proto", package="required")
        field(file.message_type.add(name="Needy"), "name", FD.TYPE_STRING)
        file.message_type[0].field[0].label = FD.LABEL_REQUIRED
        ours, theirs = (module_of(f"required_{n}", file).Needy for n in range(2))

        assert not request_message(ours, theirs(), {}).IsInitialized()


def test_the_request_of_an_rpc_may_be_a_well_known_type() -> None:
    assert request_message(struct_pb2.Struct, {"a": 1}, {})["a"] == 1
    assert request_message(timestamp_pb2.Timestamp, NOON, {}).nanos == 250000000
    assert request_message(wrappers_pb2.StringValue, "x", {}).value == "x"


def test_closed_enums_refuse_unknown_numbers() -> None:
    file = FileDescriptorProto(name="closed.proto", package="closed")
    file.enum_type.append(enum_proto("Kind", A=0))
    field(file.message_type.add(name="Box"), "kind", FD.TYPE_ENUM, ".closed.Kind")
    box = module_of("closed_messages", file).Box

    assert request_message(box, None, {"kind": 0}).HasField("kind")
    with pytest.raises(ValueError, match=r"^Box.kind: Kind has no such number$"):
        request_message(box, None, {"kind": 5})


def test_a_bare_str_is_none_of_the_types_of_several_strings() -> None:
    names = Part(names=["a"]).names
    list_of, tuple_of, container = get_args(Strings)

    assert (list_of, tuple_of) == (list[str], tuple[str, ...])
    assert container.__forward_arg__ == "RepeatedScalarFieldContainer[str]"
    assert request_message(Thing, None, {"many_string": names}) == Thing(many_string=["a"])
