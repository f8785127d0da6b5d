"""What `--help` says, at each of the three places."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from odd_sdk import SDK

from twirpkit.cli import help_text
from twirpkit.cli.results import EXIT_CODES


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "300")


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["--help", "odd-things"], ["--timeout", "x", "-h"]])
def test_overview(command: Callable[..., Any], arguments: list[str]) -> None:
    ran = command(SDK, *arguments)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("usage: python -m odd_twirp [client option …] SERVICE RPC [request option …]\n")
    assert "\nservices:\n  odd-things  Does odd things.\n  def\n" in ran.out
    for code, _, meaning in EXIT_CODES:
        assert f"\n  {code:<5}{meaning}\n" in ran.out
    assert "--api-key" not in ran.out
    assert "Default:" in ran.out


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["-h", "do-thing"]])
def test_service(command: Callable[..., Any], arguments: list[str]) -> None:
    ran = command(SDK, "odd-things", *arguments)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == (
        "usage: python -m odd_twirp odd-things RPC [request option …]\n\n"
        "Does odd things.\n\n"
        "RPCs:\n"
        "  do-thing    Does 100 %(prog)s of the thing.\n"
        "  clash\n"
        "  import      Brings something in.\n"
        "  old         Does what was done before.\n"
        "  methodical  Has a field that protobuf's JSON stumbles over.\n"
        "  confide     Tells a secret.\n"
    )


def test_a_service_without_anything(command: Callable[..., Any]) -> None:
    ran = command(SDK, "def")
    assert (ran.code, ran.out) == (0, "usage: python -m odd_twirp def RPC [request option …]\n\nRPCs:\n")


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["--a-int32", "x", "--help"], ["--nonsense", "-h"]])
def test_rpc(command: Callable[..., Any], arguments: list[str]) -> None:
    ran = command(SDK, "odd-things", "do-thing", *arguments)
    assert (ran.code, ran.err) == (0, "")
    lines = [" ".join(line.split()) for line in ran.out.splitlines()]
    assert lines[:10] == [
        "usage: python -m odd_twirp odd-things do-thing [--json JSON] [request option …]", "",
        "Does 100 %(prog)s of the thing.", "",
        "It says 5 % more.", "",
        "Timeout of the thing: none.", "",
        "Grants are the shop's own matter.", "",
    ]  # fmt: skip
    text = " ".join(lines)
    for shown in (
        "--a-int32 INTEGER How many %s, in a comment.",
        "--a-string TEXT",
        "--a-bytes BASE64",
        "--a-double NUMBER",
        "--a-bool, --no-a-bool",
        "--many-bool true|false May be repeated.",
        "--color NAME One of RED, GREEN, VERDE, True, keys, or a number.",
        "--colors NAME One of RED, GREEN, VERDE, True, keys, or a number. May be repeated.",
        "--part JSON",
        "--texts KEY=TEXT May be repeated.",
        "--counts KEY=INTEGER May be repeated.",
        "--part-of KEY=JSON May be repeated.",
        "--timestamp TIME For example 2026-01-31T12:00:00Z.",
        "--duration DURATION For example 30s or 1.5s.",
        "--value VALUE",
        "--maybe-string TEXT",
        "--class- TEXT What kind.",
        "--json JSON The whole request as JSON; @FILE: from a file; -: from standard input.",
    ):
        assert shown in text
    assert text.endswith("Grants: none. Retry class: never.")
    assert "Raises" not in text


@pytest.mark.parametrize(("columns", "width"), [("20", 40), ("82", 80), ("400", 100)])
def test_fits_the_terminal(
    command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, columns: str, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert help_text.width() == width
    exits = command(SDK).out.partition("exit codes:")[2]
    assert max(len(line) for line in exits.splitlines()) <= width
