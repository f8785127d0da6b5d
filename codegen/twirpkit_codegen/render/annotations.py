"""Type annotations of fields, requests and responses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from twirpkit_codegen.render.scope import Scope
from twirpkit_codegen.schema.message_model import Extension, Field, File, Message, TypeRef, walk
from twirpkit_codegen.schema.model import Method
from twirpkit_codegen.schema.naming import dict_name, escape, free_name, literal_name
from twirpkit_codegen.schema.reserved_names import MESSAGE_NAMES

__all__ = ["Annotations", "defined_names", "keywords_name", "type_names"]

Places: TypeAlias = Mapping[str, tuple[str, str]]
"""Module, and name in it, by full name."""

_GOOGLE_INPUTS = {
    "google.protobuf.Timestamp": "datetime.datetime",
    "google.protobuf.Duration": "datetime.timedelta",
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
_ANY = "google.protobuf.Any"
_PLAIN_VALUES = {
    _ANY: "google.protobuf.message.Message",
    "google.protobuf.FieldMask": "twirpkit.sdk.Strings",
    "google.protobuf.ListValue": "twirpkit.sdk.JsonList",
    "google.protobuf.Value": "twirpkit.sdk.JsonValue",
}
_CONTAINERS = "google.protobuf.internal.containers"


class Annotations:
    """The annotations of one generated file. What they import is added to the file's scope.

    Args:
        scope: The file's names.
        literals: The types of the names of enums, by full name of the enum: module, and name in it.
        dicts: The `TypedDict` of messages, likewise.
    """

    def __init__(self, scope: Scope, literals: Places, dicts: Places) -> None:
        self._scope = scope
        self._literals = literals
        self._dicts = dicts

    def attribute(self, field: Field) -> str:
        """Return the type of a message's attribute."""
        item = self.message_class(field.type)
        composite = field.type.kind == "message"
        if field.map_key is not None:
            container = self._for_types(f"{_CONTAINERS}.{'MessageMap' if composite else 'ScalarMap'}")
            return f"{container}[{self._for_types(field.map_key.name)}, {item}]"
        if field.repeated:
            kind = "RepeatedCompositeFieldContainer" if composite else "RepeatedScalarFieldContainer"
            return f"{self._for_types(f'{_CONTAINERS}.{kind}')}[{item}]"
        return item

    @staticmethod
    def is_attribute(field: Field) -> bool:
        """Return True if Python can spell the attribute of a field, which has the proto's name, also if renamed."""
        return escape(field.name) == field.name and field.name not in MESSAGE_NAMES

    def constructor_argument(self, field: Field) -> str:
        """Return the type of an argument of a message's constructor, which takes any mapping for a message."""
        item = self._input(field.type)
        if field.type.kind == "message":
            own = f"{self.message_class(field.type)} | {self._any_mapping()}"
            item = own if not field.type.is_google else f"{item} | {self._any_mapping()}"
        return self._container(field, item)

    def mapping_value(self, field: Field) -> str:
        """Return the type of a value of a request's mapping; never a bare ``str`` for a list of strings."""
        return self._container(field, self._input(field.type))

    def extension(self, extension: Extension) -> str:
        """Return the type of an extension: what a message's `Extensions` is indexed with."""
        descriptor = self._for_types("twirpkit.sdk.ExtensionDescriptor")
        return f"{descriptor}[{self.message_class(extension.extendee)}, {self.attribute(extension.field)}]"

    def request(self, ref: TypeRef) -> str:
        """Return the type of a whole request: a message or a mapping."""
        if ref.is_google:
            return f"{self.message_class(ref)} | {self._any_mapping()}"
        return self._input(ref)

    def keywords(self, method: Method) -> str:
        """Return the type of a request's keyword arguments; empty where no field can be one."""
        if len(method.left_out) == len(method.request_fields) or method.request.full_name not in self._dicts:
            return ""
        module, name = self._dicts[method.request.full_name]
        return self._scope.generated("types", module, keywords_name(name) if method.left_out else name)

    def message_class(self, ref: TypeRef) -> str:
        """Return a message's or an enum's class, for a scalar its Python type, and ``int`` for an enum of google's."""
        if ref.kind == "scalar":
            return self._for_types(ref.name)
        if ref.kind == "enum" and ref.is_google:
            return self._for_types("int")
        if ref.is_google:
            return self._scope.class_for_types(ref.module, ref.name)
        return self._scope.generated("messages", ref.module, ref.name, ref.package)

    def own_class(self, module: str, qualname: str) -> str:
        """Return a class of the module that is rendered, for its own stub."""
        return self._scope.generated("messages", module, qualname)

    def message_class_at_run_time(self, ref: TypeRef) -> str:
        """Return a message's class for code that runs."""
        module = ref.module if ref.is_google else f"{ref.package or self._scope.package}.messages.{ref.module}"
        return self._scope.class_at_run_time(module, ref.name)

    def _input(self, ref: TypeRef) -> str:
        message = self.message_class(ref)
        if ref.kind == "enum" and ref.full_name in self._literals:
            return f"{message} | {self._scope.generated('types', *self._literals[ref.full_name])}"
        if ref.kind != "message":
            return message
        if ref.full_name in _GOOGLE_INPUTS:
            return f"{self._for_types(_GOOGLE_INPUTS[ref.full_name])} | {message}"
        if ref.full_name in _WRAPPERS:
            return f"{self._for_types(_WRAPPERS[ref.full_name])} | {message}"
        if ref.full_name in _PLAIN_VALUES:
            plain = self._for_types(_PLAIN_VALUES[ref.full_name])
            return f"{plain} | {self._any_mapping() if ref.full_name == _ANY else message}"
        if ref.is_google or ref.full_name not in self._dicts:
            return f"{self._any_mapping()} | {message}"
        return f"{message} | {self._scope.generated('types', *self._dicts[ref.full_name])}"

    def _container(self, field: Field, item: str) -> str:
        if field.map_key is not None:
            return f"{self._for_types('collections.abc.Mapping')}[{self._for_types(field.map_key.name)}, {item}]"
        if not field.repeated:
            return item
        if field.type.kind == "scalar" and field.type.name == "str":
            return self._for_types("twirpkit.sdk.Strings")
        return f"{self._for_types('collections.abc.Iterable')}[{item}]"

    def _any_mapping(self) -> str:
        mapping, text, anything = map(self._for_types, ("collections.abc.Mapping", "str", "typing.Any"))
        return f"{mapping}[{text}, {anything}]"

    def _for_types(self, path: str) -> str:
        return self._scope.for_types(path)


