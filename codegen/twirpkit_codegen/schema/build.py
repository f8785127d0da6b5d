"""The model of an API, from its descriptors and its manifest."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from google.protobuf.descriptor_pb2 import FileDescriptorProto

from twirpkit_codegen.errors import GenerationError, Location, Problems
from twirpkit_codegen.schema import exports, naming, policy, reserved_names
from twirpkit_codegen.schema.file_builder import build_file
from twirpkit_codegen.schema.manifest import Manifest
from twirpkit_codegen.schema.message_model import Message, walk
from twirpkit_codegen.schema.model import Api, Service
from twirpkit_codegen.schema.package_model import PackageInfo
from twirpkit_codegen.schema.package_reader import NO_FACADE
from twirpkit_codegen.schema.renames import Renames
from twirpkit_codegen.schema.selection import Protos, select
from twirpkit_codegen.schema.service_builder import Context, build_service, rows_of, rpc_names, service_names
from twirpkit_codegen.schema.source import Source
from twirpkit_codegen.schema.type_index import Names, is_google

__all__ = ["build", "to_json"]

# Number of a field in descriptor.proto, of which the paths of source info consist.
_FILE_SERVICE: Final = 6


def build(protos: Protos, manifest: Manifest) -> Api:
    """Build the model of an API.

    Raises:
        GenerationError: Something in the protos cannot be generated, they do not match the manifest, or the manifest
            has errors of its own. The error names all that can be found.
    """
    problems = Problems()
    problems.found += manifest.problems.found
    files = problems.attempt(lambda: select(protos, manifest), [])
    sources = [Source.of(file) for file in sorted(files, key=lambda file: file.name) if not is_google(file.name)]
    renames = Renames(manifest)
    shared = problems.attempt(lambda: _shared(manifest, files), {})
    names = Names(sorted(files, key=lambda file: file.name), renames, shared)
    models = problems.attempt_all(partial(build_file, source, names) for source in sources)
    messages = {message.full_name: message for file in models for message in walk(file.messages)}
    found = [
        (source, (_FILE_SERVICE, number), service)
        for source in sources
        if source.file.name in protos.own and source.file.name not in shared
        for number, service in enumerate(source.file.service)
    ]
    known = _known_rpcs(protos)
    kept = [each for each in found if each[0].full_name(each[2].name) not in manifest.skip]
    problems.attempt(lambda: policy.check_services(manifest, rows_of(found), known), None)
    context = Context(manifest, names.types, messages, renames, service_names(manifest, kept), [])
    services = problems.attempt_all(partial(build_service, context, *each) for each in kept)
    if not kept and not messages and not problems:
        problems.add(manifest.location(), "the protos have no service and no message: add one, or skip less")
    if services and not manifest.package.facade and not manifest.problems:
        problems.add(manifest.location("sdk"), NO_FACADE)
    problems.attempt(lambda: _check_facade(manifest, services), None)
    problems.attempt(lambda: _check_sensitive_fields(manifest, messages), None)
    package = problems.attempt(lambda: _with_sensitivity(manifest, protos), manifest.package)
    bound = problems.attempt(lambda: exports.bound_classes(manifest, names.types, messages), ())
    if not problems:  # else what the manifest names may be among what could not be built
        problems.attempt(lambda: _check_acronyms(manifest, services), None)
        renames.check_all_taken([*names.python, *names.modules, *rpc_names(found)])
    problems.found += renames.problems.found
    problems.raise_all()
    remarks = (*protos.warnings, *context.remarks)
    own_models = tuple(model for model in models if model.name not in shared)
    package = dataclasses.replace(package, share=next(iter(shared.values()), None))
    return Api(package, own_models, tuple(services), exports.exports(manifest), bound, remarks)


def _shared(manifest: Manifest, files: Sequence[FileDescriptorProto]) -> dict[str, str]:
    """Return the packages of shared files, by path: those of the manifest, and what they import."""
    by_name = {file.name: file for file in files}
    found: dict[str, str] = {}
    problems = Problems()
    for name, package in manifest.share.items():
        if name not in by_name:
            problems.add(manifest.location("share", name), f"no file {name} in the protos: remove it")
        pending = [name] if name in by_name else []
        while pending:
            each = pending.pop()
            if each not in found and not is_google(each):
                found[each] = package
                pending += by_name[each].dependency
    problems.raise_all()
    return found


def _known_rpcs(protos: Protos) -> dict[str, list[str]]:
    """Return the RPCs of each service of the SDK's files, by full name, before anything is left out."""
    own = (file for file in protos.files.file if file.name in protos.own)
    services = ((f"{file.package}.{each.name}".removeprefix("."), each) for file in own for each in file.service)
    return {name: [method.name for method in service.method] for name, service in services}


