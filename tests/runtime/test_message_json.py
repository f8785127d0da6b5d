"""Messages as dicts and JSON, and back: what is written, what is read, what is refused and in which words."""

from __future__ import annotations

import base64
import json
import math
import re
import struct
import subprocess
import sys
from typing import Any

import pytest
from google.protobuf import any_pb2, duration_pb2, json_format, struct_pb2, timestamp_pb2, wrappers_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from odd_schema import FD, ODD, SECRETIVE, enum, field, module_of

import livekit_twirp as lk
from twirpkit import from_dict, from_json, to_dict, to_json

pytestmark = pytest.mark.protobuf

Thing = ODD.Thing
Part = ODD.Thing.Part
BIG = 2**53 + 1

# The JSON of a message, and the message; both directions hold.
BOTH: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "nothing": ({}, {}),
    "ints": ({"a_int32": -5, "a_uint32": 7, "a_sint32": -1}, {"a_int32": -5, "a_uint32": 7, "a_sint32": -1}),
    "ints-of-64-bits": (
        {"a_int64": -BIG, "a_uint64": 2**64 - 1, "a_fixed64": BIG},
        {"a_int64": -BIG, "a_uint64": 2**64 - 1, "a_fixed64": BIG},
    ),
    "float": ({"a_float": 0.1}, {"a_float": 0.1}),
    "double": ({"a_double": 0.10000000149011612}, {"a_double": 0.10000000149011612}),
    "infinite": ({"a_double": "Infinity", "a_float": "-Infinity"}, {"a_double": math.inf, "a_float": -math.inf}),
    "bool": ({"a_bool": True}, {"a_bool": True}),
    "string": ({"a_string": "größer 😀\0"}, {"a_string": "größer 😀\0"}),
    "bytes": ({"a_bytes": "/+8="}, {"a_bytes": b"\xff\xef"}),
    "lists": (
        {"many_int32": [1, 2], "many_string": ["", "a"], "many_bytes": ["aGk="], "many_bool": [False]},
        {"many_int32": [1, 2], "many_string": ["", "a"], "many_bytes": [b"hi"], "many_bool": [False]},
    ),
    "enum": ({"color": "GREEN"}, {"color": 1}),
    "enum-unknown": ({"color": 99}, {"color": 99}),
    "enums": ({"colors": ["RED", 77, "True"]}, {"colors": [0, 77, 7]}),
    "messages": (
        {"part": {"name": "a", "inner": {"depth": 3}}, "parts": [{}, {"one": 1}]},
        {"part": {"name": "a", "inner": {"depth": 3}}, "parts": [{}, {"one": 1}]},
    ),
    "maps": (
        {"texts": {"a": "b"}, "counts": {"-1": BIG}, "flags": {"true": False}, "part_of": {"k": {"name": "x"}}},
        {"texts": {"a": "b"}, "counts": {-1: BIG}, "flags": {True: False}, "part_of": {"k": {"name": "x"}}},
    ),
    "set-to-the-default": ({"note": "", "left": ""}, {"note": "", "left": ""}),
    "keyword": ({"from": "a", "class_": "b", "None": "c"}, {"from": "a", "class_": "b", "None": "c"}),
    "timestamp": ({"timestamp": "1970-01-01T00:00:03.500Z"}, {"timestamp": {"seconds": 3, "nanos": 500000000}}),
    "duration": ({"duration": "-1.500s"}, {"duration": {"seconds": -1, "nanos": -500000000}}),
    "fieldmask": ({"fieldmask": "a,bC.d"}, {"fieldmask": {"paths": ["a", "b_c.d"]}}),
    "struct": (
        {"struct": {"a": [1, 1.5, "x", None, {"b": True}], "c": {}}},
        {"struct": {"a": [1, 1.5, "x", None, {"b": True}], "c": {}}},
    ),
    "listvalue": ({"listvalue": [1, None]}, {"listvalue": [1, None]}),
    "value": ({"value": "text"}, {"value": struct_pb2.Value(string_value="text")}),
    "value-null": ({"value": None}, {"value": struct_pb2.Value(null_value="NULL_VALUE")}),
    "values": (
        {"value_of": {"a": None, "b": [1]}},
        {"value_of": {"a": None, "b": [1]}},
    ),
    "wrappers": (
        {"maybe_bool": False, "maybe_bytes": "aGk=", "maybe_int64": BIG, "maybe_string": "", "maybe_float": 0.1},
        {"maybe_bool": False, "maybe_bytes": b"hi", "maybe_int64": BIG, "maybe_string": "", "maybe_float": 0.1},
    ),
    "any": (
        {"any": {"@type": "type.googleapis.com/odd.Thing.Part", "name": "a"}},
        {"any": Part(name="a")},
    ),
    "any-of-google": (
        {"any": {"@type": "type.googleapis.com/google.protobuf.Duration", "value": "3s"}},
        {"any": duration_pb2.Duration(seconds=3)},
    ),
    "any-in-an-any": (
        {
            "any": {
                "@type": "type.googleapis.com/google.protobuf.Any",
                "value": {"@type": "type.googleapis.com/odd.Empty"},
            }
        },
        {
            "any": any_pb2.Any(
                type_url="type.googleapis.com/google.protobuf.Any", value=b"\n\x1dtype.googleapis.com/odd.Empty"
            )
        },
    ),
    "empty-any": ({"any": {}}, {"any": {}}),
}


