"""Write one wrong line after the other, and see that each turns red the rows of its rule and no others.

Run by `nox -s mutate -- rules`. The lines stand in ``rules.toml`` beside this, the rows in tests/runtime/cases. Run by
hand, it takes the names of rules.
"""

from __future__ import annotations

import ast
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "tests" / "runtime"
PATIENCE = 600  # seconds for one play of the whole table

sys.path.insert(0, str(TABLE))

from cases import CASES, KNOWN_FAILURES  # noqa: E402  # after its folder is on the path
from cases.play import DEFAULTS  # noqa: E402  # likewise


@dataclass(frozen=True)
class Mutation:
    """One wrong line."""

    rule: str
    means: str
    old: str
    new: str
    within: str | None = None
    """The name of the function that the old text stands in; None: it is the only place in the runtime."""

    def __str__(self) -> str:
        return f"{self.rule}: {self.means}"

    def applied(self, package: Path) -> tuple[Path, str]:
        """The module that changes, and its text with the wrong line.

        Raises:
            ValueError: The right line is not there exactly once.
        """
        texts = {path: path.read_text(encoding="utf-8") for path in sorted(package.rglob("*.py"))}
        spots = [(path, spot) for path, text in texts.items() if self.old in text for spot in self._spots(text)]
        if len(spots) != 1:
            raise ValueError(f"{self}: the old text stands in {len(spots)} places: {self.old!r}")
        ((path, spot),) = spots
        return path, texts[path][:spot] + self.new + texts[path][spot + len(self.old) :]

    def _spots(self, text: str) -> Iterator[int]:
        """Yield the offsets of the old text, of those in the function `within` where that is given."""
        starts = [0, *itertools.accumulate(len(line) for line in text.splitlines(keepends=True))]
        functions = [(0, len(text))]
        if self.within is not None:
            nodes = [
                node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            ]
            named = [node for node in nodes if node.name == self.within]
            functions = [(starts[node.lineno - 1], starts[node.end_lineno or node.lineno]) for node in named]
        for start, end in functions:
            yield from (start + found.start() for found in re.finditer(re.escape(self.old), text[start:end]))


def load() -> list[Mutation]:
    """The mutations of ``rules.toml``."""
    data = tomllib.loads(Path(__file__).with_name("rules.toml").read_text(encoding="utf-8"))
    return [Mutation(**each) for each in data["mutation"]]


def main(rules: Sequence[str]) -> int:
    """Try the mutations of these rules, or all; the exit code says whether each turned exactly its rows red."""
    problems = _problems("the code as it is", _red(None), set())
    for rule in rules or sorted({each.rule for each in load()}):
        turned: set[str] = set()
        for mutation in (each for each in load() if each.rule == rule):
            red = _red(mutation)
            print(f"{len(red):4} rows: {mutation}", flush=True)
            problems += _problems(f"{mutation}: red, but not of {rule}", red, _naming(rule))
            if not red:
                problems.append(f"{mutation}: nothing turned red")
            turned |= set(red)
        problems += _problems(f"{rule}: stayed green", _deciding(rule), turned)
    for problem in problems:
        print(f"  {problem}")
    return 1 if problems else 0


def _problems(what: str, names: Iterable[str], allowed: set[str]) -> list[str]:
    return [f"{what}: {name}" for name in names if name not in allowed]


def _deciding(rule: str) -> list[str]:
    """The rows that must turn red; those that fail as it is cannot."""
    rows = [str(case) for case in CASES if case.rule == rule]
    return [row for row in rows if not all(f"{client}: {row}" in KNOWN_FAILURES for client in DEFAULTS)]


def _naming(rule: str) -> set[str]:
    return {str(case) for case in CASES if rule in case.rules}


def _red(mutation: Mutation | None) -> list[str]:
    """The rows that fail over a copy of the runtime with this wrong line."""
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder, "twirpkit")
        shutil.copytree(ROOT / "runtime" / "twirpkit", package, ignore=shutil.ignore_patterns("__pycache__"))
        if mutation is not None:
            path, text = mutation.applied(package)
            path.write_text(text, encoding="utf-8")
        environment = os.environ | {"PYTHONPATH": os.pathsep.join((folder, str(TABLE), str(ROOT / "generated")))}
        command = [sys.executable, "-m", "cases.red"]
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, timeout=PATIENCE, check=True)
    red: list[str] = json.loads(done.stdout)
    return red


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
