"""The SDK's schema equals LiveKit's: what our protos declare is what livekit-protocol declares, fact by fact.

Compared are the descriptors that the SDK embeds, so this needs no protoc and runs over every supported protobuf.
"""

import importlib
import json
import pkgutil
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import livekit.protocol
import pytest
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.unknown_fields import UnknownFieldSet

PROTOS = Path(__file__).parents[2] / "protos"
FILES = sorted(path.relative_to(PROTOS).as_posix() for path in PROTOS.rglob("*.proto"))
CLOUD: dict[str, Any] = json.loads(Path(__file__).with_name("cloud_services.json").read_text(encoding="utf-8"))
"""Facts of three files that livekit-protocol does not have."""

Facts = dict[str, object]


def ours(file: str) -> FileDescriptor:
    """The descriptor of `file` that the SDK embeds."""
    module = file.removesuffix(".proto").replace("/", ".")
    found: FileDescriptor = importlib.import_module(f"livekit_twirp.messages.{module}").DESCRIPTOR
    return found


def theirs() -> dict[str, FileDescriptor]:
    """LiveKit's own descriptors by file name."""
    modules = pkgutil.walk_packages(livekit.protocol.__path__, "livekit.protocol.")
    descriptors = (getattr(importlib.import_module(module.name), "DESCRIPTOR", None) for module in modules)
    return {file.name: file for found in descriptors if found for file in with_imports(found)}


def with_imports(file: FileDescriptor) -> Iterator[FileDescriptor]:
    """`file` after all that it imports."""
    for imported in file.dependencies:
        yield from with_imports(imported)
    yield file


def facts(file: FileDescriptor) -> Facts:
    """All that `file` declares, one entry a fact, such as `message_type[Room].field[sid].number`: 1."""
    pool = DescriptorPool()  # knows the custom options of this side, and so shows them by name
    pool.AddSerializedFile(descriptor_pb2.DESCRIPTOR.serialized_pb)
    for part in with_imports(file):
        if part.name != descriptor_pb2.DESCRIPTOR.name:
            pool.AddSerializedFile(part.serialized_pb)
    schema = GetMessageClass(pool.FindMessageTypeByName("google.protobuf.FileDescriptorProto"))()
    schema.ParseFromString(file.serialized_pb)
    schema.ClearField("source_code_info")
    return dict(walk(schema, ""))


def walk(schema: Any, at: str) -> Iterator[tuple[str, object]]:
    """The facts of one element and of all inside it."""
    for unknown in UnknownFieldSet(schema):
        yield f"{at}#{unknown.field_number}", unknown.data
    for field, value in schema.ListFields():
        key = f"{at}({field.full_name})" if field.is_extension else f"{at}{field.name}"
        if field.name == "json_name" and value == default_json_name(schema.name):
            continue  # protoc writes it out into some descriptors and not into others
        if isinstance(value, Message):
            yield from walk(value, f"{key}.")
        elif isinstance(value, Sequence) and value and isinstance(value[0], Message):
            labels = [getattr(item, "name", str(position)) for position, item in enumerate(value)]
            yield key, labels  # their order is a fact as well
            for label, item in zip(labels, value, strict=True):
                yield from walk(item, f"{key}[{label}].")
        else:
            yield key, value if isinstance(value, str | bytes | int | float) else list(value)


def default_json_name(name: str) -> str:
    """The JSON name of a field that sets none."""
    return re.sub("_(.)", lambda match: match[1].upper(), name)


@pytest.fixture(scope="module")
def livekit_files() -> dict[str, FileDescriptor]:
    """Everything that livekit-protocol declares."""
    return theirs()


def test_finds_the_protos() -> None:
    """The comparison below has something to compare."""
    assert {"livekit_room.proto", "livekit_models.proto", "logger/options.proto"} <= set(FILES)


@pytest.mark.parametrize("file", sorted(set(FILES) - CLOUD.keys()))
def test_equals_livekits_schema(file: str, livekit_files: dict[str, FileDescriptor]) -> None:
    """Each fact of `file` stands on both sides; a failure lists the facts that do not, as (ours, theirs)."""
    mine, livekits = facts(ours(file)), facts(livekit_files[file])
    different = {
        key: (mine.get(key), livekits.get(key))
        for key in sorted(mine.keys() | livekits.keys())
        if mine.get(key) != livekits.get(key)
    }
    assert different == {}


@pytest.mark.parametrize(
    ("field", "option", "value"),
    [
        ("message_type[Room].field[turn_password]", "(logger.sensitivity)", 2),
        ("message_type[Room].field[metadata]", "(logger.redact_format)", "<redacted ({{ .Size }} bytes)>"),
        ("message_type[RpcAck].field[request_id]", "(logger.name)", "requestID"),
        ("message_type[TrackInfo].field[simulcast]", "deprecated", True),
    ],
)
def test_options_are_read_by_name(field: str, option: str, value: object) -> None:
    """Custom options take part in the comparison as known extensions."""
    assert facts(ours("livekit_models.proto"))[f"{field}.options.{option}"] == value


@pytest.mark.parametrize("file", sorted(CLOUD))
def test_equals_the_facts_of_cloud_services(file: str) -> None:
    """Package, imports, services, enums, messages and options of `file` are those listed, in their order."""
    found = descriptor_pb2.FileDescriptorProto.FromString(ours(file).serialized_pb)
    known = facts(ours(file))
    assert found.package == CLOUD[file]["package"]
    assert sorted(found.dependency) == sorted(CLOUD[file]["imports"])
    assert {
        service.name: {rpc.name: [rpc.input_type[1:], rpc.output_type[1:]] for rpc in service.method}
        for service in found.service
    } == CLOUD[file]["services"]
    assert {enum.name: {value.name: value.number for value in enum.value} for enum in found.enum_type} == CLOUD[file][
        "enums"
    ]
    assert {message.name: message_facts(message, known) for message in found.message_type} == {
        name: message["fields"] for name, message in CLOUD[file]["messages"].items()
    }


def message_facts(message: descriptor_pb2.DescriptorProto, known: Facts) -> list[dict[str, Any]]:
    """The fields of a message as the list of facts has them."""
    names = descriptor_pb2.FieldDescriptorProto
    made = []
    for field in message.field:
        kind = field.type_name[1:] or names.Type.Name(field.type).removeprefix("TYPE_").lower()
        entry: dict[str, Any] = {"name": field.name, "number": field.number, "type": kind}
        if field.label == names.LABEL_REPEATED:
            entry["repeated"] = True
        if field.proto3_optional:
            entry["optional"] = True
        prefix = f"message_type[{message.name}].field[{field.name}].options."
        options = {key.removeprefix(prefix): value for key, value in known.items() if key.startswith(prefix)}
        if options:
            entry["options"] = {key.replace("(", "[").replace(")", "]"): value for key, value in options.items()}
        made.append(entry)
    return made
