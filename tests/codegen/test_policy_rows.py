"""Policy rows and RPCs are held against each other, both ways; each mistake names the row, its line and what to do."""

import json
import re
import shutil
import tomllib
from pathlib import Path

import pytest
from generating import HATS, ROOT, compiled, generate, project, run, tree
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from twirpkit_codegen.errors import GenerationError
from twirpkit_codegen.schema import build, manifest
from twirpkit_codegen.schema.selection import Protos

pytestmark = pytest.mark.slow  # protoc runs for each
PROTOS = ROOT / "protos"
LIVEKIT = (PROTOS / "livekit.toml").read_text(encoding="utf-8")
ROWS = [
    (service, row)
    for service, section in tomllib.loads(LIVEKIT)["services"].items()
    for row in section
    if isinstance(section[row], dict)
]
HEAD = """\
[sdk]
package = "acme_twirp"
facade = "AcmeAPI"

[claims.hats]
admin = "bool"
name = "string"
tags = "strings"

[services."acme.HatService"]
"""
ROW = "the row MakeHat of acme.HatService"
PATIENT: dict[str, str | bytes] = {
    "acme.proto": HATS.replace("package acme;", 'package acme; import "google/protobuf/duration.proto";').replace(
        "  int32 size = 5;", "  int32 size = 5; google.protobuf.Duration patience = 6; bool sure = 7;"
    )
}
"""A request with a field for how long to wait, in the same number of lines."""
WAIT = "{ grants = {}, retry = 'never', timeout = "
BAD = {
    "a timeout of nothing": (WAIT + "0 }", f"{ROW}: timeout must be a number of seconds above 0"),
    "a timeout of yes": (WAIT + "true }", f"{ROW}: timeout must be a number of seconds above 0"),
    "a timeout of text": (WAIT + "'10' }", f"{ROW}: timeout must be a number of seconds above 0"),
    "a wait without a margin": (
        WAIT + "{ field = 'patience', default = 30 } }",
        f"{ROW}: a timeout table has field, default, margin and optionally when",
    ),
    "a wait of another key": (
        WAIT + "{ field = 'patience', default = 30, margin = 2, until = 'x' } }",
        f"{ROW}: a timeout table has field, default, margin and optionally when",
    ),
    "a wait of no seconds": (
        WAIT + "{ field = 'patience', default = 0, margin = 2 } }",
        f"{ROW}: default and margin of a timeout are numbers of seconds above 0",
    ),
    "a margin of no seconds": (
        WAIT + "{ field = 'patience', default = 3, margin = -2 } }",
        f"{ROW}: default and margin of a timeout are numbers of seconds above 0",
    ),
    "a wait for text": (
        WAIT + "{ field = 'name', default = 30, margin = 2 } }",
        f"{ROW}: 'name' is not a Duration field of the request",
    ),
    "a wait when text": (
        WAIT + "{ field = 'patience', default = 30, margin = 2, when = 'name' } }",
        f"{ROW}: 'name' is not a bool field of the request",
    ),
    "grants are missing": (
        "{ retry = 'read' }",
        f"{ROW} needs grants; for an RPC that needs none, write grants = {{}}",
    ),
    "grants are a list": ("{ grants = [], retry = 'read' }", f"{ROW} needs grants; for an RPC that needs none"),
    "the retry class is missing": (
        "{ grants = {} }",
        f"{ROW} needs a retry class, one of read, idempotent, keyed, never; it",
    ),
    "the retry class is unknown": (
        "{ grants = {}, retry = 'always' }",
        f"{ROW} needs a retry class, one of read, idempotent",
    ),
    "the retry class is a list": (
        "{ grants = {}, retry = ['read'] }",
        f"{ROW} needs a retry class, one of read, idempotent",
    ),
    "the row is a string": (
        "'read'",
        f"{ROW} must be a table with cloud_only, grants, key, note, optional, retry, timeout and nothing else",
    ),
    "the row has an unknown key": (
        "{ grants = {}, rety = 'read' }",
        f"{ROW} must be a table with cloud_only, grants, key, note, optional, retry, timeout and",
    ),
    "cloud_only is a text": ("{ grants = {}, retry = 'read', cloud_only = 'yes' }", f"{ROW}: cloud_only must be true"),
    "the claim is unknown": ("{ grants.caps = {}, retry = 'read' }", f"{ROW}: unknown claim 'caps'; [claims] has hats"),
    "the claim is no table": ("{ grants.hats = true, retry = 'read' }", f"{ROW}: the claim hats must be a table"),
    "the claim's name is unknown": (
        "{ grants.hats = { owner = true }, retry = 'read' }",
        f"{ROW}: hats.owner is an unknown claim: [claims] does not have it",
    ),
    "a bool is a string": (
        "{ grants.hats = { admin = 'yes' }, retry = 'read' }",
        f"{ROW}: hats.admin must be a bool, not",
    ),
    "a string is a bool": (
        "{ grants.hats = { name = true }, retry = 'read' }",
        f"{ROW}: hats.name must be a string, not",
    ),
    "strings are a string": (
        "{ grants.hats = { tags = 'a' }, retry = 'read' }",
        f"{ROW}: hats.tags must be a strings, not",
    ),
    "strings are numbers": (
        "{ grants.hats = { tags = [1] }, retry = 'read' }",
        f"{ROW}: hats.tags must be a strings, not",
    ),
    "a list copies": (
        "{ grants.hats = { tags = ['$name'] }, retry = 'read' }",
        f"{ROW}: hats.tags: a list cannot copy a field: ['$name']",
    ),
    "no such field": (
        "{ grants.hats = { name = '$nam' }, retry = 'read' }",
        f"{ROW}: hats.name: '$nam' names no singular string field of the request",
    ),
    "no field": ("{ grants.hats = { name = '$' }, retry = 'read' }", f"{ROW}: hats.name: '$' names no singular string"),
    "a repeated field": ("{ grants.hats = { name = '$tags' }, retry = 'read' }", f"{ROW}: hats.name: '$tags' names no"),
    "a map": ("{ grants.hats = { name = '$notes' }, retry = 'read' }", f"{ROW}: hats.name: '$notes' names no singular"),
    "a field of bytes": (
        "{ grants.hats = { name = '$nonce' }, retry = 'read' }",
        f"{ROW}: hats.name: '$nonce' names no",
    ),
    "keyed without a key": (
        "{ grants = {}, retry = 'keyed' }",
        f"{ROW}: 'keyed' and key = \"<bytes field>\" belong together",
    ),
    "a key without keyed": ("{ grants = {}, retry = 'read', key = 'nonce' }", f"{ROW}: 'keyed' and key = "),
    "a key of text": (
        "{ grants = {}, retry = 'keyed', key = 'name' }",
        f"{ROW}: key 'name' is not a singular bytes field",
    ),
    "no such key": (
        "{ grants = {}, retry = 'keyed', key = 'none' }",
        f"{ROW}: key 'none' is not a singular bytes field of",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_wrong_row(case: str, tmp_path: Path) -> None:
    row, says = BAD[case]
    path = project(tmp_path / "in", PATIENT, f"{HEAD}MakeHat = {row}\n")
    done = run("generate", path, "--out", tmp_path / "out")
    assert (done.code, done.err[: len(says) + 18]) == (1, f"manifest.toml:11: {says}")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "row",
    [
        "{ grants = {}, retry = 'never' }",
        "{ grants.hats = {}, retry = 'never' }",
        "{ grants.hats = { admin = false, name = 'fixed', tags = ['a', 'b'] }, retry = 'idempotent' }",
        "{ grants.hats.name = '$name', retry = 'keyed', key = 'nonce' }",
        "{ grants = {}, retry = 'never', cloud_only = true }",
    ],
)
def test_a_right_row(row: str, tmp_path: Path) -> None:
    path = project(tmp_path, toml=f"{HEAD}MakeHat = {row}\n")
    policy = json.loads(run("inspect", path).out)["services"][0]["methods"][0]["policy"]
    assert (
        policy
        == {"cloud_only": False, "key": None, "note": None, "timeout": None, "wait": None}
        | tomllib.loads(f"row = {row}")["row"]
    )


@pytest.mark.parametrize("when", ["", ", when = 'sure'"])
def test_a_row_that_waits(when: str, tmp_path: Path) -> None:
    row = f"{WAIT}{{ field = 'patience', default = 30, margin = 2{when} }} }}"
    path = project(tmp_path, PATIENT, f"{HEAD}MakeHat = {row}\n")
    policy = json.loads(run("inspect", path).out)["services"][0]["methods"][0]["policy"]
    assert policy["wait"] == tomllib.loads(f"row = {row}")["row"]["timeout"]
    assert policy["timeout"] is None
    assert run("generate", path, "--out", tmp_path / "out").code == 0
    text = (tmp_path / "out" / "acme_twirp" / "_sync" / "hat_service.py").read_text(encoding="utf-8")
    words = " ".join(text.split())
    assert ("with `sure` at least" in words) is bool(when)
    assert "at least `patience` (30 s if unset) plus 2 s, and a shorter one is raised to that." in words


def test_a_row_that_waits_for_an_integer_of_milliseconds(tmp_path: Path) -> None:
    proto = {"acme.proto": str(PATIENT["acme.proto"]).replace("google.protobuf.Duration patience", "uint32 patience")}
    row = f"{WAIT}{{ field = 'patience', default = 30, margin = 2, unit = 0.001 }} }}"
    path = project(tmp_path, proto, f"{HEAD}MakeHat = {row}\n")
    assert run("generate", path, "--out", tmp_path / "out").code == 0
    text = (tmp_path / "out" / "acme_twirp" / "_methods" / "hat_service.py").read_text(encoding="utf-8")
    assert "unit=0.001" in text


@pytest.mark.parametrize("host", ["'a.b'", "7"])
def test_a_host_that_is_no_function(host: str, tmp_path: Path) -> None:
    done = run(
        "generate", project(tmp_path, toml=f"{HEAD}host = {host}\nMakeHat = {{ grants = {{}}, retry = 'read' }}\n")
    )
    assert done.code == 1
    assert done.err.startswith("manifest.toml:11: host ")
    assert "of acme.HatService must be like 'package.module:function'" in done.err


def test_an_rpc_without_a_row(tmp_path: Path) -> None:
    done = run("generate", project(tmp_path, toml=HEAD))
    assert done.err == (
        "acme.proto:6: acme.HatService/MakeHat has no policy row: add one to manifest.toml:10\n\n"
        '# below [services."acme.HatService"], manifest.toml:10\n'
        'MakeHat = { grants = {}, retry = "never" } # a guess, the safest class and no grants\n'
    )


def test_a_row_without_an_rpc(tmp_path: Path) -> None:
    row = "{ grants = {}, retry = 'read' }"
    done = run("generate", project(tmp_path, toml=f"{HEAD}MakeHat = {row}\nBuyHat = {row}\nSellHat = {row}\n"))
    assert done.err == (
        "manifest.toml:12: the row BuyHat of acme.HatService has no RPC: remove it, or mark it with optional = true\n"
        "manifest.toml:13: the row SellHat of acme.HatService has no RPC: remove it, or mark it with optional = true\n"
    )


def test_a_service_without_a_section(tmp_path: Path) -> None:
    done = run("generate", project(tmp_path, toml=HEAD[: HEAD.index("[services")]))
    assert done.err == (
        "acme.proto:5: acme.HatService has no policy section: add one to manifest.toml, or skip the service\n\n"
        '[services."acme.HatService"] # in manifest.toml\n'
        'MakeHat = { grants = {}, retry = "never" } # a guess, the safest class and no grants\n'
    )


def test_grants_without_a_schema(tmp_path: Path) -> None:
    toml = (
        HEAD[: HEAD.index("[claims")] + HEAD[HEAD.index("[services") :] + "MakeHat = { grants = {}, retry = 'read' }\n"
    )
    done = run("generate", project(tmp_path, toml=toml))
    assert done.err == f"manifest.toml:6: {ROW} has grants, but the manifest has no [claims] schema: add one\n"


def test_all_mistakes_are_reported_at_once(tmp_path: Path) -> None:
    proto = """
        syntax = "proto3";
        package acme;
        service HatService {
          rpc MakeHat(Hat) returns (Hat);
          rpc BuyHat(Hat) returns (Hat);
          rpc SellHat(Hat) returns (Hat);
        }
        message Hat {}
        """
    toml = f"{HEAD}MakeHat = {{ retry = 'read' }}\n"
    done = run("generate", project(tmp_path, {"a.proto": proto}, toml))
    problems, _, rows = done.err.partition("\n\n")
    assert [line.partition(" ")[0] for line in problems.splitlines()] == [
        "a.proto:6:",
        "a.proto:7:",
        "manifest.toml:11:",
    ]
    pasted = tomllib.loads(toml.replace(HEAD, HEAD + rows))
    assert list(pasted["services"]["acme.HatService"]) == ["BuyHat", "SellHat", "MakeHat"]


@pytest.fixture(scope="module")
def livekit() -> FileDescriptorSet:
    """LiveKit's protos."""
    return compiled(PROTOS).files


def refusal(protos: FileDescriptorSet, folder: Path, toml: str = LIVEKIT) -> str:
    """Return the error text for these protos and this manifest."""
    shutil.copytree(PROTOS / "helpers", folder / "helpers", dirs_exist_ok=True)
    path = folder / "livekit.toml"
    path.write_text(toml, encoding="utf-8")
    with pytest.raises(GenerationError) as caught:
        build.build(Protos(protos, frozenset(file.name for file in protos.file)), manifest.load(path))
    return "\n".join(caught.value.problems)


def test_all_rpcs_have_rows() -> None:
    assert len(ROWS) == 89


def without(rows: list[tuple[str, str]]) -> str:
    """LiveKit's manifest without these rows."""
    kept, section = [], ""
    for line in LIVEKIT.splitlines(keepends=True):
        if header := re.match(r'\[services\."(.+)"\]', line):
            section = header[1]
        if (section, line.partition(" = ")[0]) not in rows:
            kept.append(line)
    return "".join(kept)


def missing(service: str, row: str, toml: str) -> str:
    """The complaint about a row that is missing, without the place of its RPC."""
    section = toml.splitlines().index(f'[services."{service}"]') + 1
    return f"{service}/{row} has no policy row: add one to livekit.toml:{section}"


def test_no_row_can_be_left_out(livekit: FileDescriptorSet, tmp_path: Path) -> None:
    """If all are removed, generation names each of them, the place of its RPC, and where it belongs."""
    toml = without(ROWS)
    places, texts = zip(*(line.split(": ", 1) for line in refusal(livekit, tmp_path, toml).splitlines()), strict=True)
    assert sorted(texts) == sorted(missing(service, row, toml) for service, row in ROWS)
    assert [place for place in places if not re.fullmatch(r"\w+\.proto:\d+", place)] == []


@pytest.mark.parametrize(("service", "row"), dict(ROWS).items())
def test_one_row_of_a_service_cannot_be_left_out(
    service: str, row: str, livekit: FileDescriptorSet, tmp_path: Path
) -> None:
    toml = without([(service, row)])
    assert refusal(livekit, tmp_path, toml).partition(": ")[2] == missing(service, row, toml)


def test_no_row_can_be_left_out_of_the_files(tmp_path: Path) -> None:
    """The same by the command: nothing is written."""
    shutil.copytree(PROTOS, tmp_path / "protos")
    path = tmp_path / "protos" / "livekit.toml"
    path.write_text(re.sub("(?m)^PerformRpc = .*\n", "", LIVEKIT), encoding="utf-8")
    before = tree(tmp_path)
    assert ": livekit.RoomService/PerformRpc has no policy row: " in generate(path, tmp_path / "out")
    assert tree(tmp_path) == before


@pytest.mark.parametrize("file", sorted(path.relative_to(PROTOS).as_posix() for path in PROTOS.rglob("*.proto")))
def test_no_rpc_can_be_added(file: str, livekit: FileDescriptorSet, tmp_path: Path) -> None:
    """To no service of any proto, nor with a new service: generation names it."""
    (number,) = (n for n, each in enumerate(livekit.file) if each.name == file)
    for service in range(len(livekit.file[number].service) + 1):
        protos = FileDescriptorSet()
        protos.CopyFrom(livekit)
        services = protos.file[number].service
        name = services[service].name if service < len(services) else services.add(name="Added").name
        services[service].method.add(name="DoMore", input_type=".livekit.Room", output_type=".livekit.Room")
        full_name = f"{livekit.file[number].package}.{name}"
        said = refusal(protos, tmp_path)
        assert said.startswith(file)
        if name == "Added":
            assert f": {full_name} has no policy section: add one to livekit.toml" in said
        else:
            assert f": {full_name}/DoMore has no policy row: add one to livekit" in said
        assert said.count("\n") == 0
