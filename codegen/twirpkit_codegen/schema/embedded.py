"""The descriptor that is embedded in a package: the same bytes for the same schema, whichever tool compiled it."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

from google.protobuf import descriptor_pb2
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

__all__ = ["embedded_descriptor"]

_VARINT, _FIXED64, _BYTES, _GROUP, _GROUP_END = range(5)


def embedded_descriptor(file: FileDescriptorProto) -> bytes:
    """Serialize a file's descriptor without comments and without implied JSON names, with options in order.

    Fields of one message that have the same JSON name, which only old files of proto2 can have, are told apart.
    """
    copy = FileDescriptorProto()
    for known, value in file.ListFields():  # not CopyFrom: buf adds fields of its own
        target = getattr(copy, known.name)
        if hasattr(target, "MergeFrom"):
            target.MergeFrom(value)
        else:
            setattr(copy, known.name, value)
    copy.ClearField("source_code_info")
    # In a class of a separate pool: where a program has loaded the custom options as extensions, the class of the
    # default pool writes them in another order.
    normalized = _file_class().FromString(copy.SerializeToString())
    _normalize(normalized)
    return normalized.SerializeToString(deterministic=True)


@functools.cache
def _file_class() -> type[Message]:
    pool = DescriptorPool()
    pool.AddSerializedFile(descriptor_pb2.DESCRIPTOR.serialized_pb)
    return GetMessageClass(pool.FindMessageTypeByName(FileDescriptorProto.DESCRIPTOR.full_name))


def _normalize(message: Any) -> None:
    """Normalize, in a descriptor and everything inside it, what tools write in different ways."""
    is_field = message.DESCRIPTOR.name == FieldDescriptorProto.DESCRIPTOR.name
    if is_field and (message.extendee or message.json_name == _json_name(message.name)):
        message.ClearField("json_name")
    if message.DESCRIPTOR.name == DescriptorProto.DESCRIPTOR.name:
        _separate_json_names(message.field)
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        for part in [value] if isinstance(value, Message) else value:
            if field.name == "options":
                _sort(part)
            else:
                _normalize(part)


def _separate_json_names(fields: Any) -> None:
    """Give a field whose JSON name another has its own name there: protobuf would refuse the file."""
    taken: set[str] = set()
    # What has its own name in JSON keeps it.
    for field in sorted(fields, key=lambda field: (field.json_name or _json_name(field.name)) != field.name):
        name = field.json_name or _json_name(field.name)
        if name in taken:
            name = field.json_name = field.name
            while name in taken:
                name = field.json_name = f"{name}_"
        taken.add(name)


def _json_name(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in rest)


def _sort(options: Message) -> None:
    """Sort custom options, which are unknown fields here, by their numbers."""
    raw = options.SerializeToString(deterministic=True)
    options.Clear()
    options.MergeFromString(b"".join(part for _, part in sorted(_parts(raw), key=lambda each: each[0])))


def _parts(raw: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield number and bytes of each field."""
    at = 0
    while at < len(raw):
        start = at
        key, at = _varint(raw, at)
        at = _end(raw, at, key)
        yield key >> 3, raw[start:at]


def _end(raw: bytes, at: int, key: int) -> int:
    """Return the offset after the value that begins at `at`."""
    wire_type = key & 7
    if wire_type == _VARINT:
        return _varint(raw, at)[1]
    if wire_type == _BYTES:
        size, at = _varint(raw, at)
        return at + size
    if wire_type == _GROUP:
        while True:
            inner, at = _varint(raw, at)
            if inner & 7 == _GROUP_END:
                return at
            at = _end(raw, at, inner)
    return at + (8 if wire_type == _FIXED64 else 4)


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        number |= (raw[at] & 127) << shift
        shift += 7
        at += 1
        if raw[at - 1] < 128:
            return number, at
