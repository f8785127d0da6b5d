"""Writes two descriptor sets into a folder: LiveKit's protos as `livekit-protocol` has them, and ours of these files.

Run as `python upstream_schema.py FOLDER`; prints the version of livekit-protocol.
"""

import importlib
import importlib.metadata
import pkgutil
import sys
from pathlib import Path

import livekit.protocol
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

from twirpkit_codegen.schema.descriptors import compile_protos
from twirpkit_codegen.schema.proto_files import find_protos

PROTOS = Path(__file__).parents[2] / "protos"


def upstream() -> dict[str, FileDescriptorProto]:
    """Return the files of livekit-protocol, and what they import of its own."""
    modules = pkgutil.walk_packages(livekit.protocol.__path__, "livekit.protocol.")
    pending = [getattr(importlib.import_module(module.name), "DESCRIPTOR", None) for module in modules]
    found: dict[str, FileDescriptorProto] = {}
    while pending:
        file = pending.pop()
        if file is not None and file.name not in found and not file.name.startswith("google/"):
            found[file.name] = FileDescriptorProto.FromString(file.serialized_pb)
            pending += file.dependencies
    return found


def main() -> None:
    """Write both sets."""
    folder = Path(sys.argv[1])
    theirs = upstream()
    ours = compile_protos(find_protos([PROTOS], [], [])).files.file
    google = [file for file in ours if file.name.startswith("google/")]
    same = [file for file in ours if file.name in theirs]
    taken = {file.name for file in same}
    for name in list(taken):
        taken.update(each for each in theirs[name].dependency if each in theirs)
    if left := sorted(set(theirs) - taken):
        print(f"not taken: {', '.join(left)}", file=sys.stderr)
    for name, files in (("upstream", [theirs[each] for each in taken]), ("ours", [*google, *same])):
        (folder / f"{name}.bin").write_bytes(FileDescriptorSet(file=files).SerializeToString())
    print(importlib.metadata.version("livekit-protocol"))


main()
