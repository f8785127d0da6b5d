"""The three commands over protos and over descriptor sets."""

import importlib
import json
import pkgutil
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import livekit.protocol
import pytest
from generating import HATS, ODD, ROOT, compiled, project, run, tree, write
from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto, FileDescriptorSet

from twirpkit_codegen.errors import GenerationError
from twirpkit_codegen.render import formatting

TYPES = ODD / "google_types"


def made_set(protos: Path, target: Path) -> Path:
    """A descriptor set of a folder of protos."""
    target.write_bytes(compiled(protos).files.SerializeToString())
    return target


def edited(path: Path, target: Path, *, source_info: bool = True, google: bool = True, reverse: bool = False) -> Path:
    """A descriptor set without some of what it holds, or in another order."""
    found = FileDescriptorSet.FromString(path.read_bytes())
    files = [file for file in found.file if google or not file.name.startswith("google/")]
    for file in files:
        if not source_info:
            file.ClearField("source_code_info")
    target.write_bytes(FileDescriptorSet(file=files[::-1] if reverse else files).SerializeToString())
    return target


def of_files(target: Path, *files: FileDescriptorProto) -> Path:
    """A descriptor set of these files."""
    target.write_bytes(FileDescriptorSet(file=files).SerializeToString())
    return target


@pytest.mark.slow
def test_the_checkout_is_up_to_date() -> None:
    done = run("check", ROOT / "protos" / "livekit.toml", "--out", ROOT / "generated")
    assert (done.code, done.out, done.err) == (0, "livekit_twirp is up to date\n", "")


def test_inspect_prints_the_model(tmp_path: Path) -> None:
    manifest = project(tmp_path)
    done = run("inspect", manifest)
    model = json.loads(done.out)
    assert done.out.isascii()
    assert list(model) == ["package", "files", "services", "exports", "bound", "remarks"]
    (service,) = model["services"]
    assert (service["full_name"], service["attribute"], service["line"]) == ("acme.HatService", "hat_service", 5)
    (method,) = service["methods"]
    assert method["py_name"] == "make_hat"
    assert method["policy"]["retry"] == "never"
    assert set(method["policy"].values()) == {"never", False, None}
    assert method["pages"] is None
    assert [field["name"] for field in method["request_fields"]] == ["name", "nonce", "tags", "notes", "size"]
    assert FileDescriptorProto.FromString(bytes.fromhex(model["files"][0]["serialized"])).package == "acme"
    assert run("inspect", manifest) == done
    assert tree(tmp_path).keys() == {"manifest.toml", "acme.proto"}


def test_inspect_of_the_checkout() -> None:
    model = json.loads(run("inspect", ROOT / "protos" / "livekit.toml").out)
    assert [service["full_name"] for service in model["services"]][:1]
    assert {file["name"] for file in model["files"]} >= {"livekit_room.proto", "logger/options.proto"}


def test_help_names_the_commands() -> None:
    assert all(f"\n  {name} " in run("--help").out for name in ("generate", "check", "inspect"))


def test_the_command_is_installed() -> None:
    command = [Path(sys.executable).with_name("twirpkit"), "inspect", ROOT / "protos" / "livekit.toml"]
    assert json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["services"]


def test_protos_in_another_folder(tmp_path: Path) -> None:
    manifest = project(tmp_path / "here", {})
    write(tmp_path / "there", {"acme.proto": HATS})
    done = run("generate", manifest, "--protos", tmp_path / "there", "--out", tmp_path / "out")
    assert (done.code, done.err) == (0, "")


def test_a_folder_without_protos(tmp_path: Path) -> None:
    done = run("generate", project(tmp_path, {"acme.proto/readme.txt": "a folder"}))
    text = "there is no .proto file in this folder: give another with --protos"
    assert (done.code, done.err) == (1, f"{tmp_path}: {text}\n")


def test_two_sources_are_refused(tmp_path: Path) -> None:
    done = run("generate", project(tmp_path), "--protos", tmp_path, "--descriptor-set", tmp_path / "x")
    assert done.code == 2
    assert "give --protos or --descriptor-set, not both" in done.err


@pytest.mark.slow
def test_a_descriptor_set_gives_the_same_bytes(tmp_path: Path) -> None:
    manifest = project(tmp_path / "in", {"google_types.proto": (TYPES / "google_types.proto").read_text()})
    whole = made_set(tmp_path / "in", tmp_path / "whole.bin")
    sets = {
        "whole": whole,
        "reversed": edited(whole, tmp_path / "reversed.bin", reverse=True),
        "no google": edited(whole, tmp_path / "no_google.bin", google=False),
    }
    assert run("generate", manifest, "--out", tmp_path / "out").code == 0
    for name, path in sets.items():
        done = run("check", manifest, "--descriptor-set", path, "--out", tmp_path / "out")
        assert (done.code, done.out) == (0, "acme_twirp is up to date\n"), name