def serialized(message: Any) -> bytes:
    # Not compared as messages: protobuf's pure Python engine compares an Any by the messages of the default pool.
    return bytes(message.SerializeToString(deterministic=True))


@pytest.mark.parametrize("name", BOTH)
def test_both_ways(name: str) -> None:
    written, fields = BOTH[name]
    if name == "any-in-an-any":  # a message in a field of its own type is not packed again
        message = Thing()
        message.any.type_url, message.any.value = fields["any"].type_url, fields["any"].value
    else:
        message = Thing(**fields)

    assert to_dict(message) == written
    assert json.loads(to_json(message)) == written
    assert serialized(from_dict(Thing, written)) == serialized(message)
    assert serialized(from_json(Thing, to_json(message))) == serialized(message)


@pytest.mark.parametrize("name", sorted(set(BOTH) - {"any", "any-in-an-any", "any-of-google", "empty-any"}))
def test_protobufs_own_reader_agrees(name: str) -> None:
    written = json.loads(to_json(Thing(**BOTH[name][1])))

    assert serialized(json_format.ParseDict(written, Thing())) == serialized(from_dict(Thing, written))


def test_nan() -> None:
    assert to_dict(Thing(a_double=math.nan)) == {"a_double": "NaN"}
    assert math.isnan(from_dict(Thing, {"a_double": "NaN"}).a_double)


def test_floats_of_32_bits_are_short() -> None:
    for number in (0.1, 1 / 3, 16777216.0, 1e-45, 3.4028234663852886e38, -2.5e-7):
        single = struct.unpack("<f", struct.pack("<f", number))[0]
        (shown,) = to_dict(Thing(a_float=number)).values()

        assert struct.unpack("<f", struct.pack("<f", shown))[0] == single
        assert len(repr(shown)) <= len(repr(single))


def test_defaults_are_those_of_fields_without_presence() -> None:
    shown = to_dict(Part(), defaults=True)
    assert shown == {"name": "", "names": []}

    shown = to_dict(Thing(a_int32=5, parts=[{}]), defaults=True)
    assert (shown["a_int32"], shown["a_bool"], shown["a_bytes"], shown["color"]) == (5, False, "", "RED")
    assert (shown["texts"], shown["many_int32"], shown["parts"]) == ({}, [], [{"name": "", "names": []}])
    assert {"part", "timestamp", "maybe_bool", "note", "left", "right"}.isdisjoint(shown)
    assert list(shown)[:3] == ["a_int32", "a_int64", "a_uint32"]


def test_camel_case() -> None:
    thing = Thing(a_string="x", part_of={"some_key": {"name": "y"}}, struct={"some_key": 1}, many_int32=[1])

    assert to_dict(thing, camel_case=True) == {
        "aString": "x",
        "partOf": {"some_key": {"name": "y"}},
        "struct": {"some_key": 1},
        "manyInt32": [1],
    }
    assert json.loads(to_json(thing, camel_case=True)) == to_dict(thing, camel_case=True)
    assert from_dict(Thing, to_dict(thing, camel_case=True)) == thing


