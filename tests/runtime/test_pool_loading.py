"""A pool that is filled while a test runs: what `MessagePool.load` puts where, and under which names."""

import pickle
import sys
import types
from typing import Any

import pytest
from google.protobuf.descriptor_pb2 import DescriptorProto, EnumDescriptorProto, FileDescriptorProto

from twirpkit._schema.message_pool import MessagePool

MODULE = "acme_hats_made_here"


def kinds(name: str, *values: str) -> EnumDescriptorProto:
    enum = EnumDescriptorProto(name=name)
    for number, value in enumerate(values):
        enum.value.add(name=value, number=number)
    return enum


def hats() -> bytes:
    inner = DescriptorProto(name="Brim", enum_type=[kinds("Edge", "PLAIN", "ROLLED")])
    inner.field.add(name="width", number=1, type="TYPE_INT32", label="LABEL_OPTIONAL")
    hat = DescriptorProto(name="Hat", nested_type=[inner], enum_type=[kinds("Size", "SMALL", "LARGE")])
    hat.field.add(name="inches", number=1, type="TYPE_INT32", label="LABEL_OPTIONAL")
    hat.field.add(
        name="made", number=2, type="TYPE_MESSAGE", type_name=".google.protobuf.Timestamp", label="LABEL_OPTIONAL"
    )
    file = FileDescriptorProto(name="hats.proto", package="acme", syntax="proto3")
    file.dependency.append("google/protobuf/timestamp.proto")
    file.message_type.append(hat)
    file.enum_type.append(kinds("Colour", "GREY", "class"))
    return file.SerializeToString()


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Any:
    made = types.ModuleType(MODULE)
    monkeypatch.setitem(sys.modules, MODULE, made)
    MessagePool().load(hats(), vars(made))
    return made


def test_classes_carry_the_module_that_they_were_loaded_into(module: Any) -> None:
    classes = [module.Hat, module.Hat.Brim, module.Hat.Size, module.Hat.Brim.Edge, module.Colour]

    assert {cls.__module__ for cls in classes} == {MODULE}
    assert [cls.__qualname__ for cls in classes] == ["Hat", "Hat.Brim", "Hat.Size", "Hat.Brim.Edge", "Colour"]
    assert [cls.__name__ for cls in classes] == ["Hat", "Brim", "Size", "Edge", "Colour"]


def test_messages_come_back_from_a_pickle(module: Any) -> None:
    for message in (module.Hat(inches=7), module.Hat.Brim(width=2)):
        again = pickle.loads(pickle.dumps(message))
        assert type(again) is type(message)
        assert again == message


def test_enums_have_their_members_and_methods(module: Any) -> None:
    assert (module.Colour.GREY, module.Colour.class_) == (0, 1)
    assert (module.Hat.Size.LARGE, module.Hat.Brim.Edge.ROLLED) == (1, 1)
    assert module.Colour.items() == [("GREY", 0), ("class", 1)]
    assert (module.Colour.Name(1), module.Colour.Value("GREY")) == ("class", 0)
    assert module.Colour.DESCRIPTOR.full_name == "acme.Colour"


def test_one_file_of_google_may_be_imported_twice() -> None:
    pool = MessagePool()
    pool.load(hats(), {"__name__": MODULE})
    second = FileDescriptorProto(name="more.proto", package="acme", syntax="proto3")
    second.dependency.append("google/protobuf/timestamp.proto")

    assert pool.load(second.SerializeToString(), {"__name__": MODULE}).name == "more.proto"
