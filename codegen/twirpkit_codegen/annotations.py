"""Type annotations of one generated file, and the imports that they need.

A proto may call a field ``str`` or a message ``Literal``. A name that the file defines itself, at any depth, is never
used for anything else: the import gets an underscore before it, and a builtin is named by its module.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from twirpkit_codegen.model import Field, File, Message, TypeRef

__all__ = ["Scope", "constructor_type", "defined_names", "dict_name", "input_type", "stub_type"]

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
        taken: Every name that the file defines, nested ones included.
        module: The file's own place in the package (``messages.livekit_room``), for references to its own classes.
        hidden: Names that something inside a class of this file has: there, a reference would not reach the file's own
            class of that name.
    """

    def __init__(self, package: str, taken: Iterable[str], module: str = "", hidden: Iterable[str] = ()) -> None:
        self.package = package
        self.taken = frozenset(taken)
        self.module = module
        self.hidden = frozenset(hidden)
        self._imports: set[str] = set()
        self._aliases: dict[str, str] = {}

    @property
    def imports(self) -> list[str]:
        """Import statements, sorted."""
        return sorted(self._imports)

    @property
    def aliases(self) -> list[tuple[str, str]]:
        """Pairs of alias and own class, for classes whose names are hidden inside a class."""
        return sorted(self._aliases.items())

    def use(self, module: str, name: str) -> str:
        """A name imported from a module."""
        if name not in self.taken:
            self._imports.add(f"from {module} import {name}")
            return name
        made = self._free(name)
        self._imports.add(f"from {module} import {name} as {made}")
        return made

    def builtin(self, name: str) -> str:
        """A builtin."""
        if name not in self.taken:
            return name
        made = "builtins" if "builtins" not in self.taken else self._free("builtins")
        self._imports.add("import builtins" if made == "builtins" else f"import builtins as {made}")
        return f"{made}.{name}"

    def generated(self, folder: str, module: str, name: str) -> str:
        """A class of another generated module; for one of this file, the class itself."""
        first, _, rest = name.partition(".")
        if f"{folder}.{module}" == self.module:
            if first in self.hidden:
                self._aliases[self._free(first)] = first
                first = self._free(first)
        else:
            first = self.use(f"{self.package}.{folder}.{module}", first)
        return f"{first}.{rest}" if rest else first

    def _free(self, name: str) -> str:
        made = f"_{name}"
        while made in self.taken:
            made = f"_{made}"
        return made


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


def _input(ref: TypeRef, scope: Scope) -> str:
    if ref.kind != "message":
        return _class(ref, scope)
    message = _class(ref, scope)
    if ref.full_name in _GOOGLE_INPUTS:
        return f"{scope.use(*_GOOGLE_INPUTS[ref.full_name])} | {message}"
    if ref.full_name in _WRAPPERS:
        return f"{scope.builtin(_WRAPPERS[ref.full_name])} | {message}"
    if ref.is_google:
        return f"{_any_mapping(scope)} | {message}"
    return f"{message} | {scope.generated('types', ref.module, dict_name(ref.name))}"


def dict_name(qualname: str) -> str:
    """The name of a message's `TypedDict`: ``Outer.Inner`` is ``OuterInnerDict``."""
    return f"{qualname.replace('.', '')}Dict"
