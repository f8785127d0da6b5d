"""Files of a package, rendered from the model: ``{path: text}``, formatted and deterministic to the byte."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any, Final

import jinja2

from twirpkit_codegen.render import templating
from twirpkit_codegen.render.annotations import Annotations, defined_names, keywords_name, type_names
from twirpkit_codegen.render.docstrings import docstring, literal, wrap
from twirpkit_codegen.render.exported_names import exported_names, server_names
from twirpkit_codegen.render.formatting import format_files
from twirpkit_codegen.render.method_docs import policy_lines, summary
from twirpkit_codegen.render.mode import MODES
from twirpkit_codegen.render.scope import Scope
from twirpkit_codegen.schema import comments, reserved_names
from twirpkit_codegen.schema.message_model import Extension, File, Message, walk
from twirpkit_codegen.schema.model import Api, Service
from twirpkit_codegen.version import GENERATED_FOR, GENERATOR

__all__ = ["render"]

_IMPORTS: Final = "\0imports\0"
"""The placeholder of a file's imports until all of it is rendered. No text of a proto can contain it."""


def render(api: Api) -> dict[str, str]:
    """Return every file of the package, by its path under the output folder.

    Raises:
        GenerationError: The package cannot be formatted.
    """
    return format_files(dict(_Package(api).files()), api.package.name)


