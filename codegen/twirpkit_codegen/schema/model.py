"""The model of an API: plain data that the templates are rendered with. `twirpkit inspect` prints it as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from twirpkit_codegen.schema.message_model import Doc, Field, File, Message, TypeRef
from twirpkit_codegen.schema.package_model import PackageInfo

__all__ = [
    "Api",
    "BoundClass",
    "Export",
    "Helpers",
    "Method",
    "PageFields",
    "Policy",
    "Service",
]


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
