"""Generated values survive keywords, mappings, messages, bytes, dicts, JSON, and calls of both clients."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from echo import echo_server
from generating import GOOD, Made

SCRIPT = Path(__file__).with_name("round_trips.py")


def round_trips(folder: Path, packages: list[str], examples: int) -> dict[str, str]:
    """Return the error of each package, empty for none."""
    with echo_server() as server:
        command = [sys.executable, "-W", "error", SCRIPT, server.url, folder, str(examples), *packages]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    errors: dict[str, str] = json.loads(done.stdout)
    return errors


@pytest.fixture(scope="module")
def found(made: Made) -> dict[str, str]:
    return round_trips(made.folder, [made.package(name) for name in GOOD], 10)


@pytest.mark.slow
@pytest.mark.parametrize("name", GOOD)
def test_values_survive(name: str, made: Made, found: dict[str, str]) -> None:
    assert found[made.package(name)] == ""
