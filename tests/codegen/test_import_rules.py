"""Who may import whom, and who may know LiveKit."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import twirpkit.errors
from twirpkit_codegen.schema import manifest, naming

ROOT = Path(__file__).parents[2]
RUNTIME = sorted((ROOT / "runtime" / "twirpkit").rglob("*.py"))
CODEGEN = sorted((ROOT / "codegen").rglob("*.py"))
TEMPLATES = sorted((ROOT / "templates").iterdir())
LIVEKIT = ROOT / "runtime" / "twirpkit" / "livekit"
GENERAL = [path for path in RUNTIME if LIVEKIT not in path.parents]


def imports(path: Path) -> Iterator[str]:
    """The modules that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            yield from (f"{node.module}.{each.name}" for each in node.names)


def belongs(module: str, package: str) -> bool:
    """Return True for a module in a package."""
    return f"{module}.".startswith(f"{package}.")


def name_of(path: Path) -> str:
    """The path from the root of the checkout: the id of a test."""
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", CODEGEN, ids=name_of)
def test_the_generator_imports_no_runtime(path: Path) -> None:
    assert [each for each in imports(path) if belongs(each, "twirpkit") or belongs(each, "livekit_twirp")] == []


@pytest.mark.parametrize("path", RUNTIME, ids=name_of)
def test_the_runtime_imports_neither_the_generator_nor_its_output(path: Path) -> None:
    strangers = ["twirpkit_codegen", "livekit_twirp"]
    assert [each for each in imports(path) if any(belongs(each, stranger) for stranger in strangers)] == []


@pytest.mark.parametrize("path", GENERAL, ids=name_of)
def test_only_its_own_package_is_for_livekit(path: Path) -> None:
    assert [each for each in imports(path) if belongs(each, "twirpkit.livekit")] == []


@pytest.mark.parametrize("path", [*GENERAL, *CODEGEN, *TEMPLATES], ids=name_of)
def test_nothing_general_knows_livekit(path: Path) -> None:
    lines = enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
    assert [number for number, line in lines if re.search("livekit", line, re.IGNORECASE)] == []


def test_the_manifest_knows_every_code() -> None:
    assert list(manifest._CODES) == [code.value for code in twirpkit.errors.Code]


def test_packages_export_every_error() -> None:
    warnings = {"InsecureTransportWarning", "ShortSecretWarning"}  # left to the manifest, as all that is no error
    assert set(twirpkit.errors.__all__) - warnings == naming.ERROR_NAMES
