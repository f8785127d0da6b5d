"""`docs/manifest.md` is true: its example generates, its keys are all, its errors are the real ones."""

import json
import re
from pathlib import Path

import pytest
from generating import ROOT, project, run

from twirpkit_codegen.schema import manifest, package_reader, policy, reserved_names

PAGE = (ROOT / "docs" / "manifest.md").read_text(encoding="utf-8")
KEYS = sorted(
    {*manifest._TOP, *manifest._SDK, *package_reader._ENV, *manifest.BOUND_OPTIONS, *policy._ROW, *policy._SECTION}
)


def blocks(language: str) -> list[str]:
    """The code blocks of a language."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_example_generates(tmp_path: Path) -> None:
    path = project(tmp_path / "in", {"hats.proto": blocks("proto")[0]}, blocks("toml")[0])
    done = run("generate", path, "--out", tmp_path)
    assert (done.code, done.err) == (0, "")
    assert "def make_hat(" in (tmp_path / "acme_hats" / "_sync" / "hats.py").read_text(encoding="utf-8")


def test_another_form_of_a_row_is_the_same(tmp_path: Path) -> None:
    lines = blocks("toml")[0].splitlines(keepends=True)
    other = "".join(line for line in lines if not line.startswith("MakeHat")) + blocks("toml")[6]
    protos: dict[str, str | bytes] = {"hats.proto": blocks("proto")[0]}
    models = [
        run("inspect", project(tmp_path / str(len(toml)), protos, toml)).out for toml in (blocks("toml")[0], other)
    ]
    assert models[0] == models[1] != ""


def test_exports_are_added(tmp_path: Path) -> None:
    toml = blocks("toml")[0] + blocks("toml")[1]
    path = project(tmp_path / "in", {"hats.proto": blocks("proto")[0]}, toml)
    assert run("generate", path, "--out", tmp_path).err == ""
    package = tmp_path / "acme_hats"
    assert '"Hatter": "acme_auth"' in (package / "__init__.py").read_text(encoding="utf-8")
    bound = (package / "_bound" / "fitting.py").read_text(encoding="utf-8")
    assert 'class Fitting(_Fitting["Hat"]):\n' in bound
    assert "\n    def hat_class(cls) -> type[Hat]:\n" in bound


def test_a_fake_server_is_bound(tmp_path: Path) -> None:
    toml = blocks("toml")[0] + blocks("toml")[2]
    path = project(tmp_path / "in", {"hats.proto": blocks("proto")[0]}, toml)
    assert run("generate", path, "--out", tmp_path).err == ""
    text = (tmp_path / "acme_hats" / "testing.py").read_text(encoding="utf-8")
    assert "class FakeShop(_FakeShop[HatsAPI, AsyncHatsAPI]):\n" in text
    assert "from acme_fakes import Call as Call\n" in text


def test_a_service_can_be_skipped(tmp_path: Path) -> None:
    proto = blocks("proto")[0] + "service InternalService {}\nmessage Band {}\n"
    done = run("inspect", project(tmp_path, {"hats.proto": proto}, blocks("toml")[4] + blocks("toml")[0]))
    assert (done.code, done.err) == (0, "")
    (service,) = json.loads(done.out)["services"]
    assert [method["name"] for method in service["methods"]] == ["MakeHat", "ListHats"]


def test_folders_and_names_can_be_chosen(tmp_path: Path) -> None:
    """The examples of `[protos]` and of `[rename]`."""
    proto = blocks("proto")[0].replace("message PingRequest {}", "message PingRequest { Kind kind = 1; }")
    proto = proto.replace("string id = 1;", "string id = 1; int32 __size = 2;")
    proto = (
        proto.replace("rpc Ping(", "rpc GetURL(")
        .replace("import", "")
        .replace(
            "package acme.hats;",
            'package acme.hats;\nimport "google/api/annotations.proto";\nimport "acme/hat-types.proto";',
        )
    )
    files: dict[str, str | bytes] = {
        "hats.proto": proto,
        "acme/hat-types.proto": 'syntax = "proto3"; package acme.hats; enum Kind { NONE = 0; }',
        "third_party/google/api/annotations.proto": 'syntax = "proto3"; package google.api;',
        "internal/broken.proto": "this is not a proto",
    }
    toml = blocks("toml")[0].replace("Ping =", "GetURL =") + blocks("toml")[3] + blocks("toml")[5]
    done = run("inspect", project(tmp_path, files, toml))
    assert (done.code, [line for line in done.err.splitlines() if " is unused." not in line]) == (0, [])
    assert [
        each for each in ("get_address", "Bowler", "inches", "NO_HAT", "types") if f'": "{each}"' not in done.out
    ] == []


@pytest.mark.parametrize(
    "key", sorted({*manifest._TOP, *manifest._SDK, *package_reader._ENV, *policy._ROW, *policy._SECTION})
)
def test_every_key_is_explained(key: str) -> None:
    assert f"`{key}`" in PAGE or re.search(rf"`\[(sdk\.)?{key}\b", PAGE)


@pytest.mark.parametrize(
    "name", sorted({*policy.RETRY_CLASSES, *reserved_names.OPTION_NAMES, *reserved_names.ENUM_NAMES})
)
def test_every_name_is_explained(name: str) -> None:
    assert f"`{name}`" in PAGE or f'`"{name}"`' in PAGE


def test_the_errors_are_the_real_ones(tmp_path: Path) -> None:
    proto = blocks("proto")[0].replace("  // Finds", "  rpc BuyHat(Hat) returns (Hat);\n  // Finds")
    toml = blocks("toml")[0].replace('make = true, shop = "$shop"', 'make = true, shop = "$shopp"')
    path = project(tmp_path, {"hats.proto": proto}, toml)
    said = run("generate", path).err
    path.write_text(path.read_text(encoding="utf-8") + 'SellHat = { grants = {}, retry = "read" }\n', encoding="utf-8")
    said += run("generate", path).err
    documented = [line.partition(": ")[2] for line in blocks("text")[0].splitlines()]
    for line in documented:
        assert line.partition(" to hats.toml")[0] in said, line


def test_the_page_is_beside_the_others() -> None:
    assert "docs/manifest.md" in (ROOT / "README.md").read_text(encoding="utf-8")
