"""The import of a rendered package, before it is written anywhere."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from twirpkit_codegen.errors import GenerationError

__all__ = ["check_loads"]

_PROGRAM: Final = """
import importlib, sys, warnings
warnings.simplefilter("ignore")
sys.path.insert(0, sys.argv[1])
own = {sys.argv[2].partition(".")[0], "twirpkit", "google"}
for name in sys.argv[2:]:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in own:
            raise
"""
"""A program that imports modules. Packages of the author's, which plug-ins and helpers are in, may be missing here."""


def check_loads(files: Mapping[str, str], package: str) -> None:
    """Import the modules of a package in a process of its own. Raises GenerationError for one that cannot be."""
    with tempfile.TemporaryDirectory() as folder:
        for path, text in files.items():
            target = Path(folder, path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8", newline="\n")
        names = sorted(
            path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            for path in files
            if path.endswith(".py") and not path.endswith("__main__.py")
        )
        done = subprocess.run(  # noqa: S603  # the arguments are the generator's own
            [sys.executable, "-P", "-c", _PROGRAM, folder, *names],
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
        if done.returncode != 0:
            lines = done.stderr.strip().splitlines() or [f"Python ended with {done.returncode}"]
            places = [line.strip().replace(f"{folder}/", "") for line in lines if folder in line]
            place = f" ({places[-1]})" if places else ""
            raise GenerationError(f"the package cannot be imported, so nothing is written: {lines[-1].strip()}{place}")
