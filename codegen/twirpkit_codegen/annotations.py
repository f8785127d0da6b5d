"""Type annotations of one generated file, and the imports that they need.

A proto may call a field ``str`` or a message ``Literal``. A name that the file defines itself, at any depth, is never
used for anything else: the import gets an underscore before it, and a builtin is named by its module.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from twirpkit_codegen.model import Field, File, Message, TypeRef
from twirpkit_codegen.naming import dict_name

__all__ = ["Scope", "constructor_type", "defined_names", "input_type", "stub_type"]

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


class Scope:
    """The names of one generated file.

    Args:
        package: The import package that the file is in.
        taken: Every name that the file defines, nested ones included, and those that its template imports.
        module: The file's own place in the package (``messages.hats``), for references to its own classes.
        hidden: Names that something inside a class of this file has: there, a reference would not reach the file's own
            class of that name.
    """

    def __init__(self, package: str, taken: Iterable[str], module: str = "", hidden: Iterable[str] = ()) -> None:
        self.package = package
        self.taken = frozenset(taken)
        self.module = module
        self.hidden = frozenset(hidden)
        self._owners: dict[str, tuple[str, str]] = {}
        self._for_types: set[str] = set()
        self._at_run_time: set[str] = set()
        self._aliases: dict[str, str] = {}

    @property
    def imports(self) -> list[str]:
        """Import statements that only a type checker needs, sorted."""
        return sorted(self._for_types - self._at_run_time)

    @property
    def run_time_imports(self) -> list[str]:
        """Import statements that the code itself needs, sorted."""
        return sorted(self._at_run_time)

    @property
    def aliases(self) -> list[tuple[str, str]]:
        """Pairs of alias and own class, for classes whose names are hidden inside a class."""
        return sorted(self._aliases.items())

    def use(self, module: str, name: str) -> str:
        """A name imported from a module, for annotations. Of a nested class, the outermost is imported."""
        first, dot, rest = name.partition(".")
        made = self._bind(module, first)
        self._for_types.add(_from_import(module, first, made))
        return f"{made}{dot}{rest}"

    def need(self, module: str, name: str, wanted: str = "") -> str:
        """A name imported from a module, for the code itself; called `wanted` if that is free."""
        first, dot, rest = name.partition(".")
        made = self._bind(module, first, wanted)
        self._at_run_time.add(_from_import(module, first, made))
        return f"{made}{dot}{rest}"

    def library(self, name: str) -> str:
        """A module, for annotations."""
        made = self._bind(name, "")
        self._for_types.add(f"import {name}" if made == name else f"import {name} as {made}")
        return made

    def builtin(self, name: str) -> str:
        """A builtin."""
        if name not in self.taken and self._owners.setdefault(name, ("builtins", name)) == ("builtins", name):
            return name
        made = self._bind("builtins", "")
        self._at_run_time.add("import builtins" if made == "builtins" else f"import builtins as {made}")
        return f"{made}.{name}"

    def generated(self, folder: str, module: str, name: str) -> str:
        """A class of another generated module, for annotations; for one of this file, the class itself."""
        if f"{folder}.{module}" != self.module:
            return self.use(f"{self.package}.{folder}.{module}", name)
        first, dot, rest = name.partition(".")
        if first in self.hidden:
            made = self._bind(self.module, first)
            self._aliases[made] = first
            first = made
        return f"{first}{dot}{rest}"

    def _bind(self, module: str, name: str, wanted: str = "") -> str:
        """The local name of something imported: its own, or the first free one with underscores before it."""
        made, owner = wanted or name or module, (module, name)
        while made in self.taken or self._owners.setdefault(made, owner) != owner:
            made = f"_{made}"
        return made


def _from_import(module: str, name: str, made: str) -> str:
    return f"from {module} import {name}" + (f" as {made}" if made != name else "")


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
        return scope.use("twirpkit.sdk", "Strings")
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
