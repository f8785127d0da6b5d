"""Descriptors and manifest to the model of an API."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

from google.protobuf.descriptor_pb2 import (
    FileDescriptorSet,
    MethodDescriptorProto,
    MethodOptions,
    ServiceDescriptorProto,
)

from twirpkit_codegen.errors import GenerationError, Where
from twirpkit_codegen.schema import docs, exports, naming, policy
from twirpkit_codegen.schema.files import GOOGLE, Source, build_file, find_type, types_of
from twirpkit_codegen.schema.manifest import Manifest, is_plug_in
from twirpkit_codegen.schema.model import Api, File, Message, Method, SdkFacts, Service, TypeRef
from twirpkit_codegen.schema.paging import pages_of

__all__ = ["as_json", "build"]

T = TypeVar("T")

_RETRY_OF_LEVEL: Final = {
    MethodOptions.IDEMPOTENCY_UNKNOWN: "never",
    MethodOptions.NO_SIDE_EFFECTS: "read",
    MethodOptions.IDEMPOTENT: "idempotent",
}
# Numbers of fields in descriptor.proto: what the paths of source info are made of.
_FILE_SERVICE, _SERVICE_METHOD = 6, 2


def build(descriptors: FileDescriptorSet, manifest: Manifest) -> Api:
    """The model of an API.

    Raises:
        GenerationError: The protos hold what cannot be generated, or do not fit the manifest.
    """
    own = sorted((file for file in descriptors.file if not file.name.startswith(GOOGLE)), key=lambda file: file.name)
    index = {name: ref for file in descriptors.file for name, ref in types_of(file)}
    sources = [Source.of(file) for file in own]
    files = tuple(build_file(source, index) for source in sources)
    _check_modules(files)
    messages = {message.full_name: message for file in files for message in _walk(file.messages)}
    found = [(source, number, service) for source in sources for number, service in enumerate(source.file.service)]
    names = {
        source.full_name(service.name): (source.where((_FILE_SERVICE, number)), [each.name for each in service.method])
        for source, number, service in found
    }
    policy.check_services(manifest, names)
    context = _Context(manifest, index, messages)
    services = _collect(
        partial(_service, context, source, number, service)
        for source, number, service in found
        if source.full_name(service.name) not in manifest.skip
    )
    if not services:
        raise GenerationError.at(manifest.where(), "the protos have no service to generate: add one, or skip less")
    _check_facade(manifest, services)
    _check_acronyms(manifest, services)
    sdk, bound = _with_sensitivity(manifest, descriptors), exports.bound_classes(manifest, index)
    return Api(sdk, files, tuple(services), exports.exports(manifest), bound)


@dataclass(frozen=True, slots=True)
class _Context:
    """What every service needs."""

    manifest: Manifest
    index: dict[str, TypeRef]
    messages: dict[str, Message]


def _service(context: _Context, source: Source, number: int, proto: ServiceDescriptorProto) -> Service:
    manifest = context.manifest
    path = (_FILE_SERVICE, number)
    full_name = source.full_name(proto.name)
    section = manifest.services.get(full_name, {})
    attribute = section.get("attribute")
    if attribute is None:
        attribute = naming.snake(proto.name, manifest.acronyms, source.where(path))
    class_name = section.get("class", naming.safe(proto.name, source.where(path)))
    for key, value in (("attribute", attribute), ("class", class_name)):
        if not isinstance(value, str) or not naming.is_public(value):
            text = f"{key} {value!r} of {full_name} must be a public Python name"
            raise GenerationError.at(manifest.where("services", full_name, key), text)
    host = section.get("host")
    if host is not None and not is_plug_in(host):
        text = f"host {host!r} of {full_name} must be like 'package.module:function'"
        raise GenerationError.at(manifest.where("services", full_name, "host"), text)
    note = policy.checked_note(section, manifest.where("services", full_name, "note"), full_name)
    methods = _collect(
        partial(_method, context, source, (*path, _SERVICE_METHOD, n), full_name, each)
        for n, each in enumerate(proto.method)
    )
    wheres = [source.where((*path, _SERVICE_METHOD, n)) for n in range(len(methods))]
    placed = list(zip(methods, wheres, strict=True))
    names = [(each.py_name, each.name, where) for each, where in placed]
    names += [(each.pages.py_name, f"the iterator of {each.name}", where) for each, where in placed if each.pages]
    naming.check_unique(names)
    for py_name, _, where in names:
        naming.check_free(py_name, naming.SERVICE_NAMES, "a service", where)
    return Service(
        name=proto.name,
        full_name=full_name,
        attribute=attribute,
        class_name=class_name,
        doc=docs.with_note(docs.marked(source.doc(path), proto.options.deprecated), note or ""),
        file=source.file.name,
        line=source.where(path).line,
        host=host,
        note=note,
        methods=tuple(methods),
    )


def _method(
    context: _Context, source: Source, path: tuple[int, ...], service: str, proto: MethodDescriptorProto
) -> Method:
    manifest, messages = context.manifest, context.messages
    where = source.where(path)
    if proto.client_streaming or proto.server_streaming:
        raise GenerationError.at(where, f"{service}/{proto.name} streams, which Twirp cannot: remove 'stream'")
    request, response = (find_type(context.index, each, where) for each in (proto.input_type, proto.output_type))
    fields = messages[request.full_name].fields if request.full_name in messages else ()
    py_name = naming.snake(proto.name, manifest.acronyms, where)
    row = policy.row_of(manifest, service, proto.name, fields, _RETRY_OF_LEVEL[proto.options.idempotency_level], where)
    return Method(
        name=proto.name,
        py_name=py_name,
        constant=naming.constant(py_name),
        request=request,
        response=response,
        doc=docs.with_note(docs.marked(source.doc(path), proto.options.deprecated), row.note or ""),
        policy=row,
        request_fields=fields,
        line=where.line,
        left_out=tuple(field.name for field in fields if field.py_name in naming.OPTION_NAMES),
        deprecated=proto.options.deprecated,
        pages=pages_of(py_name, messages.get(request.full_name), messages.get(response.full_name), messages),
    )


def _with_sensitivity(manifest: Manifest, descriptors: FileDescriptorSet) -> SdkFacts:
    """The manifest's facts, with the number of the field option that it names."""
    sdk, name = manifest.sdk, manifest.sdk.sensitivity
    if name is None:
        return sdk
    for file in descriptors.file:
        for extension in file.extension:
            if f"{file.package}.{extension.name}".lstrip(".") != name:
                continue
            if extension.extendee != ".google.protobuf.FieldOptions":
                break
            return dataclasses.replace(sdk, sensitivity_number=extension.number)
    text = f"sdk.sensitivity {name!r} is no extension of google.protobuf.FieldOptions in the protos"
    raise GenerationError.at(manifest.where("sdk", "sensitivity"), text)


