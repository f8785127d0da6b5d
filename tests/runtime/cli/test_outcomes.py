"""How a run ends: exit codes, what is printed where, and what never is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from odd_sdk import ODD, SDK, OddService, answer

from twirpkit import UNSET, Code
from twirpkit.cli.results import EXIT_CODES
from twirpkit.conformance import ReplayServer

Run = Callable[..., Any]

CODES = {
    Code.CANCELED: 1, Code.UNKNOWN: 1, Code.INVALID_ARGUMENT: 5, Code.MALFORMED: 5, Code.DEADLINE_EXCEEDED: 8,
    Code.NOT_FOUND: 4, Code.BAD_ROUTE: 10, Code.ALREADY_EXISTS: 6, Code.PERMISSION_DENIED: 3, Code.UNAUTHENTICATED: 3,
    Code.RESOURCE_EXHAUSTED: 7, Code.FAILED_PRECONDITION: 6, Code.ABORTED: 1, Code.OUT_OF_RANGE: 5,
    Code.UNIMPLEMENTED: 10, Code.INTERNAL: 1, Code.UNAVAILABLE: 9, Code.DATA_LOSS: 1,
}  # fmt: skip


def call(command: Run, server: ReplayServer, *arguments: str, client: tuple[str, ...] = ()) -> Any:
    """Run `do-thing`."""
    return command(SDK, "--url", server.url, *client, "odd-things", "do-thing", *arguments)


@pytest.mark.parametrize("code", Code)
def test_exit_code_of_each_error(server: ReplayServer, command: Run, code: Code) -> None:
    body = json.dumps({"code": code, "msg": "no\n\x1b[2J\u202e way"}).encode()
    server.respond_with(answer(body, "400 Bad Request", "application/json"))
    ran = call(command, server)
    assert (ran.code, ran.out) == (CODES[code], "")
    assert ran.err.startswith(f"python -m odd_twirp: odd.OddService/DoThing: {code}: no\\n\\x1b[2J\\u202e way")
    assert ran.err.count("\n") == 1


def test_no_whole_answer(server: ReplayServer, command: Run) -> None:
    server.respond_with(None)
    ran = call(command, server)
    assert ran.code == 9
    assert ran.err.endswith("; the request may have been executed\n")


def test_the_deadline_fires(server: ReplayServer, command: Run) -> None:
    server.respond_with(answer())
    ran = call(command, server, client=("--timeout", "0.0000001"))
    assert ran.code == 8


@pytest.mark.parametrize(("client", "timeout"), [((), UNSET), (("--timeout=none",), None), (("--timeout=5",), 5.0)])
def test_the_timeout_is_that_of_the_call(
    server: ReplayServer, command: Run, client: tuple[str, ...], timeout: object
) -> None:
    server.respond_with(answer())
    assert call(command, server, client=client).code == 0
    assert OddService.timeouts[-1] == timeout


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "soon", ""])
def test_wrong_timeouts(server: ReplayServer, command: Run, text: str) -> None:
    ran = call(command, server, client=(f"--timeout={text}",))
    assert ran.code == 2
    assert ran.err.endswith("do-thing: --timeout: expected seconds above 0, or none for no limit\n")


def test_headers_are_sent(server: ReplayServer, command: Run) -> None:
    server.respond_with(answer())
    server.take()
    assert call(command, server, client=("--header", "X-One=1=1", "--header", "X-Two=")).code == 0
    (received,) = server.take()
    assert (received.values("X-One"), received.values("X-Two")) == (["1=1"], [""])


@pytest.mark.parametrize(
    ("texts", "problem"),
    [
        (["hidden"], "--header: expected NAME=VALUE"),
        (["A=1", "A=hidden"], "--header: A is given twice"),
        (["Authorization=hidden"], "extra_headers: Authorization is set by the client itself and cannot be given"),
        (["A=hid\nden"], "extra_headers: the value of A holds a CR, LF or NUL character"),
    ],
)
def test_wrong_headers(server: ReplayServer, command: Run, texts: list[str], problem: str) -> None:
    ran = call(command, server, client=tuple(f"--header={text}" for text in texts))
    assert ran.code == 2
    assert problem in ran.err
    assert "hid" not in ran.err


def test_the_answer_is_one_json_document(server: ReplayServer, command: Run) -> None:
    thing = ODD.Thing(a_int64=1 << 60, a_string="ü\x9b", a_bytes=b"hi", color=99, colors=[1, 77])
    server.respond_with(answer(thing.SerializeToString()))
    ran = call(command, server)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.isascii()
    assert ran.out.endswith("}\n")
    shown = json.loads(ran.out)
    assert {name: shown[name] for name in ("a_int64", "a_string", "a_bytes", "color", "colors")} == {
        "a_int64": 1 << 60, "a_string": "ü\x9b", "a_bytes": "aGk=", "color": 99, "colors": ["GREEN", 77],
    }  # fmt: skip
    # What a script asks for is there, also where it has its default; what has presence is there only if it is set.
    assert (shown["a_int32"], shown["a_bool"], shown["many_string"], shown["texts"]) == (0, False, [], {})
    assert {"part", "timestamp", "maybe_bool", "note", "left", "right"}.isdisjoint(shown)


def test_an_answer_without_a_json_form(server: ReplayServer, command: Run) -> None:
    server.respond_with(answer(ODD.Thing(timestamp={"seconds": 1 << 60}).SerializeToString()))
    ran = call(command, server)
    assert (ran.code, ran.out) == (1, "")
    assert "internal: the call succeeded, but its response has no JSON form: " in ran.err


def test_fields_that_are_called_like_methods_of_protobufs(server: ReplayServer, command: Run) -> None:
    for arguments in (["--DESCRIPTOR", "x"], ["--json", '{"DESCRIPTOR": "x"}']):
        server.respond_with(answer(b"\n\1y"))
        server.take()
        ran = command(SDK, "--url", server.url, "odd-things", "methodical", *arguments)
        assert (ran.code, json.loads(ran.out)) == (0, {"DESCRIPTOR": "y"})
        assert [received.body for received in server.take()] == [b"\n\1x"]


def test_any_holds_a_message_of_the_package(server: ReplayServer, command: Run) -> None:
    server.respond_with(answer(ODD.Thing(any=ODD.Thing.Part(name="x")).SerializeToString()))
    assert json.loads(call(command, server).out)["any"] == {
        "@type": "type.googleapis.com/odd.Thing.Part", "name": "x", "names": [],
    }  # fmt: skip


@pytest.mark.parametrize(("client", "shown"), [((), "<redacted>"), (("--show-secrets",), "canary")])
def test_sensitive_fields_are_hidden_unless_asked_for(
    server: ReplayServer, command: Run, client: tuple[str, ...], shown: str
) -> None:
    server.respond_with(answer(b"\n\6canary\x12\5shown"))
    ran = command(SDK, "--url", server.url, *client, "odd-things", "confide")
    printed = json.loads(ran.out)
    assert (printed["password"], printed["name"], printed["pin"]) == (shown, "shown", 0)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["odd-thing"], ": there is no service 'odd-thing'; did you mean odd-things?"),
        (["zzz"], ": there is no service 'zzz'; there are odd-things, def"),
        (["odd-things", "DO_THING"], " odd-things: there is no RPC 'DO_THING'; did you mean do-thing?"),
        (["odd-things", "zzz"], " odd-things: there is no RPC 'zzz'; there are do-thing, clash, import, old, "),
        (["def", "zzz"], " def: there is no RPC 'zzz'; there are none"),
        (["odd-things", "--timeout", "3", "old"],
         " odd-things: --timeout is an option of the client: it stands before the service"),
        (["odd-things", "--tokn=hidden"], " odd-things: there is no option --tokn; --help lists them"),
        (["--tokn", "hidden", "odd-things"], ": there is no option --tokn; did you mean --token?"),
        (["--api-secret", "hidden", "odd-things"], ": there is no option --api-secret; "),
        (["--url"], ": argument --url: expected one argument"),
        (["odd-things", "do-thing"], " odd-things do-thing: no URL: give --url"),
        (["--url", "ftp://x", "odd-things", "do-thing"], " odd-things do-thing: "),
    ],
)  # fmt: skip
def test_wrong_commands_are_told(command: Run, arguments: list[str], problem: str) -> None:
    ran = command(SDK, *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"python -m odd_twirp{problem}")
    assert ran.err.count("\n") == 1
    assert "hidden" not in ran.err


def test_a_deprecated_rpc_warns_and_works(server: ReplayServer, command: Run) -> None:
    server.respond_with(answer())
    ran = command(SDK, "--url", server.url, "odd-things", "old")
    assert (ran.code, ran.out) == (0, "{}\n")
    assert ran.err == "python -m odd_twirp: warning: Old is deprecated: use DoThing\\x1b[2J\n"


def test_ctrl_c(server: ReplayServer, command: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sys.modules["odd_twirp"].OddService, "do_thing", interrupted)
    ran = call(command, server)
    assert (ran.code, ran.out, ran.err) == (130, "", "")


PROGRAM = """
import sys
sys.path[:0] = {folders!r}
import odd_sdk
from twirpkit.cli import main
sys.exit(main(odd_sdk.SDK, {arguments!r}))
"""


def program(*arguments: str) -> list[str]:
    """A command line of an interpreter that runs a command."""
    here = Path(__file__).parent
    folders = [str(here), str(here.parent)]
    return [sys.executable, "-W", "error", "-c", PROGRAM.format(folders=folders, arguments=list(arguments))]


def pipe_without_reader() -> int:
    reading, writing = os.pipe()
    os.close(reading)
    return writing


def full_disk() -> int:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full, a disk that is always full")
    return os.open("/dev/full", os.O_WRONLY)


FULL = "python -m odd_twirp: the output of a command that succeeded cannot be written: No space left on device\n"
ENDS = [pytest.param(pipe_without_reader, 141, "", id="pipe"), pytest.param(full_disk, 1, FULL, id="disk")]


@pytest.mark.parametrize(("target", "code", "said"), ENDS)
@pytest.mark.parametrize(
    "arguments", [["--help"], ["odd-things", "--help"], ["odd-things", "do-thing", "--help"], ["CALL"]], ids=str
)
def test_output_that_goes_nowhere(
    server: ReplayServer,
    command: Run,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    target: Callable[[], int],
    code: int,
    said: str,
) -> None:
    server.respond_with(answer())
    if arguments == ["CALL"]:
        arguments = ["--url", server.url, "odd-things", "do-thing"]
    with open(target(), "w", encoding="utf-8") as stdout:
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", stdout)
            ran = command(SDK, *arguments)
    assert (ran.code, ran.err) == (code, said)


@pytest.mark.parametrize(("target", "code", "said"), ENDS)
def test_the_end_of_the_process_adds_nothing(target: Callable[[], int], code: int, said: str) -> None:
    writing = target()
    try:
        ran = subprocess.run(program(), stdout=writing, stderr=subprocess.PIPE, timeout=60, check=False)
    finally:
        os.close(writing)
    assert (ran.returncode, ran.stderr.decode()) == (code, said)


def test_an_ascii_terminal_gets_json_all_the_same(server: ReplayServer) -> None:
    server.respond_with(answer(ODD.Thing(a_string="ü").SerializeToString()))
    command = program("--url", server.url, "odd-things", "do-thing")
    env = {**os.environ, "PYTHONIOENCODING": "ascii"}
    ran = subprocess.run(command, capture_output=True, env=env, timeout=60, check=True)
    assert json.loads(ran.stdout)["a_string"] == "ü"


def test_the_page_has_the_table() -> None:
    page = (Path(__file__).parents[3] / "docs" / "cli.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ") and line.split()[1].isdigit()]
    assert [row.split("|")[1].strip() for row in rows] == ["0", *(str(code) for code, _, _ in sorted(EXIT_CODES))]
    for code, classes, meaning in EXIT_CODES:
        (row,) = (row for row in rows if row.startswith(f"| {code} |"))
        assert meaning in row
        assert all(f"`{each.__name__}`" in row for each in classes)
