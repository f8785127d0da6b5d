"""Formatting of rendered files by ruff, independent of the machine's configuration."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from twirpkit_codegen.errors import GenerationError

__all__ = ["format_files"]

_OFF: Final = "# fmt: off\n# isort: skip_file\n"
"""Lines that black, ruff and isort obey."""


def format_files(files: dict[str, str], package: str) -> dict[str, str]:
    """Sort imports and format files. No configuration of the user has an effect."""
    with tempfile.TemporaryDirectory() as folder:
        for path, text in files.items():
            target = Path(folder, path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8", newline="\n")
        # --isolated does not cover .gitignore, excluded files and source folders.
        common = ["--isolated", "--no-cache", "--quiet", "--target-version=py311", "--line-length=120"]
        common += ["--no-respect-gitignore", "--config", "exclude=[]", "--config", "src=[]"]
        _ruff(
            [
                "check",
                *common,
                "--select=I,F401",
                "--fix",
                "--config",
                f'lint.isort.known-first-party=["{package}"]',
                ".",
            ],
            folder,
        )
        _ruff(["format", *common, "."], folder)
        return {path: _guarded(path, Path(folder, path).read_text(encoding="utf-8")) for path in files}


def _guarded(path: str, text: str) -> str:
    """Keep formatters of the user from a file: with other settings, they would write it in another way."""
    if not path.endswith((".py", ".pyi")):
        return text
    mark, newline, rest = text.partition("\n")
    return f"{mark}{newline}{_OFF}{rest}"


def _ruff(arguments: list[str], folder: str) -> None:
    command = [sys.executable, "-P", "-m", "ruff", *arguments]
    done = subprocess.run(  # noqa: S603  # the arguments are the generator's own
        command, cwd=folder, capture_output=True, text=True, encoding="utf-8", check=False
    )
    if done.returncode != 0:
        raise GenerationError(
            f"ruff rejected generated code, which is a bug of the generator:\n{done.stdout}{done.stderr}"
        )
