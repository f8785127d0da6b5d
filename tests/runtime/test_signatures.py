"""Signatures of generated methods whose fields have awkward names and every kind of type."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from odd_schema import FD, ODD, field, module_of

from twirpkit._schema.signatures import sign_method


def awkward() -> Any:
    """A request whose fields have the names of a method's own parameters, and of a keyword."""
    file = FileDescriptorProto(name="awkward.proto", package="awkward", syntax="proto3")
    message = file.message_type.add(name="Awkward")
    for name in ("self", "request", "timeout", "from", "fields"):
        field(message, name, FD.TYPE_STRING)
    return module_of("awkward_schema", file).Awkward


def signed(request: Any) -> inspect.Signature:
    def method(self: Any, request: Any = None, /, *, timeout: Any = None, **fields: Any) -> int:
        return 0

    sign_method(method, request)
    return inspect.signature(method)


def test_a_field_keeps_its_name_and_an_option_wins() -> None:
    found = signed(awkward())
    assert list(found.parameters) == ["self", "request_", "request", "from_", "fields", "timeout"]
    found.bind(None, request="x", from_="y", fields="z", timeout=5)
    found.bind(None, {"request": "x"})
    with pytest.raises(TypeError):
        found.bind(None, other="x")


def test_names_that_the_manifest_chose_count() -> None:
    file = FileDescriptorProto(name="chosen.proto", package="chosen", syntax="proto3")
    message = file.message_type.add(name="Hat")
    message.nested_type.add(name="__Brim")
    field(message, "size", FD.TYPE_STRING)
    field(message, "brim", FD.TYPE_MESSAGE, ".chosen.Hat.__Brim")
    names = {"chosen.Hat": "Cap", "chosen.Hat.size": "inches", "chosen.Hat.__Brim": "Brim_"}
    found = signed(module_of("chosen_schema", file, names=names).Cap).parameters
    assert [(name, found[name].annotation) for name in ("inches", "brim")] == [
        ("inches", "str | None"),
        ("brim", "Cap.Brim_ | None"),
    ]
    assert "size" not in found


def test_every_kind_of_field_says_its_type() -> None:
    found = signed(ODD.Thing).parameters
    types = {name.removesuffix("_"): found[name].annotation for name in found if found[name].default is None}
    for each in ODD.Thing.DESCRIPTOR.fields:
        if each.name in ("self", "timeout"):  # parameters of the method
            continue
        assert types[each.name.removesuffix("_")].endswith(" | None"), each.name
    assert {text for text in types.values() if "[" not in text} >= {
        "int | None",
        "float | None",
        "str | None",
        "bytes | None",
        "bool | None",
    }
    assert any(text.startswith("list[") for text in types.values())
    assert any(text.startswith("dict[") for text in types.values())