def keywords_name(dict_name: str) -> str:
    """Return the name of the part of a `TypedDict` that can be keywords."""
    return f"{dict_name.removesuffix('Dict')}Keywords"


def type_names(files: Iterable[File]) -> tuple[Places, Places]:
    """Return the types of the names of enums, and the `TypedDict` of each message."""
    literals: dict[str, tuple[str, str]] = {}
    dicts: dict[str, tuple[str, str]] = {}
    for file in files:
        taken: set[str] = set()
        for enum in file.all_enums:  # `A_B` beside `A.B` would have one name
            name = free_name(literal_name(enum.qualname), taken)
            taken.add(name)
            literals[enum.full_name] = (file.module, name)
        for message in walk(file.messages):
            name = dict_name(message.qualname)
            while {name, keywords_name(name)} & taken:
                name = f"{name}_"
            taken |= {name, keywords_name(name)}
            dicts[message.full_name] = (file.module, name)
    return literals, dicts


def defined_names(file: File) -> tuple[frozenset[str], frozenset[str]]:
    """Return every name that a file's stub defines, and those of them that are defined inside a class."""
    top = {each.py_name for each in file.messages} | {each.py_name for each in file.enums}
    top |= {each.py_name for each in file.extensions}
    inner = {name for message in file.messages for name in _inner_names(message)}
    inner |= {value.py_name for enum in file.enums for value in enum.values}
    inner |= {"ValueType"} if file.all_enums else set()
    return frozenset(top | inner), frozenset(inner)


def _inner_names(message: Message) -> Iterator[str]:
    yield from (name for field in message.fields for name in (field.py_name, field.name))
    yield from (extension.py_name for extension in message.extensions)
    for enum in message.enums:
        yield enum.py_name
        yield from (value.py_name for value in enum.values)
    for nested in message.messages:
        yield nested.py_name
        yield from _inner_names(nested)
