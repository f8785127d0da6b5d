"""`docs/reliability.md` has a row for each scenario, and each scenario is there."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

ROOT = Path(__file__).parents[3]
SCENARIOS = runpy.run_path(str(ROOT / "tests" / "stress" / "run.py"))["SCENARIOS"]


def test_page_runner_and_scripts_agree() -> None:
    page = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    scripts = {path.stem for path in (ROOT / "tests" / "stress").glob("*.py") if "main(run)" in path.read_text("utf-8")}
    assert re.findall(r"`nox -s stress -- (\w+)` \|$", page, re.MULTILINE) == list(SCENARIOS)
    assert scripts == set(SCENARIOS)
