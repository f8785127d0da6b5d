"""Mutation testing: change the runtime line by line, and see that some test notices each change.

Run by `nox -s mutate`. The tool is mutmut; it wants the code under ``src``, so it works in a copy. Fails where fewer
than 95 % of the mutants are killed, or a survivor is not listed, with its reason, in ``survivors.toml`` beside this file.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
WANTED = 0.95
MUTATED = (
    "answers.py",
    "call.py",
    "client.py",
    "errors.py",
    "messages.py",
    "transports/_content.py",
    "transports/_foreign.py",
    "transports/_http.py",
    "transports/_http1.py",
    "transports/aiohttp.py",
    "transports/requests.py",
)
CONFIG = """
[tool.mutmut]
source_paths = ["src"]
only_mutate = [{files}]
also_copy = ["generated", "protos", "examples", "docs", "templates", "noxfile.py"]
pytest_add_cli_args = ["-o", "pythonpath=src generated", "-p", "no:cacheprovider"]
pytest_add_cli_args_test_selection = [
    "tests/runtime", "tests/conformance/test_cuts.py", "tests/conformance/test_recorded.py"
]
"""


def main() -> int:
    """Mutate the modules named on the command line, or all of them; the exit code says whether enough died."""
    wanted = sys.argv[1:] or MUTATED
    work = Path.cwd() / "mutation"
    shutil.rmtree(work, ignore_errors=True)
    for name in ("generated", "protos", "tests", "examples", "docs", "templates"):
        shutil.copytree(ROOT / name, work / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "runtime", work / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "noxfile.py", work)
    files = ", ".join(f'"src/twirpkit/{name}"' for name in wanted)
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (work / "pyproject.toml").write_text(project + CONFIG.format(files=files), encoding="utf-8")
    subprocess.run(["mutmut", "run"], cwd=work, stdout=sys.stdout, check=False)
    told = subprocess.run(["mutmut", "results", "--all", "true"], cwd=work, capture_output=True, text=True, check=True)
    return _judge(dict(re.findall(r"^\s*(\S+): (.+)$", told.stdout, re.MULTILINE)), all_modules=not sys.argv[1:])


def _judge(states: dict[str, str], *, all_modules: bool) -> int:
    listed = tomllib.loads(Path(__file__).with_name("survivors.toml").read_text(encoding="utf-8"))
    killed = {name for name, state in states.items() if state in ("killed", "timeout", "caught by type check")}
    alive = set(states) - killed
    share = len(killed) / max(1, len(states))
    print(f"\n{len(killed)} of {len(states)} mutants killed: {share:.1%}")
    unlisted = sorted(alive - set(listed))
    gone = sorted(set(listed) - alive) if all_modules else []
    for name in unlisted:
        print(f"  survived, and is not listed: {name} ({states[name]}); see it with 'mutmut show {name}'")
    for name in gone:
        print(f"  listed, but does not survive: {name}")
    return 1 if share < WANTED or unlisted or gone else 0


if __name__ == "__main__":
    sys.exit(main())
