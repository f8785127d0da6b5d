"""Fixtures of the command line's tests: a server, and one way to run a command against it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from twirpkit._config.package_info import PackageInfo
from twirpkit.cli import main
from twirpkit.conformance import ReplayServer


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="module")
def server() -> Iterator[ReplayServer]:
    with ReplayServer() as server:
        yield server


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Runs a command in this process."""

    def run(sdk: PackageInfo, *arguments: Any) -> Ran:
        capsys.readouterr()
        code = main(sdk, [str(each) for each in arguments])
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return run
