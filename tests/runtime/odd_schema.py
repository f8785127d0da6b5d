"""Small schemas in private pools, for what LiveKit's schema does not have."""

from __future__ import annotations

import sys
import types
from typing import Any

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)

from twirpkit._schema.message_pool import MessagePool

__all__ = ["FD", "ODD", "SECRETIVE", "SENSITIVITY", "enum", "field", "module_of", "odd_file"]

FD = FieldDescriptorProto
SCALARS = ("int32", "int64", "uint32", "uint64", "sint32", "fixed64", "float", "double", "bool", "string", "bytes")
GOOGLE = ("struct", "timestamp", "duration", "wrappers", "any", "field_mask")


def module_of(
    name: str, file: FileDescriptorProto, pool: MessagePool | None = None, names: dict[str, str] | None = None
) -> Any:
    """An importable module that holds the classes of a file; `names` are Python names by full name."""
    module: Any = types.ModuleType(name)
    sys.modules[name] = module
    module.DESCRIPTOR = (pool or MessagePool()).load(file.SerializeToString(), vars(module), names)
    return module


def enum(name: str, **members: int) -> EnumDescriptorProto:
    proto = EnumDescriptorProto(name=name)
    proto.options.allow_alias = len(set(members.values())) < len(members)
    for member, number in members.items():
        proto.value.add(name=member, number=number)
    return proto


def field(message: DescriptorProto, name: str, kind: Any, type_name: str = "", **more: Any) -> None:
    label = FD.LABEL_REPEATED if more.pop("repeated", False) else FD.LABEL_OPTIONAL
    proto = message.field.add(name=name, number=len(message.field) + 1, type=kind, label=label, **more)
    if type_name:
        proto.type_name = type_name


def map_field(message: DescriptorProto, name: str, key: Any, value: Any, type_name: str = "") -> None:
    entry = message.nested_type.add(name=f"{name.title().replace('_', '')}Entry")
    entry.options.map_entry = True
    field(entry, "key", key)
    field(entry, "value", value, type_name)
    field(message, name, FD.TYPE_MESSAGE, f".odd.Thing.{entry.name}", repeated=True)


