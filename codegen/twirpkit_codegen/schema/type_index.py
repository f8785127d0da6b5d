"""Types of the protos by their full names, and the modules of their classes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from google.protobuf.descriptor_pb2 import DescriptorProto, EnumDescriptorProto, FileDescriptorProto

from twirpkit_codegen.errors import GenerationError, Location
from twirpkit_codegen.schema import naming
from twirpkit_codegen.schema.model import TypeRef

__all__ = ["GOOGLE", "find_type", "google_module", "types_in"]

GOOGLE: Final = "google/protobuf/"
"""The prefix of files that come from the installed protobuf."""


def find_type(index: Mapping[str, TypeRef], name: str, location: Location) -> TypeRef:
    """Return the type that a descriptor names, with a dot before it as protoc and buf write it."""
    found = index.get(name.removeprefix(".")) if name.startswith(".") else None
    if found is None:
        raise GenerationError.at(location, f"no file here defines {name!r}: make the descriptor set with its imports")
    return found


def google_module(file: str) -> str:
    """Return the module of the installed protobuf for one of its files."""
    return file.removesuffix(".proto").replace("/", ".") + "_pb2"


def types_in(file: FileDescriptorProto) -> Iterator[tuple[str, TypeRef]]:
    """Yield full name and type of everything that a file defines."""
    google = file.name.startswith(GOOGLE)
    module = google_module(file.name) if google else naming.module_name(file.name, Location(file.name))
    package = f"{file.package}." if file.package else ""

    def walk(
        messages: Iterable[DescriptorProto], enums: Iterable[EnumDescriptorProto], outer: str, outer_py: str
    ) -> Iterator[tuple[str, TypeRef]]:
        for enum in enums:
            full = f"{package}{outer}{enum.name}"
            yield full, TypeRef("enum", outer_py + naming.escape_keyword(enum.name), module, full)
        for message in messages:
            full, name = f"{package}{outer}{message.name}", outer_py + naming.escape_keyword(message.name)
            yield full, TypeRef("message", name, module, full)
            yield from walk(message.nested_type, message.enum_type, f"{outer}{message.name}.", f"{name}.")

    return walk(file.message_type, file.enum_type, "", "")
