"""A request as users give it - a message, a mapping, or keywords - made into the message that is sent.

Stricter than protobuf's own constructors where leniency hides mistakes: a bare ``str`` is no list of strings, ``None``
has no place in a list, and two members of one oneof are refused instead of the last one winning.
"""

from __future__ import annotations

import datetime
import functools
import keyword
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from google.protobuf.descriptor import Descriptor, FileDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.message import DecodeError, Message

from twirpkit._suggestion import suggestion

__all__ = ["WRAPPERS", "Field", "fields_of", "request_message", "unescaped"]

M = TypeVar("M", bound=Message)

_TYPE: Final = FieldDescriptorProto.Type
_EXACT: Final = ((str, _TYPE.TYPE_STRING), (bytes, _TYPE.TYPE_BYTES), (bool, _TYPE.TYPE_BOOL))
_FLOATS: Final = (_TYPE.TYPE_FLOAT, _TYPE.TYPE_DOUBLE)
WRAPPERS: Final = frozenset(
    f"google.protobuf.{kind}Value"
    for kind in ("Bool", "Bytes", "Double", "Float", "Int32", "Int64", "String", "UInt32", "UInt64")
)
"""Messages of google/protobuf that hold one scalar."""


def request_message(cls: type[M], request: object, fields: Mapping[str, Any]) -> M:
    """The message that a call sends.

    Args:
        cls: The request's class.
        request: A message (of `cls`, or of the same full name from another library: it is taken by its bytes), a
            mapping of field names, or None.
        fields: Keyword fields. Not together with `request`.

    Returns:
        The caller's own message if it gave one of `cls`; never changed.

    Raises:
        TypeError: Both were given, or something of the wrong type; the text names the field.
        ValueError: A value is out of range, or two members of one oneof are set.
    """
    if request is None:
        return _fill(cls(), fields, cls.DESCRIPTOR.name)
    if fields:
        raise TypeError(f"give the request or keyword fields, not both (got {', '.join(sorted(fields))} too)")
    if isinstance(request, cls):
        return request
    message = cls()
    _set_message(message, request, cls.DESCRIPTOR.name)
    return message


@dataclass(frozen=True, slots=True)
class Field:
    """The facts of one field, the same from every version of protobuf."""

    name: str
    """As the proto spells it."""
    type: int
    """A `FieldDescriptorProto.Type`."""
    repeated: bool
    message: Descriptor | None
    """What a message field holds."""
    map_key: Field | None
    """Set, like `map_value`, where the field is a map."""
    map_value: Field | None
    oneof: str | None
    """The oneof that it is a member of; a proto3 ``optional`` is none."""


def _fill(message: M, values: Mapping[str, Any], path: str) -> M:
    known = fields_of(type(message).DESCRIPTOR)
    seen: dict[str, str] = {}
    for key, value in values.items():
        if not isinstance(key, str):
            raise TypeError(f"{path}: a field's name must be a str, not {_type_name(key)}")
        field = known.get(key) or known.get(unescaped(key))
        if field is None:
            raise TypeError(f"{path} has no field {key!r}{suggestion(key, known)}")
        if value is None:
            continue
        if (other := seen.get(field.oneof or f".{field.name}")) is not None:
            raise ValueError(f"{path}: {other} and {key} exclude each other: give one")
        seen[field.oneof or f".{field.name}"] = key
        _set(message, field, value, f"{path}.{field.name}")
    return message


def unescaped(key: str) -> str:
    """``from`` for ``from_``: what `twirpkit._schema.message_pool.safe_name` did, undone."""
    return key[:-1] if key.endswith("_") and keyword.iskeyword(key[:-1]) else key


def _set(message: Message, field: Field, value: Any, path: str) -> None:
    if field.map_key is not None and field.map_value is not None:
        _set_map(getattr(message, field.name), field.map_key, field.map_value, value, path)
    elif field.repeated:
        _set_repeated(getattr(message, field.name), field, value, path)
    elif field.message is not None:
        child = getattr(message, field.name)
        type(child).SetInParent(child)
        _set_message(child, value, path)
    else:
        _checked(lambda: setattr(message, field.name, _scalar(field, value, path)), field, value, path)


def _set_repeated(target: Any, field: Field, value: Any, path: str) -> None:
    if isinstance(value, str | bytes | bytearray | Mapping | Message) or not isinstance(value, Iterable):
        raise TypeError(f"{path}: give a list, not {_type_name(value)}")
    for index, item in enumerate(value):
        where = f"{path}[{index}]"
        if field.message is not None:
            _set_message(target.add(), item, where)
        else:
            _checked(functools.partial(_append, target, field, item, where), field, item, where)


def _append(target: Any, field: Field, item: Any, path: str) -> None:
    target.append(_scalar(field, item, path))


def _set_map(target: Any, key_field: Field, value_field: Field, value: Any, path: str) -> None:
    if not isinstance(value, Mapping):
        raise TypeError(f"{path}: give a mapping, not {_type_name(value)}")
    for key, item in value.items():
        where = f"{path}[{key!r}]"
        if value_field.message is not None:
            _checked(functools.partial(target.get_or_create, _scalar(key_field, key, where)), key_field, key, where)
            _set_message(target[key], item, where)
        else:
            _checked(
                functools.partial(_put, target, key_field, value_field, key, item, where), value_field, item, where
            )


def _put(target: Any, key_field: Field, value_field: Field, key: Any, item: Any, path: str) -> None:
    target[_scalar(key_field, key, path)] = _scalar(value_field, item, path)


