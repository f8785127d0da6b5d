"""Type annotations of one generated file."""

from __future__ import annotations

from collections.abc import Iterator

from twirpkit_codegen.render.scope import Scope
from twirpkit_codegen.schema.model import Field, File, Message, TypeRef
from twirpkit_codegen.schema.naming import dict_name

__all__ = ["constructor_type", "defined_names", "input_type", "stub_type"]

_GOOGLE_INPUTS = {
    "google.protobuf.Timestamp": ("datetime", "datetime"),
    "google.protobuf.Duration": ("datetime", "timedelta"),
}
_WRAPPERS = {
    "google.protobuf.BoolValue": "bool",
    "google.protobuf.BytesValue": "bytes",
    "google.protobuf.DoubleValue": "float",
    "google.protobuf.FloatValue": "float",
    "google.protobuf.Int32Value": "int",
    "google.protobuf.Int64Value": "int",
    "google.protobuf.StringValue": "str",
    "google.protobuf.UInt32Value": "int",
    "google.protobuf.UInt64Value": "int",
}


def defined_names(file: File) -> tuple[frozenset[str], frozenset[str]]:
    """Every name that a file's stub defines, and those of them that stand inside a class."""
    top = {each.py_name for each in file.messages} | {each.py_name for each in file.enums}
    inner = {name for message in file.messages for name in _inner_names(message)}
    inner |= {value.py_name for enum in file.enums for value in enum.values}
    return frozenset(top | inner), frozenset(inner)


def _inner_names(message: Message) -> Iterator[str]:
    yield from (field.py_name for field in message.fields)
    for enum in message.enums:
        yield enum.py_name
        yield from (value.py_name for value in enum.values)
    for nested in message.messages:
        yield nested.py_name
        yield from _inner_names(nested)


def stub_type(field: Field, scope: Scope) -> str:
    """The type of a message's attribute."""
    containers = "google.protobuf.internal.containers"
    item = _class(field.type, scope)
    composite = field.type.kind == "message"
    if field.map_key is not None:
        container = scope.use(containers, "MessageMap" if composite else "ScalarMap")
        return f"{container}[{scope.builtin(field.map_key.name)}, {item}]"
    if field.repeated:
        kind = "RepeatedCompositeFieldContainer" if composite else "RepeatedScalarFieldContainer"
        return f"{scope.use(containers, kind)}[{item}]"
    return item


def input_type(field: Field, scope: Scope) -> str:
    """The type of a keyword or of a mapping's value; never a bare ``str`` for a list of strings."""
    return _container(field, _input(field.type, scope), scope)


def constructor_type(field: Field, scope: Scope) -> str:
    """The type of an argument of a message's own constructor, which is protobuf's and knows no `TypedDict`."""
    item = _class(field.type, scope)
    if field.type.kind == "message":
        item = f"{item} | {_any_mapping(scope)}"
    return _container(field, item, scope)


def _container(field: Field, item: str, scope: Scope) -> str:
    if field.map_key is not None:
        return f"{scope.use('collections.abc', 'Mapping')}[{scope.builtin(field.map_key.name)}, {item}]"
    if not field.repeated:
        return item
    if field.type.kind == "scalar" and field.type.name == "str":
        return scope.use("twirpkit.typing", "Strings")
    return f"{scope.use('collections.abc', 'Iterable')}[{item}]"


def _any_mapping(scope: Scope) -> str:
    return f"{scope.use('collections.abc', 'Mapping')}[{scope.builtin('str')}, {scope.use('typing', 'Any')}]"


def _class(ref: TypeRef, scope: Scope) -> str:
    if ref.kind == "scalar":
        return scope.builtin(ref.name)
    if ref.kind == "enum":
        return scope.builtin("int")
    if ref.is_google:
        return scope.use(ref.module, ref.name)
    return scope.generated("messages", ref.module, ref.name)


def request_type(ref: TypeRef, scope: Scope) -> str:
    """The type of a whole request, as a message or a mapping."""
    if ref.is_google:
        return f"{_class(ref, scope)} | {_any_mapping(scope)}"
    return _input(ref, scope)


def _input(ref: TypeRef, scope: Scope) -> str:
    message = _class(ref, scope)
    if ref.kind != "message":
        return message
    if ref.full_name in _GOOGLE_INPUTS:
        return f"{scope.use(*_GOOGLE_INPUTS[ref.full_name])} | {message}"
    if ref.full_name in _WRAPPERS:
        return f"{scope.builtin(_WRAPPERS[ref.full_name])} | {message}"
    if ref.is_google:
        return f"{_any_mapping(scope)} | {message}"
    return f"{message} | {scope.generated('types', ref.module, dict_name(ref.name))}"