SECRETS = {
    "password": "canary",
    "name": "shown",
    "pin": 4711,
    "keys": [b"canary"],
    "private": {"secret": "canary", "name": "canary"},
    "key": {"secret": "canary", "name": "shown"},
    "more_keys": [{"secret": "canary"}],
}


def test_redaction_is_that_of_the_schema() -> None:
    trunk = SECRETIVE.Trunk(**SECRETS)

    assert to_dict(trunk, redact=True) == {
        "password": "<redacted>",
        "name": "shown",
        "pin": "<redacted>",
        "keys": "<redacted>",
        "private": "<redacted>",
        "key": {"secret": "<redacted>", "name": "shown"},
        "more_keys": [{"secret": "<redacted>"}],
    }
    assert to_dict(trunk)["password"] == "canary"
    assert "canary" not in to_json(trunk, redact=True)


def test_redaction_is_that_of_the_manifest_and_of_urls_too() -> None:
    output = lk.StreamOutput(urls=["rtmps://h/app/canary"])

    assert to_dict(output, redact=True) == {"urls": ["rtmps://h/app/<redacted>"]}
    assert to_dict(output) == {"urls": ["rtmps://h/app/canary"]}
    assert to_dict(lk.SendDataRequest(room="r", data=b"canary"), redact=True) == {"room": "r", "data": "<redacted>"}
    anything = struct_pb2.Value(string_value="https://h?canary")
    assert "canary" not in to_json(struct_pb2.Struct(fields={"url": anything}), redact=True)


def test_redaction_leaves_what_is_not_set() -> None:
    assert to_dict(SECRETIVE.Trunk(), redact=True) == {}
    assert to_dict(SECRETIVE.Trunk(), redact=True, defaults=True)["password"] == ""


def test_redaction_of_livekits_schema() -> None:
    trunk = lk.SIPOutboundTrunkInfo(name="main", auth_password="canary")

    assert to_dict(trunk, redact=True) == {"name": "main", "auth_password": "<redacted>"}
    assert to_dict(trunk) == {"name": "main", "auth_password": "canary"}


def test_redaction_inside_of_an_any() -> None:
    file = FileDescriptorProto(name="boxed.proto", package="odd", syntax="proto3")
    file.dependency.append("google/protobuf/any.proto")
    field(file.message_type.add(name="Box"), "any", FD.TYPE_MESSAGE, ".google.protobuf.Any")
    box = module_of("odd_boxed", file).Box(any=SECRETIVE.Trunk(password="canary"))

    with pytest.raises(ValueError, match=r"^an Any holds odd.Trunk, which is not a message of this package$"):
        to_dict(box, redact=True)


def test_json_is_ascii_on_one_line_or_indented() -> None:
    part = Part(name="ü\x9b", names=["a"])

    assert to_json(part) == '{"name": "\\u00fc\\u009b", "names": ["a"]}'
    assert to_json(part, indent=1) == '{\n "name": "\\u00fc\\u009b",\n "names": [\n  "a"\n ]\n}'


TOP: dict[str, tuple[Any, str]] = {
    "timestamp": (timestamp_pb2.Timestamp(seconds=3), '"1970-01-01T00:00:03Z"'),
    "duration": (duration_pb2.Duration(seconds=3), '"3s"'),
    "wrapper": (wrappers_pb2.Int64Value(value=BIG), str(BIG)),
    "value": (struct_pb2.Value(null_value="NULL_VALUE"), "null"),
}


@pytest.mark.parametrize("name", TOP)
def test_a_message_whose_json_is_not_an_object(name: str) -> None:
    message, text = TOP[name]

    assert to_json(message) == text
    assert from_json(type(message), text) == message
    with pytest.raises(TypeError, match=r"^the JSON of google.protobuf.\w+ is not an object: use to_json$"):
        to_dict(message)


def test_what_has_no_json() -> None:
    with pytest.raises(ValueError, match=r"^an Any holds acme.Unknown, which is not a message of this package$"):
        to_dict(Thing(any=any_pb2.Any(type_url="x/acme.Unknown")))
    with pytest.raises(ValueError, match=r"^the bytes in an Any are not a message odd.Thing.Part$"):
        to_dict(Thing(any=any_pb2.Any(type_url="x/odd.Thing.Part", value=b"\xff")))
    with pytest.raises(ValueError, match=r"."):
        to_dict(Thing(timestamp={"seconds": 2**60}))


