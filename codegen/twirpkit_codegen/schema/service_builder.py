"""The model of one service: its RPCs, their names and policies."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeAlias

from google.protobuf.descriptor_pb2 import MethodDescriptorProto, MethodOptions, ServiceDescriptorProto

from twirpkit_codegen.errors import Location, Problems
from twirpkit_codegen.schema import comments, naming, policy, reserved_names
from twirpkit_codegen.schema.helpers import read_helpers
from twirpkit_codegen.schema.manifest import Manifest
from twirpkit_codegen.schema.message_model import Message, TypeRef
from twirpkit_codegen.schema.model import Helpers, Method, Service
from twirpkit_codegen.schema.package_reader import is_plug_in
from twirpkit_codegen.schema.paging import page_fields
from twirpkit_codegen.schema.renames import Renames
from twirpkit_codegen.schema.source import Source
from twirpkit_codegen.schema.type_index import find_type

__all__ = ["Context", "Found", "build_service", "rows_of", "rpc_names", "service_names"]

_RETRY_OF_LEVEL: Final = {
    MethodOptions.NO_SIDE_EFFECTS: "read",
    MethodOptions.IDEMPOTENT: "idempotent",
}
# Number of a field in descriptor.proto, of which the paths of source info consist.
_SERVICE_METHOD: Final = 2


_ASYNC: Final = "Async"
"""The beginning of the names of async classes."""


@dataclass(frozen=True, slots=True)
class Context:
    """Input that all services share."""

    manifest: Manifest
    index: Mapping[str, TypeRef]
    messages: Mapping[str, Message]
    renames: Renames
    names: Mapping[str, tuple[str, str]]
    """Attribute and class of each service that the manifest does not name itself, by full name."""
    remarks: list[str]
    """Lines about what is left out or has an unexpected name; filled as services are built."""


Found: TypeAlias = tuple[Source, tuple[int, ...], ServiceDescriptorProto]
"""A service in the protos: its file, its path in source info, and its descriptor."""


def rpc_names(services: Iterable[Found]) -> Iterator[str]:
    """Yield the names of all RPCs, as in the URL."""
    for source, _, proto in services:
        yield from (f"{source.full_name(proto.name)}/{method.name}" for method in proto.method)


def service_names(manifest: Manifest, services: Sequence[Found]) -> dict[str, tuple[str, str]]:
    """Return attributes and classes of services, by full name; those that the manifest chooses come first."""
    sections = {
        source.full_name(proto.name): manifest.services.get(source.full_name(proto.name), {})
        for source, _, proto in services
    }
    plain = {source.full_name(proto.name): proto.name for source, _, proto in services}

    def names(key: str, made: Mapping[str, str], taken: Iterable[str]) -> dict[str, str]:
        chosen = {name: section[key] for name, section in sections.items() if isinstance(section.get(key), str)}
        free = {name: made[name] for name in made if name not in chosen}
        return chosen | naming.assign(free, taken={*taken, *chosen.values()})

    snake = {name: naming.public_name(naming.snake_case(each, manifest.acronyms)) for name, each in plain.items()}
    attributes = names("attribute", snake, reserved_names.FACADE_NAMES | reserved_names.PAGE_NAMES)
    facade = manifest.package.facade
    wanted = {name: naming.public_name(each) for name, each in plain.items()}
    both = {f"{_ASYNC}{each}" for each in (*wanted.values(), facade)}
    classes = names("class", wanted, {facade, *both})
    return {name: (attributes[name], classes[name]) for name in plain}


def rows_of(services: Iterable[Found]) -> list[policy.ServiceRows]:
    """Return services as the manifest's rows are compared with them."""
    return [
        policy.ServiceRows(
            source.full_name(proto.name),
            source.location(path),
            {each.name: _retry_class(each) for each in proto.method if not _streams(each)},
        )
        for source, path, proto in services
    ]


def _retry_class(proto: MethodDescriptorProto) -> str | None:
    return _RETRY_OF_LEVEL.get(proto.options.idempotency_level)


def _streams(proto: MethodDescriptorProto) -> bool:
    return proto.client_streaming or proto.server_streaming


def build_service(context: Context, source: Source, path: tuple[int, ...], proto: ServiceDescriptorProto) -> Service:
    """Build the model of one service. Raises GenerationError."""
    manifest = context.manifest
    full_name = source.full_name(proto.name)
    section = manifest.services.get(full_name, {})
    problems = Problems()
    made_attribute, made_class = context.names[full_name]
    attribute: Any = section.get("attribute", made_attribute)
    class_name: Any = section.get("class", made_class)
    for key, value in (("attribute", attribute), ("class", class_name)):
        if not isinstance(value, str) or not naming.is_public(value):
            text = f"{key} {value!r} of {full_name} must be a public Python name"
            problems.add(manifest.location("services", full_name, key), text)
    expected = section.get("attribute") or naming.escape(naming.snake_case(proto.name, manifest.acronyms))
    if attribute != expected:
        text = f'{full_name} is the attribute {attribute!r}: give it another in [services."{full_name}"]'
        context.remarks.append(f"{source.location(path)}: {text}")
    host = section.get("host")
    if host is not None and not is_plug_in(host):
        text = f"host {host!r} of {full_name} must be like 'package.module:function'"
        problems.add(manifest.location("services", full_name, "host"), text)
    note = problems.attempt(
        lambda: policy.check_note(section, manifest.location("services", full_name, "note"), full_name), None
    )
    kept = _kept_methods(context, source, path, proto)
    names = _method_names(context, full_name, kept)
    built = problems.attempt_all(
        partial(_method, context, source, place, full_name, each, names[each.name]) for place, each in kept
    )
    methods = _with_iterators(context, built)
    _remark_on_names(context, source, full_name, kept, names)
    helpers = problems.attempt(lambda: read_helpers(manifest, full_name, section), None)
    problems.attempt(lambda: _check_helpers(helpers, methods), None)
    problems.raise_all()
    return Service(
        name=proto.name,
        full_name=full_name,
        attribute=attribute,
        class_name=class_name,
        doc=comments.add_note(comments.mark_deprecated(source.doc(path), proto.options.deprecated), note or ""),
        file=source.file.name,
        line=source.location(path).line,
        host=host,
        note=note,
        methods=tuple(methods),
        helpers=helpers,
    )


