"""The model to files: `{path: text}`, rendered from the templates and formatted, deterministic to the byte."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import jinja2

from twirpkit_codegen import docs, method_docs, naming, templating
from twirpkit_codegen.annotations import (
    Scope,
    constructor_type,
    defined_names,
    input_type,
    request_type,
    stub_type,
)
from twirpkit_codegen.formatting import formatted
from twirpkit_codegen.model import Api, File, Message, Method, Service, TypeRef

__all__ = ["render"]

_FILE_NAMES: Final = frozenset(("TYPE_CHECKING", "annotations"))
"""What the head of a client's file defines."""
_TYPES_NAMES: Final = _FILE_NAMES | {"TypedDict"}


@dataclass(frozen=True, slots=True)
class _World:
    """The one difference between the sync and the async rendering of a template."""

    folder: str
    prefix: str
    def_: str
    await_: str
    with_: str
    close: str
    library: str
    session: str
    transport: str
    make_transport: str
    items: str
    iterator: str


_WORLDS: Final = (
    _World(
        "_sync",
        "",
        "def",
        "",
        "with",
        "close",
        "requests",
        "Session",
        "Transport",
        "sync_transport",
        "iterate",
        "Iterator",
    ),
    _World(
        "_async",
        "Async",
        "async def",
        "await ",
        "async with",
        "aclose",
        "aiohttp",
        "ClientSession",
        "AsyncTransport",
        "async_transport",
        "aiterate",
        "AsyncIterator",
    ),
)


@dataclass(frozen=True, slots=True)
class _Call:
    """A way to call an RPC: the method, or the iterator beside it."""

    def_: str
    py_name: str
    returns: str
    doc: str
    iterates: bool


def render(api: Api) -> dict[str, str]:
    """Every file of the package, by its path under the output folder."""
    files = dict(_Renderer(api).files())
    return formatted(files, api.sdk.package)


