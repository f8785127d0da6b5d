"""Mutation testing: change the runtime line by line, and count the changes that no test notices.

Run by `nox -s mutate`. The tool is mutmut. It wants the code under ``src``, so it works in a copy. A group fails if a
smaller share of its mutants is killed than `GROUPS` asks for. Survivors are named by their function and the changed
line; those that no test can tell from the right code are listed in ``survivors.toml``, and are not printed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import rules


@dataclass(frozen=True)
class Group:
    """Modules that are mutated together."""

    wanted: float
    """The share of their mutants that the tests must kill."""
    modules: tuple[str, ...]
    """Patterns of paths below runtime/twirpkit."""
    tests: tuple[str, ...]
    """Paths below tests. A mutant that survives pays for all of them: they are the ones that need least time."""


GROUPS = {
    "responses": Group(
        0.98,
        ("errors.py", "_protocol/redaction.py", "_protocol/twirp_responses.py", "_schema/message_pool.py"),
        (
            "runtime/livekit/test_sip_errors.py",
            "runtime/test_details.py",
            "runtime/test_error_classes.py",
            "runtime/test_message_pool.py",
            "runtime/test_pool_loading.py",
            "runtime/test_reading_answers.py",
            "runtime/test_redaction.py",
        ),
    ),
    "calls": Group(
        0.98,
        ("client.py", "options.py", "rpc.py", "_engine/*.py"),
        (
            "runtime/livekit/test_regions.py",
            "runtime/test_attempts.py",
            "runtime/test_call_flow.py",
            "runtime/test_client_lifecycle.py",
            "runtime/test_client_options.py",
            "runtime/test_credentials.py",
            "runtime/test_manifest_facts.py",
        ),
    ),
    "http1": Group(0.95, ("_http1/*.py",), ("runtime/http1",)),
    "net": Group(0.95, ("transports/_net/*.py",), ("runtime/transports",)),
    # Over the sessions of libraries much is told by the rows of the table of cases alone, which take too long here.
    "transports": Group(0.75, ("transports/*.py",), ("runtime/transports",)),
}
"""What is mutated, how much of it must be noticed, and by which tests."""

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "runtime" / "twirpkit"
CHILDREN = 2 * (os.cpu_count() or 1)
"""Mutants that are tested at once: their tests wait for sockets half of the time."""
RUNS_IN_VAIN = 3
"""Runs of mutmut that test nothing, after which its tests are taken to fail."""
KILLED = ("killed", "timeout", "caught by type check")
"""mutmut's words for a mutant that some test noticed."""
NOT_TESTED = "not checked"
"""Its words for one that was not tested."""
COPIED = ("generated", "protos", "tests", "examples", "docs", "templates")
CONFIG = """
[tool.mutmut]
source_paths = ["src"]
only_mutate = {modules}
timeout_multiplier = 10.0
also_copy = {copied}
pytest_add_cli_args = [
    "-o", "pythonpath=src generated", "-p", "no:cacheprovider", "-p", "mutant_tests",
    "--timeout=30", "--timeout-method=thread",
]
pytest_add_cli_args_test_selection = {tests}
"""


@dataclass(frozen=True)
class Survivor:
    """A mutant that no test noticed, named by what was changed."""

    function: str
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.function}: {self.old} -> {self.new}"


def main() -> int:
    """Mutate the groups named on the command line, or all; the exit code says whether enough mutants died.

    The group "rules" is that of `rules.main`.
    """
    wanted = sys.argv[1:] or ["rules", *GROUPS]
    if unknown := sorted(set(wanted) - {"rules", *GROUPS}):
        print(f"no group is called {', '.join(unknown)}; there are rules, {', '.join(GROUPS)}")
        return 2
    failed = "rules" in wanted and rules.main([]) != 0
    equivalent = load_equivalent()
    found: set[str] = set()
    for name in wanted:
        if name != "rules":
            enough, survivors = judge(name, mutate(name), equivalent)
            failed |= not enough
            found |= survivors
    if set(GROUPS) <= set(wanted):
        for line in sorted(set(equivalent) - found):
            print(f"  listed in survivors.toml, but does not survive: {line}")
    return int(failed)


