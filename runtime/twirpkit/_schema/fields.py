"""Facts of the fields of a message, the same from every version of protobuf."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FileDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.message import Message

from twirpkit._schema.names import safe_name
from twirpkit._schema.schemas import find_extension, schema_of

__all__ = ["FLOATS", "INTEGERS", "WRAPPERS", "Field", "extension_field", "field_of", "fields_by_key", "fields_of"]

_TYPE: Final = FieldDescriptorProto.Type
FLOATS: Final = frozenset((_TYPE.TYPE_FLOAT, _TYPE.TYPE_DOUBLE))
_SIGNED: Final = {
    **dict.fromkeys((_TYPE.TYPE_INT32, _TYPE.TYPE_SINT32, _TYPE.TYPE_SFIXED32, _TYPE.TYPE_ENUM), 31),
    **dict.fromkeys((_TYPE.TYPE_INT64, _TYPE.TYPE_SINT64, _TYPE.TYPE_SFIXED64), 63),
}
_UNSIGNED: Final = {
    **dict.fromkeys((_TYPE.TYPE_UINT32, _TYPE.TYPE_FIXED32), 32),
    **dict.fromkeys((_TYPE.TYPE_UINT64, _TYPE.TYPE_FIXED64), 64),
}
INTEGERS: Final[Mapping[int, tuple[int, int]]] = {
    **{kind: (-(2**bits), 2**bits - 1) for kind, bits in _SIGNED.items()},
    **{kind: (0, 2**bits - 1) for kind, bits in _UNSIGNED.items()},
}
"""The least and the greatest value of each integer type; an enum's among them."""
_PLAIN: Final[Mapping[int, type]] = {
    **dict.fromkeys(FLOATS, float),
    **dict.fromkeys(INTEGERS, int),
    _TYPE.TYPE_BOOL: bool,
    _TYPE.TYPE_STRING: str,
    _TYPE.TYPE_BYTES: bytes,
}
WRAPPERS: Final = frozenset(
    f"google.protobuf.{kind}Value"
    for kind in ("Bool", "Bytes", "Double", "Float", "Int32", "Int64", "String", "UInt32", "UInt64")
)
"""Messages of google/protobuf that hold one scalar."""


@dataclass(frozen=True, slots=True)
class Field:
    """The facts of one field."""

    name: str
    """As the proto spells it."""
    json_name: str
    """As protobuf's JSON spells it: ``emptyTimeout``."""
    type: int
    """A `FieldDescriptorProto.Type`."""
    repeated: bool
    plain: Callable[..., Any] | None
    """The Python type whose values need no conversion; None for lists, maps and messages."""
    message: Descriptor | None
    """The type of a message field."""
    message_name: str
    """The full name of that type; empty for others."""
    enum: EnumDescriptor | None
    """The type of an enum field."""
    map_key: Field | None
    """Set, like `map_value`, if the field is a map."""
    map_value: Field | None
    oneof: str | None
    """The oneof that it is a member of; a proto3 ``optional`` has none."""
    has_presence: bool
    """True if unset differs from the default value."""
    extension: Any = None
    """The live descriptor of an extension of proto2, whose name is then in brackets: ``[acme.feather]``."""

    @property
    def is_single(self) -> bool:
        """True for a floating-point number of 32 bits."""
        return self.type == _TYPE.TYPE_FLOAT

    @property
    def kind(self) -> str:
        """The proto's name of its type: ``uint32``."""
        return _TYPE.Name(self.type).removeprefix("TYPE_").lower()  # type: ignore[arg-type]  # the stub wants its NewType


_BY_KEY: Final[dict[type[Message], Mapping[str, Field]]] = {}


def fields_by_key(cls: type[Message]) -> Mapping[str, Field]:
    """Return the fields of a message by every key that names them.

    A key is the proto's name, its Python name (``from_``), or the name in protobuf's JSON. Where two fields
    share one, the proto's own name counts.
    """
    found = _BY_KEY.get(cls)
    if found is None:
        fields = fields_of(cls.DESCRIPTOR)
        descriptor: Any = cls.DESCRIPTOR
        names, full_name = schema_of(descriptor).names, descriptor.full_name
        python_names = {names.get(f"{full_name}.{name}") or safe_name(name): field for name, field in fields.items()}
        json_names = {field.json_name: field for field in fields.values()}
        found = _BY_KEY[cls] = {**json_names, **python_names, **fields}
    return found


@functools.cache
def fields_of(descriptor: Descriptor) -> dict[str, Field]:
    """Return the fields of a message by name, in the proto's order."""
    # By way of DescriptorProto: the properties of a live FieldDescriptor that tell repeated from singular changed
    # between protobuf 5 and 7.
    proto = _declaration(descriptor)
    return {field.name: _field(descriptor, proto, field) for field in proto.field}


def extension_field(cls: type[Message], key: str) -> Field | None:
    """Return the extension of a message that a key in brackets names, ``[acme.feather]``; None if there is none."""
    if not key.startswith("[") or not key.endswith("]"):
        return None
    descriptor: Any = cls.DESCRIPTOR
    live = find_extension(descriptor, key[1:-1])
    if live is None:
        return None
    return field_of(descriptor, live) if live.containing_type == descriptor else None


def field_of(descriptor: Descriptor, live: Any) -> Field:
    """Return the facts of a live field descriptor, which may be that of an extension."""
    return _extension(live) if live.is_extension else fields_of(descriptor)[live.name]


@functools.cache
def _extension(live: Any) -> Field:
    repeated = live.is_repeated if hasattr(live, "is_repeated") else live.label == live.LABEL_REPEATED
    return Field(
        name=f"[{live.full_name}]",
        json_name=f"[{live.full_name}]",
        type=live.type,
        repeated=repeated,
        plain=None,
        message=live.message_type,
        message_name="" if live.message_type is None else live.message_type.full_name,
        enum=live.enum_type,
        map_key=None,
        map_value=None,
        oneof=None,
        has_presence=not repeated,
        extension=live,
    )


def _declaration(descriptor: Descriptor) -> DescriptorProto:
    # Out of the file: CopyToProto fails in protobuf's pure Python engine for pools that are not the default one.
    outer = descriptor.containing_type
    siblings = _file(descriptor.file).message_type if outer is None else _declaration(outer).nested_type
    return next(each for each in siblings if each.name == descriptor.name)


@functools.cache
def _file(descriptor: FileDescriptor) -> FileDescriptorProto:
    return FileDescriptorProto.FromString(descriptor.serialized_pb)


def _field(descriptor: Descriptor, owner: DescriptorProto, proto: FieldDescriptorProto) -> Field:
    live: Any = descriptor.fields_by_name[proto.name]
    message = live.message_type
    entry = fields_of(message) if message is not None and message.GetOptions().map_entry else None
    in_oneof = proto.HasField("oneof_index") and not proto.proto3_optional
    repeated = proto.label == FieldDescriptorProto.LABEL_REPEATED
    return Field(
        name=proto.name,
        json_name=live.json_name,
        type=proto.type,
        repeated=repeated,
        plain=None if repeated or message is not None else _PLAIN[proto.type],
        message=message,
        message_name="" if message is None else message.full_name,
        enum=live.enum_type,
        map_key=entry["key"] if entry else None,
        map_value=entry["value"] if entry else None,
        oneof=owner.oneof_decl[proto.oneof_index].name if in_oneof else None,
        has_presence=live.has_presence,
    )
