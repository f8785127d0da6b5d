"""The console scripts. They say what to install where the extra `codegen` is missing."""

from __future__ import annotations

import importlib.util
import sys
from typing import Final

__all__ = ["protoc_plugin", "twirpkit"]

_NEEDED: Final = ("click", "grpc_tools", "jinja2", "ruff")


def twirpkit() -> None:
    """Run `twirpkit`."""
    _check_extra("twirpkit")
    from twirpkit_codegen.cli import main

    main()


def protoc_plugin() -> None:
    """Run `protoc-gen-twirpkit`."""
    _check_extra("protoc-gen-twirpkit")
    from twirpkit_codegen.plugin import main

    main()


def _check_extra(program: str) -> None:
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        text = "needs the generator, which is an extra: pip install 'twirpkit[codegen]'"
        sys.exit(f"{program} {text} (not installed: {', '.join(missing)})")
