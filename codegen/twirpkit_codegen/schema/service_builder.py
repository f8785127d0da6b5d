"""The model of one service: its RPCs, their names and policies."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Final

from google.protobuf.descriptor_pb2 import MethodDescriptorProto, MethodOptions, ServiceDescriptorProto

from twirpkit_codegen.errors import GenerationError, Location, collect
from twirpkit_codegen.schema import comments, naming, policy
from twirpkit_codegen.schema.helpers import read_helpers
from twirpkit_codegen.schema.manifest import Manifest, is_plug_in
from twirpkit_codegen.schema.model import Helpers, Message, Method, Service, TypeRef
from twirpkit_codegen.schema.paging import page_fields
from twirpkit_codegen.schema.source import Source
from twirpkit_codegen.schema.type_index import find_type

__all__ = ["Context", "build_service"]

_RETRY_OF_LEVEL: Final = {
    MethodOptions.IDEMPOTENCY_UNKNOWN: "never",
    MethodOptions.NO_SIDE_EFFECTS: "read",
    MethodOptions.IDEMPOTENT: "idempotent",
}
# Number of a field in descriptor.proto, of which the paths of source info consist.
_SERVICE_METHOD: Final = 2


@dataclass(frozen=True, slots=True)
class Context:
    """Input that all services share."""

    manifest: Manifest
    index: dict[str, TypeRef]
    messages: dict[str, Message]


def build_service(context: Context, source: Source, path: tuple[int, ...], proto: ServiceDescriptorProto) -> Service:
    """Build the model of one service. Raises GenerationError."""
    manifest = context.manifest
    full_name = source.full_name(proto.name)
    section = manifest.services.get(full_name, {})
    attribute = section.get("attribute")
    if attribute is None:
        attribute = naming.snake_case(proto.name, manifest.acronyms, source.location(path))
    class_name = section.get("class", naming.python_name(proto.name, source.location(path)))
    for key, value in (("attribute", attribute), ("class", class_name)):
        if not isinstance(value, str) or not naming.is_public(value):
            text = f"{key} {value!r} of {full_name} must be a public Python name"
            raise GenerationError.at(manifest.location("services", full_name, key), text)
    host = section.get("host")
    if host is not None and not is_plug_in(host):
        text = f"host {host!r} of {full_name} must be like 'package.module:function'"
        raise GenerationError.at(manifest.location("services", full_name, "host"), text)
    note = policy.check_note(section, manifest.location("services", full_name, "note"), full_name)
    methods = collect(
        partial(_method, context, source, (*path, _SERVICE_METHOD, n), full_name, each)
        for n, each in enumerate(proto.method)
    )
    helpers = read_helpers(manifest, full_name, section)
    _check_names(methods, [source.location((*path, _SERVICE_METHOD, n)) for n in range(len(methods))], helpers)
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


def _check_names(methods: list[Method], locations: list[Location], helpers: Helpers | None) -> None:
    """Raise GenerationError for methods, iterators and helpers whose names clash, or are those of every service."""
    placed = list(zip(methods, locations, strict=True))
    names = [(each.py_name, each.name, location) for each, location in placed]
    names += [(each.pages.py_name, f"the iterator of {each.name}", location) for each, location in placed if each.pages]
    if helpers is not None:
        names += [(each, f"the helper {each}", Location(helpers.file)) for each in helpers.methods]
    naming.check_unique(names)
    for py_name, _, location in names:
        naming.check_free(py_name, naming.SERVICE_NAMES, "a service", location)


def _method(
    context: Context, source: Source, path: tuple[int, ...], service: str, proto: MethodDescriptorProto
) -> Method:
    manifest, messages = context.manifest, context.messages
    location = source.location(path)
    if proto.client_streaming or proto.server_streaming:
        raise GenerationError.at(location, f"{service}/{proto.name} streams, which Twirp cannot: remove 'stream'")
    request, response = (find_type(context.index, each, location) for each in (proto.input_type, proto.output_type))
    fields = messages[request.full_name].fields if request.full_name in messages else ()
    py_name = naming.snake_case(proto.name, manifest.acronyms, location)
    row = policy.policy_of(
        manifest, service, proto.name, fields, _RETRY_OF_LEVEL[proto.options.idempotency_level], location
    )
    return Method(
        name=proto.name,
        py_name=py_name,
        constant=naming.constant_name(py_name),
        request=request,
        response=response,
        doc=comments.add_note(comments.mark_deprecated(source.doc(path), proto.options.deprecated), row.note or ""),
        policy=row,
        request_fields=fields,
        line=location.line,
        left_out=tuple(field.name for field in fields if field.py_name in naming.OPTION_NAMES),
        deprecated=proto.options.deprecated,
        pages=page_fields(py_name, messages.get(request.full_name), messages.get(response.full_name), messages),
    )
