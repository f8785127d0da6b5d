"""Sensitive fields: those that a schema marks as secret or personal."""

from __future__ import annotations

import functools
from typing import Any

from google.protobuf.descriptor import Descriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

from twirpkit._schema.fields import Field
from twirpkit._schema.schemas import schema_of

__all__ = ["is_sensitive", "marked_fields"]


def is_sensitive(descriptor: Descriptor, field: Field) -> bool:
    """Return True for a field whose values must not show, by the rules of the schema that the message belongs to."""
    option = schema_of(descriptor).sensitivity
    if option is None:
        return False
    if field.extension is not None:
        return _is_marked(field.extension, option)
    return field.name in marked_fields(descriptor, option)


@functools.cache
def marked_fields(descriptor: Descriptor, option: int) -> frozenset[str]:
    """Return the names of the fields that carry a field option with any value but 0, known to us or not.

    Args:
        descriptor: A message type.
        option: The number of the field option.
    """
    return frozenset(field.name for field in descriptor.fields if _is_marked(field, option))


def _is_marked(live: Any, option: int) -> bool:
    return bool(getattr(_probe(option).FromString(live.GetOptions().SerializeToString()), "value", 0))


@functools.cache
def _probe(option: int) -> Any:
    """Return a class that reads one number out of any field's options, whichever pool knows the extension."""
    file = FileDescriptorProto(name=f"twirpkit/option_{option}.proto", package="twirpkit", syntax="proto3")
    message = file.message_type.add(name="Option")
    message.field.add(name="value", number=option, type="TYPE_INT64", label="LABEL_OPTIONAL")
    descriptor: Any = DescriptorPool().AddSerializedFile(file.SerializeToString())
    return GetMessageClass(descriptor.message_types_by_name["Option"])
