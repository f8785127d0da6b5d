"""Signatures of generated methods: the fields of the request as keywords, for `help`, editors and autospec.

The methods themselves take ``**fields``, because the message is the judge of what it has.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from inspect import Parameter
from typing import Any, Final

from google.protobuf.descriptor_pb2 import FieldDescriptorProto
from google.protobuf.message import Message

from twirpkit._schema.names import Names, top_name
from twirpkit._schema.schemas import schema_of

__all__ = ["sign_method"]

_TYPE: Final = FieldDescriptorProto.Type
_SCALARS: Final = {
    _TYPE.TYPE_BOOL: "bool",
    _TYPE.TYPE_BYTES: "bytes",
    _TYPE.TYPE_DOUBLE: "float",
    _TYPE.TYPE_FLOAT: "float",
    _TYPE.TYPE_STRING: "str",
}
"""Python types by proto type; the others are integers."""


def sign_method(function: Callable[..., Any], request: type[Message]) -> None:
    """Set the signature of a generated method: its own parameters, with those of the fields in place of ``**fields``.

    Args:
        function: The method, as it stands in the class. Its last parameter is ``**fields``.
        request: The class of its requests.
    """
    found = inspect.signature(function)
    *own, _ = found.parameters.values()
    options = [each for each in own if each.kind is Parameter.KEYWORD_ONLY]
    left_out = {"self", *(each.name for each in options)}
    fields = {each.name: each for each in _parameters(request) if each.name not in left_out}
    # A field has the name that it is given by, and what is positional can have any.
    positional = [
        each.replace(name=f"{each.name}_") if each.name in fields else each for each in own if each not in options
    ]
    function.__signature__ = found.replace(parameters=[*positional, *fields.values(), *options])  # type: ignore[attr-defined]  # inspect's own protocol


def _parameters(request: type[Message]) -> Iterator[Parameter]:
    descriptor: Any = request.DESCRIPTOR
    names = schema_of(descriptor).names
    for field in descriptor.fields:
        annotation = f"{_type_name(field, names)} | None"
        yield Parameter(top_name(field, names), Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def _type_name(field: Any, names: Names) -> str:
    """Return the name of the type of a field's values."""
    message = field.message_type
    if message is not None and message.GetOptions().map_entry:
        return f"dict[{', '.join(_single(each, names) for each in message.fields)}]"
    # What tells a list changed between protobuf 5 and 7.
    repeated = field.is_repeated if hasattr(field, "is_repeated") else field.label == field.LABEL_REPEATED
    return f"list[{_single(field, names)}]" if repeated else _single(field, names)


def _single(field: Any, names: Names) -> str:
    named = field.message_type or field.enum_type
    if named is None:
        return _SCALARS.get(field.type, "int")
    outer = named.containing_type
    parts = [top_name(named, names)]
    while outer is not None:
        parts.insert(0, top_name(outer, names))
        outer = outer.containing_type
    return ".".join(parts)
