"""Runs of the generator for tests: in this process, over protos that stand beside the tests or in them."""

import contextlib
import io
import shutil
from dataclasses import dataclass
from pathlib import Path

import grpc_tools

from twirpkit_codegen import cli, output
from twirpkit_codegen.errors import GenerationError
from twirpkit_codegen.inputs import Inputs, load
from twirpkit_codegen.render import package
from twirpkit_codegen.render.loading import check_loads
from twirpkit_codegen.schema import descriptors, proto_files
from twirpkit_codegen.schema.selection import Protos

ROOT = Path(__file__).parents[2]
ODD = Path(__file__).parent / "odd"

HATS = """\
syntax = "proto3";

package acme;

service HatService {
  rpc MakeHat(Hat) returns (Hat);
}

message Hat {
  string name = 1;
  bytes nonce = 2;
  repeated string tags = 3;
  map<string, string> notes = 4;
  int32 size = 5;
}
"""
MANIFEST = """\
[sdk]
package = "acme_twirp"
facade = "AcmeAPI"
"""


@dataclass(frozen=True)
class Ran:
    """The result of one command."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Made:
    """The packages made of the odd protos."""

    folder: Path
    errors: dict[str, str]
    """The error text of each run, empty for none."""

    def package(self, name: str) -> str:
        """The import package of an oddity."""
        return "odd_dotted._package" if name == "dotted_package" else f"odd_{name}"

    def path(self, name: str) -> Path:
        """The folder of an oddity's package."""
        return self.folder / self.package(name).replace(".", "/")


def run(*arguments: object) -> Ran:
    """`twirpkit` with these arguments."""
    # Click's own runner keeps the two outputs apart from 8.2 on only.
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        try:
            cli.main([str(each) for each in arguments], prog_name="twirpkit")
        except SystemExit as ended:
            return Ran(int(ended.code or 0), out.getvalue(), err.getvalue())
    raise AssertionError("the command returned without an exit code")


def generate(manifest_file: Path, out: Path) -> str:
    """Run `twirpkit generate` without its output, so that threads can run it, and return the error text."""
    try:
        api = load(Inputs(manifest_file))
        files = package.render(api)
        check_loads(files, api.package.name)
        output.write(files, out, api.package.name)
    except GenerationError as error:
        return str(error)
    return ""


def compiled(folder: Path) -> Protos:
    """The descriptors of a folder of protos."""
    return descriptors.compile_protos(proto_files.find_protos([folder], [], []))


def write(folder: Path, files: dict[str, str | bytes]) -> Path:
    """Files in a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def project(folder: Path, protos: dict[str, str | bytes] | None = None, toml: str | bytes = MANIFEST) -> Path:
    """A manifest with protos beside it; returns the manifest."""
    write(folder, {"acme.proto": HATS} if protos is None else protos)
    return write(folder, {"manifest.toml": toml}) / "manifest.toml"


def odd(name: str, folder: Path) -> Path:
    """A copy of one oddity, with a manifest if it has none; returns the manifest."""
    shutil.copytree(ODD / name, folder)
    path = folder / "manifest.toml"
    if not path.exists():
        path.write_text(f'[sdk]\npackage = "odd_{name}"\nfacade = "OddAPI"\n')
    return path


REFUSED = sorted(path.parent.name for path in ODD.glob("*/refused.txt"))
BUNDLED = Path(grpc_tools.__file__).parent / "_proto" / "google" / "protobuf"
"""The protos that come with protoc."""
OF_NEWER_PROTOC = (
    () if (BUNDLED / "cpp_features.proto").exists() else ("edition_2024", "editions_new", "google_missing")
)
"""What the installed protoc cannot read: an edition, or a file that it does not bring."""
GOOD = sorted({path.name for path in ODD.iterdir()} - {*REFUSED, *OF_NEWER_PROTOC})


def tree(folder: Path) -> dict[str, bytes]:
    """Every file under a folder, and every empty folder, by path; nothing of what running Python leaves."""
    found = {}
    for path in folder.rglob("*"):
        if "__pycache__" not in path.parts:
            found[path.relative_to(folder).as_posix()] = path.read_bytes() if path.is_file() else b""
    return found
