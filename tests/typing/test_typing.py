"""Samples of user code under `mypy --strict` and `pyright`: the good are accepted, the bad refused line by line."""

import json
import re
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
EITHER = Path(__file__).with_name("either_package.py")
THEIR_MODULES = {
    "RoomAgentDispatch": "agent_dispatch",
    "CreateSIPParticipantRequest": "sip",
    **dict.fromkeys(("CreateRoomRequest", "RoomEgress", "SendDataRequest"), "room"),
}
"""Modules of livekit-protocol that the names in that sample are from; of the others, `models`."""

Lines: TypeAlias = set[tuple[str, int]]
"""Places in the samples: file name and line."""


def mypy(paths: list[Path]) -> Iterator[tuple[str, int, str]]:
    options = ["--strict", "--config-file=", "--cache-dir", "/dev/null", "--output", "json"]
    for line in checker_output("mypy", *options, *map(str, paths)).splitlines():
        found = json.loads(line)
        if found["severity"] == "error":
            yield found["file"], found["line"], found["message"]


def pyright(paths: list[Path]) -> Iterator[tuple[str, int, str]]:
    options = ["--pythonpath", sys.executable, "--outputjson"]
    for found in json.loads(checker_output("pyright", *options, *map(str, paths)))["generalDiagnostics"]:
        if found["severity"] == "error":
            yield found["file"], found["range"]["start"]["line"] + 1, found["message"]


def checker_output(checker: str, *arguments: str) -> str:
    ran = subprocess.run([sys.executable, "-m", checker, *arguments], capture_output=True, text=True)
    assert ran.returncode in (0, 1), ran.stderr
    return ran.stdout


def with_their_imports(text: str) -> str:
    """A sample with the names of livekit-protocol in place of ours, on the same lines."""
    start, end = (
        text.index("from livekit_twirp import ("),
        text.index(")\n", text.index("from livekit_twirp import (")) + 1,
    )
    names = re.findall(r"\w+(?=,)", text[start:end])
    imports = "; ".join(f"from livekit.protocol.{THEIR_MODULES.get(name, 'models')} import {name}" for name in names)
    return text[:start] + imports + "\n" * text[start:end].count("\n") + text[end:]


def marked() -> Lines:
    """The lines that say that they are refused."""
    lines = ((path.name, path.read_text("utf-8").splitlines()) for path in SAMPLES)
    return {(name, number) for name, text in lines for number, line in enumerate(text, start=1) if REFUSED in line}


@pytest.mark.slow
@pytest.mark.parametrize("checker", [mypy, pyright])
def test_refuses_the_marked_lines_and_no_other(
    checker: Callable[[list[Path]], Iterator[tuple[str, int, str]]], tmp_path: Path
) -> None:
    theirs = tmp_path / "their_package.py"
    theirs.write_text(with_their_imports(EITHER.read_text("utf-8")), "utf-8")
    expected = marked() | {(theirs.name, number) for name, number in marked() if name == EITHER.name}
    refused: dict[tuple[str, int], str] = {}
    for file, line, message in checker([*SAMPLES, theirs]):
        refused.setdefault((Path(file).name, line), message)
    wrongly = {place: message for place, message in refused.items() if place not in expected}
    accepted = expected - refused.keys()
    assert (wrongly, accepted) == ({}, set())


def test_samples_are_marked() -> None:
    assert {name for name, _ in marked()} == {"bad.py", "bad_clients.py", "bad_messages.py", EITHER.name}
    assert {path.name for path in SAMPLES} == {
        "bad.py",
        "bad_clients.py",
        "bad_messages.py",
        "good.py",
        "good_clients.py",
        "good_messages.py",
        EITHER.name,
    }
