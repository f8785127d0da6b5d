"""The command line over an SDK that knows no keys, no environment and no LiveKit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hats import SDK
from hats._methods.hats import MAKE_HAT

from twirpkit.cli import main
from twirpkit.conformance import ReplayServer

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/protobuf\r\nContent-Length: 2\r\n\r\n\x08\x07"


def test_a_call(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["hats", "make-hat", "--size", "7", "--from", "shop", "--timeout", "3", "--due", "2026-01-31T12:00:00Z"]
    with ReplayServer(lambda received: OK) as server:
        assert main(SDK, ["--url", server.url, "--header", "X-Shop=1", *arguments]) == 0
        (received,) = server.take()
    assert received.target == "/api/v1/acme.HatService/MakeHat"
    assert received.values("X-Shop") == ["1"]
    assert received.values("Authorization") == []
    order = MAKE_HAT.request.FromString(received.body)
    assert (order.size, order.timeout, getattr(order, "from"), len(order.key)) == (7, 3, "shop", 16)
    assert order.due.ToJsonString() == "2026-01-31T12:00:00Z"
    assert capsys.readouterr().out == '{\n  "size": 7,\n  "colour": "",\n  "brims": []\n}\n'


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["hats", "make-hat"], "python -m hats hats make-hat: no URL: give --url\n"),
        (["--api-key", "k", "hats"], "python -m hats: there is no option --api-key; --help lists them\n"),
    ],
)
def test_what_it_does_not_have(capsys: pytest.CaptureFixture[str], arguments: list[str], problem: str) -> None:
    assert main(SDK, arguments) == 2
    assert capsys.readouterr().err == problem


def test_nothing_of_livekit_is_loaded() -> None:
    program = (
        "import sys\nfrom hats import SDK\nfrom twirpkit.cli import main\nmain(SDK, sys.argv[1:])\nprint(*sys.modules)"
    )
    for arguments in ([], ["hats"], ["hats", "make-hat", "--help"]):
        command = [sys.executable, "-W", "error", "-c", program, *arguments]
        ran = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, timeout=60, check=True)
        assert "make-hat" in ran.stdout or not arguments
        assert "livekit" not in ran.stdout
