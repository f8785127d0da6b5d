"""Samples of user code under `mypy --strict` and `pyright`: the good are accepted, the bad refused line by line."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

pytest.importorskip("mypy")
pytest.importorskip("pyright")

SAMPLES = sorted(path for path in Path(__file__).parent.glob("*.py") if path.name != Path(__file__).name)
REFUSED = "  # refused: "

Lines: TypeAlias = set[tuple[str, int]]
"""Places in the samples: file name and line."""


def mypy() -> Iterator[tuple[str, int, str]]:
    options = ["--strict", "--config-file=", "--cache-dir", "/dev/null", "--output", "json"]
    for line in checker_output("mypy", *options).splitlines():
        found = json.loads(line)
        if found["severity"] == "error":
            yield found["file"], found["line"], found["message"]


def pyright() -> Iterator[tuple[str, int, str]]:
    for found in json.loads(checker_output("pyright", "--pythonpath", sys.executable, "--outputjson"))[
        "generalDiagnostics"
    ]:
        if found["severity"] == "error":
            yield found["file"], found["range"]["start"]["line"] + 1, found["message"]


def checker_output(checker: str, *options: str) -> str:
    command = [sys.executable, "-m", checker, *options, *map(str, SAMPLES)]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.returncode in (0, 1), ran.stderr
    return ran.stdout


def marked() -> Lines:
    """The lines that say that they are refused."""
    lines = ((path.name, path.read_text("utf-8").splitlines()) for path in SAMPLES)
    return {(name, number) for name, text in lines for number, line in enumerate(text, start=1) if REFUSED in line}


@pytest.mark.slow
@pytest.mark.parametrize("checker", [mypy, pyright])
def test_refuses_the_marked_lines_and_no_other(checker: Callable[[], Iterator[tuple[str, int, str]]]) -> None:
    refused: dict[tuple[str, int], str] = {}
    for file, line, message in checker():
        refused.setdefault((Path(file).name, line), message)
    wrongly = {place: message for place, message in refused.items() if place not in marked()}
    accepted = marked() - refused.keys()
    assert (wrongly, accepted) == ({}, set())


def test_samples_are_marked() -> None:
    assert {name for name, _ in marked()} == {"bad.py"}
    assert {path.name for path in SAMPLES} == {"bad.py", "good.py"}
