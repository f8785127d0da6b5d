"""`twirpkit generate`, protoc with our plugin, and descriptor sets in every format write the same bytes."""

import gzip
import io
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from generating import HATS, MANIFEST, OF_NEWER_PROTOC, ROOT, Ran, compiled, odd, project, run, tree, write
from google.protobuf import json_format, text_format
from google.protobuf.compiler.plugin_pb2 import CodeGeneratorRequest, CodeGeneratorResponse

from twirpkit_codegen import entry_points, plugin

pytestmark = pytest.mark.slow  # protoc and the plugin run for each
ODD_ONES = ("comments", "editions_new", "extensions", "file_names", "option_fields")
SEVERAL = [name for name in ODD_ONES if name not in OF_NEWER_PROTOC]


def protoc(folder: Path, *arguments: object) -> Ran:
    """Run grpcio-tools' protoc with the plugin."""
    script = folder / "protoc-gen-twirpkit"
    code = "from twirpkit_codegen.entry_points import protoc_plugin; protoc_plugin()"
    script.write_text(f"#!/bin/sh\nexec {shlex.join([sys.executable, '-c', code])}\n")
    script.chmod(0o755)
    command = [sys.executable, "-m", "grpc_tools.protoc", f"--plugin=protoc-gen-twirpkit={script}", *arguments]
    done = subprocess.run([str(each) for each in command], capture_output=True, text=True, check=False)
    return Ran(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("name", [*SEVERAL, "livekit"])
def test_protoc_writes_what_the_command_writes(name: str, tmp_path: Path) -> None:
    manifest = ROOT / "protos" / "livekit.toml" if name == "livekit" else odd(name, tmp_path / "in")
    assert run("generate", manifest, "--out", tmp_path / "command").code == 0
    files = sorted(path.relative_to(manifest.parent) for path in manifest.parent.rglob("*.proto"))
    (tmp_path / "plugin").mkdir()
    done = protoc(
        tmp_path,
        f"-I{manifest.parent}",
        f"--twirpkit_out={tmp_path / 'plugin'}",
        f"--twirpkit_opt=manifest={manifest}",
        *(f"{manifest.parent}/{each}" for each in files),
    )
    assert done == Ran(0, "", done.err if name == "editions_new" else "")
    assert tree(tmp_path / "plugin") == tree(tmp_path / "command")


def test_protoc_shows_all_errors(tmp_path: Path) -> None:
    toml = MANIFEST + "signer = 'x'\n[services.'acme.NoService']\n"
    manifest = project(tmp_path, toml=toml)
    out = f"--twirpkit_out=manifest={manifest}:{tmp_path}"
    done = protoc(tmp_path, f"-I{tmp_path}", out, f"{tmp_path}/acme.proto")
    assert done.code == 1
    assert "manifest.toml:4: sdk.signer 'x' must be like" in done.err
    assert "manifest.toml:5: no service acme.NoService in the protos" in done.err


@pytest.mark.parametrize(
    ("parameter", "says"),
    [
        ("", "twirpkit_opt: needs the manifest: --twirpkit_opt=manifest=FILE"),
        ("manifest=", "twirpkit_opt: needs the manifest: --twirpkit_opt=manifest=FILE"),
        ("paths=x", "twirpkit_opt: unknown option 'paths'; there is manifest=FILE"),
        ("manifest=none.toml", "none.toml: this manifest does not exist"),
    ],
)
def test_an_option_is_wrong(parameter: str, says: str) -> None:
    response = plugin.respond(CodeGeneratorRequest(parameter=parameter))
    assert response.error == says
    assert not response.file


def test_no_traceback_of_the_generators_own_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise IndexError("of ours")

    monkeypatch.setattr(plugin.build, "build", fail)
    request = CodeGeneratorRequest(parameter=f"manifest={project(tmp_path)}")
    assert plugin.respond(request).error.startswith("IndexError: of ours: this is a bug of twirpkit; ")


def test_a_response_has_the_files_and_the_editions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    manifest = project(
        tmp_path, {"acme.proto": HATS.replace("returns (Hat);", "returns (Hat); rpc Up(stream Hat) returns (Hat);")}
    )
    files = compiled(tmp_path).files.file
    request = CodeGeneratorRequest(file_to_generate=["acme.proto"], parameter=f"manifest={manifest}", proto_file=files)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(request.SerializeToString())))
    out = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out))
    entry_points.protoc_plugin()
    response = CodeGeneratorResponse.FromString(out.getvalue())
    assert {file.name for file in response.file} >= {"acme_twirp/py.typed", "acme_twirp/messages/acme.py"}
    assert response.error == ""
    assert response.maximum_edition >= 1000
    assert "Up streams, which Twirp cannot: it is left out" in capfd.readouterr().err


def test_the_script_runs_the_commands(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["twirpkit", "--version"])
    with pytest.raises(SystemExit):
        entry_points.twirpkit()
    assert capfd.readouterr().out.startswith("twirpkit, version ")
    monkeypatch.setattr(entry_points, "_NEEDED", ("click", "not_installed_at_all"))
    with pytest.raises(SystemExit, match=r"an extra: pip install 'twirpkit\[codegen\]' \(not installed: not_inst"):
        entry_points.protoc_plugin()


