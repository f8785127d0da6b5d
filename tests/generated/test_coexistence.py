"""livekit_twirp, livekit-api and livekit-protocol in one process, in every order, over both of protobuf's engines."""

import itertools
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("livekit.api")

PROGRAM = Path(__file__).parent / "beside_livekit.py"
ORDERS = list(itertools.permutations(["livekit_twirp.messages.livekit_room", "livekit.api", "livekit.protocol.room"]))
CASES = [("upb", order) for order in ORDERS] + [("python", ORDERS[0]), ("python", ORDERS[-1])]


@pytest.mark.slow  # an interpreter each that loads all of both packages
@pytest.mark.parametrize(("engine", "order"), CASES, ids=lambda value: value if isinstance(value, str) else None)
def test_lives_beside_livekits_packages(engine: str, order: tuple[str, ...]) -> None:
    ran = subprocess.run(
        [sys.executable, "-W", "error", str(PROGRAM), *order],
        env={**os.environ, "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": engine},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
