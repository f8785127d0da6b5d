"""The same input gives the same bytes: for any hash seed, folder, configuration and order."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from generating import ROOT, odd, tree, write
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto

from twirpkit_codegen.schema.embedded import embedded_descriptor

HOSTILE = """\
line-length = 20
indent-width = 8
exclude = ["*"]
[format]
quote-style = "single"
line-ending = "cr-lf"
docstring-code-format = true
[lint]
select = ["ALL"]
[lint.isort]
force-single-line = true
"""


def twirpkit(*arguments: object, cwd: Path, **variables: str) -> None:
    """The command in a process of its own."""
    command = [Path(sys.executable).with_name("twirpkit"), *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd, env=os.environ | variables, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture(scope="module")
def livekit(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The package generated for LiveKit, in a plain folder."""
    folder = tmp_path_factory.mktemp("plain")
    twirpkit(
        "generate",
        ROOT / "protos" / "livekit.toml",
        "--out",
        "out",
        "--reference",
        "out/pages",
        cwd=folder,
        PYTHONHASHSEED="0",
    )
    return tree(folder / "out")


@pytest.mark.slow
@pytest.mark.parametrize("seed", ["1", "4242"])
def test_for_any_hash_seed(seed: str, livekit: dict[str, bytes], tmp_path: Path) -> None:
    twirpkit(
        "generate",
        ROOT / "protos" / "livekit.toml",
        "--out",
        "out",
        "--reference",
        "out/pages",
        cwd=tmp_path,
        PYTHONHASHSEED=seed,
    )
    assert tree(tmp_path / "out") == livekit


@pytest.mark.slow
def test_for_any_surroundings(livekit: dict[str, bytes], tmp_path: Path) -> None:
    """The working directory, home and the folder of temporary files are full of traps."""
    traps: dict[str, str | bytes] = {
        "ruff.toml": HOSTILE,
        ".ruff.toml": HOSTILE,
        "pyproject.toml": "[tool.ruff]\n" + HOSTILE.replace("[", "[tool.ruff."),
        ".config/ruff/ruff.toml": HOSTILE,
        ".gitignore": "*\n",
        ".git/HEAD": "ref: refs/heads/main\n",
        "src/requests/__init__.py": "",
    }
    modules = (
        "ruff",
        "jinja2",
        "click",
        "grpc_tools",
        "google",
        "requests",
        "aiohttp",
        "twirpkit",
        "typing",
        "builtins",
    )
    traps |= {f"{name}/__init__.py": "raise SystemExit('the wrong module')\n" for name in modules}
    write(tmp_path, traps)
    temporary = tmp_path / "build" / "venv"
    temporary.mkdir(parents=True)
    variables = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / ".config"), "TMPDIR": str(temporary)}
    variables |= {"RUFF_CACHE_DIR": str(tmp_path / "cache"), "LC_ALL": "C", "TZ": "Asia/Kathmandu"}
    protos = os.path.relpath(ROOT / "protos", tmp_path)
    twirpkit(
        "generate",
        f"{protos}/livekit.toml",
        "--out",
        "build/../out",
        "--reference",
        "out/pages",
        cwd=tmp_path,
        **variables,
    )
    assert tree(tmp_path / "out") == livekit
    assert list(temporary.iterdir()) == []
    assert not (tmp_path / "cache").exists()


@pytest.mark.slow
def test_for_any_name_of_the_folder(tmp_path: Path) -> None:
    """A path may hold what means something to protoc, and a proto's folder what ruff leaves out."""
    made = []
    for name in ("plain", "a:b,c=d @e", "build", "--flag"):
        folder = tmp_path / name
        folder.mkdir()
        twirpkit("generate", odd("subfolders", folder / "in"), "--out", folder / "out", cwd=tmp_path)
        made.append(tree(folder / "out"))
    assert made[1:] == made[:1] * 3
    assert b"In folders that tools like to skip." in made[0]["odd_subfolders/messages/_build/venv/a.pyi"]
    assert b" \n" not in made[0]["odd_subfolders/messages/_build/venv/a.pyi"]


def field(name: str, json_name: str = "") -> FileDescriptorProto:
    """A file with one field."""
    file = FileDescriptorProto(name="a.proto", syntax="proto3")
    file.message_type.add(name="A").field.append(FieldDescriptorProto(name=name, number=1, json_name=json_name))
    return file


@pytest.mark.parametrize(
    ("name", "json_name", "kept"),
    [
        ("a", "a", False),
        ("a_b", "aB", False),
        ("_a", "A", False),
        ("a__b_1", "aB1", False),
        ("A_bC_", "ABC", False),
        ("a_b", "a_b", True),
        ("a_b", "other", True),
    ],
)
def test_json_names_are_embedded_where_they_say_something(name: str, json_name: str, kept: bool) -> None:
    found = FileDescriptorProto.FromString(embedded_descriptor(field(name, json_name=json_name)))
    assert found.message_type[0].field[0].HasField("json_name") is kept


def test_json_names_of_extensions_are_not_embedded() -> None:
    file = FileDescriptorProto(name="a.proto")
    file.extension.add(name="x", number=1000, extendee=".google.protobuf.FieldOptions", json_name="x")
    file.message_type.add(name="A").extension.add(name="y", number=1, extendee=".B", json_name="[A.y]")
    bare = FileDescriptorProto.FromString(embedded_descriptor(file))
    assert not bare.extension[0].HasField("json_name")
    assert not bare.message_type[0].extension[0].HasField("json_name")


PARTS = {
    "known": b"\x18\x01",
    "varint": b"\xc0\x3e\x96\x01",
    "fixed64": b"\xc9\x3e12345678",
    "bytes": b"\xd2\x3e\x03abc",
    "group": b"\xdb\x3e\x08\x01\x12\x01x\x1b\x08\x02\x1c\xdc\x3e",
    "fixed32": b"\xe5\x3e1234",
}


def test_options_are_embedded_in_the_order_of_their_numbers() -> None:
    """Those of one number keep theirs."""
    orders = [list(PARTS), list(PARTS)[::-1], ["group", "varint", "bytes", "known", "fixed32", "fixed64"]]
    made = set()
    for order in orders:
        file = field("a")
        file.message_type[0].field[0].options.MergeFromString(b"".join(PARTS[name] for name in order))
        made.add(embedded_descriptor(file))
    assert len(made) == 1
    assert b"".join(PARTS.values()) in made.pop()
    file = field("a")
    file.message_type[0].field[0].options.MergeFromString(b"\xc0\x3e\x02" + PARTS["known"] + b"\xc0\x3e\x01")
    assert PARTS["known"] + b"\xc0\x3e\x02\xc0\x3e\x01" in embedded_descriptor(file)
