"""What importing and using the package loads, seen from fresh interpreters."""

import importlib
import json
import subprocess
import sys

import pytest

import livekit_twirp
from livekit_twirp._sdk import PACKAGE

LIBRARIES = {"requests", "urllib3", "aiohttp", "asyncio", "jwt", "grpc_tools", "jinja2"}
MESSAGES = {"livekit_twirp.messages"}
KEYS = f"'key', {'s' * 32!r}"
MAKE = f"client = livekit_twirp.{{}}('http://localhost', {KEYS})"
SOCKETS = "twirpkit.transports.{}_sockets"
SYNC, ASYNC = MAKE.format("LiveKitAPI"), MAKE.format("AsyncLiveKitAPI")
RECORDER = """
from twirpkit import HttpResponse
class Recorder:
    def send(self, request):
        return HttpResponse(200, {"content-type": "application/protobuf"}, b"")
    def close(self): ...
"""
CALL = "livekit_twirp.LiveKitAPI('http://localhost', %s, transport=Recorder()).room.list_rooms()"

CASES = [
    pytest.param("", set(), LIBRARIES | MESSAGES, id="package"),
    pytest.param("livekit_twirp.NotFoundError, livekit_twirp.TwirpError", set(), LIBRARIES | MESSAGES, id="errors"),
    pytest.param("livekit_twirp.Room", {"livekit_twirp.messages"}, LIBRARIES, id="message"),
    pytest.param("from livekit_twirp import *", {"livekit_twirp.messages"}, LIBRARIES, id="star"),
    pytest.param("dir(livekit_twirp)", set(), LIBRARIES | MESSAGES, id="dir"),
    pytest.param(SYNC, {SOCKETS.format("sync")}, LIBRARIES, id="sync"),
    pytest.param(f"{SYNC}; client.room; client.close()", {SOCKETS.format("sync")}, LIBRARIES, id="sync-service"),
    pytest.param(ASYNC, {SOCKETS.format("async"), "asyncio"}, LIBRARIES - {"asyncio"}, id="async"),
    pytest.param(
        f"{ASYNC}; client.room", {SOCKETS.format("async"), "asyncio"}, LIBRARIES - {"asyncio"}, id="async-service"
    ),
    pytest.param(RECORDER + CALL % KEYS, {"jwt"}, {"requests", "aiohttp"}, id="first-signature"),
    pytest.param(RECORDER + CALL % "token='token'", set(), LIBRARIES, id="ready-token"),
]


def modules_after(code: str) -> set[str]:
    """The modules that an interpreter has loaded after `code`."""
    program = f"import json, sys, livekit_twirp\n{code}\nprint(json.dumps(sorted(sys.modules)))"
    command = [sys.executable, "-W", "error", "-c", program]
    ran = subprocess.run(command, check=True, capture_output=True, text=True)
    return set(json.loads(ran.stdout))


@pytest.mark.parametrize(("code", "loaded", "unloaded"), CASES)
def test_loads(code: str, loaded: set[str], unloaded: set[str]) -> None:
    modules = modules_after(code)
    assert modules >= loaded
    assert modules.isdisjoint(unloaded)


SERVICES = {facts.attribute: name for name, facts in PACKAGE.services.items()}
TOUCH = "livekit_twirp.{}('https://acme.livekit.cloud', token='t', transport={}).{}"
RECORDERS = {"LiveKitAPI": "Recorder()", "AsyncLiveKitAPI": "AsyncRecorder()"}
ASYNC_RECORDER = """
class AsyncRecorder:
    async def send(self, request): ...
    async def aclose(self): ...
"""


def closure(attribute: str) -> set[str]:
    """The message modules of a service's requests and answers, and of all that they import."""
    methods = importlib.import_module(f"livekit_twirp._methods.{attribute}").METHODS
    pending = [cls.DESCRIPTOR.file for method in methods for cls in (method.request, method.response)]
    found: set[str] = set()
    while pending:
        file = pending.pop()
        module = f"livekit_twirp.messages.{file.name.removesuffix('.proto').replace('/', '.')}"
        if not file.name.startswith("google/") and module not in found:
            found.add(module)
            pending += file.dependencies
    return found


@pytest.mark.slow  # an interpreter each
@pytest.mark.parametrize("facade", RECORDERS)
@pytest.mark.parametrize("attribute", SERVICES)
def test_a_service_loads_its_own_messages_and_no_others(attribute: str, facade: str) -> None:
    """Beside them the service, its methods, and the folders that they are in."""
    modules = modules_after(RECORDER + ASYNC_RECORDER + TOUCH.format(facade, RECORDERS[facade], attribute))
    loaded = {each for each in modules if each.startswith("livekit_twirp.messages.")}
    assert loaded - {"livekit_twirp.messages.agent", "livekit_twirp.messages.logger"} == closure(attribute)
    assert modules.isdisjoint(LIBRARIES)
    world, other = ("_async", "_sync") if facade.startswith("Async") else ("_sync", "_async")
    assert {each for each in modules if each.startswith(f"livekit_twirp.{world}.")} == {
        f"livekit_twirp.{world}.api",
        f"livekit_twirp.{world}.{attribute}",
    }
    assert f"livekit_twirp.{other}" not in modules
    assert {each for each in modules if each.startswith("livekit_twirp._methods.")} == {
        f"livekit_twirp._methods.{attribute}"
    }
    assert [each for each in modules if each.startswith("livekit_twirp.types")] == []


def test_services_have_messages_of_their_own() -> None:
    """So that the test above can fail."""
    closures = {attribute: closure(attribute) for attribute in SERVICES}
    assert "livekit_twirp.messages.livekit_sip" not in closures["room"]
    assert closures["agent_dispatch"] < closures["sip"]
    assert all(len(each) < 19 for each in closures.values())


def test_all_names_resolve() -> None:
    assert len(livekit_twirp.__all__) == len(set(livekit_twirp.__all__))
    assert [name for name in livekit_twirp.__all__ if getattr(livekit_twirp, name, None) is None] == []
    assert set(livekit_twirp.__all__) <= set(dir(livekit_twirp))


def test_star_import_binds_all() -> None:
    bound: dict[str, object] = {}
    exec("from livekit_twirp import *", bound)
    assert bound.keys() - {"__builtins__"} == set(livekit_twirp.__all__)


def test_a_name_is_resolved_once() -> None:
    assert livekit_twirp.Room is livekit_twirp.Room
    assert vars(livekit_twirp)["Room"] is livekit_twirp.Room


@pytest.mark.parametrize("name", ["Rooms", "livekit", "__wrapped__"])
def test_unknown_name_is_an_attribute_error(name: str) -> None:
    with pytest.raises(AttributeError, match=f"module 'livekit_twirp' has no attribute '{name}'"):
        getattr(livekit_twirp, name)
