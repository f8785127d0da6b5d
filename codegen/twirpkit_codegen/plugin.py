"""`protoc-gen-twirpkit`: the generator as a plugin of protoc and buf.

    protoc -I protos --twirpkit_out=generated --twirpkit_opt=manifest=hats.toml protos/hats.proto

protoc writes what the plugin returns: the same bytes as `twirpkit generate`, from the files on its command line.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from google.protobuf import descriptor_pb2
from google.protobuf.compiler.plugin_pb2 import CodeGeneratorRequest, CodeGeneratorResponse
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from twirpkit_codegen.errors import GenerationError, Location, text_of
from twirpkit_codegen.render import package
from twirpkit_codegen.render.loading import check_loads
from twirpkit_codegen.schema import build, manifest
from twirpkit_codegen.schema.selection import Protos

__all__ = ["main", "respond"]

_OPTIONS: Final = ("manifest",)
_FEATURES: Final = CodeGeneratorResponse.FEATURE_PROTO3_OPTIONAL | CodeGeneratorResponse.FEATURE_SUPPORTS_EDITIONS


def main() -> None:
    """Read a request from standard input, and write the response to standard output."""
    request = CodeGeneratorRequest.FromString(sys.stdin.buffer.read())
    sys.stdout.buffer.write(respond(request).SerializeToString())


def respond(request: CodeGeneratorRequest) -> CodeGeneratorResponse:
    """Return the files of the package, or the errors of the input as text; notes go to standard error."""
    response = CodeGeneratorResponse(
        supported_features=_FEATURES,
        minimum_edition=descriptor_pb2.EDITION_PROTO2,
        maximum_edition=_last_edition(),
    )
    try:
        facts = manifest.load(Path(_options(request.parameter)["manifest"]))
        protos = Protos(FileDescriptorSet(file=request.proto_file), frozenset(request.file_to_generate))
        api = build.build(protos, facts)
        for remark in api.remarks:
            print(f"note: {remark}", file=sys.stderr)
        files = package.render(api)
        check_loads(files, api.package.name)
        for path, text in files.items():
            response.file.add(name=path, content=text)
    except Exception as error:  # the outermost frame, as in the command
        response.error = text_of(error)
    return response


def _last_edition() -> int:
    """Return the newest edition that the installed protobuf knows."""
    years = [each.number for each in descriptor_pb2.Edition.DESCRIPTOR.values if each.name.startswith("EDITION_2")]
    return max(years)


def _options(parameter: str) -> Mapping[str, str]:
    """Return the options of the command line, which are separated by commas."""
    place = Location("twirpkit_opt")
    found: dict[str, str] = {}
    for each in filter(None, parameter.split(",")):
        name, _, value = each.partition("=")
        if name not in _OPTIONS:
            raise GenerationError.at(place, f"unknown option {name!r}; there is manifest=FILE")
        found[name] = value
    if not found.get("manifest"):
        raise GenerationError.at(place, "needs the manifest: --twirpkit_opt=manifest=FILE")
    return found
