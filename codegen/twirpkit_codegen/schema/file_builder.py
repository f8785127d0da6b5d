"""The model of one proto file: messages, fields and enums, with comments and lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FeatureSet,
    FieldDescriptorProto,
)

from twirpkit_codegen.errors import Location
from twirpkit_codegen.schema import comments
from twirpkit_codegen.schema.embedded import embedded_descriptor
from twirpkit_codegen.schema.message_model import Doc, Enum, EnumValue, Extension, Field, File, Message, TypeRef
from twirpkit_codegen.schema.source import Source
from twirpkit_codegen.schema.type_index import Names, find_type, is_google

__all__ = ["build_file"]

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
_FILE_PACKAGE, _FILE_MESSAGE, _FILE_ENUM, _FILE_EXTENSION, _FILE_SYNTAX = 2, 4, 5, 7, 12
_MESSAGE_FIELD, _MESSAGE_NESTED, _MESSAGE_ENUM, _MESSAGE_EXTENSION = 2, 3, 4, 6
_ENUM_VALUE = 2


def build_file(source: Source, names: Names) -> File:
    """Build the model of one file. Raises GenerationError."""
    return _FileBuilder(source, names).build()


class _FileBuilder:
    def __init__(self, source: Source, names: Names) -> None:
        self.source = source
        self.names = names

    def build(self) -> File:
        file = self.source.file
        return File(
            name=file.name,
            module=self.names.modules[file.name],
            doc=self.source.doc((_FILE_SYNTAX,), (_FILE_PACKAGE,)),
            imports=tuple(sorted(self.names.modules[each] for each in self.imports(shared=False))),
            shared=tuple(
                sorted(
                    f"{self.names.shared[each]}.messages.{self.names.modules[each]}"
                    for each in self.imports(shared=True)
                )
            ),
            messages=tuple(self.message(each, (_FILE_MESSAGE, n), "") for n, each in enumerate(file.message_type)),
            enums=tuple(self.enum(each, (_FILE_ENUM, n), "") for n, each in enumerate(file.enum_type)),
            serialized=embedded_descriptor(file),
            extensions=self.extensions(file.extension, (_FILE_EXTENSION,), ""),
            names=self.names.unusual(file),
        )

    def imports(self, *, shared: bool) -> list[str]:
        """Return the files that this one imports, of this package or of another."""
        foreign = (each for each in self.source.file.dependency if not is_google(each))
        return [each for each in foreign if (each in self.names.shared) is shared]

    def message(self, proto: DescriptorProto, path: tuple[int, ...], outer: str) -> Message:
        name = f"{outer}{proto.name}"
        full_name = self.source.full_name(name)
        entries = {f".{full_name}.{each.name}": each for each in proto.nested_type if each.options.map_entry}
        fields = tuple(
            self.field(each, (*path, _MESSAGE_FIELD, n), proto, full_name, entries)
            for n, each in enumerate(proto.field)
        )
        nested = tuple(
            self.message(each, (*path, _MESSAGE_NESTED, n), f"{name}.")
            for n, each in enumerate(proto.nested_type)
            if not each.options.map_entry
        )
        return Message(
            name=proto.name,
            py_name=self.names.python[full_name],
            full_name=full_name,
            qualname=self.names.types[full_name].name,
            doc=comments.mark_deprecated(self.source.doc(path), proto.options.deprecated),
            line=self.source.location(path).line,
            fields=fields,
            oneofs=tuple(
                each.name
                for n, each in enumerate(proto.oneof_decl)
                if any(_in_oneof(field, n) for field in proto.field)
            ),
            messages=nested,
            enums=tuple(
                self.enum(each, (*path, _MESSAGE_ENUM, n), f"{name}.") for n, each in enumerate(proto.enum_type)
            ),
            extensions=self.extensions(proto.extension, (*path, _MESSAGE_EXTENSION), f"{name}."),
        )

    def extensions(
        self, protos: Sequence[FieldDescriptorProto], path: tuple[int, ...], outer: str
    ) -> tuple[Extension, ...]:
        """Return the extensions of one scope; `path` is that of all of them."""
        found = []
        for n, proto in enumerate(protos):
            full_name = self.source.full_name(f"{outer}{proto.name}")
            place = (*path, n)
            field = self.field(proto, place, DescriptorProto(), full_name.rpartition(".")[0], {})
            extendee = find_type(self.names.types, proto.extendee, self.source.location(place))
            found.append(Extension(self.names.python[full_name], full_name, extendee, field))
        return tuple(found)

    def field(
        self,
        proto: FieldDescriptorProto,
        path: tuple[int, ...],
        owner: DescriptorProto,
        owner_name: str,
        entries: dict[str, DescriptorProto],
    ) -> Field:
        location = self.source.location(path)
        entry = entries.get(proto.type_name)
        value = entry.field[1] if entry is not None else proto
        in_oneof = proto.HasField("oneof_index") and not proto.proto3_optional
        return Field(
            name=proto.name,
            py_name=self.names.python[f"{owner_name}.{proto.name}" if owner_name else proto.name],
            type=self.type(value, location),
            number=proto.number,
            doc=self.field_doc(proto, path),
            line=location.line,
            repeated=proto.label == _F.LABEL_REPEATED and entry is None,
            map_key=self.type(entry.field[0], location) if entry is not None else None,
            oneof=owner.oneof_decl[proto.oneof_index].name if in_oneof else None,
            has_presence=self.has_presence(proto),
            deprecated=proto.options.deprecated,
        )

    def field_doc(self, proto: FieldDescriptorProto, path: tuple[int, ...]) -> Doc:
        """Return a field's comment, with what its declaration says beyond its type."""
        doc = comments.mark_deprecated(self.source.doc(path), proto.options.deprecated)
        if proto.label == _F.LABEL_REQUIRED or proto.options.features.field_presence == FeatureSet.LEGACY_REQUIRED:
            doc = comments.add_note(doc, "Required.")
        if proto.HasField("default_value"):
            shown = repr(proto.default_value) if proto.type == _F.TYPE_STRING else proto.default_value
            doc = comments.add_note(doc, f"Default: {shown}.")
        return doc

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

    def type(self, proto: FieldDescriptorProto, location: Location) -> TypeRef:
        if proto.type in _SCALARS:
            kind = _F.Type.Name(proto.type).removeprefix("TYPE_").lower()
            return TypeRef("scalar", _SCALARS[proto.type], proto_name=kind)
        return find_type(self.names.types, proto.type_name, location)

    def enum(self, proto: EnumDescriptorProto, path: tuple[int, ...], outer: str) -> Enum:
        full_name = self.source.full_name(f"{outer}{proto.name}")
        values = tuple(
            EnumValue(
                name=each.name,
                py_name=self.names.python[f"{full_name}.{each.name}"],
                number=each.number,
                doc=comments.mark_deprecated(self.source.doc((*path, _ENUM_VALUE, n)), each.options.deprecated),
                deprecated=each.options.deprecated,
            )
            for n, each in enumerate(proto.value)
        )
        return Enum(
            proto.name,
            self.names.python[full_name],
            full_name,
            self.names.types[full_name].name,
            comments.mark_deprecated(self.source.doc(path), proto.options.deprecated),
            values,
        )


def _in_oneof(field: FieldDescriptorProto, number: int) -> bool:
    return field.HasField("oneof_index") and field.oneof_index == number and not field.proto3_optional
