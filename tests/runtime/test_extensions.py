"""Extensions of proto2: in mappings and JSON by their names in brackets, and in what is printed."""

from __future__ import annotations

from typing import Any

import google.protobuf
import pytest
from google.protobuf import json_format, text_format
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from odd_schema import FD, SENSITIVITY, enum, field, module_of

from twirpkit import from_dict, to_dict
from twirpkit._schema.message_pool import MessagePool

pytestmark = pytest.mark.protobuf


def hats() -> FileDescriptorProto:
    """A message with extensions of every kind."""
    file = FileDescriptorProto(name="extended.proto", package="acme", syntax="proto2")
    hat = file.message_type.add(name="Hat")
    field(hat, "inches", FD.TYPE_INT32)
    hat.extension_range.add(start=100, end=200)
    field(file.message_type.add(name="Brim"), "width", FD.TYPE_INT32)
    file.message_type.add(name="Shoe").extension_range.add(start=100, end=200)
    file.enum_type.append(enum("Colour", GREY=0, RED=1))
    for number, (name, kind, type_name, repeated, owner) in enumerate(
        (
            ("feather", FD.TYPE_STRING, "", False, "Hat"),
            ("colour", FD.TYPE_ENUM, ".acme.Colour", False, "Hat"),
            ("brim", FD.TYPE_MESSAGE, ".acme.Brim", False, "Hat"),
            ("sizes", FD.TYPE_INT32, "", True, "Hat"),
            ("brims", FD.TYPE_MESSAGE, ".acme.Brim", True, "Hat"),
            ("secret", FD.TYPE_STRING, "", False, "Hat"),
            ("lace", FD.TYPE_STRING, "", False, "Shoe"),
        ),
        100,
    ):
        label = FD.LABEL_REPEATED if repeated else FD.LABEL_OPTIONAL
        added = file.extension.add(name=name, number=number, type=kind, label=label, extendee=f".acme.{owner}")
        if type_name:
            added.type_name = type_name
        if name == "secret":
            added.options.MergeFromString(b"\x88\xb5\x18\1")  # the option with the value 1
    return file


MODULE = module_of("odd_extended", hats(), MessagePool(sensitivity=SENSITIVITY))
Hat = MODULE.Hat
WRITTEN: dict[str, Any] = {
    "inches": 7,
    "[acme.feather]": "long",
    "[acme.colour]": "RED",
    "[acme.brim]": {"width": 2},
    "[acme.sizes]": [1, 2],
    "[acme.brims]": [{"width": 3}, {}],
}
# protobuf 5.29 writes a repeated extension by its bare name, and does not read it.
OFFICIAL = {
    key: value for key, value in WRITTEN.items() if google.protobuf.__version__ >= "6" or not isinstance(value, list)
}


def test_both_ways() -> None:
    hat = from_dict(Hat, WRITTEN)

    assert to_dict(hat) == WRITTEN
    assert to_dict(hat, camel_case=True) == WRITTEN
    assert json_format.ParseDict(OFFICIAL, Hat(), descriptor_pool=Hat.DESCRIPTOR.file.pool) == from_dict(Hat, OFFICIAL)
    assert hat.Extensions[MODULE.DESCRIPTOR.extensions_by_name["feather"]] == "long"


def test_constructors_take_them() -> None:
    assert Hat(**{"inches": 7, "[acme.feather]": "long"}) == from_dict(Hat, {"inches": 7, "[acme.feather]": "long"})


def test_they_are_printed() -> None:
    hat = from_dict(Hat, WRITTEN)

    assert "[acme.feather]='long'" in repr(hat)
    assert f"{hat}\n" == text_format.MessageToString(hat)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"[acme.feathr]": "x"}, r"^Hat has no field '\[acme.feathr\]'"),
        ({"[acme.lace]": "x"}, r"^Hat has no field '\[acme.lace\]'"),
        ({"[acme.feather": "x"}, r"^Hat has no field '\[acme.feather'"),
        ({"[acme.feather]": 5}, r"^Hat.\[acme.feather\]: expected string, got int$"),
        ({"[acme.colour]": "BLUE"}, r"^Hat.\[acme.colour\]: Colour has no such name; it has GREY, RED$"),
        ({"[acme.brims]": [{"wdth": 1}]}, r"^Hat.\[acme.brims\]\[0\] has no field 'wdth'; did you mean 'width'\?$"),
    ],
)
def test_what_is_refused(data: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        from_dict(Hat, data)


def test_sensitive_ones_do_not_show() -> None:
    hat = from_dict(Hat, {"inches": 7, "[acme.secret]": "canary"})

    assert to_dict(hat, redact=True) == {"inches": 7, "[acme.secret]": "<redacted>"}
    assert repr(hat) == "Hat(inches=7, [acme.secret]=<redacted>)"
    assert str(hat) == "inches: 7\n[acme.secret]: <redacted>"
