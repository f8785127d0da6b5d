"""A request as users give it - a message, a mapping, or keywords - made into the message that is sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeVar

from google.protobuf.descriptor_pb2 import FieldDescriptorProto
from google.protobuf.message import Message

from twirpkit._schema import well_known
from twirpkit._schema.enums import Enum, enum_facts
from twirpkit._schema.fields import FLOATS, Field, fields_by_key
from twirpkit._schema.filling import (
    Refused,
    Rules,
    enum_number,
    set_message,
    type_name,
    wanted_scalar,
)
from twirpkit._suggestion import closest, closest_argument
from twirpkit.options import CallOptions

__all__ = ["PYTHON", "request_message", "strictly"]

M = TypeVar("M", bound=Message)

_TYPE: Final = FieldDescriptorProto.Type
_EXACT: Final = ((str, _TYPE.TYPE_STRING), (bytes, _TYPE.TYPE_BYTES), (bool, _TYPE.TYPE_BOOL))


def request_message(cls: type[M], request: object, fields: Mapping[str, Any]) -> M:
    """Return the message that a call sends.

    Args:
        cls: The request's class.
        request: A message (of `cls`, or of the same full name from another library: it is taken by its bytes), a
            mapping of field names, or None.
        fields: Keyword fields. Not together with `request`.

    Returns:
        The caller's own message if it gave one of `cls`; never changed.

    Raises:
        TypeError: Both were given, or something of the wrong type; the text names the field.
        ValueError: A value is out of range, an enum does not have a name, or two members of one oneof are set.
    """
    if request is None:
        if not fields:
            return cls()
        try:
            return strictly(cls(), fields)
        except TypeError:
            if (option := _misspelt_option(cls, fields)) is None:
                raise
        raise TypeError(f"a call has no option {option[0]!r}; did you mean {option[1]!r}?")
    if fields:
        raise TypeError(f"give the request or keyword fields, not both (got {', '.join(sorted(fields))} too)")
    if isinstance(request, cls):
        return request
    return strictly(cls(), request)


def _misspelt_option(cls: type[Message], names: Iterable[str]) -> tuple[str, str] | None:
    """Return a keyword that is no field, and the option of a call that it is nearly the name of, if there is one."""
    known, options = fields_by_key(cls), CallOptions._fields
    for name in names:
        if name not in known:
            meant = closest(name, [*known, *options]) or closest_argument(name, options)
            if meant in options and meant not in known:
                return name, meant
    return None


def strictly(message: M, value: object) -> M:
    """Fill an empty message from a mapping, another message, or the Python value that means the same.

    Raises:
        TypeError: Something of the wrong type; the text names the field.
        ValueError: A value is out of range, an enum does not have a name, or two members of one oneof are set.
    """
    descriptor = type(message).DESCRIPTOR
    try:
        set_message(message, descriptor.full_name, value, PYTHON)
        return message
    except Refused as refused:
        error: TypeError | ValueError = refused.error(descriptor.name)
    except RecursionError:
        error = ValueError(f"{descriptor.name}: nested too deeply")
    raise error


def _scalar(field: Field, value: Any) -> Any:
    """Return the value, after the checks that protobuf leaves out."""
    if field.enum is not None:
        if isinstance(value, str):
            return enum_number(field, value)
        if isinstance(value, Enum) and type(value).DESCRIPTOR.full_name != field.enum.full_name:
            other = enum_facts(type(value).DESCRIPTOR).title
            raise Refused(TypeError, f": {wanted_scalar(field)}, got one of {other}")
    # Versions of protobuf differ in whether a bool or a float may be an integer.
    for wanted, kind in _EXACT:
        if (field.type == kind) is not isinstance(value, wanted):
            raise Refused(TypeError, f": {wanted_scalar(field)}, got {type_name(value)}")
    if isinstance(value, float) and field.type not in FLOATS:
        raise Refused(TypeError, f": {wanted_scalar(field)}, got float")
    return value


PYTHON: Final = Rules(
    scalar=_scalar,
    key=_scalar,
    well_known=well_known.SETTERS,
    wanted=well_known.WANTED,
    lists=(Iterable,),
    null=None,
)
"""Values of Python: those of keywords, of mappings and of constructors."""
