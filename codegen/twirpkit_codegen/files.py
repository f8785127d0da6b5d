"""Proto files to the model's files: messages, fields, enums, with comments and lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)

from twirpkit_codegen import docs, naming
from twirpkit_codegen.errors import Where
from twirpkit_codegen.model import Doc, Enum, EnumValue, Field, File, Message, TypeRef

__all__ = ["GOOGLE", "Source", "build_file", "types_of"]

GOOGLE: Final = "google/protobuf/"
"""Files with this prefix come from the installed protobuf."""

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
# Numbers of fields in descriptor.proto: what the paths of source info are made of.
_FILE_PACKAGE, _FILE_MESSAGE, _FILE_ENUM, _FILE_SYNTAX = 2, 4, 5, 12
_MESSAGE_FIELD, _MESSAGE_NESTED, _MESSAGE_ENUM = 2, 3, 4
_ENUM_VALUE = 2


@dataclass(frozen=True, slots=True)
class Source:
    """A proto file with its comments and lines by path."""

    file: FileDescriptorProto
    comments: dict[tuple[int, ...], str]
    lines: dict[tuple[int, ...], int]

    @classmethod
    def of(cls, file: FileDescriptorProto) -> Source:
        """A file's descriptor, its source info taken apart."""
        comments: dict[tuple[int, ...], str] = {}
        lines: dict[tuple[int, ...], int] = {}
        for location in file.source_code_info.location:
            path = tuple(location.path)
            lines.setdefault(path, location.span[0] + 1)
            comment = location.leading_comments or location.trailing_comments
            if comment.strip():
                comments.setdefault(path, comment)
        return cls(file, comments, lines)

    def doc(self, *paths: tuple[int, ...]) -> Doc:
        """The comment at the first of these paths that has one."""
        return docs.parse(next((self.comments[path] for path in paths if path in self.comments), ""))

    def where(self, path: tuple[int, ...]) -> Where:
        """The place of the element at a path."""
        return Where(self.file.name, self.lines.get(path))

    def full_name(self, name: str) -> str:
        """The full name of what this file calls `name`."""
        return f"{self.file.package}.{name}" if self.file.package else name


def build_file(source: Source, index: dict[str, TypeRef]) -> File:
    """The model of one file; `index` knows every type by its full name."""
    return _FileBuilder(source, index).build()


