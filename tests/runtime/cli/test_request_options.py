"""What the command line makes of options and JSON: the request at the socket, or an error that says what to do."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.wrappers_pb2 import StringValue
from odd_sdk import ODD, SDK, Clashing, answer

from twirpkit.cli.request_options import options_of
from twirpkit.conformance import ReplayServer

Thing = ODD.Thing
PROG = "python -m odd_twirp odd-things do-thing"

GIVEN: list[tuple[list[str], dict[str, Any]]] = [
    ([], {}),
    (["--a-int32", "-3"], {"a_int32": -3}),
    (["--a-int32=+3"], {"a_int32": 3}),
    (["--a-int64", "9007199254740993"], {"a_int64": 9007199254740993}),
    (["--a-fixed64", "18446744073709551615"], {"a_fixed64": 18446744073709551615}),
    (["--a-float", "1.5", "--a-double=-Infinity"], {"a_float": 1.5, "a_double": float("-inf")}),
    (["--a-bool"], {"a_bool": True}),
    (["--no-a-bool"], {}),
    (["--a-string", "two words"], {"a_string": "two words"}),
    (["--a-string=-x"], {"a_string": "-x"}),
    (["--a-string=--help"], {"a_string": "--help"}),
    (["--a-string", "@file"], {"a_string": "@file"}),
    (["--a-bytes", "aGk="], {"a_bytes": b"hi"}),
    (["--a-bytes", "aGk"], {"a_bytes": b"hi"}),
    (["--a-bytes", "_-8="], {"a_bytes": b"\xff\xef"}),
    (["--a-bytes=/+8="], {"a_bytes": b"\xff\xef"}),
    (["--many-int32", "1", "--many-int32", "2"], {"many_int32": [1, 2]}),
    (["--many-bool", "true", "--many-bool", "false"], {"many_bool": [True, False]}),
    (["--many-bytes", "aGk=", "--many-string", "", "--many-double", "2"],
     {"many_bytes": [b"hi"], "many_string": [""], "many_double": [2.0]}),
    (["--color", "GREEN"], {"color": 1}),
    (["--color", "True"], {"color": 7}),
    (["--color", "8"], {"color": 8}),
    (["--color", "99"], {"color": 99}),
    (["--colors", "VERDE", "--colors", "-1"], {"colors": [1, -1]}),
    (["--part", '{"name": "x", "inner": {"depth": 3}}'], {"part": {"name": "x", "inner": {"depth": 3}}}),
    (["--part", "{}"], {"part": {}}),
    (["--parts", "{}", "--parts", '{"one": 1}'], {"parts": [{}, {"one": 1}]}),
    (["--texts", "a=b=c", "--texts", "=", "--texts", "ü=%s"], {"texts": {"a": "b=c", "": "", "ü": "%s"}}),
    (["--counts", "1=2", "--flags", "true=false"], {"counts": {1: 2}, "flags": {True: False}}),
    (["--left", "l"], {"left": "l"}),
    (["--right", "{}"], {"right": {}}),
    (["--note="], {"note": ""}),
    (["--from", "a", "--class-", "b", "--timeout", "c", "--self", "d", "--None", "e"],
     {"from": "a", "class_": "b", "timeout": "c", "self": "d", "None": "e"}),
]  # fmt: skip
JSON_FORMS: list[tuple[list[str], dict[str, Any]]] = [
    (["--part-of", 'k={"name": "x=y"}'], {"part_of": {"k": {"name": "x=y"}}}),
    (["--duration", "1.5s"], {"duration": "1.5s"}),
    (["--timestamp", "2026-01-31T12:00:00Z"], {"timestamp": "2026-01-31T12:00:00Z"}),
    (["--timestamps", "2026-01-31T13:00:00+01:00"], {"timestamps": ["2026-01-31T12:00:00Z"]}),
    (["--struct", '{"a": [1]}'], {"struct": {"a": [1]}}),
    (["--listvalue", "[1, null]"], {"listvalue": [1, None]}),
    (["--value", '"text"'], {"value": "text"}),
    (["--fieldmask", "a,bC"], {"fieldmask": "a,bC"}),
    (["--any", '{"@type": "odd.Thing.Part", "name": "x"}'], {"any": {"@type": "odd.Thing.Part", "name": "x"}}),
    (["--maybe-bool"], {"maybe_bool": True}),
    (["--no-maybe-bool"], {"maybe_bool": False}),
    (["--maybe-bytes", "aGk="], {"maybe_bytes": "aGk="}),
    (["--maybe-double", "0", "--maybe-int64", "0"], {"maybe_double": 0, "maybe_int64": "0"}),
    (["--maybe-string="], {"maybe_string": ""}),
]
"""Messages of google/protobuf and maps of messages, beside what protobuf's JSON says of them."""

