"""Every odd proto is generated, imported, type-checked and called, or refused with its place and what to do."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from echo import echo_server
from generating import GOOD, ODD, REFUSED, Made, odd, run, tree

PROBE = Path(__file__).with_name("probe.py")
SAMPLES = Path(__file__).with_name("samples")
"""Programs that use odd packages, checked beside them."""


@dataclass(frozen=True)
class Findings:
    """Results over all packages, computed at the same time."""

    mypy: Future[str]
    pyright: Future[str]
    probe: Future[dict[str, str]]


@pytest.fixture(scope="module")
def found(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Findings]:
    """Type checks of all packages, and what went wrong when a fresh interpreter used each."""
    mypy = ["mypy", "--strict", "--explicit-package-bases", f"--cache-dir={os.devnull}"]
    strict = tmp_path_factory.mktemp("strict") / "pyrightconfig.json"
    folders = [os.path.relpath(each, strict.parent) for each in (made.folder, SAMPLES)]
    strict.write_text(json.dumps({"include": folders, "typeCheckingMode": "strict", "extraPaths": folders[:1]}))
    pyright = ["pyright", "--pythonpath", sys.executable, "--project", str(strict)]
    with ThreadPoolExecutor(3) as pool:
        yield Findings(
            pool.submit(checked, [*mypy, ".", str(SAMPLES)], made.folder),
            pool.submit(checked, pyright, made.folder),
            pool.submit(probed, made),
        )


def probed(made: Made) -> dict[str, str]:
    """Return the error of each package, empty for none."""
    with echo_server() as server:
        command = [sys.executable, "-W", "error", PROBE, server.url, made.folder, *map(made.package, GOOD)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    errors: dict[str, str] = json.loads(done.stdout)
    return errors


def checked(command: list[str], folder: Path) -> str:
    """Return the output of a type checker, run in a folder without configuration."""
    environment = os.environ | {"MYPYPATH": "."}
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize("name", GOOD)
def test_generates(name: str, made: Made) -> None:
    assert made.errors[name] == ""


@pytest.mark.slow
@pytest.mark.parametrize("name", GOOD)
def test_works_in_both_clients(name: str, made: Made, found: Findings) -> None:
    """Classes, enums, pickles; each RPC by message, mapping and keywords over a socket."""
    assert found.probe.result()[made.package(name)] == ""


@pytest.mark.slow
@pytest.mark.parametrize("name", GOOD)
def test_is_clean_for_mypy(name: str, made: Made, found: Findings) -> None:
    path = made.path(name).relative_to(made.folder).as_posix()
    assert [line for line in found.mypy.result().splitlines() if line.startswith(f"{path}/")] == []


@pytest.mark.slow
def test_mypy_has_no_word_left(found: Findings) -> None:
    assert re.fullmatch(r"Success: no issues found in \d+ source files\n", found.mypy.result()), found.mypy.result()


@pytest.mark.slow
@pytest.mark.parametrize("name", GOOD)
def test_is_clean_for_pyright(name: str, made: Made, found: Findings) -> None:
    assert [line for line in found.pyright.result().splitlines() if f"{made.path(name)}/" in line] == []


@pytest.mark.slow
def test_pyright_has_no_word_left(found: Findings) -> None:
    assert "0 errors, 0 warnings" in found.pyright.result(), found.pyright.result()


@pytest.mark.parametrize("name", REFUSED)
def test_is_refused(name: str, tmp_path: Path) -> None:
    """Place and advice are exact (after a "…" speaks protoc), and nothing is written."""
    manifest = odd(name, tmp_path / "in")
    manifest.with_name("refused.txt").unlink()
    before = tree(tmp_path)
    refused = run("generate", manifest, "--out", tmp_path / "out")
    expected, more, _ = (ODD / name / "refused.txt").read_text(encoding="utf-8").partition("…")
    assert (refused.err[: len(expected)] if more else refused.err) == expected
    assert refused.code == 1
    assert tree(tmp_path) == before


@pytest.mark.parametrize("name", ["comments", "comments_cr", "unicode"])
def test_comments_change_docstrings_and_nothing_else(name: str, made: Made, tmp_path: Path) -> None:
    """Without its comments, the same proto gives the same code; help texts are the comments, as data."""
    manifest = odd(name, tmp_path / "in")
    proto = manifest.with_name(f"{name}.proto")
    text = proto.read_bytes().decode().replace("\r\n", "\n")
    proto.write_text(re.sub(r"//.*|/\*[\s\S]*?\*/", "", text))
    assert run("generate", manifest, "--out", tmp_path).code == 0
    for path in sorted(made.path(name).rglob("*.py*")):
        if path.suffix in (".py", ".pyi") and path.parent.name != "_help":
            twin = tmp_path / path.relative_to(made.folder)
            assert code_of(path) == code_of(twin), path


def code_of(path: Path) -> str:
    """A file's syntax tree without its docstrings."""
    found = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(found):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [each for each in body if not is_text(each)]
    return ast.dump(found)


def is_text(node: ast.stmt) -> bool:
    """Return True for a docstring, and for the `...` in place of one."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


@pytest.mark.parametrize(
    ("method", "words"),
    [
        ("backslash", ["the line \\ and at the end of the comment \\"]),
        ("triple", ['Ends in two quotes: ""', '""", and then code: """ raise SystemExit("injected")']),
        ("escapes", [r"\N{BULLET} \N{ \u1234 \x41 \777 \ "[:-1]]),
        ("templates", ["{{ jinja }} {%% raw %%} {# gone? #} %s %%(name)s {0} $HOME"]),
        ("controls", ["feed \x0c", "tab \x0b", "\x1b[31m", "bell \x07", "delete \x7f", "line \x85", "\u2028 \u2029"]),
        ("bidi", ["\u202e override", "\u2066 and \u2069", "zero\u200bwidth", "mark \ufeff."]),
        ("long", ["x" * 5000]),
        ("quotes", ['""""']),
        ("empty", ["Call Empty."]),
        ("indented", ["Indented first.\n\n- a list\n\n- of two"]),
    ],
)
def test_docstrings_say_what_comments_say(method: str, words: list[str], made: Made) -> None:
    path = made.path("comments") / "_sync" / "comment_service.py"
    text = path.read_text(encoding="utf-8")
    assert all(each.isprintable() or each == "\n" for each in text)
    functions = [
        node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef) and node.name == method
    ]
    docstring = re.sub(r"(?<!\n)\n(?!\n) *", " ", ast.get_docstring(functions[-1]) or "")
    assert [each for each in words if each not in docstring] == []


def test_each_package_stands_alone(made: Made) -> None:
    """Nothing but the packages lies in the output folder."""
    assert {path.name for path in made.folder.iterdir()} == {made.package(name).partition(".")[0] for name in GOOD}


def test_generating_again_changes_nothing(made: Made, tmp_path: Path) -> None:
    manifest = odd("imported_names", tmp_path / "in")
    shutil.copytree(made.path("imported_names"), tmp_path / "out" / "odd_imported_names")
    before = tree(tmp_path / "out")
    assert run("generate", manifest, "--out", tmp_path / "out").out == "odd_imported_names: 0 files changed\n"
    assert run("check", manifest, "--out", tmp_path / "out").code == 0
    assert tree(tmp_path / "out") == before
