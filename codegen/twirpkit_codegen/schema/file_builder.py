"""The model of one proto file: messages, fields and enums, with comments and lines."""

from __future__ import annotations

import importlib.resources
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from google.protobuf import descriptor_pb2
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FeatureSet,
    FieldDescriptorProto,
)

from twirpkit_codegen.errors import GenerationError, Location
from twirpkit_codegen.schema import comments, naming
from twirpkit_codegen.schema.embedded import embedded_descriptor
from twirpkit_codegen.schema.model import Enum, EnumValue, Field, File, Message, TypeRef, walk
from twirpkit_codegen.schema.source import Source
from twirpkit_codegen.schema.type_index import GOOGLE, find_type

__all__ = ["build_file"]

_INSTALLED: Final = importlib.resources.files("google.protobuf")
_F: Final = FieldDescriptorProto
_SCALARS: Final = {
    _F.TYPE_DOUBLE: "float",
    _F.TYPE_FLOAT: "float",
    _F.TYPE_INT64: "int",
    _F.TYPE_UINT64: "int",
    _F.TYPE_INT32: "int",
    _F.TYPE_FIXED64: "int",
    _F.TYPE_FIXED32: "int",
    _F.TYPE_BOOL: "bool",
    _F.TYPE_STRING: "str",
    _F.TYPE_BYTES: "bytes",
    _F.TYPE_UINT32: "int",
    _F.TYPE_SFIXED32: "int",
    _F.TYPE_SFIXED64: "int",
    _F.TYPE_SINT32: "int",
    _F.TYPE_SINT64: "int",
}
# Numbers of fields in descriptor.proto, of which the paths of source info consist.
_FILE_PACKAGE, _FILE_DEPENDENCY, _FILE_MESSAGE, _FILE_ENUM, _FILE_SYNTAX = 2, 3, 4, 5, 12
_MESSAGE_FIELD, _MESSAGE_NESTED, _MESSAGE_ENUM = 2, 3, 4
_ENUM_VALUE = 2
_EDITION: Final = descriptor_pb2.EDITION_2023


def build_file(source: Source, index: Mapping[str, TypeRef]) -> File:
    """Build the model of one file; `index` has every type by its full name. Raises GenerationError."""
    return _FileBuilder(source, index).build()


