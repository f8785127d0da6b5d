"""docs/migrate-from-livekit-api.md against both packages: no name without a line, no line without its thing.

The examples are run, each pair against a server: the old and the new one must ask for the same.
"""

from __future__ import annotations

import ast
import asyncio
import dataclasses
import importlib
import inspect
import re
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from google.protobuf.message import Message
from livekit import api

import livekit_twirp
import twirpkit.livekit
from livekit_twirp import AsyncLiveKitAPI, LiveKitAPI, WebhookEvent, sign_webhook
from twirpkit._schema.enums import Enum
from twirpkit.conformance import ReceivedRequest, ReplayServer

PAGE = (Path(__file__).parents[2] / "docs" / "migrate-from-livekit-api.md").read_text(encoding="utf-8")
URL, KEY, SECRET = "http://127.0.0.1:1", "devkey", "a secret that is long enough for HS256"

SERVICES = {
    "room": api.room_service.RoomService,
    "egress": api.egress_service.EgressService,
    "ingress": api.ingress_service.IngressService,
    "sip": api.sip_service.SipService,
    "agent_dispatch": api.agent_dispatch_service.AgentDispatchService,
    "connector": api.connector_service.ConnectorService,
}
ARGUMENTS: list[tuple[str, Callable[..., Any]]] = [
    ("LiveKitAPI", api.LiveKitAPI),
    ("AccessToken", api.AccessToken),
    ("TokenVerifier", api.TokenVerifier),
    ("TokenVerifier.verify", api.TokenVerifier.verify),
    ("WebhookReceiver", api.WebhookReceiver),
    ("WebhookReceiver.receive", api.WebhookReceiver.receive),
]
"""What is called with arguments that need a line of their own."""
SAME_FIELDS = (
    api.VideoGrants,
    api.SIPGrants,
    api.AgentGrants,
    api.AgentEndpointGrants,
    api.AgentThreadGrants,
    api.InferenceGrants,
    api.ObservabilityGrants,
    api.access_token.Claims,
)
NO_ROW = {"TokenVerifier.verify(token=)"}
"""Positional in both."""


def rows() -> list[list[str]]:
    """The cells of every line of the name-by-name tables."""
    section = PAGE.partition("## Name by name")[2]
    lines = [line.strip().strip("|").split(" | ") for line in section.splitlines() if line.startswith("| `")]
    return [[cell.strip(" |") for cell in line] for line in lines if line[0].strip() != "`livekit.api`"]


def names(cell: str) -> list[str]:
    """The code in a cell."""
    return re.findall("`([^`]+)`", cell)


ROWS = rows()
THEIRS = [name for row in ROWS for name in names(row[0])]
OURS = sorted({name for row in ROWS for name in names(row[1])})


def is_message_or_enum(value: object) -> bool:
    return isinstance(value, EnumTypeWrapper) or (isinstance(value, type) and issubclass(value, Message))


def public(owner: Any) -> list[str]:
    return [name for name in dir(owner) if not name.startswith("_")]


MESSAGES = [name for name in public(api) if is_message_or_enum(getattr(api, name)) and name not in THEIRS]
"""What the page's rule is for, instead of a line."""


def expected_names() -> Iterator[str]:
    """The names of `livekit.api` that need a line."""
    for name in public(api):
        value = getattr(api, name)
        if name not in MESSAGES and type(value) is not int:
            yield name
    for cls in SERVICES.values():
        yield f"{cls.__module__.rpartition('.')[2]}.{cls.__name__}"
        yield from (f"{cls.__name__}.{name}" for name in public(cls))
    for named in ("LiveKitAPI", "AccessToken", "TokenVerifier", "WebhookReceiver"):
        yield from (f"{named}.{name}" for name in public(getattr(api, named)))
    of_exceptions = set(public(Exception))
    yield from (f"ServerError.{name}" for name in public(api.ServerError) if name not in of_exceptions)
    of_errors = set(public(api.ServerError))
    yield from (f"SipCallError.{name}" for name in public(api.SipCallError) if name not in of_errors)
    for name, called in ARGUMENTS:
        arguments = [each for each in inspect.signature(called).parameters if each != "self"]
        yield from (f"{name}({argument}=)" for argument in arguments if f"{name}({argument}=)" not in NO_ROW)


def test_every_public_name_has_one_line() -> None:
    expected = set(expected_names())
    assert len(expected) > 130
    assert expected - set(THEIRS) == set()
    assert set(THEIRS) - expected - {"ChatMessage", "WebhookEvent"} == set()
    assert len(THEIRS) == len(set(THEIRS))


def test_every_line_has_a_counterpart_or_says_what_to_do() -> None:
    for row in ROWS:
        cells = [*row, ""][:3]
        assert names(cells[1]) or (cells[1] == "—" and cells[2]), row


@pytest.fixture(scope="module")
def clients() -> dict[str, Any]:
    """Instances, because properties are resolved on them."""
    return {cls.__name__: cls(URL, KEY, SECRET) for cls in (LiveKitAPI, AsyncLiveKitAPI)}


@pytest.mark.parametrize("name", OURS)
def test_our_names_exist(clients: dict[str, Any], name: str) -> None:
    path, _, argument = name.partition("(")
    value = resolve(path, {} if argument else clients)
    if argument:
        assert argument.endswith("=)")
        assert argument.removesuffix("=)") in inspect.signature(value).parameters


