"""What importing and using the package loads, seen from fresh interpreters."""

import json
import subprocess
import sys

import pytest

import livekit_twirp

LIBRARIES = {"requests", "urllib3", "aiohttp", "asyncio", "jwt", "grpc_tools", "jinja2"}
MESSAGES = {"livekit_twirp.messages", "google.protobuf.descriptor_pb2"}
KEYS = f"'key', {'s' * 32!r}"
MAKE = f"client = livekit_twirp.{{}}('http://localhost', {KEYS})"
SYNC, ASYNC = MAKE.format("LiveKitAPI"), MAKE.format("AsyncLiveKitAPI")
RECORDER = """
from twirpkit import HttpResponse
class Recorder:
    def send(self, request):
        return HttpResponse(200, {}, b"")
    def close(self): ...
"""
CALL = "livekit_twirp.LiveKitAPI('http://localhost', %s, transport=Recorder()).room.list_rooms()"

CASES = [
    pytest.param("", set(), LIBRARIES | MESSAGES, id="package"),
    pytest.param("livekit_twirp.NotFoundError, livekit_twirp.TwirpError", set(), LIBRARIES | MESSAGES, id="errors"),
    pytest.param("livekit_twirp.Room", {"livekit_twirp.messages"}, LIBRARIES, id="message"),
    pytest.param("from livekit_twirp import *", {"livekit_twirp.messages"}, LIBRARIES, id="star"),
    pytest.param("dir(livekit_twirp)", set(), LIBRARIES | MESSAGES, id="dir"),
    pytest.param(SYNC, {"requests"}, {"aiohttp", "asyncio", "jwt"}, id="sync"),
    pytest.param(
        f"{SYNC}; client.room; client.close()", {"requests"}, {"aiohttp", "asyncio", "jwt"}, id="sync-service"
    ),
    pytest.param(ASYNC, {"aiohttp"}, {"requests", "urllib3", "jwt"}, id="async"),
    pytest.param(f"{ASYNC}; client.room", {"aiohttp"}, {"requests", "urllib3", "jwt"}, id="async-service"),
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