def _check_modules(files: Iterable[File]) -> None:
    """Refuse two files of one module, and a file with the name of another's folder."""
    naming.check_unique((file.module, file.name, Where(file.name)) for file in files)
    folders = {folder: file.name for file in files for folder in file.folders}
    for file in files:
        if file.module in folders:
            text = (
                f"{file.name} and the folder of {folders[file.module]} are both the module {file.module!r}: rename one"
            )
            raise GenerationError.at(Where(file.name), text)


def _check_facade(manifest: Manifest, services: list[Service]) -> None:
    """Refuse names of services that clash with each other or with the facade."""

    def where(service: Service, key: str) -> Where:
        if key in manifest.services.get(service.full_name, {}):
            return manifest.where("services", service.full_name, key)
        return Where(service.file, service.line)

    facade = manifest.sdk.facade
    advice = "give one another {} in its section of the manifest"
    naming.check_unique(
        ((each.attribute, each.full_name, where(each, "attribute")) for each in services), advice.format("attribute")
    )
    classes = [(f"{prefix}{facade}", "sdk.facade", manifest.where("sdk", "facade")) for prefix in ("", "Async")]
    for each in services:
        text = f'give {each.full_name} another attribute in [services."{each.full_name}"] of the manifest'
        naming.check_free(each.attribute, naming.FACADE_NAMES, "a facade", where(each, "attribute"), text)
        naming.check_free(each.attribute, naming.PAGE_NAMES, "the reference", where(each, "attribute"), text)
        classes += [(f"{prefix}{each.class_name}", each.full_name, where(each, "class")) for prefix in ("", "Async")]
    naming.check_unique(classes, advice.format("class"))
    exports.check_names(manifest, classes)


def _check_acronyms(manifest: Manifest, services: list[Service]) -> None:
    """Refuse an acronym that is no word of any name: it is misspelt, or left from a name that is gone."""
    where = manifest.where("sdk", "acronyms")
    names = [method.py_name for service in services for method in service.methods]
    names += [naming.snake(service.name, manifest.acronyms, Where(service.file, service.line)) for service in services]
    words = {word.rstrip("0123456789") for name in names for word in name.split("_")}
    unused = [each for each in manifest.acronyms if each.lower().rstrip("0123456789") not in words]
    if unused:
        raise GenerationError.at(where, f"no name has the acronym {unused[0]!r}: remove it from sdk.acronyms")


def _collect(makers: Iterable[Callable[[], T]]) -> list[T]:
    """What each of these makes, or the errors of all of them at once."""
    made: list[T] = []
    errors: list[GenerationError] = []
    for make in makers:
        try:
            made.append(make())
        except GenerationError as error:
            errors.append(error)
    if errors:
        raise GenerationError.of(errors)
    return made


def _walk(messages: Iterable[Message]) -> Iterator[Message]:
    for message in messages:
        yield message
        yield from _walk(message.messages)


def as_json(api: Api) -> str:
    """The model as JSON, for people and for tests."""
    return json.dumps(dataclasses.asdict(api), indent=2, default=lambda value: value.hex())
