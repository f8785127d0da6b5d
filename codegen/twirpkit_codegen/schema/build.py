"""The model of an API, from its descriptors and its manifest."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Final

from google.protobuf.descriptor_pb2 import FileDescriptorSet

from twirpkit_codegen.errors import GenerationError, Location, collect
from twirpkit_codegen.schema import exports, naming, policy
from twirpkit_codegen.schema.file_builder import build_file
from twirpkit_codegen.schema.manifest import Manifest
from twirpkit_codegen.schema.model import Api, File, Message, PackageInfo, Service, walk
from twirpkit_codegen.schema.service_builder import Context, build_service
from twirpkit_codegen.schema.source import Source
from twirpkit_codegen.schema.type_index import GOOGLE, types_in

__all__ = ["build", "to_json"]

# Number of a field in descriptor.proto, of which the paths of source info consist.
_FILE_SERVICE: Final = 6


def build(descriptors: FileDescriptorSet, manifest: Manifest) -> Api:
    """Build the model of an API.

    Raises:
        GenerationError: Something in the protos cannot be generated, or they do not match the manifest.
    """
    own = sorted((file for file in descriptors.file if not file.name.startswith(GOOGLE)), key=lambda file: file.name)
    index = {name: ref for file in descriptors.file for name, ref in types_in(file)}
    sources = [Source.of(file) for file in own]
    files = tuple(build_file(source, index) for source in sources)
    _check_modules(files)
    messages = {message.full_name: message for file in files for message in walk(file.messages)}
    found = [(source, number, service) for source in sources for number, service in enumerate(source.file.service)]
    names = {
        source.full_name(service.name): (
            source.location((_FILE_SERVICE, number)),
            [each.name for each in service.method],
        )
        for source, number, service in found
    }
    policy.check_services(manifest, names)
    context = Context(manifest, index, messages)
    services = collect(
        partial(build_service, context, source, (_FILE_SERVICE, number), service)
        for source, number, service in found
        if source.full_name(service.name) not in manifest.skip
    )
    if not services:
        raise GenerationError.at(manifest.location(), "the protos have no service to generate: add one, or skip less")
    _check_facade(manifest, services)
    _check_acronyms(manifest, services)
    _check_sensitive_fields(manifest, messages)
    package, bound = _with_sensitivity(manifest, descriptors), exports.bound_classes(manifest, index, messages)
    return Api(package, files, tuple(services), exports.exports(manifest), bound)


def _with_sensitivity(manifest: Manifest, descriptors: FileDescriptorSet) -> PackageInfo:
    """Return the manifest's facts with the number of the field option that it names."""
    package, name = manifest.package, manifest.package.sensitivity
    if name is None:
        return package
    for file in descriptors.file:
        for extension in file.extension:
            if f"{file.package}.{extension.name}".lstrip(".") != name:
                continue
            if extension.extendee != ".google.protobuf.FieldOptions":
                break
            return dataclasses.replace(package, sensitivity_number=extension.number)
    text = f"sdk.sensitivity {name!r} is not an extension of google.protobuf.FieldOptions in the protos"
    raise GenerationError.at(manifest.location("sdk", "sensitivity"), text)


def _check_sensitive_fields(manifest: Manifest, messages: Mapping[str, Message]) -> None:
    """Raise GenerationError for a sensitive field that does not exist: it is misspelt, or gone."""
    for name in manifest.package.sensitive_fields:
        message, _, field = name.rpartition(".")
        if message not in messages or all(each.name != field for each in messages[message].fields):
            text = f"sdk.sensitive_fields: {name!r} is not a field of these protos, like 'acme.Hat.name'"
            raise GenerationError.at(manifest.location("sdk", "sensitive_fields"), text)


def _check_modules(files: Iterable[File]) -> None:
    """Raise GenerationError for two files of one module, and for a file with the name of another's folder."""
    naming.check_unique((file.module, file.name, Location(file.name)) for file in files)
    folders = {folder: file.name for file in files for folder in file.folders}
    for file in files:
        if file.module in folders:
            text = (
                f"{file.name} and the folder of {folders[file.module]} are both the module {file.module!r}: rename one"
            )
            raise GenerationError.at(Location(file.name), text)


def _check_facade(manifest: Manifest, services: list[Service]) -> None:
    """Raise GenerationError for names of services that clash with each other or with the facade."""

    def location(service: Service, key: str) -> Location:
        if key in manifest.services.get(service.full_name, {}):
            return manifest.location("services", service.full_name, key)
        return Location(service.file, service.line)

    facade = manifest.package.facade
    advice = "give one another {} in its section of the manifest"
    naming.check_unique(
        ((each.attribute, each.full_name, location(each, "attribute")) for each in services), advice.format("attribute")
    )
    classes = [(f"{prefix}{facade}", "sdk.facade", manifest.location("sdk", "facade")) for prefix in ("", "Async")]
    for each in services:
        text = f'give {each.full_name} another attribute in [services."{each.full_name}"] of the manifest'
        naming.check_free(each.attribute, naming.FACADE_NAMES, "a facade", location(each, "attribute"), text)
        naming.check_free(each.attribute, naming.PAGE_NAMES, "the reference", location(each, "attribute"), text)
        classes += [(f"{prefix}{each.class_name}", each.full_name, location(each, "class")) for prefix in ("", "Async")]
    naming.check_unique(classes, advice.format("class"))
    exports.check_names(manifest, classes)


def _check_acronyms(manifest: Manifest, services: list[Service]) -> None:
    """Raise GenerationError for an acronym that no name contains: it is misspelt, or its names are gone."""
    location = manifest.location("sdk", "acronyms")
    names = [method.py_name for service in services for method in service.methods]
    names += [
        naming.snake_case(service.name, manifest.acronyms, Location(service.file, service.line)) for service in services
    ]
    words = {word.rstrip("0123456789") for name in names for word in name.split("_")}
    unused = [each for each in manifest.acronyms if each.lower().rstrip("0123456789") not in words]
    if unused:
        raise GenerationError.at(location, f"no name has the acronym {unused[0]!r}: remove it from sdk.acronyms")


def to_json(api: Api) -> str:
    """Return the model as JSON."""
    return json.dumps(dataclasses.asdict(api), indent=2, default=lambda value: value.hex())
