"""The part of the model that comes from the protos: files, messages, enums, and their comments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

__all__ = [
    "Doc",
    "Enum",
    "EnumValue",
    "Extension",
    "Field",
    "File",
    "Message",
    "TypeRef",
    "walk",
]


@dataclass(frozen=True, slots=True)
class Doc:
    """A comment: its first sentence, and the paragraphs after it."""

    summary: str
    body: tuple[str, ...]
    """Each a paragraph or a list item on one line; or a block with all its lines: see `is_verbatim`."""

    @property
    def text(self) -> str:
        """The whole comment as one paragraph."""
        return " ".join(" ".join(each.split()) for each in (self.summary, *self.body) if each)

    @property
    def layout(self) -> tuple[str, ...]:
        """The comment as one paragraph if it is prose, else part by part."""
        if any(self.is_verbatim(each) or each.startswith(("- ", "* ")) for each in self.body):
            return (self.summary, *self.body)
        return (self.text,)

    @staticmethod
    def is_verbatim(part: str) -> bool:
        """Return True for code, indented by four spaces or fenced, and for a table of Markdown."""
        return part.startswith("    ") or ("\n" in part and part.startswith(("```", "|")))


@dataclass(frozen=True, slots=True)
class TypeRef:
    """The type of a field, request or response."""

    kind: Literal["scalar", "message", "enum"]
    name: str
    """The Python type of a scalar (``str``); otherwise the name of the class in its module (``Outer.Inner``)."""
    module: str = ""
    """A proto file's module under ``messages`` (``logger.options``) or ``google.protobuf.x_pb2``; empty for scalars."""
    full_name: str = ""
    """The proto's own full name; empty for scalars."""
    is_google: bool = False
    """True for a class of the installed protobuf."""
    package: str = ""
    """The import package that has the class, where it is another one's; empty for this one."""
    proto_name: str = ""
    """The proto's own name of a scalar (``sint64``); empty for others."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a message."""

    name: str
    py_name: str
    type: TypeRef
    number: int
    doc: Doc
    line: int | None
    repeated: bool = False
    map_key: TypeRef | None = None
    """The key's type if the field is a map; `type` is then the value's."""
    oneof: str | None = None
    has_presence: bool = False
    """True if unset differs from the default value."""
    deprecated: bool = False


@dataclass(frozen=True, slots=True)
class Extension:
    """An extension of proto2: a field that is declared outside its message."""

    py_name: str
    full_name: str
    extendee: TypeRef
    field: Field


@dataclass(frozen=True, slots=True)
class EnumValue:
    """One value of an enum."""

    name: str
    py_name: str
    number: int
    doc: Doc
    deprecated: bool = False


@dataclass(frozen=True, slots=True)
class Enum:
    """An enum."""

    name: str
    py_name: str
    full_name: str
    qualname: str
    doc: Doc
    values: tuple[EnumValue, ...]


@dataclass(frozen=True, slots=True)
class Message:
    """A message, and the types that are nested in it."""

    name: str
    py_name: str
    full_name: str
    qualname: str
    doc: Doc
    line: int | None
    fields: tuple[Field, ...]
    oneofs: tuple[str, ...]
    messages: tuple[Message, ...]
    enums: tuple[Enum, ...]
    extensions: tuple[Extension, ...] = ()
    """Extensions that are declared in it, of whatever message."""


@dataclass(frozen=True, slots=True)
class File:
    """A proto file."""

    name: str
    module: str
    """Its module under ``messages``, with dots."""
    doc: Doc
    imports: tuple[str, ...]
    """Modules of the SDK's files that it imports."""
    shared: tuple[str, ...]
    """Modules of another package that it imports, with the package."""
    messages: tuple[Message, ...]
    enums: tuple[Enum, ...]
    serialized: bytes
    """Its descriptor without comments."""
    extensions: tuple[Extension, ...] = ()
    """Extensions that are declared in no message."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Python names by full name, of what does not have the name that the runtime gives it by itself."""

    @property
    def all_extensions(self) -> tuple[Extension, ...]:
        """Its extensions, and those that are declared in its messages at any depth."""
        return (*self.extensions, *(each for message in walk(self.messages) for each in message.extensions))

    @property
    def all_enums(self) -> tuple[Enum, ...]:
        """Its enums, and those of its messages at any depth."""
        return (*self.enums, *(enum for message in walk(self.messages) for enum in message.enums))

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders that the module is in, with dots, outermost first."""
        parts = self.module.split(".")[:-1]
        return tuple(".".join(parts[: n + 1]) for n in range(len(parts)))


def walk(messages: Iterable[Message]) -> Iterator[Message]:
    """Yield each message, followed by those that are nested in it."""
    for message in messages:
        yield message
        yield from walk(message.messages)