@pytest.mark.parametrize("thing", [{"a": 1}, None, "x", Thing])
def test_what_is_not_a_message_is_refused(thing: Any) -> None:
    with pytest.raises(TypeError, match=r"^expected a message, not "):
        to_dict(thing)
    with pytest.raises(TypeError, match=r"^expected a message, not "):
        to_json(thing)


READ: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "either-spelling": ({"aString": "x", "many_int32": [1]}, {"a_string": "x", "many_int32": [1]}),
    "null-is-no-key": ({"a_string": None, "part": None, "parts": None, "left": None, "right": {}}, {"right": {}}),
    "ints-as-text": ({"a_int32": "-5", "a_uint64": str(2**64 - 1)}, {"a_int32": -5, "a_uint64": 2**64 - 1}),
    "ints-as-floats": ({"a_int32": 5.0, "color": 1.0}, {"a_int32": 5, "color": 1}),
    "floats-as-text": ({"a_double": "-1.5e3", "a_float": 2}, {"a_double": -1500.0, "a_float": 2.0}),
    "enum-by-number": ({"color": 1, "colors": [0]}, {"color": 1, "colors": [0]}),
    "enum-by-its-other-name": ({"color": "VERDE"}, {"color": 1}),
    "base64-of-urls": ({"a_bytes": "_-8"}, {"a_bytes": b"\xff\xef"}),
    "keys-that-are-not-text": ({"counts": {-1: 1}, "flags": {True: True}}, {"counts": {-1: 1}, "flags": {True: True}}),
    "tuples": ({"many_int32": (1,), "listvalue": (1,)}, {"many_int32": [1], "listvalue": [1]}),
    "wrapped-int-as-text": ({"maybe_int64": "5"}, {"maybe_int64": 5}),
    "any-by-its-name-alone": ({"any": {"@type": "odd.Thing.Part", "name": "a"}}, {"any": Part(name="a")}),
}


@pytest.mark.parametrize("name", READ)
def test_forms_that_are_read(name: str) -> None:
    given, fields = READ[name]

    assert serialized(from_dict(Thing, given)) == serialized(Thing(**fields))