def _scalar(field: Field, value: Any, path: str) -> Any:
    """The value, after the checks that protobuf leaves out."""
    # Versions of protobuf differ in whether a bool or a float may be an integer.
    for wanted, kind in _EXACT:
        if (field.type == kind) is not isinstance(value, wanted):
            raise TypeError(f"{path}: expected {_type_wanted(field)}, got {_type_name(value)}")
    if isinstance(value, float) and field.type not in _FLOATS:
        raise TypeError(f"{path}: expected {_type_wanted(field)}, got float")
    return value


def _checked(assign: Any, field: Field, value: object, path: str) -> None:
    """Assign, with an error that names the field. The value stays out of the text: it may be private."""
    problem: type[TypeError | ValueError] | None = None
    try:
        assign()
        return
    except TypeError as error:
        if str(error).startswith(path):
            raise
        problem = TypeError
    except (ValueError, OverflowError):
        problem = ValueError
    if problem is TypeError:
        raise TypeError(f"{path}: expected {_type_wanted(field)}, got {_type_name(value)}")
    raise ValueError(f"{path}: not a valid {_type_wanted(field)} (out of range, or text that is not Unicode)")


def _set_message(target: Message, value: Any, path: str) -> None:
    cls = type(target)  # which has the methods for sure: a message's field may be called like one of them
    name = cls.DESCRIPTOR.full_name
    if isinstance(value, type(target)):
        cls.CopyFrom(target, value)
    elif isinstance(value, Message):
        if type(value).DESCRIPTOR.full_name != name:
            raise TypeError(f"{path}: expected {name}, got {type(value).DESCRIPTOR.full_name}")
        _merge_bytes(target, value, path)
    elif not _set_well_known(target, name, value, path):
        if not isinstance(value, Mapping):
            raise TypeError(f"{path}: expected {name} or a mapping, got {_type_name(value)}")
        _fill(target, value, path)


def _merge_bytes(target: Message, foreign: Message, path: str) -> None:
    try:
        type(target).MergeFromString(target, type(foreign).SerializePartialToString(foreign))
        return
    except (DecodeError, UnicodeDecodeError):  # the latter in protobuf's pure Python engine
        problem = f"{path}: this {type(foreign).DESCRIPTOR.full_name} has another schema than the one here"
    raise ValueError(problem)


def _set_well_known(target: Any, name: str, value: Any, path: str) -> bool:
    """As `_convert`, with errors that name the field and not the value."""
    try:
        return _convert(target, name, value, path)
    except (TypeError, ValueError, OverflowError) as error:
        if str(error).startswith(path):
            raise
        problem = TypeError if isinstance(error, TypeError) else ValueError
    raise problem(f"{path}: a {name} cannot hold this {_type_name(value)}, or something in it")


def _convert(target: Any, name: str, value: Any, path: str) -> bool:
    """Set a message of google/protobuf from the Python type that means the same; False where there is none."""
    if name == "google.protobuf.Timestamp" and isinstance(value, datetime.datetime):
        if value.tzinfo is None:
            raise ValueError(f"{path}: the datetime has no time zone: give it one, for example datetime.timezone.utc")
        target.FromDatetime(value)
    elif name == "google.protobuf.Duration" and isinstance(value, datetime.timedelta):
        target.FromTimedelta(value)
    elif name == "google.protobuf.Struct" and isinstance(value, Mapping):
        target.update(value)
    elif name == "google.protobuf.ListValue" and isinstance(value, list | tuple):
        target.extend(value)
    elif name in WRAPPERS and isinstance(value, str | bytes | int | float):
        _set(target, fields_of(target.DESCRIPTOR)["value"], value, path)
    else:
        return False
    return True


def _type_name(value: object) -> str:
    return "None" if value is None else type(value).__name__


def _type_wanted(field: Field) -> str:
    return _TYPE.Name(field.type).removeprefix("TYPE_").lower()  # type: ignore[arg-type]  # the stub wants its NewType


@functools.cache
def fields_of(descriptor: Descriptor) -> dict[str, Field]:
    """The fields of a message by name, in the proto's order."""
    # By way of DescriptorProto: the properties of a live FieldDescriptor that tell repeated from singular changed
    # between protobuf 5 and 7.
    proto = _declaration(descriptor)
    return {field.name: _field(descriptor, proto, field) for field in proto.field}


def _declaration(descriptor: Descriptor) -> DescriptorProto:
    # Out of the file: CopyToProto fails in protobuf's pure Python engine for pools that are not the default one.
    outer = descriptor.containing_type
    siblings = _file(descriptor.file).message_type if outer is None else _declaration(outer).nested_type
    return next(each for each in siblings if each.name == descriptor.name)


@functools.cache
def _file(descriptor: FileDescriptor) -> FileDescriptorProto:
    return FileDescriptorProto.FromString(descriptor.serialized_pb)


def _field(descriptor: Descriptor, owner: DescriptorProto, proto: FieldDescriptorProto) -> Field:
    message = descriptor.fields_by_name[proto.name].message_type
    entry = fields_of(message) if message is not None and message.GetOptions().map_entry else None
    in_oneof = proto.HasField("oneof_index") and not proto.proto3_optional
    return Field(
        name=proto.name,
        type=proto.type,
        repeated=proto.label == FieldDescriptorProto.LABEL_REPEATED,
        message=message,
        map_key=entry["key"] if entry else None,
        map_value=entry["value"] if entry else None,
        oneof=owner.oneof_decl[proto.oneof_index].name if in_oneof else None,
    )
