"""The sample application's own tests, by one switch, against the server of the live tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from livekit_server import VARIABLES, Target

pytest.importorskip("fastapi", reason="the sample application needs the dependency group 'test'")

EXAMPLE = Path(__file__).parents[2] / "examples" / "lessons"


def test_sample_app_is_tested_against_the_server(target: Target) -> None:
    environment = os.environ | dict(zip(VARIABLES, (target.url, target.key, target.secret), strict=True))
    command = [sys.executable, "-m", "pytest", "-c", os.devnull, "--rootdir", str(EXAMPLE), "-p", "twirpkit_pytest"]
    command += ["-W", "ignore", "-p", "no:cacheprovider", "--livekit-live", str(EXAMPLE)]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stdout
    assert "1 passed, 1 skipped" in ran.stdout
