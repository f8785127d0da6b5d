"""Files that belong to an SDK: roots, imports, patterns, and folders of other tools."""

import os
import sys
from pathlib import Path

import pytest
from generating import MANIFEST, compiled, project, run, write

from twirpkit_codegen.errors import GenerationError
from twirpkit_codegen.schema.proto_files import find_protos


def touch(folder: Path, *names: str) -> Path:
    """Empty files in a folder."""
    return write(folder, dict.fromkeys(names, ""))


def test_folders_of_other_tools_are_left_out(tmp_path: Path) -> None:
    names = ["a.proto", "build/b.proto", "build/lib/c.proto", ".venv/d.proto", "node_modules/e/e.proto"]
    names += ["env/lib/site-packages/f.proto", "venv/g.proto", "venv/pyvenv.cfg", "x.egg-info/h.proto", "i.txt"]
    touch(tmp_path, *names)
    assert find_protos([tmp_path], [], []).own == ("a.proto", "build/b.proto")


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_links_are_followed_once(tmp_path: Path) -> None:
    touch(tmp_path / "elsewhere", "a.proto")
    touch(tmp_path / "in", "b.proto")
    os.symlink(tmp_path / "elsewhere", tmp_path / "in" / "linked")
    os.symlink(tmp_path / "in", tmp_path / "in" / "itself")
    os.symlink(tmp_path / "nowhere", tmp_path / "in" / "broken.proto")
    assert find_protos([tmp_path / "in"], [], []).own == ("b.proto", "linked/a.proto")


def test_a_file_belongs_to_the_innermost_root(tmp_path: Path) -> None:
    touch(tmp_path, "a.proto", "inner/b.proto", "vendor/c.proto", "vendor/deep/d.proto")
    found = find_protos([tmp_path, tmp_path / "inner"], [tmp_path / "vendor"], [])
    assert found.own == ("a.proto", "b.proto")
    assert found.roots == (tmp_path, tmp_path / "inner", tmp_path / "vendor")


@pytest.mark.parametrize(
    ("exclude", "left"),
    [
        (["x"], ["a.proto", "y/c.proto"]),
        (["x/"], ["a.proto", "y/c.proto"]),
        (["*/c.proto"], ["a.proto", "x/b.proto"]),
        (["?.proto", "y"], ["x/b.proto"]),
    ],
)
def test_patterns(exclude: list[str], left: list[str], tmp_path: Path) -> None:
    touch(tmp_path, "a.proto", "x/b.proto", "y/c.proto")
    assert list(find_protos([tmp_path], [], exclude).own) == left


@pytest.mark.skipif(sys.platform != "linux", reason="other file systems refuse some of these names")
@pytest.mark.parametrize("folder", ["roots", "a=b:c", "new\nline", "caf\udce9"])
def test_protoc_reads_names_and_folders_that_mean_something_to_it(folder: str, tmp_path: Path) -> None:
    names = ["-dash.proto", "--help.proto", "@list.proto", "a=b.proto", "a:b.proto", " x .proto", "in/-.proto"]
    root = tmp_path / folder
    write(root, {name: f'syntax = "proto3"; package p{at}; message M {{}}' for at, name in enumerate(names)})
    assert sorted(file.name for file in compiled(root).files.file) == sorted(names)
    write(root, {"-dash.proto": "nonsense"})
    with pytest.raises(GenerationError, match=r"\A-dash.proto:1:1: "):
        compiled(root)


@pytest.mark.skipif(sys.platform != "linux", reason="other file systems refuse these names")
def test_all_names_that_no_descriptor_can_hold_are_told(tmp_path: Path) -> None:
    touch(tmp_path, "a.proto", "caf\udce9.proto", "new\nline.proto")
    with pytest.raises(GenerationError) as caught:
        find_protos([tmp_path], [], [])
    assert [problem.partition(": ")[0] for problem in caught.value.problems] == [
        r"'caf\udce9.proto'",
        r"'new\nline.proto'",
    ]
    assert find_protos([tmp_path], [], ["caf*", "new*"]).own == ("a.proto",)


def test_a_file_that_two_roots_have_is_told_where_they_differ(tmp_path: Path) -> None:
    text = 'syntax = "proto3"; package %s; message M {}'
    write(tmp_path / "one", {"same.proto": text % "a", "other.proto": text % "b", "gone.proto": text % "c"})
    write(tmp_path / "two", {"same.proto": text % "a", "other.proto": text % "d", "gone.proto": text % "e"})
    toml = f"{MANIFEST}[protos]\nroots = ['one', 'two']\nexclude = ['gone.proto']\n"
    done = run("generate", project(tmp_path, {}, toml), "--out", tmp_path / "out")
    one, two = tmp_path / "one", tmp_path / "two"
    assert done.err == f"note: other.proto: {one} has another file of this name: that of {two} is left out\n"
    assert done.code == 0