def test_buf_may_say_more(tmp_path: Path) -> None:
    """buf's images are descriptor sets with a field of its own in each file."""
    manifest = project(tmp_path / "in")
    found = compiled(tmp_path / "in").files
    image = b"".join(
        b"\x0a" + varint(len(raw)) + raw
        for raw in (file.SerializeToString() + b"\xd2\xf6\x03\x02\x08\x00" for file in found.file)
    )
    (tmp_path / "image.bin").write_bytes(image)
    assert run("generate", manifest, "--out", tmp_path / "out").code == 0
    assert run("check", manifest, "--descriptor-set", tmp_path / "image.bin", "--out", tmp_path / "out").code == 0


def varint(number: int) -> bytes:
    """A number as protobuf writes it."""
    return bytes([number]) if number < 128 else bytes([number & 127 | 128]) + varint(number >> 7)


def test_a_descriptor_set_without_source_info_has_no_docs(tmp_path: Path) -> None:
    manifest = project(tmp_path / "in", {"acme.proto": HATS.replace("service", "// Makes hats.\nservice")})
    whole = made_set(tmp_path / "in", tmp_path / "whole.bin")
    bare = edited(whole, tmp_path / "bare.bin", source_info=False)
    docs = [
        json.loads(run("inspect", manifest, "--descriptor-set", path).out)["services"][0]["doc"]["summary"]
        for path in (whole, bare)
    ]
    assert docs == ["Makes hats.", ""]
    manifest.write_text(manifest.read_text() + "[claims]\n")
    done = run("generate", manifest, "--descriptor-set", bare)
    assert done.err.startswith("acme.proto: acme.HatService has no policy section")


@pytest.mark.parametrize("comment", [b" caf\xe9 \\", b'\xff\xfe"""', b"nul \x00 \r here"])
def test_comments_that_no_proto_could_hold(comment: bytes, tmp_path: Path) -> None:
    """A descriptor set's comments may be no UTF-8, or hold a NUL."""
    manifest = project(tmp_path / "in", {"acme.proto": HATS.replace("service", "// PLACEHOLDER\nservice")})
    whole = compiled(tmp_path / "in").files.SerializeToString()
    marker = b" PLACEHOLDER\n"
    (tmp_path / "set.bin").write_bytes(whole.replace(marker, comment.ljust(len(marker), b"x")))
    done = run("generate", manifest, "--descriptor-set", tmp_path / "set.bin", "--out", tmp_path / "out")
    assert (done.code, done.err) == (0, "")
    for path in (tmp_path / "out").rglob("*.py"):
        compile(path.read_bytes(), path, "exec")


FILE = FileDescriptorProto(name="a.proto", package="acme", syntax="proto3")
TWICE = [FILE, FILE]
LACKING = [FileDescriptorProto(name="a.proto", dependency=["b.proto"])]
LACKING_GOOGLE = [FileDescriptorProto(name="a.proto", dependency=["google/protobuf/none.proto"])]
CIRCLE = [
    FileDescriptorProto(name="a.proto", dependency=["b.proto"]),
    FileDescriptorProto(name="b.proto", dependency=["a.proto"]),
]
INJECTION = [FileDescriptorProto(name="a.proto", message_type=[DescriptorProto(name="X: pass\nimport os")])]
PACKAGE = [FileDescriptorProto(name="a.proto", package='x"\nimport os\n"')]
FIELD: dict[str, Any] = {"name": "x", "number": 1, "label": 1, "type": 11, "type_name": ".Y"}
NO_TYPE = [FileDescriptorProto(name="a.proto", message_type=[DescriptorProto(name="X", field=[FIELD])])]


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ([], "set.bin: holds no file: make it with protoc or buf"),
        (TWICE, "set.bin: holds a file twice: make it anew"),
        (LACKING, "set.bin: lacks b.proto, which a.proto imports: make it with --include_imports"),
        (
            LACKING_GOOGLE,
            "set.bin: lacks google/protobuf/none.proto, which a.proto imports: make it",
        ),
        (CIRCLE, "set.bin: a.proto imports itself, by way of a.proto, b.proto: make it anew"),
        (INJECTION, "set.bin: a.proto is not valid: "),
        (PACKAGE, "set.bin: a.proto is not valid: "),
        (NO_TYPE, "set.bin: a.proto is not valid: "),
    ],
)
def test_descriptor_sets_that_are_refused(files: list[FileDescriptorProto], says: str, tmp_path: Path) -> None:
    manifest = project(tmp_path / "in")
    path = of_files(tmp_path / "set.bin", *files)
    done = run("generate", manifest, "--descriptor-set", path, "--out", tmp_path / "out")
    assert (done.code, done.err[: len(says)]) == (1, says)
    assert done.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_relative_type_name_is_refused(tmp_path: Path) -> None:
    """protobuf would look around for it; protoc and buf write the full name."""
    message = DescriptorProto(name="X", field=[FIELD | {"type_name": "X"}])
    file = FileDescriptorProto(name="a.proto", message_type=[message])
    done = run("generate", project(tmp_path), "--descriptor-set", of_files(tmp_path / "set.bin", file))
    assert done.err == "a.proto: no file here defines 'X': make the descriptor set with its imports\n"


