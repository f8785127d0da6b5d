"""Versions that a generated package names: of its generator, and of the runtime that it needs."""

from typing import Final

__all__ = ["GENERATED_FOR", "GENERATOR"]

GENERATED_FOR: Final = 1
"""The `twirpkit.sdk.RUNTIME_API` that generated code is written for."""

GENERATOR: Final = "0.1.0"
"""The version of the distribution. (The generator does not import the runtime, which has it too; a test compares.)"""
