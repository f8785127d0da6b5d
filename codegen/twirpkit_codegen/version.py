"""Versions that are written into generated packages: of the generator, and of the runtime API that they need."""

from typing import Final

__all__ = ["GENERATED_FOR", "GENERATOR"]

GENERATED_FOR: Final = 1
"""The `twirpkit.sdk.RUNTIME_API` that generated code is written for."""

GENERATOR: Final = "0.1.0"
"""The version of the distribution. The runtime has its own constant, which the generator does not import; a test
compares the two."""
