"""Who may import whom, and who may know LiveKit."""

import ast
import itertools
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

import twirpkit.errors
from twirpkit_codegen.schema import package_reader

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


MODULES = [path.relative_to(ROOT / "runtime").as_posix() for path in RUNTIME if path.name != "__init__.py"]


def test_no_two_modules_of_the_runtime_have_one_base_name() -> None:
    counted = Counter(path.rpartition("/")[2] for path in MODULES)

    assert [path for path in MODULES if counted[path.rpartition("/")[2]] > 1] == []


def dependencies() -> set[str]:
    """The top-level modules of everything that pyproject.toml names."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    lists = [
        project["project"]["dependencies"],
        *project["project"]["optional-dependencies"].values(),
        *project["dependency-groups"].values(),
    ]
    named = {re.split(r"[^A-Za-z0-9_-]", each, maxsplit=1)[0].lower() for each in itertools.chain(*lists)}
    installed = {
        module
        for module, distributions in metadata.packages_distributions().items()
        if named & {each.lower() for each in distributions}
    }
    return installed | {each.replace("-", "_") for each in named}


def test_no_module_of_the_runtime_shadows_the_standard_library_or_a_dependency() -> None:
    others = sys.stdlib_module_names | dependencies()
    assert {"http", "requests", "aiohttp", "httpx", "google", "jwt"} <= others

    assert [path for path in MODULES if path.rpartition("/")[2].removesuffix(".py") in others] == []


def test_the_manifest_knows_every_code() -> None:
    assert list(package_reader._CODES) == [code.value for code in twirpkit.errors.Code]
