"""Fixtures of all tests."""

import os

import pytest


@pytest.fixture(autouse=True)
def without_livekit_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the credentials of whoever runs it."""
    for name in [name for name in os.environ if name.startswith("LIVEKIT_")]:
        monkeypatch.delenv(name)
