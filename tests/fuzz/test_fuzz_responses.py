"""Five seconds of fuzzing, and all that fuzzing has found so far."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("compare_parsers.py")


@pytest.mark.slow
def test_responses_are_read_as_others_read_them() -> None:
    """In a process of its own: the fuzzer ends it."""
    ran = subprocess.run(
        [sys.executable, SCRIPT, "--seconds", "5"], capture_output=True, text=True, check=False, timeout=120
    )
    done = re.search(r"Done (\d+) runs", ran.stderr)
    assert ran.returncode == 0, ran.stderr[-5000:]
    assert done is not None
    assert int(done[1]) > 100