REFUSED: dict[str, tuple[Any, str]] = {
    "unknown-key": ({"a_sting": "canary"}, "Thing has no field 'a_sting'; did you mean 'a_string'?"),
    "unknown-key-inside": ({"parts": [{"nam": 1}]}, "Thing.parts[0] has no field 'nam'; did you mean 'name'?"),
    "unknown-key-with-null": ({"a_sting": None}, "Thing has no field 'a_sting'; did you mean"),
    "two-spellings": ({"a_string": "a", "aString": "b"}, "Thing: a_string and aString exclude each other: give one"),
    "two-of-a-oneof": ({"left": "a", "right": {}}, "Thing: left and right exclude each other: give one"),
    "str-for-int": ({"a_int32": "canary"}, "Thing.a_int32: expected int32, got str"),
    "fraction-for-int": ({"a_int32": 1.5}, "Thing.a_int32: expected int32, got float"),
    "bool-for-int": ({"a_int32": True}, "Thing.a_int32: expected int32, got bool"),
    "too-large": ({"a_int32": 2**31}, "Thing.a_int32: not a valid int32: out of range, which is -2147483648 to "),
    "too-large-as-text": ({"a_int64": "9" * 30}, "Thing.a_int64: not a valid int64: out of range"),
    "negative-uint": ({"a_uint32": -1}, "Thing.a_uint32: not a valid uint32: out of range, which is 0 to 4294967295"),
    "int-for-str": ({"a_string": 5}, "Thing.a_string: expected string, got int"),
    "int-for-bool": ({"a_bool": 1}, "Thing.a_bool: expected bool, got int"),
    "str-for-bool": ({"a_bool": "true"}, "Thing.a_bool: expected bool, got str"),
    "str-for-float": ({"a_double": "canary"}, "Thing.a_double: expected double, got str"),
    "python-float-as-text": ({"a_double": "1_0"}, "Thing.a_double: expected double, got str"),
    "bool-for-float": ({"a_double": True}, "Thing.a_double: expected double, got bool"),
    "no-base64": ({"a_bytes": "canary!"}, "Thing.a_bytes: expected bytes as base64"),
    "int-for-bytes": ({"a_bytes": 5}, "Thing.a_bytes: expected bytes, got int"),
    "enum-misspelled": ({"color": "green"}, "Thing.color: Color has no such name; did you mean 'GREEN'?"),
    "enum-unknown": ({"color": "canary"}, "Thing.color: Color has no such name; it has RED, GREEN, VERDE, True, keys"),
    "enum-bool": ({"color": True}, "Thing.color: expected a member or a name of Color (RED, GREEN, VERDE, "),
    "list-for-str": ({"a_string": ["canary"]}, "Thing.a_string: expected string, got list"),
    "str-for-list": ({"many_string": "canary"}, "Thing.many_string: give a list, not str"),
    "null-in-a-list": ({"many_string": [None]}, "Thing.many_string[0]: expected string, got None"),
    "list-for-message": ({"part": []}, "Thing.part: expected odd.Thing.Part or a mapping, got list"),
    "null-in-a-list-of-messages": ({"parts": [None]}, "Thing.parts[0]: expected odd.Thing.Part or a mapping, got None"),
    "list-for-map": ({"texts": []}, "Thing.texts: give a mapping, not list"),
    "word-as-an-int-key": ({"counts": {"x": 1}}, "Thing.counts['x']: expected int32, got str"),
    "word-as-a-bool-key": ({"flags": {"True": True}}, "Thing.flags['True']: expected bool, got str"),
    "number-for-timestamp": (
        {"timestamp": 5},
        'Thing.timestamp: expected text such as "2026-01-31T12:00:00Z", got int',
    ),
    "wrong-timestamp": ({"timestamp": "canary"}, 'Thing.timestamp: expected text such as "2026-01-31T12:00:00Z"'),
    "fields-of-a-timestamp": ({"timestamp": {"seconds": 5}}, "Thing.timestamp: expected text such as "),
    "wrong-duration": ({"duration": "30"}, 'Thing.duration: expected text such as "1.5s"'),
    "list-for-fieldmask": (
        {"fieldmask": ["a"]},
        'Thing.fieldmask: expected text such as "name,emptyTimeout", got list',
    ),
    "list-for-struct": ({"struct": []}, "Thing.struct: expected a mapping, got list"),
    "number-for-listvalue": ({"listvalue": 5}, "Thing.listvalue: expected a list, got int"),
    "object-in-a-struct": (
        {"struct": {"a": {1}}},
        "Thing.struct['a']: expected None, a bool, a number, a str, a list or",
    ),
    "word-for-wrapped-int": ({"maybe_int32": "canary"}, "Thing.maybe_int32: expected int32, got str"),
    "fields-of-a-wrapper": (
        {"maybe_int32": {"value": 5}},
        "Thing.maybe_int32: expected the value of google.protobuf.Int",
    ),
    "any-without-a-type": (
        {"any": {"name": "canary"}},
        'Thing.any: expected a message, or a mapping with "@type", got',
    ),
    "any-of-an-unknown-type": (
        {"any": {"@type": "acme.Canary"}},
        "Thing.any['@type']: there is no message 'acme.Canary'",
    ),
    "any-with-a-wrong-field": ({"any": {"@type": "odd.Empty", "a": 1}}, "Thing.any has no field 'a'; it has none"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name: str) -> None:
    given, words = REFUSED[name]

    with pytest.raises(ValueError, match=f"^{re.escape(words)}") as caught:
        from_dict(Thing, given)

    assert type(caught.value) is ValueError
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("data", [None, "{}", [("a_string", "x")], 5, Thing()])
def test_a_dict_is_a_mapping(data: Any) -> None:
    with pytest.raises(TypeError, match=r"^expected a mapping, not "):
        from_dict(Thing, data)


@pytest.mark.parametrize("cls", [dict, "Thing", Thing(), None, 5])
def test_a_class_is_one_of_messages(cls: Any) -> None:
    with pytest.raises(TypeError, match=r"^expected a class of messages, not "):
        from_dict(cls, {})


@pytest.mark.parametrize(
    "text", ['{"a_string": "ü"}', '{"a_string": "ü"}'.encode(), bytearray(b'\xef\xbb\xbf{"a_string": "\xc3\xbc"}')]
)
def test_json_is_text_or_bytes(text: Any) -> None:
    assert from_json(Thing, text) == Thing(a_string="ü")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not JSON: Expecting value at line 1, column 1"),
        ('{"a":', "not JSON: Expecting value at line 1, column 6"),
        (b'{"a_string": "\xff"}', "not UTF-8 at byte 14"),
        ('{"a_int32": 1, "a_int32": 2}', "'a_int32' is in one JSON object twice"),
        ('{"a_double": NaN}', 'NaN is not JSON: write "NaN" with quotes'),
        ('{"a_double": -Infinity}', '-Infinity is not JSON: write "-Infinity" with quotes'),
        ('{"a_int32": ' + "9" * 5000 + "}", "a number has more than 400 digits"),
        ("[" * 100_000, "this JSON is nested too deeply"),
        ("[]", "Thing: expected odd.Thing or a mapping, got list"),
        ("null", "Thing: expected odd.Thing or a mapping, got None"),
        ('"x"', "Thing: expected odd.Thing or a mapping, got str"),
    ],
    ids=lambda each: str(each)[:20],
)
def test_json_that_is_refused(text: Any, words: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(words)}$") as caught:
        from_json(Thing, text)
    assert (type(caught.value), caught.value.__context__) == (ValueError, None)