def _with_sensitivity(manifest: Manifest, protos: Protos) -> PackageInfo:
    """Return the manifest's facts with the number of the field option that it names."""
    package, name = manifest.package, manifest.package.sensitivity
    if name is None:
        return package
    for file in protos.files.file:
        for extension in file.extension:
            if f"{file.package}.{extension.name}".lstrip(".") != name:
                continue
            if extension.extendee != ".google.protobuf.FieldOptions":
                break
            return dataclasses.replace(package, sensitivity_number=extension.number)
    text = f"sdk.sensitivity {name!r} is not an extension of google.protobuf.FieldOptions in the protos"
    raise GenerationError.at(manifest.location("sdk", "sensitivity"), text)


def _check_sensitive_fields(manifest: Manifest, messages: Mapping[str, Message]) -> None:
    """Raise GenerationError for sensitive fields that do not exist: they are misspelt, or gone."""
    problems = Problems()
    for name in manifest.package.sensitive_fields:
        message, _, field = name.rpartition(".")
        if message not in messages or all(each.name != field for each in messages[message].fields):
            text = f"sdk.sensitive_fields: {name!r} is not a field of these protos, like 'acme.Hat.name'"
            problems.add(manifest.location("sdk", "sensitive_fields"), text)
    problems.raise_all()


def _check_facade(manifest: Manifest, services: list[Service]) -> None:
    """Raise GenerationError for names of services that clash with each other or with the facade."""

    def location(service: Service, key: str) -> Location:
        if key in manifest.services.get(service.full_name, {}):
            return manifest.location("services", service.full_name, key)
        return Location(service.file, service.line)

    facade, problems = manifest.package.facade, Problems()
    advice = "give one another {} in its section of the manifest"
    attributes = [(each.attribute, each.full_name, location(each, "attribute")) for each in services]
    problems.attempt(lambda: naming.check_unique(attributes, advice.format("attribute")), None)
    classes = [(f"{prefix}{facade}", "sdk.facade", manifest.location("sdk", "facade")) for prefix in ("", "Async")]
    for each in services:
        text = f'give {each.full_name} another attribute in [services."{each.full_name}"] of the manifest'
        place = location(each, "attribute")
        for taken, owner in ((reserved_names.FACADE_NAMES, "a facade"), (reserved_names.PAGE_NAMES, "the reference")):
            problems.attempt(partial(naming.check_free, each.attribute, taken, owner, place, text), None)
        classes += [(f"{prefix}{each.class_name}", each.full_name, location(each, "class")) for prefix in ("", "Async")]
    problems.attempt(lambda: naming.check_unique(classes, advice.format("class")), None)
    distinct = {each[0]: each for each in reversed(classes)}  # a clash of classes is told once
    problems.attempt(lambda: exports.check_names(manifest, distinct.values() if services else []), None)
    problems.raise_all()


def _check_acronyms(manifest: Manifest, services: list[Service]) -> None:
    """Raise GenerationError for acronyms that no name contains: they are misspelt, or their names are gone."""
    location = manifest.location("sdk", "acronyms")
    names = [method.py_name for service in services for method in service.methods]
    names += [naming.snake_case(service.name, manifest.acronyms) for service in services]
    words = {word.rstrip("0123456789") for name in names for word in name.split("_")}
    unused = [each for each in manifest.acronyms if each.lower().rstrip("0123456789") not in words]
    if unused:
        text = "no name has the acronym {!r}: remove it from sdk.acronyms"
        raise GenerationError.of([GenerationError.at(location, text.format(each)) for each in unused])


def to_json(api: Api) -> str:
    """Return the model as JSON."""
    return json.dumps(dataclasses.asdict(api), indent=2, default=lambda value: value.hex())