REFUSED = [
    (["--a-int32", "1.5"], "--a-int32: expected a whole number"),
    (["--a-int32", "1_000"], "--a-int32: expected a whole number"),
    (["--a-int32", "2147483648"], "--a-int32: Thing.a_int32: not a valid int32: out of range, which is "),
    (["--a-uint32=-1"], "--a-uint32: Thing.a_uint32: not a valid uint32: out of range, which is 0 to "),
    (["--a-double", "much"], "--a-double: expected a number"),
    (["--many-bool", "True"], "--many-bool: expected true or false"),
    (["--a-bytes", "hi!"], "--a-bytes: Thing.a_bytes: expected bytes as base64"),
    (["--a-bytes", "aGkaa"], "--a-bytes: Thing.a_bytes: expected bytes as base64"),
    (["--color", "green"], "--color: Thing.color: Color has no such name; did you mean 'GREEN'?"),
    (["--color", "1.5"], "--color: Thing.color: Color has no such name; it has RED, GREEN, VERDE, True, keys"),
    (["--color", "99999999999"], "--color: Thing.color: Color has no such name"),
    (["--color", "9999999999"], "--color: Thing.color: not a valid enum: out of range"),
    (["--part", "[]"], "--part: expected a JSON object, not a list"),
    (["--part", "null"], "--part: expected a JSON object, not null"),
    (["--part", '"{}"'], "--part: expected a JSON object, not a string"),
    (["--part", "true"], "--part: expected a JSON object, not a bool"),
    (["--part", "3"], "--part: expected a JSON object, not a number"),
    (["--part", "{"], "--part: not JSON: Expecting property name enclosed in double quotes at line 1, column 2"),
    (["--part", '{"nam": 1}'], "--part: Thing.part has no field 'nam'; did you mean 'name'?"),
    (["--part", '{"name": "a", "name": "b"}'], "--part: 'name' is in one JSON object twice"),
    (["--part", "[" * 100_000], "--part: this JSON is nested too deeply"),
    (["--texts", "a"], "--texts: expected KEY=VALUE"),
    (["--texts", "a=1", "--texts", "a=2"], "--texts: the key 'a' is given twice"),
    (["--counts", "x=1"], "--counts: Thing.counts['x']: expected int32, got str"),
    (["--counts", "1=x"], "--counts: expected a whole number"),
    (["--part-of", "k=3"], "--part-of: expected a JSON object, not a number"),
    (["--duration", "30"], '--duration: Thing.duration: expected text such as "1.5s"'),
    (["--timestamp", "yesterday"], '--timestamp: Thing.timestamp: expected text such as "2026-01-31T12:00:00Z"'),
    (["--a-string", "\udcff"], "--a-string: Thing.a_string: not a valid string: not Unicode"),
    (["--a-string", "x", "--a-string", "y"], "--a-string: given twice, but it takes one value"),
    (["--a-bool", "--no-a-bool"], "--a-bool: given twice, but it takes one value"),
    (["--left", "l", "--right", "{}"], "--left and --right exclude each other: give one"),
    (["--right", "{}", "--left", "l"], "--right and --left exclude each other: give one"),
    (["--a-string", "-x"], "argument --a-string: expected one argument; a value that begins with - is given as"),
    (["--a-string"], "argument --a-string: expected one argument"),
    (["--a-bool=true"], "argument --a-bool/--no-a-bool: ignored explicit argument 'true'"),
    (["--a-strin", "x"], "there is no option --a-strin; did you mean --a-string?"),
    (["--no-a-bol"], "there is no option --no-a-bol; did you mean --no-a-bool?"),
    (["--a-strin=hidden"], "there is no option --a-strin; did you mean --a-string?"),
    (["--jsom", "{}"], "there is no option --jsom; did you mean --json?"),
    (["--zzzzzzz", "hidden"], "there is no option --zzzzzzz; --help lists them"),
    (["-x"], "there is no option -x; "),
    (["hidden"], "an argument belongs to no option: options begin with --"),
    (["--url", "https://hidden.example"], "--url is an option of the client: it stands before the service"),
    (["--header=a=b"], "--header is an option of the client: it stands before the service"),
    (["--json", "[]"], "--json: expected a JSON object, not a list"),
    (["--json", ""], "--json: not JSON: Expecting value at line 1, column 1"),
    (["--json", '{"parts": [{"names": 3}]}'], "--json: Thing.parts[0].names: give a list, not int"),
    (["--json", '{"color": "BLUE"}'], "--json: Thing.color: Color has no such name; it has RED, GREEN"),
    (["--json", '{"left": "l", "right": {}}'], "--json: Thing: left and right exclude each other: give one"),
    (["--json", "{}", "--json", "{}"], "--json: given twice, but it takes one value"),
    (["--json", "@"], "--json: the file '' cannot be read: "),
    (["--json", "@no/such/file"], "--json: the file 'no/such/file' cannot be read: No such file or directory"),
]  # fmt: skip


def sent(server: ReplayServer, command: Callable[..., Any], *arguments: str, rpc: str = "do-thing") -> bytes:
    """The body of the one request that a command sends."""
    server.respond_with(answer())
    ran = command(SDK, "--url", server.url, "odd-things", rpc, *arguments)
    assert (ran.code, ran.err) == (0, "")
    (received,) = server.take()
    return received.body


