"""The model of an API: plain data that the templates are rendered with. `twirpkit inspect` prints it as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = [
    "Api",
    "BoundClass",
    "Doc",
    "Enum",
    "EnumValue",
    "Export",
    "Extension",
    "FakeServer",
    "Field",
    "File",
    "KnownError",
    "Message",
    "Method",
    "Origin",
    "PackageInfo",
    "PageFields",
    "Policy",
    "Project",
    "Service",
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


@dataclass(frozen=True, slots=True)
class Policy:
    """The policy of an RPC: its row in the manifest."""

    retry: str
    grants: Mapping[str, Any] | None = None
    """Claim templates; None if the manifest has no claim schema."""
    key: str | None = None
    timeout: float | None = None
    """Default timeout in seconds; None for the runtime's default."""
    wait: Mapping[str, Any] | None = None
    """``field``, ``default``, ``margin`` and optionally ``when``, ``unit``; None: the server waits for nobody."""
    note: str | None = None
    """A remark for callers, such as a limitation."""
    cloud_only: bool = False
    """True if only the vendor's cloud has the RPC."""


@dataclass(frozen=True, slots=True)
class PageFields:
    """Fields by which an RPC returns a list page by page."""

    py_name: str
    """The name of the iterator beside the method."""
    start: str
    """The request's string field that says where the page starts; a dot leads into a message."""
    next: str
    """The response's string field that says where the next page starts; empty if the last item says it."""
    items: str
    item: TypeRef
    item_id: str | None = None
    """The item's string field after which the next page starts; None if the response has a token."""


@dataclass(frozen=True, slots=True)
class Method:
    """An RPC."""

    name: str
    py_name: str
    constant: str
    request: TypeRef
    response: TypeRef
    doc: Doc
    policy: Policy
    request_fields: tuple[Field, ...]
    line: int | None
    left_out: tuple[str, ...] = ()
    """Fields that cannot be keyword arguments, because an option of the method has the same name."""
    deprecated: bool = False
    pages: PageFields | None = None


@dataclass(frozen=True, slots=True)
class Helpers:
    """Methods of a service that make several calls, from a template beside the manifest."""

    file: str
    """Its path, relative to the manifest."""
    template: str
    """Its text."""
    methods: tuple[str, ...]
    """The names of the methods."""


@dataclass(frozen=True, slots=True)
class Service:
    """A service."""

    name: str
    full_name: str
    attribute: str
    """The facade's property, and the name of the service's modules."""
    class_name: str
    """The sync class; the async one has ``Async`` before it."""
    doc: Doc
    file: str
    line: int | None
    host: str | None
    """``module:function`` that makes the service's base URL from the facade's."""
    note: str | None
    """A remark for callers, such as a limitation."""
    methods: tuple[Method, ...]
    helpers: Helpers | None = None
    """Further methods, which make several calls; None for none."""


@dataclass(frozen=True, slots=True)
class KnownError:
    """A known error of the server."""

    code: str | None
    """None for any code."""
    text: str
    """A part of its message."""
    hint: str
    """A remark that is added to the message; may be empty."""
    final: bool
    """True if it is never retried."""
    strip: bool
    """True if the text is a prefix that is left out of the message."""
    cloud_only: bool
    """True if it is known of RPCs that only the vendor's cloud has."""


@dataclass(frozen=True, slots=True)
class FakeServer:
    """A fake server of another package, bound to this one."""

    module: str
    name: str
    """The class."""
    parameters: tuple[str, ...]
    """Names of this package that the class is generic in."""
    exports: tuple[str, ...]
    """Further names of the module that the SDK exports beside it."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The manifest's ``[upstream]``: where the protos come from."""

    name: str
    url: str | None = None
    license: str | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Project:
    """The manifest's ``[project]``: the distribution that the package is published in."""

    name: str
    version: str
    description: str
    license: str | None = None
    license_files: tuple[str, ...] = ()
    """Files beside the generated ones that the author writes, such as ``LICENSE``."""
    urls: Mapping[str, str] = field(default_factory=dict)
    classifiers: tuple[str, ...] = ()
    dependencies: tuple[str, ...] = ()
    """Requirements of plug-ins, besides the runtime."""
    example: str = ""
    """Python for the readme."""


@dataclass(frozen=True, slots=True)
class PackageInfo:
    """Facts of the package as a whole, from the manifest's ``[sdk]``."""

    name: str
    """The import package."""
    facade: str
    summary: str
    prefix: str
    signer: str | None
    errors: str | None
    regions: str | None
    testing: FakeServer | None
    """A fake server for tests."""
    request_id_header: str | None
    env: Mapping[str, str]
    known_errors: tuple[KnownError, ...]
    sensitivity: str | None
    """Full name of the field option that marks secret and personal fields."""
    sensitive_fields: tuple[str, ...] = ()
    """Full names of further secret and personal fields."""
    share: str | None = None
    """The package whose pool this one's messages are in, too; None for a pool of its own."""
    origin: Origin | None = None
    project: Project | None = None
    sensitivity_number: int | None = None
    """Its number; set when the protos have been read."""


@dataclass(frozen=True, slots=True)
class Export:
    """A name of another package that this package exports as well."""

    name: str
    module: str


@dataclass(frozen=True, slots=True)
class BoundClass:
    """A class or class method of another package, bound to a class of this package."""

    name: str
    module: str
    """Its module in the package, with dots."""
    base: str
    """``module.Class`` of the other package."""
    method: str | None
    """The class method of the base that is exported; None for the class itself."""
    attribute: str
    """The class method that returns the class of this package."""
    target_module: str
    """Module of that class in the package, with dots."""
    target: str
    """Its name; of a nested class with the names of those around it."""
    generic: bool
    """True if the base is generic in that class."""
    message: Message | None
    """The message whose fields become properties and arguments; None for none."""
    own: Mapping[str, str]
    """Fields that the base defines itself, with the type of their argument."""


@dataclass(frozen=True, slots=True)
class Api:
    """An API: the input of all templates."""

    package: PackageInfo
    files: tuple[File, ...]
    services: tuple[Service, ...]
    exports: tuple[Export, ...] = ()
    bound: tuple[BoundClass, ...] = ()
    remarks: tuple[str, ...] = ()
    """Lines for the author of the protos and the manifest, about what was left out or has an unexpected name."""


def walk(messages: Iterable[Message]) -> Iterator[Message]:
    """Yield each message, followed by those that are nested in it."""
    for message in messages:
        yield message
        yield from walk(message.messages)
