"""An event whose schema has what LiveKit's has not: maps of enums and of messages, and Google's own types."""

from __future__ import annotations

import sys
import types
from typing import Any

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto

from twirpkit._schema.message_pool import MessagePool

__all__ = ["OddEvent"]


def _file() -> FileDescriptorProto:
    file = FileDescriptorProto(name="odd_webhook.proto", package="odd", syntax="proto3")
    file.dependency.extend(["google/protobuf/struct.proto", "google/protobuf/timestamp.proto"])
    mood = file.enum_type.add(name="Mood")
    mood.value.add(name="NONE", number=0)
    mood.value.add(name="GOOD", number=1)
    event = file.message_type.add(name="OddEvent")
    fields: list[tuple[str, Any, str]] = [
        ("event", FieldDescriptorProto.TYPE_STRING, ""),
        ("id", FieldDescriptorProto.TYPE_STRING, ""),
        ("created_at", FieldDescriptorProto.TYPE_INT64, ""),
        ("anything", FieldDescriptorProto.TYPE_MESSAGE, ".google.protobuf.Struct"),
        ("at", FieldDescriptorProto.TYPE_MESSAGE, ".google.protobuf.Timestamp"),
        ("moods", FieldDescriptorProto.TYPE_ENUM, ".odd.Mood"),
        ("inner", FieldDescriptorProto.TYPE_MESSAGE, ".odd.OddEvent"),
    ]
    for number, (name, kind, type_name) in enumerate(fields, 1):
        label = FieldDescriptorProto.LABEL_OPTIONAL
        if name in ("moods", "inner"):
            entry = event.nested_type.add(name=f"{name.title()}Entry")
            entry.options.map_entry = True
            entry.field.add(name="key", number=1, type=FieldDescriptorProto.TYPE_STRING, label=label)
            entry.field.add(name="value", number=2, type=kind, label=label, type_name=type_name)
            label, kind = FieldDescriptorProto.LABEL_REPEATED, FieldDescriptorProto.TYPE_MESSAGE
            type_name = f".odd.OddEvent.{entry.name}"
        event.field.add(name=name, number=number, type=kind, label=label, type_name=type_name or None)
    return file


_MODULE: Any = types.ModuleType("odd_webhook_messages")
sys.modules[_MODULE.__name__] = _MODULE
MessagePool().load(_file().SerializeToString(), vars(_MODULE))
OddEvent: Any = _MODULE.OddEvent