@pytest.mark.parametrize("text", [None, 5, {"a_string": "x"}, memoryview(b"{}")])
def test_json_is_not_something_else(text: Any) -> None:
    with pytest.raises(TypeError, match=r"^expected JSON as str or bytes, not "):
        from_json(Thing, text)


def test_deep_nesting_is_a_value_error() -> None:
    file = FileDescriptorProto(name="deep.proto", package="deep", syntax="proto3")
    node = file.message_type.add(name="Node")
    field(node, "child", FD.TYPE_MESSAGE, ".deep.Node")
    cls = module_of("odd_deep", file).Node
    data: dict[str, Any] = {}
    for _ in range(5000):
        data = {"child": data}

    with pytest.raises(ValueError, match=r"^Node: nested too deeply$"):
        from_dict(cls, data)


def test_the_first_name_of_a_number_is_written() -> None:
    file = FileDescriptorProto(name="alias.proto", package="alias", syntax="proto3")
    file.enum_type.append(enum("Kind", ZERO=0, ONE=1, UNO=1))
    field(file.message_type.add(name="Box"), "kind", FD.TYPE_ENUM, ".alias.Kind")

    assert to_dict(module_of("odd_alias", file).Box(kind=1)) == {"kind": "ONE"}


ANY_OF_ANOTHER_MODULE = """
import base64
from google.protobuf.any_pb2 import Any
from livekit_twirp import Room, from_dict
import livekit_twirp.messages.livekit_models, sys
from twirpkit._schema.schemas import message_class
assert "livekit_twirp.messages.livekit_ingress" not in sys.modules
print(message_class(Room.DESCRIPTOR, "livekit.IngressInfo").__module__)
"""


def test_modules_that_are_not_imported_yet_are_looked_into() -> None:
    command = [sys.executable, "-W", "error", "-c", ANY_OF_ANOTHER_MODULE]
    ran = subprocess.run(command, capture_output=True, text=True)

    assert (ran.stdout, ran.stderr) == ("livekit_twirp.messages.livekit_ingress\n", "")


def test_the_package_exports_them() -> None:
    assert (lk.to_dict, lk.to_json, lk.from_dict, lk.from_json) == (to_dict, to_json, from_dict, from_json)


def test_of_a_message_of_another_package() -> None:
    assert to_dict(struct_pb2.Struct(fields={"a": struct_pb2.Value(number_value=1)})) == {"a": 1}
    assert (
        base64.b64decode(to_dict(any_pb2.Any(type_url="x/google.protobuf.BytesValue", value=b"\n\2hi"))["value"])
        == b"hi"
    )