class _FileBuilder:
    def __init__(self, source: Source, index: Mapping[str, TypeRef]) -> None:
        self.source = source
        self.index = index

    def build(self) -> File:
        file = self.source.file
        if file.edition > _EDITION:
            text = "this edition is newer than 2023, the last that every supported protobuf knows: use edition 2023"
            raise GenerationError.at(self.source.location((_FILE_SYNTAX,)), text)
        self.check_types(
            file.message_type, (_FILE_MESSAGE,), file.enum_type, (_FILE_ENUM,), naming.MODULE_NAMES, "a module"
        )
        messages = tuple(self.message(each, (_FILE_MESSAGE, n), "", "") for n, each in enumerate(file.message_type))
        enums = tuple(self.enum(each, (_FILE_ENUM, n), "", "") for n, each in enumerate(file.enum_type))
        naming.check_unique(
            (naming.dict_name(each.qualname), each.full_name, Location(file.name, each.line)) for each in walk(messages)
        )
        return File(
            name=file.name,
            module=naming.module_name(file.name, self.source.location(())),
            doc=self.source.doc((_FILE_SYNTAX,), (_FILE_PACKAGE,)),
            imports=tuple(sorted(naming.module_name(each, Location(file.name)) for each in self.own_imports())),
            messages=messages,
            enums=enums,
            serialized=embedded_descriptor(file),
        )

    def own_imports(self) -> Iterator[str]:
        """Yield the imports that are files of the SDK. Raises GenerationError for one that protobuf does not have."""
        for number, name in enumerate(self.source.file.dependency):
            if not name.startswith(GOOGLE):
                yield name
            elif not _INSTALLED.joinpath(name.removeprefix(GOOGLE).replace(".proto", "_pb2.py")).is_file():
                text = f"{name} is not in the installed protobuf: remove the import"
                raise GenerationError.at(self.source.location((_FILE_DEPENDENCY, number)), text)

    def message(self, proto: DescriptorProto, path: tuple[int, ...], outer: str, outer_py: str) -> Message:
        location = self.source.location(path)
        py_name = naming.python_name(proto.name, location)
        name, qualname = f"{outer}{proto.name}", f"{outer_py}{py_name}"
        full_name = self.source.full_name(name)
        entries = {f".{full_name}.{each.name}": each for each in proto.nested_type if each.options.map_entry}
        fields = tuple(
            self.field(each, (*path, _MESSAGE_FIELD, n), proto, entries) for n, each in enumerate(proto.field)
        )
        naming.check_unique((each.py_name, each.name, Location(self.source.file.name, each.line)) for each in fields)
        self.check_types(
            proto.nested_type,
            (*path, _MESSAGE_NESTED),
            proto.enum_type,
            (*path, _MESSAGE_ENUM),
            naming.MESSAGE_NAMES,
            "a message",
        )
        nested = tuple(
            self.message(each, (*path, _MESSAGE_NESTED, n), f"{name}.", f"{qualname}.")
            for n, each in enumerate(proto.nested_type)
            if not each.options.map_entry
        )
        enums = tuple(
            self.enum(each, (*path, _MESSAGE_ENUM, n), f"{name}.", f"{qualname}.")
            for n, each in enumerate(proto.enum_type)
        )
        return Message(
            name=proto.name,
            py_name=py_name,
            full_name=full_name,
            qualname=qualname,
            doc=comments.mark_deprecated(self.source.doc(path), proto.options.deprecated),
            line=location.line,
            fields=fields,
            oneofs=tuple(
                each.name
                for n, each in enumerate(proto.oneof_decl)
                if any(_in_oneof(field, n) for field in proto.field)
            ),
            messages=nested,
            enums=enums,
        )

    def field(
        self,
        proto: FieldDescriptorProto,
        path: tuple[int, ...],
        owner: DescriptorProto,
        entries: dict[str, DescriptorProto],
    ) -> Field:
        location = self.source.location(path)
        entry = entries.get(proto.type_name)
        value = entry.field[1] if entry is not None else proto
        in_oneof = proto.HasField("oneof_index") and not proto.proto3_optional
        return Field(
            name=proto.name,
            py_name=naming.python_name(proto.name, location),
            type=self.type(value, location),
            number=proto.number,
            doc=comments.mark_deprecated(self.source.doc(path), proto.options.deprecated),
            line=location.line,
            repeated=proto.label == _F.LABEL_REPEATED and entry is None,
            map_key=self.type(entry.field[0], location) if entry is not None else None,
            oneof=owner.oneof_decl[proto.oneof_index].name if in_oneof else None,
            has_presence=self.has_presence(proto),
            deprecated=proto.options.deprecated,
        )

    def has_presence(self, proto: FieldDescriptorProto) -> bool:
        if proto.label == _F.LABEL_REPEATED:
            return False
        if proto.type in (_F.TYPE_MESSAGE, _F.TYPE_GROUP) or proto.HasField("oneof_index"):
            return True
        file = self.source.file
        if file.syntax != "editions":
            return file.syntax != "proto3"
        presence = proto.options.features.field_presence or file.options.features.field_presence
        return presence != FeatureSet.IMPLICIT

    def check_types(
        self,
        messages: Sequence[DescriptorProto],
        message_path: tuple[int, ...],
        enums: Sequence[EnumDescriptorProto],
        enum_path: tuple[int, ...],
        taken: frozenset[str],
        owner: str,
    ) -> None:
        """Raise GenerationError for types of one scope whose names clash with each other or with those in `taken`."""
        found = [(each.name, self.source.location((*message_path, n))) for n, each in enumerate(messages)]
        found += [(each.name, self.source.location((*enum_path, n))) for n, each in enumerate(enums)]
        for name, location in found:
            naming.check_free(name, taken, owner, location)
        naming.check_unique((naming.python_name(name, location), name, location) for name, location in found)

    def type(self, proto: FieldDescriptorProto, location: Location) -> TypeRef:
        if proto.type in _SCALARS:
            return TypeRef("scalar", _SCALARS[proto.type])
        return find_type(self.index, proto.type_name, location)

    def enum(self, proto: EnumDescriptorProto, path: tuple[int, ...], outer: str, outer_py: str) -> Enum:
        location = self.source.location(path)
        values = tuple(
            EnumValue(
                name=each.name,
                py_name=naming.python_name(each.name, self.source.location((*path, _ENUM_VALUE, n))),
                number=each.number,
                doc=comments.mark_deprecated(self.source.doc((*path, _ENUM_VALUE, n)), each.options.deprecated),
                deprecated=each.options.deprecated,
            )
            for n, each in enumerate(proto.value)
        )
        locations = [self.source.location((*path, _ENUM_VALUE, n)) for n in range(len(values))]
        for value, place in zip(values, locations, strict=True):
            naming.check_free(value.name, naming.ENUM_NAMES, "an enum class", place)
        naming.check_unique((each.py_name, each.name, place) for each, place in zip(values, locations, strict=True))
        py_name = naming.python_name(proto.name, location)
        return Enum(
            proto.name,
            py_name,
            self.source.full_name(f"{outer}{proto.name}"),
            f"{outer_py}{py_name}",
            comments.mark_deprecated(self.source.doc(path), proto.options.deprecated),
            values,
        )


def _in_oneof(field: FieldDescriptorProto, number: int) -> bool:
    return field.HasField("oneof_index") and field.oneof_index == number and not field.proto3_optional