@pytest.mark.parametrize(("arguments", "fields"), GIVEN, ids=lambda each: " ".join(each)[:60])
def test_options_become_fields(
    server: ReplayServer, command: Callable[..., Any], arguments: list[str], fields: dict[str, Any]
) -> None:
    assert Thing.FromString(sent(server, command, *arguments)) == Thing(**fields)


@pytest.mark.parametrize(("arguments", "fields"), JSON_FORMS, ids=lambda each: " ".join(each)[:60])
def test_options_are_the_same_as_json(
    server: ReplayServer, command: Callable[..., Any], arguments: list[str], fields: dict[str, Any]
) -> None:
    by_options, by_json = sent(server, command, *arguments), sent(server, command, "--json", json.dumps(fields))
    assert Thing.FromString(by_options) == Thing.FromString(by_json)
    assert by_options


@pytest.mark.parametrize(("arguments", "problem"), REFUSED, ids=lambda each: str(each)[:60])
def test_wrong_options_are_told(
    server: ReplayServer, command: Callable[..., Any], arguments: list[str], problem: str
) -> None:
    ran = command(SDK, "--url", server.url, "odd-things", "do-thing", *arguments)
    assert ran.code == 2
    assert ran.out == ""
    assert ran.err.startswith(f"{PROG}: {problem}")
    assert ran.err.count("\n") == 1
    assert "hidden" not in ran.err
    assert server.take() == []


DOCUMENT = {"aString": "json", "a_int32": 1, "a_bool": True, "many_int32": [1, 2], "part": {"name": "x"}, "left": "l"}


@pytest.mark.parametrize("way", ["text", "file", "input"])
def test_json_is_the_whole_request(
    server: ReplayServer,
    command: Callable[..., Any],
    way: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = json.dumps({**DOCUMENT, "aString": "ü"}, ensure_ascii=False)
    path = tmp_path / "request.json"
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    argument = {"text": text, "file": f"@{path}", "input": "-"}[way]
    assert Thing.FromString(sent(server, command, "--json", argument)) == Thing(
        a_string="ü", a_int32=1, a_bool=True, many_int32=[1, 2], part={"name": "x"}, left="l"
    )


def test_options_override_what_json_says_of_their_fields(server: ReplayServer, command: Callable[..., Any]) -> None:
    body = sent(
        server, command, "--many-int32", "3", "--json", json.dumps(DOCUMENT), "--no-a-bool", "--part", '{"one": 1}',
        "--right", "{}", "--a-string=",
    )  # fmt: skip
    assert Thing.FromString(body) == Thing(a_int32=1, many_int32=[3], part={"one": 1}, right={})


def test_json_that_is_not_utf_8(command: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "request.json"
    path.write_bytes(b'{"a": "\xff"}')
    ran = command(SDK, "--url", "http://127.0.0.1:1", "odd-things", "do-thing", "--json", f"@{path}")
    assert (ran.code, ran.err) == (2, f"{PROG}: --json: not UTF-8 at byte 7\n")


CLASHES = [
    (["--field.json", "j"], {"json": "j"}),
    (["--field.help"], {"help": True}),
    (["--no-field.help"], {}),
    (["--url", "u", "--header", "h", "--command", "c", "--h"], {"url": "u", "header": "h", "command": "c", "h": True}),
    (["--fast"], {"fast": True}),
    (["--no-fast"], {"no_fast": True}),
    (["--no-field.fast"], {}),
    (["--no-no-fast", "--fast"], {"fast": True}),
    (["--json", '{"json": "j", "fast": true}', "--no-field.fast", "--field.json", "k"], {"json": "k"}),
]


@pytest.mark.parametrize(("arguments", "fields"), CLASHES, ids=lambda each: " ".join(each)[:60])
def test_fields_called_like_an_option(
    server: ReplayServer, command: Callable[..., Any], arguments: list[str], fields: dict[str, Any]
) -> None:
    assert Clashing.FromString(sent(server, command, *arguments, rpc="clash")) == Clashing(**fields)


def test_no_two_fields_share_an_option() -> None:
    for request in (Thing, Clashing):
        options = options_of(request)
        flags = [flag for option in options for flag in (option.flag, option.negative) if flag]
        assert len(flags) == len(set(flags))
        assert {"--json", "--help"}.isdisjoint(flags)
        assert [option.field.name for option in options] == [field.name for field in request.DESCRIPTOR.fields]


def test_a_request_of_googles_is_written_as_json(server: ReplayServer, command: Callable[..., Any]) -> None:
    assert options_of(StringValue) == []
    assert StringValue.FromString(sent(server, command, "--json", '"x"', rpc="import")) == StringValue(value="x")
    ran = command(SDK, "--url", server.url, "odd-things", "import", "--value", "x")
    assert (ran.code, ran.err) == (
        2, "python -m odd_twirp odd-things import: there is no option --value; --help lists them\n",
    )  # fmt: skip