class _Renderer:
    def __init__(self, api: Api) -> None:
        self.api = api
        self.root = api.sdk.package.replace(".", "/")
        self.messages = {message.full_name: message for file in api.files for message in _walk(file.messages)}
        self.inputs = self._reachable()
        self.values = {"api": api, "sdk": api.sdk}

    def files(self) -> Iterator[tuple[str, str]]:
        api = self.api
        root = self.root
        exports = self.exports()
        scope = Scope(api.sdk.package, {*exports, *naming.ERROR_NAMES})
        yield f"{root}/__init__.py", self.template("package.py.j2", exports=exports, scope=scope)
        yield f"{root}/py.typed", f"# {templating.MARK}. The types of this package are complete.\n"
        yield f"{root}/__main__.py", self.template("main.py.j2")
        yield f"{root}/_sdk.py", self.template("sdk.py.j2")
        if api.bound:
            scope = Scope(api.sdk.package, {each.name for each in api.bound} | _FILE_NAMES)
            yield f"{root}/_bound.py", self.template("bound.py.j2", scope=scope)
        if any(method.policy.grants is not None for service in api.services for method in service.methods):
            yield f"{root}/grants.py", self.template("grants.py.j2")
        yield (
            f"{root}/_methods/__init__.py",
            self.template("folder.py.j2", text="The facts of each RPC, one module a service."),
        )
        for service in api.services:
            yield f"{root}/_methods/{service.attribute}.py", self.service("methods.py.j2", service)
        for world in _WORLDS:
            text = f"The {'async' if world.prefix else 'sync'} client: the facade, and one module a service."
            yield f"{root}/{world.folder}/__init__.py", self.template("folder.py.j2", text=text)
            scope = Scope(api.sdk.package, self.facade_names(world))
            yield f"{root}/{world.folder}/api.py", self.template("api.py.j2", io=world, scope=scope)
            for service in api.services:
                yield f"{root}/{world.folder}/{service.attribute}.py", self.service("service.py.j2", service, io=world)
        yield f"{root}/messages/__init__.py", self.template("messages_package.py.j2")
        yield f"{root}/types/__init__.py", self.template("folder.py.j2", text="Requests as mappings, for annotations.")
        for folder in sorted({folder for file in api.files for folder in file.folders}):
            for kind in ("messages", "types"):
                path = f"{root}/{kind}/{folder.replace('.', '/')}/__init__.py"
                yield path, self.template("folder.py.j2", text=f"Protos of the folder {folder.replace('.', '/')}.")
        for file in api.files:
            yield from self.file(file)

    def file(self, file: File) -> Iterator[tuple[str, str]]:
        root, package, path = self.root, self.api.sdk.package, file.module.replace(".", "/")
        yield f"{root}/messages/{path}.py", self.template("messages.py.j2", file=file, chunks=_chunks(file.serialized))
        scope = _file_scope(package, file)
        body = self.template("messages_body.pyi.j2", file=file, scope=scope)
        yield f"{root}/messages/{path}.pyi", self.template("messages.pyi.j2", file=file, scope=scope, body=body)
        inputs = [message for message in _walk(file.messages) if message.full_name in self.inputs]
        if not inputs:
            return
        hidden = {field.py_name for message in inputs for field in message.fields}
        names = {naming.dict_name(message.qualname) for message in inputs}
        taken = hidden | names | {_keywords_name(each) for each in names} | _TYPES_NAMES
        scope = Scope(package, taken, f"types.{file.module}", hidden)
        body = self.template("types_body.py.j2", inputs=inputs, scope=scope, keywords=self.keyword_requests())
        yield f"{root}/types/{path}.py", self.template("types.py.j2", file=file, scope=scope, body=body)

    def facade_names(self, world: _World) -> set[str]:
        """What the facade's file defines, at its top or in its class."""
        return {f"{world.prefix}{self.api.sdk.facade}", *(each.attribute for each in self.api.services), *_FILE_NAMES}

    def service(self, template: str, service: Service, **more: Any) -> str:
        taken = {method.py_name for method in service.methods} | {service.class_name, f"Async{service.class_name}"}
        taken |= {method.pages.py_name for method in service.methods if method.pages}
        taken |= {method.constant for method in service.methods} | {"METHODS"} | _FILE_NAMES
        scope = Scope(self.api.sdk.package, taken)
        body = self.template(
            f"{template.removesuffix('.py.j2')}_body.py.j2", service=service, scope=scope, types=self, **more
        )
        return self.template(template, service=service, scope=scope, body=body, **more)

    def class_of(self, ref: TypeRef, scope: Scope) -> str:
        """A request's or response's class."""
        return scope.use(ref.module, ref.name) if ref.is_google else scope.generated("messages", ref.module, ref.name)

    def keywords_of(self, method: Method, scope: Scope) -> str:
        """The type of a request's keyword fields; empty where it has none."""
        if len(method.left_out) == len(method.request_fields):
            return ""
        name = naming.dict_name(method.request.name)
        return scope.generated("types", method.request.module, _keywords_name(name) if method.left_out else name)

    def keyword_requests(self) -> dict[str, tuple[str, ...]]:
        """By full name, the requests some of whose fields cannot be keywords, and those fields."""
        methods = (method for service in self.api.services for method in service.methods)
        return {method.request.full_name: method.left_out for method in methods if method.left_out}

    def calls_of(self, method: Method, scope: Scope, io: _World) -> Iterator[_Call]:
        """The ways to call an RPC."""
        yield _Call(
            io.def_, method.py_name, self.class_of(method.response, scope), method_docs.method_doc(method), False
        )
        if method.pages is not None:
            iterator = scope.use("collections.abc", io.iterator)
            returns = f"{iterator}[{self.class_of(method.pages.item, scope)}]"
            yield _Call("def", method.pages.py_name, returns, method_docs.iterator_doc(method, method.pages), True)

    def exports(self) -> dict[str, str]:
        """Public names and the modules they come from.

        A message that shares its name with another, or with something of the package, is left to its module.
        """
        api = self.api
        found: dict[str, str] = {}
        for folder, prefix in (("_sync", ""), ("_async", "Async")):
            found[f"{prefix}{api.sdk.facade}"] = f"{api.sdk.package}.{folder}.api"
            for service in api.services:
                found[f"{prefix}{service.class_name}"] = f"{api.sdk.package}.{folder}.{service.attribute}"
        found |= {each.name: each.module for each in api.exports}
        found |= {each.name: f"{api.sdk.package}._bound" for each in api.bound}
        reserved = set(found) | naming.ERROR_NAMES | naming.PACKAGE_NAMES
        count: dict[str, list[str]] = {}
        for file in api.files:
            for py_name in [each.py_name for each in file.messages] + [each.py_name for each in file.enums]:
                count.setdefault(py_name, []).append(f"{api.sdk.package}.messages.{file.module}")
        found |= {name: modules[0] for name, modules in count.items() if len(modules) == 1 and name not in reserved}
        return dict(sorted(found.items()))

    def template(self, name: str, **values: Any) -> str:
        return _environment().get_template(name).render(**self.values, **values)

    def _reachable(self) -> frozenset[str]:
        """Messages that a request may hold: those that need a `TypedDict`."""
        pending = [method.request.full_name for service in self.api.services for method in service.methods]
        found: set[str] = set()
        while pending:
            name = pending.pop()
            if name in self.messages and name not in found:
                found.add(name)
                pending += [
                    field.type.full_name for field in self.messages[name].fields if field.type.kind == "message"
                ]
        return frozenset(found)


def _file_scope(root: str, file: File) -> Scope:
    taken, inner = defined_names(file)
    return Scope(root, taken | {"DESCRIPTOR"}, f"messages.{file.module}", inner)


def _walk(messages: tuple[Message, ...]) -> Iterator[Message]:
    for message in messages:
        yield message
        yield from _walk(message.messages)


def _keywords_name(name: str) -> str:
    """The name of the part of a `TypedDict` that can be keywords."""
    return f"{name.removesuffix('Dict')}Keywords"


def _chunks(serialized: bytes) -> list[str]:
    """The bytes as literals that fit a line."""
    found = []
    start = 0
    while start < len(serialized):
        size = 96
        while len(literal := repr(serialized[start : start + size])) > 110:
            size -= 4
        found.append(literal)
        start += size
    return found


def _pyrepr(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_pyrepr(key)}: {_pyrepr(each)}" for key, each in value.items()) + "}"
    return ascii(value)


@functools.cache
def _environment() -> jinja2.Environment:
    made = templating.environment(
        mark=templating.MARK,
        generator_version=templating.GENERATOR_VERSION,
        generated_for=templating.GENERATED_FOR,
        error_names=sorted(naming.ERROR_NAMES),
        deprecation=docs.deprecation,
        docstring=docs.docstring,
        constructor_type=constructor_type,
        keywords_name=_keywords_name,
        dict_name=naming.dict_name,
        input_type=input_type,
        request_type=request_type,
        stub_type=stub_type,
        message_names=naming.MESSAGE_NAMES,
    )
    made.filters |= {"pyrepr": _pyrepr}
    return made