def test_all_missing_folders_are_told(tmp_path: Path) -> None:
    with pytest.raises(GenerationError) as caught:
        find_protos([tmp_path / "no"], [tmp_path / "neither"], [])
    assert len(caught.value.problems) == 2


def test_everything_is_excluded(tmp_path: Path) -> None:
    touch(tmp_path, "a.proto")
    with pytest.raises(GenerationError, match="give another with --protos, or exclude less"):
        find_protos([tmp_path], [], ["*.proto"])


def test_faults_of_all_files_and_of_the_manifest_in_one_run(tmp_path: Path) -> None:
    broken = 'syntax = "proto3";\nmessage A { Nothing x = 1; string y = 1; }\n'
    manifest = project(
        tmp_path, {"a.proto": broken, "b.proto": "nonsense"}, MANIFEST + "prefix = 'x'\n[services.a]\nb = 1\n"
    )
    done = run("generate", manifest, "--out", tmp_path / "out")
    places = [line.partition(": ")[0] for line in done.err.splitlines()]
    assert [place.partition(":")[0] for place in places] == ["a.proto", "a.proto", "b.proto", "manifest.toml"]
    assert not (tmp_path / "out").exists()


def test_an_import_that_has_errors_is_not_told_as_one_that_is_missing(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"a.proto": 'syntax = "proto3"; import "b.proto";', "b.proto": "nonsense"}
    assert "an import was not found" not in run("generate", project(tmp_path, files)).err
    (tmp_path / "b.proto").unlink()
    assert "an import was not found" in run("generate", project(tmp_path, {})).err


def test_several_roots_and_imports_on_the_command_line(tmp_path: Path) -> None:
    write(
        tmp_path / "one",
        {"a.proto": 'syntax = "proto3"; import "b.proto"; import "c.proto"; service A { rpc Do(B) returns (C); }'},
    )
    write(tmp_path / "two", {"b.proto": 'syntax = "proto3"; message B {}'})
    write(tmp_path / "three", {"c.proto": 'syntax = "proto3"; message C {} service Hidden {}'})
    manifest = project(tmp_path / "manifest", {}, MANIFEST)
    protos = ["--protos", tmp_path / "one", "--protos", tmp_path / "two", "-I", tmp_path / "three"]
    done = run("generate", manifest, *protos, "--out", tmp_path / "out")
    assert (done.code, done.err) == (0, "")
    assert not (tmp_path / "out/acme_twirp/_sync/hidden.py").exists()


def test_a_package_that_cannot_be_imported_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from twirpkit_codegen.render import package

    monkeypatch.setattr(package, "_pyrepr", lambda value: "1 / 0")
    monkeypatch.setattr(package, "format_files", lambda files, name: {**files, "acme_twirp/bad.py": "1 / 0\n"})
    done = run("generate", project(tmp_path), "--out", tmp_path / "out")
    assert done.code == 1
    assert done.err.startswith("the package cannot be imported, so nothing is written: ZeroDivisionError: ")
    assert not (tmp_path / "out").exists()


def test_names_that_no_file_can_have_are_told(tmp_path: Path) -> None:
    proto = 'syntax = "proto3"; message M {} service S%s { rpc Do(M) returns (M); }' % ("s" * 300)
    done = run("generate", project(tmp_path, {"a.proto": proto}), "--out", tmp_path / "out")
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert done.err.startswith("File name too long: ")
    assert not (tmp_path / "out").exists()


def test_no_traceback_of_the_generators_own_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from twirpkit_codegen import cli

    def fail(inputs: object) -> None:
        raise IndexError("of ours")

    monkeypatch.setattr(cli, "load", fail)
    done = run("inspect", project(tmp_path))
    assert (done.code, done.err) == (
        1,
        "IndexError: of ours: this is a bug of twirpkit; TWIRPKIT_TRACEBACK=1 shows where\n",
    )
    monkeypatch.setenv("TWIRPKIT_TRACEBACK", "1")
    with pytest.raises(IndexError):
        run("inspect", project(tmp_path))


EXTENDED = """
syntax = "proto2"; package acme;
service Hats { rpc Make(Hat) returns (Hat); }
message Hat { extensions 100 to 200; }
message Dropped { extensions 100 to 200; }
extend Hat { optional int32 feather = 100; optional Dropped dropped = 101; }
extend Dropped { optional int32 gone = 100; }
"""


def test_only_keeps_the_extensions_of_what_it_keeps(tmp_path: Path) -> None:
    manifest = project(tmp_path, {"a.proto": EXTENDED}, "only = ['acme.Hats']\n" + MANIFEST)
    assert run("generate", manifest, "--out", tmp_path / "out").code == 0
    stub = (tmp_path / "out/acme_twirp/messages/a.pyi").read_text()
    assert [f"\n{name}: " in stub for name in ("feather", "dropped", "gone")] == [True, False, False]
