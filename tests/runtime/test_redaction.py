"""Requests in logs and error texts: which fields show (rule E5)."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.descriptor_pb2 import FieldOptions, FileDescriptorProto
from odd_schema import FD, field, map_field, module_of

from twirpkit._protocol.redaction import sensitive_texts, shown
from twirpkit._schema.message_pool import MessagePool

OPTION = 1288


def marked(message: Any, name: str, kind: Any, value: int, type_name: str = "", **more: Any) -> None:
    """A field whose options carry the sensitivity, as bytes that no pool of ours knows an extension for."""
    field(message, name, kind, type_name, **more)
    options = FieldOptions.FromString(bytes([0x80 | (OPTION << 3) & 0x7F, (OPTION << 3) >> 7, value]))
    message.field[-1].options.CopyFrom(options)


def file() -> FileDescriptorProto:
    made = FileDescriptorProto(name="sensitive.proto", package="odd", syntax="proto3")
    thing = made.message_type.add(name="Thing")
    field(thing, "plain", FD.TYPE_STRING)
    marked(thing, "personal", FD.TYPE_STRING, 1)
    marked(thing, "secret", FD.TYPE_BYTES, 2)
    marked(thing, "newer", FD.TYPE_STRING, 9)
    marked(thing, "nothing", FD.TYPE_STRING, 0)
    field(thing, "child", FD.TYPE_MESSAGE, ".odd.Thing")
    field(thing, "children", FD.TYPE_MESSAGE, ".odd.Thing", repeated=True)
    field(thing, "names", FD.TYPE_STRING, repeated=True)
    marked(thing, "aliases", FD.TYPE_STRING, 1, repeated=True)
    map_field(thing, "labels", FD.TYPE_STRING, FD.TYPE_STRING)
    map_field(thing, "by_name", FD.TYPE_STRING, FD.TYPE_MESSAGE, ".odd.Thing")
    marked(thing, "whole", FD.TYPE_MESSAGE, 1, ".odd.Thing")
    marked(thing, "several", FD.TYPE_MESSAGE, 1, ".odd.Thing", repeated=True)
    field(thing, "number", FD.TYPE_INT32)
    field(thing, "listed", FD.TYPE_STRING)
    return made


THING = module_of("sensitive_messages", file(), MessagePool(sensitivity=OPTION, sensitive=["odd.Thing.listed"])).Thing
UNTOLD = module_of("untold_messages", file()).Thing

CASES = {
    "plain": (THING(plain="a\nb", number=3), "plain='a\\nb', number=3"),
    "marked": (THING(personal="x", secret=b"x", newer="x"), "personal=<redacted>, secret=<redacted>, newer=<redacted>"),
    "marked as nothing": (THING(nothing="x"), "nothing='x'"),
    "nested": (THING(child=THING(plain="a", personal="x")), "child={plain='a', personal=<redacted>}"),
    "repeated": (
        THING(children=[THING(plain="a"), THING(personal="x")], names=["a", "b"], aliases=["x"]),
        "children=[{plain='a'}, {personal=<redacted>}], names=['a', 'b'], aliases=<redacted>",
    ),
    "maps": (
        THING(labels={"k": "v"}, by_name={"k": THING(plain="a", secret=b"x")}),
        "labels={'k': 'v'}, by_name={'k': {plain='a', secret=<redacted>}}",
    ),
    "whole messages": (
        THING(whole=THING(plain="x"), several=[THING(plain="x")]),
        "whole=<redacted>, several=<redacted>",
    ),
    "listed by the manifest": (THING(child=THING(listed="x")), "child={listed=<redacted>}"),
    "URLs": (
        THING(plain="rtmps://h/app/KEY", names=["https://u:PW@h/x?token=T", "none"], labels={"k": "wss://h/#T"}),
        "plain='rtmps://h/app/<redacted>', names=['https://<redacted>@h/x?<redacted>', 'none'], "
        "labels={'k': 'wss://h/#<redacted>'}",
    ),
    "empty": (THING(), ""),
}


@pytest.mark.parametrize("case", CASES)
def test_what_shows(case: str) -> None:
    message, text = CASES[case]

    assert shown(message) == text


def test_without_the_option_no_value_shows() -> None:
    assert shown(UNTOLD(plain="x", child=UNTOLD(plain="x"))) == "plain=<redacted>, child=<redacted>"
    assert sensitive_texts(UNTOLD(plain="canary", personal="canary")) == []


def test_the_entries_of_a_map_are_parted() -> None:
    assert shown(THING(labels={"a": "1", "b": "2"})) in (
        "labels={'a': '1', 'b': '2'}",
        "labels={'b': '2', 'a': '1'}",
    )


@pytest.mark.parametrize(("size", "shows"), [(504, 512), (505, 513), (600, 513)])
def test_a_long_request_is_cut(size: int, shows: int) -> None:
    text = shown(THING(plain="x" * size))

    assert (len(text), text.endswith("…")) == (shows, shows == 513)


def test_texts_that_a_server_must_not_repeat() -> None:
    inner = THING(
        plain="not here", personal="inner personal", aliases=["first alias", "abcd", "abc"], labels={"k": "not here"}
    )
    message = THING(
        plain="not here",
        newer="newer text",
        child=inner,
        by_name={"not here": THING(newer="in a map")},
        whole=THING(plain="of a whole", names=["name of a whole"], labels={"not here": "label of a whole"}),
        several=[THING(child=THING(plain="deep in several"))],
        names=["not here"],
        secret=b"bytes are no text",
        listed="in the manifest",
        labels={"not here": "https://user:word@h/x?token=of+a+url"},
        number=12345,
    )

    assert sensitive_texts(message) == sorted(
        [
            "newer text", "inner personal", "first alias", "in a map", "of a whole", "name of a whole",
            "label of a whole", "deep in several", "abcd", "in the manifest", "user:word", "token=of+a+url",
        ],
        key=lambda text: (-len(text), text),
    )  # fmt: skip