def resolve(path: str, clients: dict[str, Any]) -> Any:
    """The object of a dotted name; raises where there is none."""
    parts = path.split(".")
    if parts[0] in ("twirpkit", "livekit_twirp"):
        value: Any = importlib.import_module(parts.pop(0))
    else:
        value = livekit_twirp
    for part in parts:
        if isinstance(value, types.ModuleType):
            try:
                value = getattr(value, part)
            except AttributeError:
                value = importlib.import_module(f"{value.__name__}.{part}")
            value = clients.get(part, value)
        elif isinstance(value, type) and any(part in vars(each).get("__annotations__", {}) for each in value.__mro__):
            return None  # an attribute of its instances
        else:
            value = getattr(value, part)
    return value


def test_names_that_do_not_exist_are_found(clients: dict[str, Any]) -> None:
    """The test above can fail."""
    for path in ("AsyncLiveKitAPI.room.create_rooms", "TwirpError.stat", "Nothing", "twirpkit.livekit.Nothing"):
        with pytest.raises((AttributeError, ModuleNotFoundError)):
            resolve(path, clients)


@pytest.mark.parametrize("name", MESSAGES)
def test_messages_have_the_same_name(name: str) -> None:
    theirs, ours = getattr(api, name), getattr(livekit_twirp, name)
    assert ours.DESCRIPTOR.full_name == theirs.DESCRIPTOR.full_name
    if isinstance(theirs, EnumTypeWrapper):
        assert issubclass(ours, Enum)
        assert set(theirs.items()) <= set(ours.items())
        return
    nested = [each for each in theirs.DESCRIPTOR.nested_types if not each.GetOptions().map_entry]
    for each in (*nested, *theirs.DESCRIPTOR.enum_types):
        assert getattr(ours, each.name).DESCRIPTOR.full_name == each.full_name


def test_members_that_are_names_of_their_package_belong_to_an_enum_here() -> None:
    enums = {getattr(livekit_twirp, name) for name in MESSAGES if isinstance(getattr(api, name), EnumTypeWrapper)}
    ours = {pair for enum in enums for pair in enum.items()}
    constants = [(name, value) for name in public(api) if type(value := getattr(api, name)) is int]
    assert len(constants) > 200
    assert [pair for pair in constants if pair not in ours] == []


@pytest.mark.parametrize("cls", SAME_FIELDS, ids=lambda cls: cls.__name__)
def test_grants_and_claims_have_fields_of_the_same_names(cls: Any) -> None:
    ours: Any = getattr(twirpkit.livekit, cls.__name__)
    assert {field.name for field in dataclasses.fields(cls)} <= {field.name for field in dataclasses.fields(ours)}


def test_codes_have_the_same_names() -> None:
    assert set(public(api.ServerErrorCode)) == set(livekit_twirp.Code.__members__)


# The examples.

Examples = dict[str, dict[str, str]]


def examples() -> Examples:
    """The code blocks of the five examples, by title and then by what they are."""
    found: Examples = {}
    for part in PAGE.partition("## The common five")[2].partition("\n## ")[0].split("\n### ")[1:]:
        blocks = re.findall(r"```python (\w+)\n(.*?)```", part, re.DOTALL)
        found[part.partition("\n")[0]] = dict(blocks)
    return found


EXAMPLES = examples()
PAIRS = [(title, kind) for title, blocks in EXAMPLES.items() for kind in blocks if kind != "before"]
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/protobuf\r\nContent-Length: 0\r\n\r\n"
EVENT = WebhookEvent(event="room_started", id="EV_1", room={"name": "standup"})


@pytest.fixture(scope="module")
def server() -> Iterator[ReplayServer]:
    with ReplayServer(lambda received: OK) as server:
        yield server


@pytest.fixture(autouse=True)
def environment(server: ReplayServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("URL", server.url), ("API_KEY", KEY), ("API_SECRET", SECRET)):
        monkeypatch.setenv(f"LIVEKIT_{name}", value)


def run(code: str, **given: Any) -> dict[str, Any]:
    """Run an example as it stands; returns its variables."""
    compiled = compile(code, "the page", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    if compiled.co_flags & inspect.CO_COROUTINE:

        async def awaited() -> None:
            await eval(compiled, given)

        asyncio.run(awaited())
    else:
        exec(compiled, given)
    return given


def webhook() -> dict[str, Any]:
    """A delivery, as LiveKit signs it."""
    body, auth_token = sign_webhook(EVENT)
    return {"body": body, "auth_token": auth_token}


def asked(received: ReceivedRequest) -> tuple[str, bytes]:
    return received.target, received.body


@pytest.mark.parametrize(("title", "kind"), PAIRS)
def test_examples_do_the_same(server: ReplayServer, capsys: pytest.CaptureFixture[str], title: str, kind: str) -> None:
    server.take()
    outcomes = []
    for code in (EXAMPLES[title]["before"], EXAMPLES[title][kind]):
        capsys.readouterr()
        token = run(code, **webhook()).get("token")
        claims = token and jwt.decode(token, SECRET, algorithms=["HS256"], issuer=KEY)
        clock = {name: claims.pop(name) for name in ("nbf", "exp", "iat") if name in claims} if claims else {}
        outcomes.append(([asked(each) for each in server.take()], claims, "exp" in clock, capsys.readouterr().out))
    assert outcomes[0] == outcomes[1]
    requests, claims, _, printed = outcomes[0]
    assert requests or claims or printed


def test_there_are_five_examples() -> None:
    assert len(EXAMPLES) == 5
    assert all({"before", "after"} <= blocks.keys() for blocks in EXAMPLES.values())


def test_the_wrong_client_names_the_other() -> None:
    with pytest.raises(TypeError, match="use AsyncLiveKitAPI"):
        run("async with LiveKitAPI() as lk: ...", LiveKitAPI=LiveKitAPI)
