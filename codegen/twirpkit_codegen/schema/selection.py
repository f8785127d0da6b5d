"""The part of all descriptors that an SDK embeds.

Files of the SDK are embedded as they are, those that they import as far as their types are used: without services,
without messages that nothing refers to, and not at all where only their options are used. With ``only`` in the
manifest, the same is done to the files of the SDK.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet

from twirpkit_codegen.errors import GenerationError, suggestion
from twirpkit_codegen.schema.manifest import Manifest
from twirpkit_codegen.schema.type_index import is_google

__all__ = ["Protos", "select"]

# Numbers of fields in descriptor.proto, of which the paths of source info consist.
_LISTS: Final = {"dependency": 3, "message_type": 4, "enum_type": 5, "service": 6, "extension": 7}
_SERVICE_METHOD: Final = 2


@dataclass(frozen=True, slots=True)
class Protos:
    """The descriptors of an SDK's files and of everything that they import."""

    files: FileDescriptorSet
    own: frozenset[str]
    """The names of the SDK's files; the others are imported."""
    warnings: tuple[str, ...] = ()
    """Lines of protoc, and about files that are left out."""


def select(protos: Protos, manifest: Manifest) -> list[FileDescriptorProto]:
    """Return the files that the SDK embeds, and those of google/protobuf, which it does not.

    Raises:
        GenerationError: ``only`` names something that the protos do not have.
    """
    return _Selection(protos, manifest).files()


class _Selection:
    def __init__(self, protos: Protos, manifest: Manifest) -> None:
        self.own = protos.own
        self.google = [file for file in protos.files.file if is_google(file.name)]
        self.foreign = [file for file in protos.files.file if not is_google(file.name)]
        self.only = _only(self.foreign, protos.own, manifest)
        self.units = {full: unit for file in self.foreign for full, unit in _units(file)}
        self.file_of = {unit.name: unit.file for unit in self.units.values()}
        self.needed = self.closure()

    def files(self) -> list[FileDescriptorProto]:
        kept: list[FileDescriptorProto] = [
            file if self.is_kept_whole(file) else self.pruned(file) for file in self.foreign
        ]
        kept = [file for file in kept if self.is_kept_whole(file) or any(_content(file))]
        names = {file.name for file in (*kept, *self.google)}
        return [*self.google, *(self.with_imports(file, names) for file in kept)]

    def is_kept_whole(self, file: FileDescriptorProto) -> bool:
        return file.name in self.own and self.only is None

    def closure(self) -> frozenset[str]:
        """Return the names of the top-level types that are needed."""
        pending: list[str] = []
        for file in self.foreign:
            prefix = f"{file.package}." if file.package else ""
            if self.is_kept_whole(file):
                pending += _used_by(file)
            elif file.name in self.own and self.only is not None:
                pending += [name for name in self.only if self.units.get(name, _NONE).file == file.name]
                for service in file.service:
                    for method in service.method:
                        if self.only_has(prefix + service.name, method.name):
                            pending += [method.input_type, method.output_type]
        found: set[str] = set()
        while pending:
            unit = self.units.get(pending.pop().removeprefix("."))
            if unit is not None and unit.name not in found:
                found.add(unit.name)
                pending += unit.uses
        return frozenset(found)

    def only_has(self, service: str, method: str) -> bool:
        return self.only is not None and (service in self.only or f"{service}/{method}" in self.only)

    def pruned(self, file: FileDescriptorProto) -> FileDescriptorProto:
        prefix = f"{file.package}." if file.package else ""
        copy = FileDescriptorProto()
        copy.CopyFrom(file)
        own = file.name in self.own
        keep = {
            "message_type": [n for n, each in enumerate(file.message_type) if prefix + each.name in self.needed],
            "enum_type": [n for n, each in enumerate(file.enum_type) if prefix + each.name in self.needed],
            "service": [
                n
                for n, each in enumerate(file.service)
                if own and any(self.only_has(prefix + each.name, method.name) for method in each.method)
            ],
            "extension": [n for n, each in enumerate(file.extension) if own and self.can_keep(each)],
        }
        for name, numbers in keep.items():
            _keep(copy, getattr(copy, name), (_LISTS[name],), numbers)
        for n, service in enumerate(copy.service):
            full_name = prefix + service.name
            methods = [m for m, each in enumerate(service.method) if self.only_has(full_name, each.name)]
            _keep(copy, service.method, (_LISTS["service"], n, _SERVICE_METHOD), methods)
        return copy

    def can_keep(self, extension: FieldDescriptorProto) -> bool:
        names = [extension.extendee, *([extension.type_name] if extension.type_name else [])]
        units = [self.units.get(name.removeprefix(".")) for name in names]
        return units[0] is not None and all(unit is None or unit.name in self.needed for unit in units)

    def with_imports(self, file: FileDescriptorProto, names: set[str]) -> FileDescriptorProto:
        """Return a file without imports of files that are left out."""
        keep = [n for n, name in enumerate(file.dependency) if name in names]
        if len(keep) == len(file.dependency):
            return file
        copy = FileDescriptorProto()
        copy.CopyFrom(file)
        public = [keep.index(n) for n in file.public_dependency if n in keep]
        _keep(copy, copy.dependency, (_LISTS["dependency"],), keep)
        _replace(copy.public_dependency, public)
        _replace(copy.weak_dependency, [])
        # What came by way of a public import of a file that is left out is imported directly.
        used = {self.units[name.removeprefix(".")].file for name in _used_by(copy) if name[1:] in self.units}
        copy.dependency.extend(sorted(used - set(copy.dependency) - {file.name}))
        return copy


