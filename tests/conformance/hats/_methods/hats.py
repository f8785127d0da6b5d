"""The messages and the one RPC of acme.HatService."""

from __future__ import annotations

from typing import Any

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto

from twirpkit import Method, RetryClass
from twirpkit._schema.message_pool import MessagePool

__all__ = ["MAKE_HAT", "METHODS"]

_LINES = """
Hat: 1 size int64, 2 colour string, 3 brims int32*
Order: 1 size int64, 2 key bytes, 3 timeout int32, 4 from string, 5 due .google.protobuf.Timestamp, 6 like .acme.Hat*
"""


def _file() -> FileDescriptorProto:
    file = FileDescriptorProto(
        name="hats.proto", package="acme", syntax="proto3", dependency=["google/protobuf/timestamp.proto"]
    )
    for line in _LINES.strip().splitlines():
        name, _, fields = line.partition(": ")
        message = file.message_type.add(name=name)
        for number, field, kind in (each.split() for each in fields.split(", ")):
            added = message.field.add(name=field, number=int(number))
            added.label = (
                FieldDescriptorProto.LABEL_REPEATED if kind.endswith("*") else FieldDescriptorProto.LABEL_OPTIONAL
            )
            _set_type(added, kind.rstrip("*"))
    return file


def _set_type(field: FieldDescriptorProto, kind: str) -> None:
    if kind.startswith("."):
        field.type, field.type_name = FieldDescriptorProto.TYPE_MESSAGE, kind
    else:
        field.type = FieldDescriptorProto.Type.Value(f"TYPE_{kind.upper()}")


_names: dict[str, Any] = {"__name__": __name__}
MessagePool().load(_file().SerializeToString(), _names)

MAKE_HAT: Method[Any, Any] = Method(
    service="acme.HatService",
    name="MakeHat",
    py_name="make_hat",
    request=_names["Order"],
    response=_names["Hat"],
    retry=RetryClass.KEYED,
    key="key",
)
METHODS = (MAKE_HAT,)
