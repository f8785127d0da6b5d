"""`python -m livekit_twirp`: every RPC and every field, the credentials, and the command as a process."""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import jwt
import pytest

from livekit_twirp._sdk import PACKAGE
from twirpkit import Method
from twirpkit.cli import main
from twirpkit.cli.request_options import Option, options_of
from twirpkit.conformance import ReceivedRequest, ReplayServer

KEY, SECRET = "devkey", "a secret that is long enough for HS256"
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/protobuf\r\nContent-Length: 0\r\n\r\n"
RPCS: list[tuple[str, Method[Any, Any]]] = [
    (facts.attribute, method)
    for facts in PACKAGE.services.values()
    for method in importlib.import_module(f"livekit_twirp._methods.{facts.attribute}").METHODS
]
VALUES = {
    "TEXT": "x",
    "INTEGER": "1",
    "NUMBER": "1",
    "BASE64": "eA==",
    "true|false": "true",
    "DURATION": "1s",
    "TIME": "2026-01-31T12:00:00Z",
    "JSON": "{}",
}
"""A value of each kind that is not the field's default."""


@pytest.fixture(scope="module")
def server() -> Iterator[ReplayServer]:
    with ReplayServer(lambda received: OK) as server:
        yield server


@pytest.fixture(autouse=True)
def environment(server: ReplayServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server.respond_with(OK)
    server.take()
    for name, value in (("URL", server.url), ("API_KEY", KEY), ("API_SECRET", SECRET)):
        monkeypatch.setenv(f"LIVEKIT_{name}", value)
    monkeypatch.setenv("LK_AGENTS_URL", server.url)


def spelled(name: str) -> str:
    return name.rstrip("_").replace("_", "-")


def arguments_for(option: Option) -> list[str]:
    """The option with a value that is not its field's default."""
    if option.negative is not None:
        return [option.flag]
    if option.enum is not None:
        return [option.flag, next(name for name, each in option.enum.values_by_name.items() if each.number)]
    kind = option.metavar.removeprefix("KEY=")
    return [option.flag, f"key={VALUES[kind]}" if kind != option.metavar else VALUES[kind]]


def groups(method: Method[Any, Any]) -> Iterator[list[Option]]:
    """Options that can be given together and between them are all: each member of a oneof comes on its own."""
    options = options_of(method.request)
    yield [option for option in options if option.field.oneof is None]
    yield from ([option] for option in options if option.field.oneof is not None)


def claims(received: ReceivedRequest) -> dict[str, Any]:
    """What the token of a request says, which must be ours."""
    (authorization,) = received.values("Authorization")
    return jwt.decode(authorization.removeprefix("Bearer "), SECRET, algorithms=["HS256"], issuer=KEY)


@pytest.mark.parametrize(("attribute", "method"), RPCS, ids=lambda each: getattr(each, "path", ""))
def test_every_field_can_be_set(
    server: ReplayServer, capsys: pytest.CaptureFixture[str], attribute: str, method: Method[Any, Any]
) -> None:
    fields = {field.name for field in method.request.DESCRIPTOR.fields}
    found: set[str] = set()
    for options in groups(method):
        given = [argument for option in options for argument in arguments_for(option)]
        code, captured = main(PACKAGE, [spelled(attribute), spelled(method.py_name), *given]), capsys.readouterr()
        assert code == 0, captured.err
        assert set(json.loads(captured.out)) <= set(method.response.DESCRIPTOR.fields_by_name)
        (received,) = server.take()
        assert received.target == f"/twirp/{method.path}"
        request = method.request.FromString(received.body)
        arrived = {descriptor.name for descriptor, _ in request.ListFields()}
        assert arrived >= {option.field.name for option in options}
        found |= arrived
    assert found == fields


@pytest.mark.parametrize(("attribute", "method"), RPCS, ids=lambda each: getattr(each, "path", ""))
def test_help_has_every_option_and_what_a_caller_must_know(
    capsys: pytest.CaptureFixture[str], attribute: str, method: Method[Any, Any]
) -> None:
    assert main(PACKAGE, [spelled(attribute), spelled(method.py_name), "--help"]) == 0
    text = capsys.readouterr().out
    entries = {line.split()[0].rstrip(",") for line in text.splitlines() if line.startswith("  --")}
    assert entries == {"--json", *(option.flag for option in options_of(method.request))}
    for title in ("Grants: ", f"Retry class: {method.retry}", "Timeout: "):
        assert f"\n{title}" in text


def test_every_kind_of_value_has_a_sample() -> None:
    kinds = {option.metavar.removeprefix("KEY=") for _, method in RPCS for option in options_of(method.request)}
    assert kinds - {"NAME"} <= VALUES.keys()
    assert len(RPCS) == 89


def test_overviews_name_every_service_and_rpc(capsys: pytest.CaptureFixture[str]) -> None:
    main(PACKAGE, [])
    text = capsys.readouterr().out
    for facts in PACKAGE.services.values():
        assert f"\n  {spelled(facts.attribute)} " in text
        main(PACKAGE, [spelled(facts.attribute)])
        listed = capsys.readouterr().out
        names = [spelled(method.py_name) for attribute, method in RPCS if attribute == facts.attribute]
        assert [name for name in names if f"\n  {name} " not in listed] == []
    for name in ("LIVEKIT_URL", "LIVEKIT_TOKEN", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"):
        assert name in text


def test_the_url_of_a_page_is_not_the_servers(server: ReplayServer) -> None:
    """`url` is a field here: the token must go to the server all the same."""
    assert main(PACKAGE, ["egress", "start-web-egress", "--url", "https://page.example.com"]) == 0
    (received,) = server.take()
    assert b"https://page.example.com" in received.body


class TestCredentials:
    CALL = ("room", "list-rooms")

    def test_credentials_key_and_secret_of_the_environment(self, server: ReplayServer) -> None:
        assert main(PACKAGE, self.CALL) == 0
        (received,) = server.take()
        assert claims(received)["video"] == {"roomList": True}

    def test_credentials_a_key_as_an_option_signs_with_the_environments_secret(
        self, server: ReplayServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("LIVEKIT_API_KEY", "another")
        monkeypatch.setenv("LIVEKIT_TOKEN", "not.this.one")
        assert main(PACKAGE, ["--api-key", KEY, *self.CALL]) == 0
        (received,) = server.take()
        assert claims(received)["iss"] == KEY

    @pytest.mark.parametrize("by", ["option", "environment"])
    def test_credentials_a_token(self, server: ReplayServer, monkeypatch: pytest.MonkeyPatch, by: str) -> None:
        monkeypatch.setenv("LIVEKIT_TOKEN", "t.o.ken" if by == "environment" else "not.this.one")
        assert main(PACKAGE, [*(["--token", "t.o.ken"] if by == "option" else []), *self.CALL]) == 0
        (received,) = server.take()
        assert received.values("Authorization") == ["Bearer t.o.ken"]

    def test_credentials_the_url_as_an_option(self, server: ReplayServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("LIVEKIT_URL", "http://127.0.0.1:1")
        assert main(PACKAGE, ["--url", server.url, *self.CALL]) == 0
        assert len(server.take()) == 1

    @pytest.mark.parametrize(
        ("missing", "options", "problem"),
        [
            (["URL"], [], "no URL: give --url, or set LIVEKIT_URL"),
            (["API_KEY"], [], "no credentials: give --token, or set LIVEKIT_API_KEY and LIVEKIT_API_SECRET"),
            (["API_SECRET"], [], "no credentials: give --token, or set LIVEKIT_API_KEY and LIVEKIT_API_SECRET"),
            (["API_SECRET"], ["--api-key=k"], "no API secret: set LIVEKIT_API_SECRET"),
            ([], ["--api-key=k", "--token=hidden"], "give --token or --api-key, not both"),
            ([], ["--token= hidden"], "the token has white space around it"),
        ],
    )
    def test_credentials_what_is_missing_is_told(
        self,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
        missing: list[str],
        options: list[str],
        problem: str,
    ) -> None:
        for name in missing:
            monkeypatch.setenv(f"LIVEKIT_{name}", "")
        assert main(PACKAGE, [*options, *self.CALL]) == 2
        captured = capsys.readouterr()
        assert captured.err.startswith(f"python -m livekit_twirp room list-rooms: {problem}")
        assert "hidden" not in captured.err

    def test_credentials_a_secret_as_an_option_is_refused(self, capsys: pytest.CaptureFixture[str]) -> None:
        for arguments in (["--api-secret", "hidden", *self.CALL], [*self.CALL, "--api-secret=hidden"]):
            assert main(PACKAGE, arguments) == 2
            error = capsys.readouterr().err
            assert "which others can read: set LIVEKIT_API_SECRET\n" in error
            assert "hidden" not in error

    def test_credentials_a_token_that_the_server_repeats_is_not_shown(
        self, server: ReplayServer, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def refuse(received: ReceivedRequest) -> bytes:
            body = f"invalid token: {received.values('Authorization')[0]}, error: expired".encode()
            return b"HTTP/1.1 401 Unauthorized\r\nContent-Length: %d\r\n\r\n" % len(body) + body

        server.respond_with(refuse)
        assert main(PACKAGE, self.CALL) == 3
        error = capsys.readouterr().err
        assert "unauthenticated" in error
        assert "error: expired" in error
        (received,) = server.take()
        assert received.values("Authorization")[0].removeprefix("Bearer ") not in error


def test_a_call_that_was_declined_is_no_missing_grant(server: ReplayServer, capsys: pytest.CaptureFixture[str]) -> None:
    body = json.dumps(
        {"code": "permission_denied", "msg": "declined", "meta": {"sip_status_code": "603", "sip_status": "Decline"}}
    ).encode()
    server.respond_with(b"HTTP/1.1 403 Forbidden\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    assert main(PACKAGE, ["sip", "create-sip-participant", "--sip-call-to", "+15550400"]) == 1
    assert "the call ended with SIP 603 Decline" in capsys.readouterr().err


def test_a_deprecated_rpc_warns(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(PACKAGE, ["sip", "list-sip-trunk"]) == 0
    assert "python -m livekit_twirp: warning: " in capsys.readouterr().err


class TestProcess:
    """The command as people run it."""

    CALL = ("room", "list-rooms", "--names", "a", "--names", "b")

    def run(self, *arguments: str, code: str = "", **options: Any) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-W", "error"]
        run = f"import runpy\n{code}\nrunpy.run_module('livekit_twirp', run_name='__main__', alter_sys=True)"
        command += ["-c", run, *arguments] if code else ["-m", "livekit_twirp", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **options)

    def test_process_a_call(self, server: ReplayServer) -> None:
        ran = self.run(*self.CALL)
        assert (ran.returncode, ran.stdout, ran.stderr) == (0, '{\n  "rooms": []\n}\n', "")
        (received,) = server.take()
        assert received.body == b"\x0a\x01a\x0a\x01b"

    def test_process_json_from_standard_input(self, server: ReplayServer) -> None:
        ran = self.run("room", "list-rooms", "--json", "-", input='{"names": ["a", "b"]}')
        assert (ran.returncode, ran.stderr) == (0, "")
        (received,) = server.take()
        assert received.body == b"\x0a\x01a\x0a\x01b"

    def test_process_an_error(self, server: ReplayServer) -> None:
        server.respond_with(
            b"HTTP/1.1 404 Not Found\r\nContent-Length: 33\r\n\r\n" + b'{"code":"not_found","msg":"gone"}'
        )
        ran = self.run("room", "delete-room", "--room", "a")
        assert (ran.returncode, ran.stdout) == (4, "")
        prefix = "python -m livekit_twirp: livekit.RoomService/DeleteRoom: not_found: gone (request id "
        assert ran.stderr.startswith(prefix)

    def test_process_only_what_is_used_is_imported(self) -> None:
        code = "import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr))"
        for arguments, some, none in (
            (self.CALL, {"livekit_twirp._sync.room"}, {"livekit_twirp._methods.sip", "requests", "aiohttp", "asyncio"}),
            (["room"], {"livekit_twirp._help.room"}, {"livekit_twirp._methods", "livekit_twirp._help.sip", "requests"}),
            (["room", "list-rooms", "-h"], {"livekit_twirp._help.room"}, {"livekit_twirp._sync", "requests"}),
            ([], {"livekit_twirp._help"}, {"livekit_twirp._help.room", "livekit_twirp.messages", "requests"}),
        ):
            modules = set(self.run(*arguments, code=code).stderr.split())
            assert modules >= some
            assert modules.isdisjoint({*none, "click"})

    def test_process_ctrl_c(self, server: ReplayServer) -> None:
        asked, stop = threading.Event(), threading.Event()

        def hang(received: ReceivedRequest) -> bytes | None:
            asked.set()
            stop.wait(30)
            return None

        server.respond_with(hang)
        # Python handles the signal only where it is not ignored, as it is for what a shell put into the background.
        run = (
            "import runpy, signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
            "runpy.run_module('livekit_twirp', run_name='__main__', alter_sys=True)"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", run, *self.CALL], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ
        )
        try:
            assert asked.wait(30)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
        finally:
            stop.set()
            process.kill()
            process.wait()
        assert (process.returncode, out, err) == (130, b"", b"")

    def test_process_importing_it_does_nothing(self) -> None:
        assert importlib.import_module("livekit_twirp.__main__").PACKAGE is PACKAGE