class _Package:
    """The files of one package."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.name = api.package.name
        self.root = api.package.name.replace(".", "/")
        self.messages = {message.full_name: message for file in api.files for message in walk(file.messages)}
        self.literals, self.dicts = type_names(api.files)
        self.extensions: dict[str, list[Extension]] = {}
        for extension in (each for file in api.files for each in file.all_extensions):
            self.extensions.setdefault(extension.extendee.full_name, []).append(extension)
        self.inputs = self.reachable_from_requests()

    def files(self) -> Iterator[tuple[str, str]]:
        yield f"{self.root}/py.typed", f"# {templating.MARK}. The types of this package are complete.\n"
        yield from self.top()
        yield from self.bound()
        if self.api.services:
            yield from self.methods()
            yield from self.help()
            yield from self.clients()
            yield from self.handlers()
        yield from self.testing()
        yield from self.schema()

    def top(self) -> Iterator[tuple[str, str]]:
        """Yield the modules at the top of the package."""
        exports = exported_names(self.api, self.request_types())
        yield self.file("__init__.py", "package.py.j2", Scope(self.name, exports), exports=exports)
        if self.api.services:
            yield self.file("__main__.py", "main.py.j2")
        yield self.file("_sdk.py", "sdk.py.j2")
        if any(method.policy.grants is not None for service in self.api.services for method in service.methods):
            yield self.file("grants.py", "grants.py.j2")

    def testing(self) -> Iterator[tuple[str, str]]:
        """Yield the fake server for tests, where the manifest names one."""
        fake = self.api.package.testing
        if fake is not None:
            scope = Scope(self.name, {fake.name, *fake.exports})
            yield self.file("testing.py", "testing.py.j2", scope, fake=fake)

    def bound(self) -> Iterator[tuple[str, str]]:
        """Yield the bound classes, one module each."""
        if self.api.bound:
            yield self.folder("_bound", "Classes of other packages, bound to those of this one.")
        for bound in self.api.bound:
            names = {bound.name, "self", "cls"}
            if bound.message is not None:
                names |= {field.py_name for field in bound.message.fields}
            yield self.file(f"{bound.module.replace('.', '/')}.py", "bound.py.j2", Scope(self.name, names), bound=bound)

    def methods(self) -> Iterator[tuple[str, str]]:
        """Yield the facts of RPCs, one module a service."""
        yield self.folder("_methods", "Static facts of each RPC, one module a service.")
        for service in self.api.services:
            constants = {method.constant for method in service.methods} | {"METHODS"}
            yield self.file(
                f"_methods/{service.attribute}.py", "methods.py.j2", Scope(self.name, constants), service=service
            )

    def help(self) -> Iterator[tuple[str, str]]:
        """Yield the help texts of the command line, one module a service."""
        yield self.file("_help/__init__.py", "help_package.py.j2")
        for service in self.api.services:
            yield self.file(f"_help/{service.attribute}.py", "help.py.j2", service=service)

    def clients(self) -> Iterator[tuple[str, str]]:
        """Yield the facade and one module a service, in both modes."""
        services = self.api.services
        for mode in MODES:
            yield self.folder(mode.folder, f"The {mode.name} client: the facade, and one module a service.")
            names = {"super", f"{mode.prefix}{self.api.package.facade}", *(each.attribute for each in services)}
            yield self.file(f"{mode.folder}/api.py", "api.py.j2", Scope(self.name, names), mode=mode)
            for service in services:
                path, scope = f"{mode.folder}/{service.attribute}.py", Scope(self.name, _names_in_service(service))
                yield self.file(path, "service.py.j2", scope, service=service, mode=mode, helpers=_helpers(service))

    def handlers(self) -> Iterator[tuple[str, str]]:
        """Yield the handlers of each service, in both modes, and the module that exports them."""
        exports, summary_of_module = (
            server_names(self.api),
            "Handlers for servers of this API, and applications of them.",
        )
        scope = Scope(self.name, exports)
        yield self.file("server.py", "package.py.j2", scope, exports=exports, summary_of_module=summary_of_module)
        for mode in MODES:
            yield self.folder(f"{mode.folder}/_server", "Handlers, one module a service.")
            for service in self.api.services:
                taken = _names_in_service(service) | {"_methods", "context", "request"}
                taken |= {f"{mode.prefix}{service.class_name}{end}" for end in ("Base", "Handler")}
                path, scope = f"{mode.folder}/_server/{service.attribute}.py", Scope(self.name, taken)
                yield self.file(path, "handlers.py.j2", scope, service=service, mode=mode)

    def schema(self) -> Iterator[tuple[str, str]]:
        """Yield messages with their stubs and requests as mappings, one module a proto file each."""
        yield self.file("messages/__init__.py", "messages_package.py.j2")
        yield self.folder("types", "Types of requests as mappings.")
        for folder in sorted({folder for file in self.api.files for folder in file.folders}):
            path = folder.replace(".", "/")
            yield from (
                self.folder(f"{kind}/{path}", f"Protos of the folder {path}.") for kind in ("messages", "types")
            )
        for file in self.api.files:
            yield from self.messages_of(file)
            yield from self.types_of(file)

    def messages_of(self, file: File) -> Iterator[tuple[str, str]]:
        path = f"messages/{file.module.replace('.', '/')}.py"
        yield self.file(path, "messages.py.j2", file=file, chunks=_chunks(file.serialized))
        names, inner = defined_names(file)
        scope = Scope(self.name, names | {"DESCRIPTOR"}, f"messages.{file.module}", inner, stub=True)
        yield self.file(f"{path}i", "messages.pyi.j2", scope, file=file)

    def types_of(self, file: File) -> Iterator[tuple[str, str]]:
        inputs = self.inputs_of(file)
        if not inputs and not file.all_enums:
            return
        fields = {field.py_name for message in inputs for field in message.fields}
        names = {self.dicts[message.full_name][1] for message in inputs}
        taken = fields | names | {keywords_name(each) for each in names}
        taken |= {self.literals[each.full_name][1] for each in file.all_enums}
        taken |= {f"_{each}Extensions" for each in names}
        scope = Scope(self.name, taken, f"types.{file.module}", fields)
        path, left_out = f"types/{file.module.replace('.', '/')}.py", self.left_out_by_request()
        yield self.file(
            path,
            "types.py.j2",
            scope,
            file=file,
            inputs=inputs,
            left_out_by_request=left_out,
            literals={each.full_name: self.literals[each.full_name][1] for each in file.all_enums},
            extensions=self.extensions,
            dicts={each.full_name: self.dicts[each.full_name][1] for each in inputs},
        )

    def inputs_of(self, file: File) -> list[Message]:
        """Return the messages of a file that a request can contain."""
        return [message for message in walk(file.messages) if message.full_name in self.inputs]

    def request_types(self) -> Iterator[tuple[str, str]]:
        """Yield the types of requests as mappings and of names of enums, with their modules under ``types``."""
        for file in self.api.files:
            yield from ((self.dicts[message.full_name][1], file.module) for message in self.inputs_of(file))
            yield from ((self.literals[enum.full_name][1], file.module) for enum in file.all_enums if enum.values)

    def left_out_by_request(self) -> dict[str, tuple[str, ...]]:
        """Return requests with fields that cannot be keyword arguments: those fields, by full name of the request."""
        methods = (method for service in self.api.services for method in service.methods)
        return {method.request.full_name: method.left_out for method in methods if method.left_out}

    def reachable_from_requests(self) -> frozenset[str]:
        """Return the full names of messages that a request can contain: those that need a `TypedDict`."""
        pending = [method.request.full_name for service in self.api.services for method in service.methods]
        found: set[str] = set()
        while pending:
            name = pending.pop()
            if name in self.messages and name not in found:
                found.add(name)
                added = [extension.field for extension in self.extensions.get(name, ())]
                fields = (*self.messages[name].fields, *added)
                pending += [field.type.full_name for field in fields if field.type.kind == "message"]
        return frozenset(found)

    def folder(self, path: str, text: str) -> tuple[str, str]:
        return self.file(f"{path}/__init__.py", "folder.py.j2", text=text)

    def file(self, path: str, template: str, scope: Scope | None = None, **values: Any) -> tuple[str, str]:
        """Return a path under the output folder and the rendered text."""
        scope = Scope(self.name) if scope is None else scope
        text = (
            _environment()
            .get_template(template)
            .render(
                api=self.api,
                package=self.api.package,
                scope=scope,
                t=scope.for_types,
                r=scope.at_run_time,
                imports=lambda: _IMPORTS,
                types=Annotations(scope, self.literals, self.dicts),
                **values,
            )
        )
        return f"{self.root}/{path}", text.replace(_IMPORTS, scope.imports())


def _names_in_service(service: Service) -> set[str]:
    """Return the names that a service's module defines, at its top level or in its class."""
    names = {method.py_name for method in service.methods}
    names |= {method.pages.py_name for method in service.methods if method.pages}
    names |= set(service.helpers.methods) if service.helpers else set()
    return names | {service.class_name, f"Async{service.class_name}"}


def _helpers(service: Service) -> jinja2.Template | None:
    return None if service.helpers is None else _environment().from_string(service.helpers.template)


def _chunks(serialized: bytes) -> list[str]:
    """Return bytes as literals that fit a line."""
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
        deprecation_message=comments.deprecation_message,
        docstring=docstring,
        keywords_name=keywords_name,
        message_names=reserved_names.MESSAGE_NAMES,
        int_names=reserved_names.INT_NAMES,
        policy_lines=policy_lines,
        summary=summary,
        generated_for=GENERATED_FOR,
        generator=GENERATOR,
    )
    made.filters |= {"literal": literal, "pyrepr": _pyrepr, "wrap": wrap}
    return made