def _check_helpers(helpers: Helpers | None, methods: Sequence[Method]) -> None:
    """Raise GenerationError for a helper with a name that the service has already."""
    if helpers is None:
        return
    place = Location(helpers.file)
    names = [(method.py_name, method.name, place) for method in methods]
    names += [(each.pages.py_name, f"the iterator of {each.name}", place) for each in methods if each.pages]
    naming.check_unique([*names, *((name, f"the helper {name}", place) for name in helpers.methods)])
    for name in helpers.methods:
        naming.check_free(name, reserved_names.SERVICE_NAMES, "a service", place)


Kept: TypeAlias = Sequence[tuple[tuple[int, ...], MethodDescriptorProto]]
"""RPCs of a service with their paths in source info."""


def _kept_methods(context: Context, source: Source, path: tuple[int, ...], proto: ServiceDescriptorProto) -> Kept:
    """Return the RPCs that are not skipped and that Twirp can carry."""
    kept, full_name = [], source.full_name(proto.name)
    for n, method in enumerate(proto.method):
        place = (*path, _SERVICE_METHOD, n)
        if f"{full_name}/{method.name}" in context.manifest.skip:
            continue
        if _streams(method):
            text = f"{full_name}/{method.name} streams, which Twirp cannot: it is left out"
            context.remarks.append(f"{source.location(place)}: {text}")
            continue
        kept.append((place, method))
    return kept


def _method_names(context: Context, service: str, methods: Kept) -> dict[str, str]:
    """Return the Python names of RPCs."""
    prefix = f"{service}/"
    chosen = {
        name.removeprefix(prefix): made
        for name, made in context.renames.take(prefix + method.name for _, method in methods).items()
    }
    context.renames.check_free(
        {prefix + name: made for name, made in chosen.items()},
        {f"{prefix}{method.name}": naming.snake_case(method.name, context.manifest.acronyms) for _, method in methods},
        reserved_names.SERVICE_NAMES,
    )
    wanted = {
        method.name: chosen.get(method.name)
        or naming.public_name(naming.snake_case(method.name, context.manifest.acronyms))
        for _, method in methods
    }
    natural = [name for name, made in wanted.items() if made == name]
    return naming.assign(wanted, [*chosen, *natural], reserved_names.SERVICE_NAMES)


def _remark_on_names(context: Context, source: Source, service: str, methods: Kept, names: Mapping[str, str]) -> None:
    """Add a line for each RPC whose name is another than its author expects."""
    for place, method in methods:
        full_name, made = f"{service}/{method.name}", names[method.name]
        if full_name in context.manifest.rename:
            continue
        plain = naming.escape(naming.snake_case(method.name, context.manifest.acronyms))
        if made != plain:
            text = f"{full_name} is {made!r} in Python, because {plain!r} is taken or not public"
        elif naming.is_suspicious(made):
            text = f"{full_name} is {made!r} in Python: if that cuts a word in two, add the word to sdk.acronyms"
        else:
            continue
        context.remarks.append(f"{source.location(place)}: {text}; [rename] can choose another")


def _with_iterators(context: Context, methods: Sequence[Method]) -> list[Method]:
    """Return the RPCs with what needs the names of all of them: names of constants and of iterators."""
    taken = {*reserved_names.SERVICE_NAMES, *(method.py_name for method in methods)}
    constants: set[str] = set()
    made = []
    for method in methods:
        constant = naming.constant_name(method.py_name, constants)
        constants.add(constant)
        messages = context.messages
        iterator = naming.free_name(naming.iterator_name(method.py_name), taken)
        pages = page_fields(
            iterator, messages.get(method.request.full_name), messages.get(method.response.full_name), messages
        )
        if pages is not None:
            taken.add(iterator)
        made.append(dataclasses.replace(method, constant=constant, pages=pages))
    return made


def _method(
    context: Context,
    source: Source,
    path: tuple[int, ...],
    service: str,
    proto: MethodDescriptorProto,
    py_name: str,
) -> Method:
    manifest, messages = context.manifest, context.messages
    location = source.location(path)
    request, response = (find_type(context.index, each, location) for each in (proto.input_type, proto.output_type))
    fields = messages[request.full_name].fields if request.full_name in messages else ()
    row = policy.policy_of(manifest, service, proto.name, fields, _retry_class(proto), location)
    return Method(
        name=proto.name,
        py_name=py_name,
        constant=py_name,
        request=request,
        response=response,
        doc=comments.add_note(comments.mark_deprecated(source.doc(path), proto.options.deprecated), row.note or ""),
        policy=row,
        request_fields=fields,
        line=location.line,
        left_out=tuple(field.name for field in fields if field.py_name in reserved_names.OPTION_NAMES),
        deprecated=proto.options.deprecated,
    )
