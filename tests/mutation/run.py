"""Mutation testing: change the runtime line by line, and see that some test notices each change.

Run by `nox -s mutate`. The tool is mutmut; it wants the code under ``src``, so it works in a copy. Fails where fewer
than 95 % of the mutants are killed, or a survivor is not listed, with its reason, in ``survivors.toml`` beside it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import rules

ROOT = Path(__file__).parents[2]
WANTED = 0.95
CHILDREN = 2 * (os.cpu_count() or 1)
"""Mutants that are tested at once: their tests wait for sockets half of the time."""
KILLED = ("killed", "timeout", "caught by type check")
"""What mutmut calls a mutant that some test noticed."""
GROUPS = {
    "answers": (
        ("answers.py", "errors.py", "messages.py", "redaction.py"),
        (
            "tests/runtime/livekit/test_sip_errors.py",
            "tests/runtime/test_details.py",
            "tests/runtime/test_error_classes.py",
            "tests/runtime/test_message_pool.py",
            "tests/runtime/test_pool_loading.py",
            "tests/runtime/test_reading_answers.py",
            "tests/runtime/test_redaction.py",
        ),
    ),
    "calls": (
        ("call.py", "client.py", "flow.py", "outgoing.py", "result.py", "retry.py"),
        (
            "tests/runtime/livekit/test_regions.py",
            "tests/runtime/test_attempts.py",
            "tests/runtime/test_call_flow.py",
            "tests/runtime/test_client_lifecycle.py",
            "tests/runtime/test_client_options.py",
            "tests/runtime/test_credentials.py",
            "tests/runtime/test_manifest_facts.py",
        ),
    ),
    "http1": (
        ("content.py", "framing.py", "grammar.py", "head.py", "limits.py", "request.py", "response.py"),
        ("tests/runtime/http1",),
    ),
    "transports": (
        (
            "_connect.py",
            "_content.py",
            "_exchange.py",
            "_foreign.py",
            "_http.py",
            "_http1.py",
            "_pool.py",
            "_process.py",
            "_proxy.py",
            "_tls.py",
            "aiohttp.py",
            "requests.py",
        ),
        ("tests/runtime/transports",),
    ),
}
"""What is mutated together, and the tests that must notice. (The file names of transports are under transports/, those of http1 under
_http1/.)

Answers and calls have the tests that need no socket: a mutant that survives pays for all of its tests, and the rows at
the socket alone take most of a minute.
"""

CONFIG = """
[tool.mutmut]
source_paths = ["src"]
only_mutate = {files}
timeout_multiplier = 10.0
also_copy = ["generated", "protos", "examples", "docs", "templates", "noxfile.py"]
pytest_add_cli_args = [
    "-o", "pythonpath=src generated", "-p", "no:cacheprovider", "-p", "mutant_tests",
    "--timeout=30", "--timeout-method=thread",
]
pytest_add_cli_args_test_selection = {tests}
"""


def main() -> int:
    """Mutate the groups named on the command line, or all; the exit code says whether enough mutants died.

    The group "rules" is that of `rules.main`.
    """
    wanted = sys.argv[1:] or ["rules", *GROUPS]
    failed = rules.main([]) if "rules" in wanted else 0
    groups = [group for group in wanted if group != "rules"]
    states: dict[str, str] = {}
    for group in groups:
        states |= _mutate(group)
    return failed or (_judge(states, everything=set(groups) == set(GROUPS)) if groups else 0)


def _mutate(group: str) -> dict[str, str]:
    files, tests = GROUPS[group]
    work = Path.cwd() / group
    shutil.rmtree(work, ignore_errors=True)
    for name in ("generated", "protos", "tests", "examples", "docs", "templates"):
        shutil.copytree(ROOT / name, work / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "runtime", work / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "noxfile.py", work)
    folder = {"http1": "src/twirpkit/_http1", "transports": "src/twirpkit/transports"}.get(group, "src/twirpkit")
    shutil.copy(ROOT / "tests" / "mutation" / "mutant_tests.py", work / "src")
    config = CONFIG.format(files=json.dumps([f"{folder}/{name}" for name in files]), tests=json.dumps(tests))
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (work / "pyproject.toml").write_text(project + config, encoding="utf-8")
    _mutmut(work, "run", "--max-children", str(CHILDREN))
    states = _states(work)
    # What dies although it is listed may have died of a busy machine.
    if doubtful := sorted(name for name in _listed() if states.get(name) in KILLED):
        _mutmut(work, "run", *doubtful)
        states = _states(work)
    return states


def _mutmut(work: Path, *arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "mutmut", *arguments], cwd=work, check=False)


def _states(work: Path) -> dict[str, str]:
    asked = [sys.executable, "-m", "mutmut", "results", "--all", "true"]
    told = subprocess.run(asked, cwd=work, capture_output=True, text=True, check=True)
    return dict(re.findall(r"^\s*(\S+): (.+)$", told.stdout, re.MULTILINE))


def _listed() -> dict[str, str]:
    return tomllib.loads(Path(__file__).with_name("survivors.toml").read_text(encoding="utf-8"))


def _judge(states: dict[str, str], *, everything: bool) -> int:
    listed = _listed()
    killed = {name for name, state in states.items() if state in KILLED}
    alive = set(states) - killed
    share = len(killed) / max(1, len(states))
    print(f"\n{len(killed)} of {len(states)} mutants killed: {share:.1%}")
    unlisted = sorted(alive - set(listed))
    gone = sorted(name for name in listed if name in killed or (everything and name not in states))
    for name in unlisted:
        print(f"  survived, and is not listed: {name} ({states[name]}); see it with 'mutmut show {name}'")
    for name in gone:
        print(f"  listed, but does not survive: {name}")
    return 1 if share < WANTED or unlisted or gone else 0


if __name__ == "__main__":
    sys.exit(main())
