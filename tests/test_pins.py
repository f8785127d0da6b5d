"""Versions that stand in two files, because the tools that read them do not read each other's, agree."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_hooks_run_the_ruff_of_the_lint_session() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (pinned,) = (each for each in project["dependency-groups"]["lint"] if each.startswith("ruff"))
    hooks = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    assert set(re.findall(r"\bruff==[\d.]+", hooks)) == {pinned}