def test_odd_places_do_no_harm(tmp_path: Path) -> None:
    """Source info may have a location without a span."""
    (file,) = compiled(project(tmp_path).parent).files.file
    for location in file.source_code_info.location:
        location.ClearField("span")
    done = run("inspect", project(tmp_path), "--descriptor-set", of_files(tmp_path / "set.bin", file))
    assert json.loads(done.out)["services"][0]["line"] is None


@pytest.mark.parametrize("content", [b"no descriptor set", b"\xff" * 100])
def test_rubbish_is_no_descriptor_set(content: bytes, tmp_path: Path) -> None:
    write(tmp_path, {"set.bin": content})
    done = run("generate", project(tmp_path / "in"), "--descriptor-set", tmp_path / "set.bin")
    assert done.err == "set.bin: is not a FileDescriptorSet: make it with protoc or buf\n"


def test_a_descriptor_set_that_is_not_there(tmp_path: Path) -> None:
    done = run("generate", project(tmp_path), "--descriptor-set", tmp_path / "set.bin")
    assert done.err == f"{tmp_path}/set.bin: cannot be read: No such file or directory\n"


def test_protoc_may_fail_without_a_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = project(tmp_path)
    fails = subprocess.CompletedProcess([], 9, stdout="", stderr="\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: fails)
    assert run("generate", manifest).err == "protoc ended with 9\n"


def test_code_that_ruff_refuses_is_a_bug_and_said_to_be() -> None:
    with pytest.raises(GenerationError, match=r"^ruff rejected generated code, which is a bug of the generator:\n"):
        formatting.format_files({"a.py": "(\n"}, "acme")


@pytest.mark.slow
def test_upstreams_descriptors_give_the_same_schema(tmp_path: Path) -> None:
    """LiveKit's own files, as livekit-protocol carries them, generate in the place of ours."""
    shutil.copy(ROOT / "protos" / "livekit.toml", tmp_path)
    shutil.copytree(ROOT / "protos" / "helpers", tmp_path / "helpers")
    ours = schema(tmp_path / "livekit.toml", "--protos", ROOT / "protos")
    path = of_files(tmp_path / "set.bin", *upstream([name for name in ours if name not in CLOUD]), *cloud())
    assert schema(tmp_path / "livekit.toml", "--descriptor-set", path) == ours
    done = run("generate", tmp_path / "livekit.toml", "--descriptor-set", path, "--out", tmp_path / "out")
    assert (done.code, done.err) == (0, "")


CLOUD = ("cloud_replay.proto", "livekit_phone_number.proto", "livekit_token_source.proto")
"""Files that livekit-protocol does not have."""


def cloud() -> Iterator[FileDescriptorProto]:
    """Our own descriptors of these files."""
    found = compiled(ROOT / "protos").files.file
    yield from (file for file in found if file.name in CLOUD)


def schema(*arguments: object) -> dict[str, str]:
    """Return the embedded descriptor of each file."""
    done = run("inspect", *arguments)
    assert (done.code, done.err) == (0, "")
    return {file["name"]: file["serialized"] for file in json.loads(done.out)["files"]}


def upstream(names: list[str]) -> Iterator[FileDescriptorProto]:
    """livekit-protocol's files of these names, and what they import of its own."""
    modules = pkgutil.walk_packages(livekit.protocol.__path__, "livekit.protocol.")
    loaded = (getattr(importlib.import_module(module.name), "DESCRIPTOR", None) for module in modules)
    direct = {file.name: file for file in loaded if file is not None}
    found = direct | {each.name: each for file in direct.values() for each in file.dependencies}
    pending, done = list(names), set()
    while pending:
        name = pending.pop()
        if name not in done and not name.startswith("google/"):
            done.add(name)
            file = FileDescriptorProto.FromString(found[name].serialized_pb)
            yield file
            pending += file.dependency
