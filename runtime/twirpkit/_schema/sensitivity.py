"""Sensitive fields: those that a schema, or the manifest of its package, marks as secret or personal (rule E5)."""

from __future__ import annotations

import functools
from typing import Any

from google.protobuf.descriptor import Descriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

from twirpkit._schema.fields import Field, field_of
from twirpkit._schema.schemas import Schema, schema_of

__all__ = ["is_sensitive", "tells_sensitivity"]


def tells_sensitivity(descriptor: Descriptor) -> bool:
    """Return True if the schema of a message type says which fields are sensitive: else any may be."""
    schema = schema_of(descriptor)
    return schema.sensitivity is not None or bool(schema.sensitive)


def is_sensitive(descriptor: Descriptor, field: Field) -> bool:
    """Return True for a field whose values must not show, by the rules of the schema that the message belongs to."""
    schema = schema_of(descriptor)
    if field.extension is not None:
        return field.extension.full_name in schema.sensitive or _is_marked(field.extension, schema.sensitivity)
    return field.name in _sensitive_names(descriptor)


@functools.cache
def _sensitive_names(descriptor: Descriptor) -> frozenset[str]:
    schema: Schema = schema_of(descriptor)
    return frozenset(
        field_of(descriptor, live).name
        for live in descriptor.fields
        if live.full_name in schema.sensitive or _is_marked(live, schema.sensitivity)
    )


def _is_marked(live: Any, option: int | None) -> bool:
    """Return True if a field carries a field option with any value but 0, known to us or not."""
    if option is None:
        return False
    return bool(getattr(_probe(option).FromString(live.GetOptions().SerializeToString()), "value", 0))


@functools.cache
def _probe(option: int) -> Any:
    """Return a class that reads one number out of any field's options, whichever pool knows the extension."""
    file = FileDescriptorProto(name=f"twirpkit/option_{option}.proto", package="twirpkit", syntax="proto3")
    message = file.message_type.add(name="Option")
    message.field.add(name="value", number=option, type="TYPE_INT64", label="LABEL_OPTIONAL")
    descriptor: Any = DescriptorPool().AddSerializedFile(file.SerializeToString())
    return GetMessageClass(descriptor.message_types_by_name["Option"])