class _FileBuilder:
    def __init__(self, source: Source, index: dict[str, TypeRef]) -> None:
        self.source = source
        self.index = index

    def build(self) -> File:
        file = self.source.file
        messages = tuple(self.message(each, (_FILE_MESSAGE, n), "", "") for n, each in enumerate(file.message_type))
        enums = tuple(self.enum(each, (_FILE_ENUM, n), "") for n, each in enumerate(file.enum_type))
        naming.check_unique(
            [(each.py_name, each.name, self.source.where((_FILE_MESSAGE, n))) for n, each in enumerate(messages)]
            + [(each.py_name, each.name, self.source.where((_FILE_ENUM, n))) for n, each in enumerate(enums)]
        )
        return File(
            name=file.name,
            module=naming.module_name(file.name, self.source.where(())),
            doc=self.source.doc((_FILE_SYNTAX,), (_FILE_PACKAGE,)),
            imports=tuple(
                sorted(
                    naming.module_name(each, Where(file.name))
                    for each in file.dependency
                    if not each.startswith(GOOGLE)
                )
            ),
            messages=messages,
            enums=enums,
            serialized=_embedded(file),
        )

    def message(self, proto: DescriptorProto, path: tuple[int, ...], outer: str, outer_py: str) -> Message:
        where = self.source.where(path)
        py_name = naming.safe(proto.name, where)
        name, qualname = f"{outer}{proto.name}", f"{outer_py}{py_name}"
        entries = {each.name: each for each in proto.nested_type if each.options.map_entry}
        fields = tuple(
            self.field(each, (*path, _MESSAGE_FIELD, n), proto, entries) for n, each in enumerate(proto.field)
        )
        naming.check_unique((each.py_name, each.name, Where(self.source.file.name, each.line)) for each in fields)
        return Message(
            name=proto.name,
            py_name=py_name,
            full_name=self.source.full_name(name),
            qualname=qualname,
            doc=self.source.doc(path),
            line=where.line,
            fields=fields,
            oneofs=tuple(
                each.name
                for n, each in enumerate(proto.oneof_decl)
                if any(_in_oneof(field, n) for field in proto.field)
            ),
            messages=tuple(
                self.message(each, (*path, _MESSAGE_NESTED, n), f"{name}.", f"{qualname}.")
                for n, each in enumerate(proto.nested_type)
                if not each.options.map_entry
            ),
            enums=tuple(
                self.enum(each, (*path, _MESSAGE_ENUM, n), f"{name}.") for n, each in enumerate(proto.enum_type)
            ),
        )

    def field(
        self,
        proto: FieldDescriptorProto,
        path: tuple[int, ...],
        owner: DescriptorProto,
        entries: dict[str, DescriptorProto],
    ) -> Field:
        where = self.source.where(path)
        entry = entries.get(proto.type_name.rpartition(".")[2]) if proto.type == _F.TYPE_MESSAGE else None
        value = entry.field[1] if entry is not None else proto
        in_oneof = proto.HasField("oneof_index") and not proto.proto3_optional
        return Field(
            name=proto.name,
            py_name=naming.safe(proto.name, where),
            type=self.type(value),
            number=proto.number,
            doc=self.source.doc(path),
            line=where.line,
            repeated=proto.label == _F.LABEL_REPEATED and entry is None,
            map_key=self.type(entry.field[0]) if entry is not None else None,
            oneof=owner.oneof_decl[proto.oneof_index].name if in_oneof else None,
            has_presence=self.has_presence(proto),
            deprecated=proto.options.deprecated,
        )

    def has_presence(self, proto: FieldDescriptorProto) -> bool:
        if proto.label == _F.LABEL_REPEATED:
            return False
        is_message = proto.type in (_F.TYPE_MESSAGE, _F.TYPE_GROUP)
        return is_message or proto.HasField("oneof_index") or self.source.file.syntax != "proto3"

    def type(self, proto: FieldDescriptorProto) -> TypeRef:
        if proto.type in _SCALARS:
            return TypeRef("scalar", _SCALARS[proto.type])
        return self.index[proto.type_name.lstrip(".")]

    def enum(self, proto: EnumDescriptorProto, path: tuple[int, ...], outer: str) -> Enum:
        where = self.source.where(path)
        values = tuple(
            EnumValue(
                name=each.name,
                py_name=naming.safe(each.name, self.source.where((*path, _ENUM_VALUE, n))),
                number=each.number,
                doc=self.source.doc((*path, _ENUM_VALUE, n)),
                deprecated=each.options.deprecated,
            )
            for n, each in enumerate(proto.value)
        )
        return Enum(
            proto.name,
            naming.safe(proto.name, where),
            self.source.full_name(f"{outer}{proto.name}"),
            self.source.doc(path),
            values,
        )


def types_of(file: FileDescriptorProto) -> Iterator[tuple[str, TypeRef]]:
    """Every type that a file defines, by full name."""
    google = file.name.startswith(GOOGLE)
    module = (
        file.name.removesuffix(".proto").replace("/", ".") + "_pb2"
        if google
        else naming.module_name(file.name, Where(file.name))
    )
    package = f"{file.package}." if file.package else ""

    def walk(
        messages: Iterable[DescriptorProto], enums: Iterable[EnumDescriptorProto], outer: str, outer_py: str
    ) -> Iterator[tuple[str, TypeRef]]:
        for enum in enums:
            full = f"{package}{outer}{enum.name}"
            yield full, TypeRef("enum", outer_py + naming.safe(enum.name, Where(file.name)), module, full)
        for message in messages:
            full, name = f"{package}{outer}{message.name}", outer_py + naming.safe(message.name, Where(file.name))
            yield full, TypeRef("message", name, module, full)
            yield from walk(message.nested_type, message.enum_type, f"{outer}{message.name}.", f"{name}.")

    return walk(file.message_type, file.enum_type, "", "")


def _in_oneof(field: FieldDescriptorProto, number: int) -> bool:
    return field.HasField("oneof_index") and field.oneof_index == number and not field.proto3_optional


def _embedded(file: FileDescriptorProto) -> bytes:
    """The descriptor as it is embedded: without comments, and without the JSON names that follow from the names."""
    copy = FileDescriptorProto()
    copy.CopyFrom(file)
    copy.ClearField("source_code_info")
    pending = list(copy.message_type)
    while pending:
        message = pending.pop()
        pending.extend(message.nested_type)
        for field in message.field:
            if field.json_name == _json_name(field.name):
                field.ClearField("json_name")
    return copy.SerializeToString(deterministic=True)


def _json_name(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in rest)
