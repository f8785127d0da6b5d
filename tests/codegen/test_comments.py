"""The protos say what a reader of the docstrings needs: no element that users meet is without a comment."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc_tools
import pytest
from google.protobuf import descriptor_pb2
from grpc_tools import protoc

PROTOS = Path(__file__).parents[2] / "protos"
FILES = sorted(path.relative_to(PROTOS).as_posix() for path in PROTOS.rglob("*.proto"))
SERVICES = [
    "livekit.AgentDispatchService",
    "livekit.AgentSimulation",
    "livekit.CloudAgent",
    "livekit.Connector",
    "livekit.Egress",
    "livekit.Ingress",
    "livekit.PhoneNumberService",
    "livekit.Replay",
    "livekit.RoomService",
    "livekit.SIP",
]  # every field that their requests and responses can hold needs a comment
WIDTH = 110

PARTS = {"service", "method", "message_type", "nested_type", "field", "extension", "enum_type"}
COMMENTED = (
    descriptor_pb2.ServiceDescriptorProto,
    descriptor_pb2.MethodDescriptorProto,
    descriptor_pb2.DescriptorProto,
    descriptor_pb2.EnumDescriptorProto,
)


@dataclass(frozen=True)
class Element:
    """One declaration with its leading comment."""

    name: str
    schema: Any
    comment: str


@pytest.fixture(scope="module")
def elements(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Element]:
    """Every declaration of every proto, by full name."""
    out = tmp_path_factory.mktemp("protos") / "descriptors.binpb"
    well_known = Path(grpc_tools.__file__).parent / "_proto"
    arguments = ["protoc", f"-I{PROTOS}", f"-I{well_known}", "--include_source_info", f"--descriptor_set_out={out}"]
    assert protoc.main([*arguments, *FILES]) == 0
    files = descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes()).file
    return {element.name: element for file in files for element in declarations(file)}


def declarations(file: descriptor_pb2.FileDescriptorProto) -> Iterator[Element]:
    """Every declaration of `file`; map entries are none."""
    comments = {tuple(location.path): location.leading_comments for location in file.source_code_info.location}

    def inside(schema: Any, path: tuple[int, ...], scope: str) -> Iterator[Element]:
        for field, children in schema.ListFields():
            for position, child in enumerate(children if field.name in PARTS else ()):
                at, name = (*path, field.number, position), f"{scope}.{child.name}"
                if at in comments:
                    yield Element(name, child, comments[at].strip())
                    yield from inside(child, at, name)

    return inside(file, (), file.package)


def reachable(elements: dict[str, Element], service: str) -> Iterator[Element]:
    """The fields that requests and responses of `service` can hold, at any depth."""
    methods = elements[service].schema.method
    messages = [name for method in methods for name in (method.input_type, method.output_type)]
    for name in messages:  # grows while we go
        message = elements.get(name.removeprefix("."))
        if message is None:
            continue  # a well-known type, or the entry of a map
        for field in message.schema.field:
            yield elements[f"{message.name}.{field.name}"]
            if field.type == field.TYPE_MESSAGE and field.type_name not in messages:
                messages.append(field.type_name)


def test_services_rpcs_messages_and_enums_have_a_comment(elements: dict[str, Element]) -> None:
    """Also those that no service of ours uses."""
    assert [e.name for e in elements.values() if isinstance(e.schema, COMMENTED) and not e.comment] == []


@pytest.mark.parametrize("service", SERVICES)
def test_fields_have_a_comment(service: str, elements: dict[str, Element]) -> None:
    """Each field that a user of the service can set or read is explained."""
    fields = list(reachable(elements, service))
    assert len(fields) > len(elements[service].schema.method)
    assert [field.name for field in fields if not field.comment] == []


def test_rpcs_begin_with_a_summary(elements: dict[str, Element]) -> None:
    """The first line of an RPC's comment is a sentence of its own: the docstring's summary."""
    methods = [e for e in elements.values() if isinstance(e.schema, descriptor_pb2.MethodDescriptorProto)]
    summaries = {method.name: method.comment.partition("\n\n")[0] for method in methods}
    assert {name: text for name, text in summaries.items() if "\n" in text or not text.endswith(".")} == {}


@pytest.mark.parametrize("file", FILES)
def test_comments_are_narrow(file: str) -> None:
    """No line of a comment is too long to be read beside the code."""
    lines = enumerate((PROTOS / file).read_text(encoding="utf-8").splitlines(), start=1)
    assert [number for number, line in lines if line.lstrip().startswith("//") and len(line) > WIDTH] == []
