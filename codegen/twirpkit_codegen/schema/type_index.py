"""Python names of everything in the protos, and their types by full name."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)

from twirpkit_codegen.errors import GenerationError, Location
from twirpkit_codegen.schema import naming, reserved_names
from twirpkit_codegen.schema.message_model import TypeRef
from twirpkit_codegen.schema.renames import Renames

__all__ = ["Names", "find_type", "google_module", "is_google"]

_GOOGLE: Final = frozenset(
    f"google/protobuf/{name}.proto"
    for name in (
        "any",
        "api",
        "compiler/plugin",
        "descriptor",
        "duration",
        "empty",
        "field_mask",
        "source_context",
        "struct",
        "timestamp",
        "type",
        "wrappers",
    )
)
"""The files that every supported protobuf has. Others of that folder, such as its features, are as those of anybody."""


def find_type(index: Mapping[str, TypeRef], name: str, location: Location) -> TypeRef:
    """Return the type that a descriptor names, with a dot before it as protoc and buf write it."""
    found = index.get(name.removeprefix(".")) if name.startswith(".") else None
    if found is None:
        raise GenerationError.at(location, f"no file here defines {name!r}: make the descriptor set with its imports")
    return found


def google_module(file: str) -> str:
    """Return the module of the installed protobuf for one of its files."""
    return file.removesuffix(".proto").replace("/", ".") + "_pb2"


def is_google(file: str) -> bool:
    """Return True for a file whose messages come from the installed protobuf."""
    return file in _GOOGLE


class Names:
    """Python names of everything in the files of an SDK.

    Args:
        files: All files, those of google/protobuf among them.
        renames: The names that the manifest chooses.
        shared: The packages that have the classes of files already, by the paths of the files.
    """

    def __init__(
        self, files: Sequence[FileDescriptorProto], renames: Renames, shared: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self.types: dict[str, TypeRef] = {}
        """Types by full name."""
        self.python: dict[str, str] = {}
        """The last part of Python names, by full name."""
        self._renames = renames
        self.shared = shared
        own = [file.name for file in files if not is_google(file.name) and file.name not in shared]
        chosen = renames.take(own)
        renames.check_free(chosen, naming.module_names([each for each in own if each not in chosen], {}), ())
        self.modules: Mapping[str, str] = naming.module_names(own, chosen)
        """Modules under ``messages``, by the paths of files."""
        self.modules = {**self.modules, **{name: naming.module_names([name], {})[name] for name in shared}}
        for file in files:
            self._add(file)

    def unusual(self, file: FileDescriptorProto) -> dict[str, str]:
        """Return the names in a file that differ from those that the runtime gives by itself, by full name."""
        found = {}
        for full_name in _everything(file):
            last = full_name.rpartition(".")[2]
            plain = naming.escape(last) if not last.startswith("__") else last
            if self.python[full_name] != plain:
                found[full_name] = self.python[full_name]
        return found

    def _add(self, file: FileDescriptorProto) -> None:
        google = is_google(file.name)
        module = google_module(file.name) if google else self.modules[file.name]
        package = f"{file.package}." if file.package else ""
        self._scope(
            _Scope(package, "", module, google, self.shared.get(file.name, "")),
            file.message_type,
            file.enum_type,
            file.extension,
            (),
            reserved_names.MODULE_NAMES,
        )

    def _scope(
        self,
        scope: _Scope,
        messages: Sequence[DescriptorProto],
        enums: Sequence[EnumDescriptorProto],
        extensions: Sequence[FieldDescriptorProto],
        fields: Sequence[FieldDescriptorProto],
        reserved: frozenset[str],
    ) -> None:
        """Name the types, values and extensions of one scope, all of which are attributes there, and what is in them.

        No two have one name in the proto. What is escaped avoids all names of the scope, and what was escaped before.
        """
        own = [*(each.name for each in messages), *(each.name for each in enums), *(each.name for each in extensions)]
        siblings = {*own, *(each.name for each in fields), *(value.name for enum in enums for value in enum.value)}
        made = self._assign(scope.full, own, reserved | (siblings - set(own)))
        used = {*siblings, *made.values()}
        for enum in enums:
            full_name, py_name = scope.full + enum.name, made[scope.full + enum.name]
            self.types[full_name] = TypeRef(
                "enum", scope.py + py_name, scope.module, full_name, scope.google, scope.package
            )
            values = [value.name for value in enum.value]
            taken = reserved_names.ENUM_NAMES | (used - set(values))
            used.update(self._assign(f"{full_name}.", values, taken).values())
        for message in messages:
            full_name, py_name = scope.full + message.name, made[scope.full + message.name]
            self.types[full_name] = TypeRef(
                "message", scope.py + py_name, scope.module, full_name, scope.google, scope.package
            )
            self._assign(f"{full_name}.", [field.name for field in message.field], ())
            inner = dataclasses.replace(scope, full=f"{full_name}.", py=f"{scope.py}{py_name}.")
            self._scope(
                inner,
                message.nested_type,
                message.enum_type,
                message.extension,
                message.field,
                reserved_names.MESSAGE_NAMES,
            )

    def _assign(self, prefix: str, names: Sequence[str], taken: Collection[str]) -> dict[str, str]:
        """Name the members of one scope, by full name."""
        chosen = self._renames.take(prefix + name for name in names)
        self._renames.check_free(chosen, {prefix + name: name for name in names}, taken)
        wanted = {prefix + name: chosen.get(prefix + name) or naming.escape(name) for name in names}
        natural = [prefix + name for name in names if wanted[prefix + name] == name]
        made = naming.assign(wanted, [*chosen, *natural], taken)
        self.python |= made
        return made


@dataclass(frozen=True, slots=True)
class _Scope:
    """A file, or a message around others."""

    full: str
    py: str
    module: str
    google: bool
    package: str


def _everything(file: FileDescriptorProto) -> Iterator[str]:
    """Yield the full names of all types, fields, enum values and extensions of a file."""

    def within(
        prefix: str,
        messages: Iterable[DescriptorProto],
        enums: Iterable[EnumDescriptorProto],
        extensions: Iterable[FieldDescriptorProto],
    ) -> Iterator[str]:
        for enum in enums:
            yield prefix + enum.name
            yield from (f"{prefix}{enum.name}.{value.name}" for value in enum.value)
        yield from (prefix + extension.name for extension in extensions)
        for message in messages:
            inner = f"{prefix}{message.name}."
            yield prefix + message.name
            yield from (inner + field.name for field in message.field)
            yield from within(inner, message.nested_type, message.enum_type, message.extension)

    package = f"{file.package}." if file.package else ""
    return within(package, file.message_type, file.enum_type, file.extension)