def mutate(name: str) -> Path:
    """Run mutmut over a group, in a copy of the project; return where."""
    group = GROUPS[name]
    work = Path.cwd() / name
    shutil.rmtree(work, ignore_errors=True)
    for folder in COPIED:
        shutil.copytree(ROOT / folder, work / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "runtime", work / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "tests" / "mutation" / "mutant_tests.py", work / "src")
    config = CONFIG.format(
        modules=json.dumps(modules(group)),
        copied=json.dumps([folder for folder in COPIED if folder != "tests"]),
        tests=json.dumps([f"tests/{path}" for path in group.tests]),
    )
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (work / "pyproject.toml").write_text(project + config, encoding="utf-8")
    run_mutants(work)
    return work


def run_mutants(work: Path) -> None:
    """Run mutmut until every mutant is tested, or `RUNS_IN_VAIN` in a row have tested none.

    CPython 3.11 can crash under it, also before the first mutant; the next run goes on from there.
    """
    tested = in_vain = 0
    while in_vain < RUNS_IN_VAIN:
        mutmut(work, "run", "--max-children", str(CHILDREN))
        states = read_states(work)
        before, tested = tested, sum(state != NOT_TESTED for state in states.values())
        if tested == len(states):
            return
        in_vain = in_vain + 1 if tested == before else 0


def read_states(work: Path) -> dict[str, str]:
    """Return what became of each mutant."""
    return dict(re.findall(r"^\s*(\S+): (.+)$", mutmut(work, "results", "--all", "true"), re.MULTILINE))


def modules(group: Group) -> list[str]:
    """Return the group's modules as mutmut sees them. Raises ValueError for a pattern that fits none."""
    found = []
    for pattern in group.modules:
        paths = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.glob(pattern))
        if not paths:
            raise ValueError(f"no module fits {pattern!r} of the table GROUPS in {__file__}")
        found += [f"src/twirpkit/{path}" for path in paths]
    return found


def mutmut(work: Path, *arguments: str) -> str:
    """Run mutmut; return what it prints where it is asked and not run."""
    asked = arguments[0] != "run"
    command = [sys.executable, "-m", "mutmut", *arguments]
    return subprocess.run(command, cwd=work, stdout=subprocess.PIPE if asked else None, text=True, check=asked).stdout


def judge(name: str, work: Path, equivalent: Iterable[str]) -> tuple[bool, set[str]]:
    """Print how many mutants of a group were killed, and the survivors that are not listed.

    Returns:
        Whether enough were killed, and the names of all survivors.
    """
    states = read_states(work)
    if NOT_TESTED in states.values():
        print(f"\n{name}: not judged, because the tests fail over the code as it is")
        return False, set()
    alive = {mutant for mutant, state in states.items() if state not in KILLED}
    share = 1 - len(alive) / max(1, len(states))
    enough = bool(states) and share >= GROUPS[name].wanted
    print(f"\n{name}: {len(states) - len(alive)} of {len(states)} mutants killed: {share:.1%}")
    if not enough:
        print(f"  that is less than {GROUPS[name].wanted:.0%}")
    survivors = {str(survivor(mutant, mutmut(work, "show", mutant))) for mutant in alive}
    for line in sorted(survivors - set(equivalent)):
        print(f"  survived: {line}")
    return enough, survivors


def survivor(mutant: str, diff: str) -> Survivor:
    """Name a mutant by its diff instead of mutmut's number.

    ``twirpkit.url.x_join__mutmut_7`` is the seventh change of the function ``join``, and
    ``twirpkit.client.xǁClientǁclose__mutmut_1`` the first one of the method ``Client.close``.
    """
    mangled = mutant.rpartition(".")[2].rpartition("__mutmut_")[0]
    function = (
        ".".join(mangled.removeprefix("xǁ").split("ǁ")) if mangled.startswith("xǁ") else mangled.removeprefix("x_")
    )
    lines = [line for line in diff.splitlines() if not line.startswith(("---", "+++", "#"))]
    old, new = (" ".join(line[1:].strip() for line in lines if line.startswith(sign)) for sign in "-+")
    return Survivor(function, old, new)


def load_equivalent() -> dict[str, str]:
    """Read the survivors that are listed, and why no test can notice them."""
    listed: dict[str, str] = tomllib.loads(Path(__file__).with_name("survivors.toml").read_text(encoding="utf-8"))
    return listed


if __name__ == "__main__":
    sys.exit(main())