def odd_file() -> FileDescriptorProto:
    """A message with a field of every kind, under names that Python does not like."""
    file = FileDescriptorProto(name="odd.proto", package="odd", syntax="proto3")
    file.dependency.extend(f"google/protobuf/{name}.proto" for name in GOOGLE)
    thing = file.message_type.add(name="Thing")
    for kind in SCALARS:
        field(thing, f"a_{kind}", getattr(FD, f"TYPE_{kind.upper()}"))
    for kind in ("int32", "string", "bytes", "bool", "double"):
        field(thing, f"many_{kind}", getattr(FD, f"TYPE_{kind.upper()}"), repeated=True)
    field(thing, "color", FD.TYPE_ENUM, ".odd.Color")
    field(thing, "colors", FD.TYPE_ENUM, ".odd.Color", repeated=True)
    field(thing, "part", FD.TYPE_MESSAGE, ".odd.Thing.Part")
    field(thing, "parts", FD.TYPE_MESSAGE, ".odd.Thing.Part", repeated=True)
    map_field(thing, "texts", FD.TYPE_STRING, FD.TYPE_STRING)
    map_field(thing, "counts", FD.TYPE_INT32, FD.TYPE_INT64)
    map_field(thing, "flags", FD.TYPE_BOOL, FD.TYPE_BOOL)
    map_field(thing, "part_of", FD.TYPE_STRING, FD.TYPE_MESSAGE, ".odd.Thing.Part")
    map_field(thing, "part_at", FD.TYPE_INT32, FD.TYPE_MESSAGE, ".odd.Thing.Part")
    map_field(thing, "value_of", FD.TYPE_STRING, FD.TYPE_MESSAGE, ".google.protobuf.Value")
    for name in ("Timestamp", "Duration", "Struct", "ListValue", "Value", "FieldMask", "Any"):
        field(thing, name.lower(), FD.TYPE_MESSAGE, f".google.protobuf.{name}")
    field(thing, "timestamps", FD.TYPE_MESSAGE, ".google.protobuf.Timestamp", repeated=True)
    for name in ("Bool", "Bytes", "Double", "Float", "Int32", "Int64", "String", "UInt32", "UInt64"):
        field(thing, f"maybe_{name.lower()}", FD.TYPE_MESSAGE, f".google.protobuf.{name}Value")
    thing.oneof_decl.add(name="choice")
    field(thing, "left", FD.TYPE_STRING, oneof_index=0)
    field(thing, "right", FD.TYPE_MESSAGE, ".odd.Thing.Part", oneof_index=0)
    thing.oneof_decl.add(name="_note")
    field(thing, "note", FD.TYPE_STRING, oneof_index=1, proto3_optional=True)
    for name in ("from", "class_", "timeout", "self", "None"):
        field(thing, name, FD.TYPE_STRING)

    field(thing, "names", FD.TYPE_MESSAGE, ".odd.Names")

    part = thing.nested_type.add(name="Part")
    field(part, "name", FD.TYPE_STRING)
    field(part, "names", FD.TYPE_STRING, repeated=True)
    field(part, "inner", FD.TYPE_MESSAGE, ".odd.Thing.Part.Inner")
    part.oneof_decl.add(name="kind")
    field(part, "one", FD.TYPE_INT32, oneof_index=0)
    field(part, "two", FD.TYPE_INT32, oneof_index=0)
    inner = part.nested_type.add(name="Inner")
    field(inner, "depth", FD.TYPE_INT32)
    inner.enum_type.append(enum("Level", LOW=0, HIGH=1))

    keyword = file.message_type.add(name="None")
    keyword.nested_type.add(name="class")
    keyword.enum_type.append(enum("def", pass_=0, **{"return": 3}))
    file.message_type.add(name="Empty")
    names = file.message_type.add(name="Names")
    field(names, "set", FD.TYPE_STRING, repeated=True)
    field(names, "add", FD.TYPE_STRING, repeated=True)
    file.enum_type.append(enum("Color", RED=0, GREEN=1, VERDE=1, **{"True": 7, "keys": 8}))
    file.enum_type.append(enum("import", A=0))
    return file


ODD = module_of("odd_messages", odd_file())
"""The module of that file's classes."""

SENSITIVITY = 50001
"""The number of a field option that marks what must not show."""


def secretive_file() -> FileDescriptorProto:
    """A message with sensitive fields of every kind, beside others."""
    file = FileDescriptorProto(name="secretive.proto", package="odd", syntax="proto3")
    trunk = file.message_type.add(name="Trunk")
    key = trunk.nested_type.add(name="Key")
    field(key, "secret", FD.TYPE_STRING)
    field(key, "name", FD.TYPE_STRING)
    field(trunk, "password", FD.TYPE_STRING)
    field(trunk, "name", FD.TYPE_STRING)
    field(trunk, "pin", FD.TYPE_INT32)
    field(trunk, "keys", FD.TYPE_BYTES, repeated=True)
    field(trunk, "private", FD.TYPE_MESSAGE, ".odd.Trunk.Key")
    field(trunk, "key", FD.TYPE_MESSAGE, ".odd.Trunk.Key")
    field(trunk, "more_keys", FD.TYPE_MESSAGE, ".odd.Trunk.Key", repeated=True)
    for message, marked in ((key, {"secret"}), (trunk, {"password", "pin", "keys", "private"})):
        for each in message.field:
            if each.name in marked:
                each.options.MergeFromString(b"\x88\xb5\x18\1")  # the option with the value 1
    return file


SECRETIVE = module_of("odd_secretive", secretive_file(), MessagePool(sensitivity=SENSITIVITY))
"""The module of that file's classes."""