def test_only_the_named_files_are_the_sdks(tmp_path: Path) -> None:
    """An imported file gives its messages, and no service."""
    manifest = project(
        tmp_path,
        {
            "a.proto": 'syntax = "proto3"; import "b.proto"; service A { rpc Do(B) returns (B); }',
            "b.proto": 'syntax = "proto3"; message B {} message C {} service Hidden { rpc Do(B) returns (B); }',
        },
    )
    (tmp_path / "out").mkdir()
    options = f"--twirpkit_opt=manifest={manifest}"
    done = protoc(tmp_path, f"-I{tmp_path}", f"--twirpkit_out={tmp_path / 'out'}", options, f"{tmp_path}/a.proto")
    assert (done.code, done.err) == (0, "")
    stub = (tmp_path / "out/acme_twirp/messages/b.pyi").read_text()
    assert ("class B(" in stub, "class C(" in stub) == (True, False)
    assert not (tmp_path / "out/acme_twirp/_sync/hidden.py").exists()


@pytest.mark.parametrize("name", ["extensions", "google_types"])
@pytest.mark.parametrize("form", ["binary", "json", "text", "binary.gz", "json.gz"])
def test_images_in_every_format(name: str, form: str, tmp_path: Path) -> None:
    manifest = odd(name, tmp_path / "in")
    assert run("generate", manifest, "--out", tmp_path / "out").code == 0
    found = compiled(tmp_path / "in").files
    content = {
        "binary": found.SerializeToString(),
        "json": json_format.MessageToJson(found).encode(),
        "text": text_format.MessageToString(found).encode(),
    }[form.removesuffix(".gz")]
    write(tmp_path, {"image": gzip.compress(content) if form.endswith(".gz") else content})
    done = run("check", manifest, "--descriptor-set", tmp_path / "image", "--out", tmp_path / "out")
    assert (done.code, done.out) == (0, f"odd_{name} is up to date\n"), done.err


OPTIONED = {
    "options.proto": """
        syntax = "proto3"; package acme;
        import "google/protobuf/descriptor.proto";
        extend google.protobuf.FieldOptions { bool secret = 50001; }
    """,
    "a.proto": """
        syntax = "proto3"; package acme; import "options.proto";
        service A { rpc Do(B) returns (B); }
        message B { string name = 1 [(acme.secret) = true]; }
    """,
}


@pytest.mark.parametrize("form", ["json", "text"])
def test_options_survive_every_format(form: str, tmp_path: Path) -> None:
    manifest = project(tmp_path / "in", dict(OPTIONED), MANIFEST + "sensitivity = 'acme.secret'\n")
    assert run("generate", manifest, "--out", tmp_path / "out").code == 0
    image = json_of(tmp_path / "in") if form == "json" else text_of(tmp_path / "in")
    write(tmp_path, {"image": image})
    done = run("check", manifest, "--descriptor-set", tmp_path / "image", "--out", tmp_path / "out")
    assert (done.code, done.out) == (0, "acme_twirp is up to date\n"), done.err


def json_of(folder: Path) -> str:
    """buf's image: custom options by name, and a mark at imports."""
    found = json.loads(json_format.MessageToJson(compiled(folder).files))
    for file in found["file"]:
        file["bufExtension"] = {"isImport": file["name"] == "google/protobuf/descriptor.proto"}
        for message in file.get("messageType", []):
            if file["name"] == "a.proto":
                message["field"][0]["options"] = {"[acme.secret]": True}
    return json.dumps(found)


def text_of(folder: Path) -> str:
    """The same in protobuf's text format."""
    text = text_format.MessageToString(compiled(folder).files)
    before, name, after = text.partition('name: "a.proto"')
    return before + name + re.sub(r"options \{\s*\}", "options { [acme.secret]: true }", after)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\x1f\x8bx", "begins as gzip, but cannot be decompressed: make it anew"),
        (b"{", "is not a FileDescriptorSet: make it with protoc or buf"),
        (b'{"file": 3}', "is not a FileDescriptorSet: make it with protoc or buf"),
        (b"file: nothing", "is not a FileDescriptorSet: make it with protoc or buf"),
        (b"{}", "holds no file: make it with protoc or buf"),
    ],
)
def test_rubbish_in_every_format(content: bytes, says: str, tmp_path: Path) -> None:
    write(tmp_path, {"image": content})
    done = run("inspect", project(tmp_path / "in"), "--descriptor-set", tmp_path / "image")
    assert (done.code, done.err) == (1, f"image: {says}\n")


def test_standard_input(tmp_path: Path) -> None:
    manifest = project(tmp_path)
    content = compiled(tmp_path).files.SerializeToString()
    command = [sys.executable, "-c", "from twirpkit_codegen.cli import main; main()", "inspect", manifest]
    done = subprocess.run([*command, "--descriptor-set", "-"], input=content, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout)["services"][0]["name"] == "HatService"


def test_the_version(tmp_path: Path) -> None:
    assert run("--version").out.startswith("twirpkit, version ")


def test_a_script_without_the_extra_says_what_to_install() -> None:
    code = (
        "import importlib.util as u, sys; real = u.find_spec\n"
        "u.find_spec = lambda name: None if name in ('jinja2', 'ruff') else real(name)\n"
        "from twirpkit_codegen.entry_points import twirpkit; twirpkit()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == (
        "twirpkit needs the generator, which is an extra: pip install 'twirpkit[codegen]' "
        "(not installed: jinja2, ruff)\n"
    )