@dataclass(frozen=True, slots=True)
class _Unit:
    """A type at the top level of a file, with all that is nested in it: kept or left out as a whole."""

    name: str
    file: str
    uses: tuple[str, ...]


_NONE: Final = _Unit("", "", ())


def _units(file: FileDescriptorProto) -> Iterator[tuple[str, _Unit]]:
    """Yield the full names of all types of a file, and the units that they belong to."""
    prefix = f"{file.package}." if file.package else ""
    for enum in file.enum_type:
        yield prefix + enum.name, _Unit(prefix + enum.name, file.name, ())
    for message in file.message_type:
        unit = _Unit(prefix + message.name, file.name, tuple(_used_by_message(message)))
        yield from ((name, unit) for name in _nested(message, prefix))


def _nested(message: DescriptorProto, prefix: str) -> Iterator[str]:
    yield prefix + message.name
    inner = f"{prefix}{message.name}."
    yield from (inner + enum.name for enum in message.enum_type)
    for each in message.nested_type:
        yield from _nested(each, inner)


def _used_by(file: FileDescriptorProto) -> Iterator[str]:
    """Yield the names of types that a file refers to, and of its own, with a dot before them."""
    prefix = f".{file.package}." if file.package else "."
    yield from (prefix + each.name for each in file.message_type)
    yield from (prefix + each.name for each in file.enum_type)
    for message in file.message_type:
        yield from _used_by_message(message)
    for extension in file.extension:
        yield from _used_by_field(extension)
    for service in file.service:
        for method in service.method:
            yield from (method.input_type, method.output_type)


def _used_by_message(message: DescriptorProto) -> Iterator[str]:
    for field in (*message.field, *message.extension):
        yield from _used_by_field(field)
    for nested in message.nested_type:
        yield from _used_by_message(nested)


def _used_by_field(field: FieldDescriptorProto) -> Iterator[str]:
    yield from (name for name in (field.type_name, field.extendee) if name)


def _only(files: Iterable[FileDescriptorProto], own: frozenset[str], manifest: Manifest) -> frozenset[str] | None:
    """Return the names that the manifest lists under ``only``; None for everything."""
    if not manifest.only:
        return None
    known = set()
    for file in files:
        if file.name in own:
            prefix = f"{file.package}." if file.package else ""
            known |= {full for full, _ in _units(file)} | {prefix + service.name for service in file.service}
            known |= {f"{prefix}{each.name}/{method.name}" for each in file.service for method in each.method}
    errors = []
    for name in manifest.only:
        if name not in known:
            advice = suggestion(name, known, ": it names services, RPCs, messages or enums")
            text = f"only: nothing in the protos is called {name!r}{advice}"
            errors.append(GenerationError.at(manifest.location("only"), text))
    if errors:
        raise GenerationError.of(errors)
    return frozenset(manifest.only)


def _content(file: FileDescriptorProto) -> Iterator[Any]:
    for name in ("message_type", "enum_type", "service", "extension"):
        yield from getattr(file, name)


def _replace(target: Any, items: Sequence[Any]) -> None:
    kept = list(items)
    del target[:]
    target.extend(kept)


def _keep(file: FileDescriptorProto, items: Any, path: tuple[int, ...], numbers: Sequence[int]) -> None:
    """Keep some items of a list, and the places of source info that are theirs; `path` is that of the list."""
    if len(numbers) == len(items):
        return
    _replace(items, [items[n] if isinstance(items[n], str) else _copy(items[n]) for n in numbers])
    new: Mapping[int, int] = {old: at for at, old in enumerate(numbers)}
    depth, kept = len(path), []
    for place in map(_copy, file.source_code_info.location):
        if len(place.path) > depth and tuple(place.path[:depth]) == path:
            if place.path[depth] not in new:
                continue
            place.path[depth] = new[place.path[depth]]
        kept.append(place)
    _replace(file.source_code_info.location, kept)


def _copy(message: Any) -> Any:
    copy = type(message)()
    copy.CopyFrom(message)
    return copy
