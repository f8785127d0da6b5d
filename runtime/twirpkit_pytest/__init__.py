"""A pytest plugin: a LiveKit in tests, scripted servers, recordings, and no calls to the outside.

It is found by pytest as soon as twirpkit is installed, and does nothing until a test uses a fixture, or an option or
setting of it is given. It is a package of its own, and loads twirpkit only then, so that it costs a test run nothing.
The guide is `docs/testing.md`.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from livekit_twirp import AsyncLiveKitAPI, LiveKitAPI
    from livekit_twirp.testing import FakeLiveKit
    from twirpkit.testing import Behaviour, Script, ScriptedServer

_LIVE = ("TWIRPKIT_TEST_URL", "TWIRPKIT_TEST_KEY", "TWIRPKIT_TEST_SECRET")
_LOOPBACK_ONLY = "twirpkit_loopback_only"
_IN_PROCESS = ("twirpkit.server.", "twirpkit.livekit.testing.", "twirpkit.conformance.")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options and the setting."""
    group = parser.getgroup("twirpkit")
    group.addoption(
        "--livekit-live",
        action="store_true",
        help=f"livekit_api and async_livekit_api call the server that {', '.join(_LIVE)} name",
    )
    group.addoption("--livekit-record", metavar="FOLDER", help="with --livekit-live: write each test's calls to a file")
    group.addoption("--livekit-replay", metavar="FOLDER", help="answer calls from the files of --livekit-record")
    parser.addini(
        _LOOPBACK_ONLY, "refuse calls of twirpkit's clients to hosts that are not loopback", type="bool", default=False
    )


def pytest_configure(config: pytest.Config) -> None:
    """Refuse calls to the outside, if the setting says so."""
    if config.getini(_LOOPBACK_ONLY):
        config.pluginmanager.register(_LoopbackOnly(), "twirpkit_loopback_only")
    if config.getoption("--livekit-record") and not config.getoption("--livekit-live"):
        raise pytest.UsageError("--livekit-record needs --livekit-live")


@pytest.fixture
def livekit(request: pytest.FixtureRequest) -> Iterator[FakeLiveKit]:
    """Return a `FakeLiveKit`; skip the test where it is to call a real server."""
    if request.config.getoption("--livekit-live") or request.config.getoption("--livekit-replay"):
        pytest.skip("this test plays parts that only FakeLiveKit has")
    from livekit_twirp.testing import FakeLiveKit

    with FakeLiveKit() as fake:
        yield fake


@pytest.fixture
def livekit_api(request: pytest.FixtureRequest) -> Iterator[LiveKitAPI]:
    """Return a client of the test's FakeLiveKit, or of the server that ``--livekit-live`` means."""
    from livekit_twirp import LiveKitAPI

    with _options(request, asynchronous=False) as options:
        if options is None:
            fake: FakeLiveKit = request.getfixturevalue("livekit")
            with fake.api() as api:
                yield api
        else:
            with LiveKitAPI(**options) as api:
                yield api


@pytest.fixture
def async_livekit_api(request: pytest.FixtureRequest) -> Iterator[AsyncLiveKitAPI]:
    """Return an async client, as `livekit_api`: for pytest-asyncio, anyio's plugin, and `asyncio.run`."""
    import asyncio

    from livekit_twirp import AsyncLiveKitAPI

    with _options(request, asynchronous=True) as options:
        if options is None:
            fake: FakeLiveKit = request.getfixturevalue("livekit")
            yield fake.async_api()  # it has no connections to close
        else:
            api = AsyncLiveKitAPI(**options)
            yield api
            asyncio.run(api.aclose())


@pytest.fixture
def twirp_scripted() -> Iterator[Callable[[Script | Behaviour], ScriptedServer]]:
    """Return a function that starts a scripted server, which ends with the test."""
    from twirpkit.testing import ScriptedServer

    with contextlib.ExitStack() as stack:
        yield lambda script: stack.enter_context(ScriptedServer(script))


@contextlib.contextmanager
def _options(request: pytest.FixtureRequest, *, asynchronous: bool) -> Iterator[dict[str, Any] | None]:
    """Yield the arguments of a client, None for one of the fake; write the recording at the end."""
    config = request.config
    if config.getoption("--livekit-replay"):
        yield _replayed(request, asynchronous)
        return
    if not config.getoption("--livekit-live"):
        yield None
        return
    missing = [name for name in _LIVE if not os.environ.get(name)]
    if missing:
        raise pytest.UsageError(f"--livekit-live needs {', '.join(missing)}")
    url, key, secret = (os.environ[name] for name in _LIVE)
    options = {"url": url, "api_key": key, "api_secret": secret}
    if not config.getoption("--livekit-record"):
        yield options
        return
    from twirpkit.conformance.recorder import AsyncRecordingTransport, Recorder, RecordingTransport
    from twirpkit.transports.async_sockets import AsyncSocketTransport
    from twirpkit.transports.sync_sockets import SocketTransport

    recorder = Recorder(_methods(), request.node.nodeid)
    if asynchronous:
        yield {**options, "transport": AsyncRecordingTransport(AsyncSocketTransport(), recorder)}
    else:
        yield {**options, "transport": RecordingTransport(SocketTransport(), recorder)}
    path = _file(str(config.getoption("--livekit-record")), request)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in recorder.lines), encoding="utf-8")


def _replayed(request: pytest.FixtureRequest, asynchronous: bool) -> dict[str, Any]:
    from twirpkit.conformance import load
    from twirpkit.conformance.recorder import AsyncReplayTransport, Replay, ReplayTransport

    path = _file(str(request.config.getoption("--livekit-replay")), request)
    if not path.exists():
        raise pytest.UsageError(f"{path} does not exist: record it with --livekit-live --livekit-record")
    replay = Replay(load(path), _methods())
    transport = AsyncReplayTransport(replay) if asynchronous else ReplayTransport(replay)
    return {"url": "http://localhost", "token": "replayed", "transport": transport}


def _file(folder: str, request: pytest.FixtureRequest) -> Path:
    """Return the file of a test's recording."""
    name = "".join(each if each.isalnum() or each in "._-" else "_" for each in request.node.nodeid)
    return Path(folder, f"{name}.jsonl")


def _methods() -> list[Any]:
    import importlib

    from livekit_twirp._sdk import PACKAGE

    modules = (
        importlib.import_module(f"livekit_twirp._methods.{each.attribute}") for each in PACKAGE.services.values()
    )
    return [method for module in modules for method in module.METHODS]


class _LoopbackOnly:
    """Refusal of calls to other machines, while a test runs."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        from twirpkit import client as clients

        kept: dict[Any, Any] = {kind: kind._perform for kind in (clients.Client, clients.AsyncClient)}

        def sync_perform(client: Any, step: Any) -> Any:
            refused = _refused(client, step, item.nodeid)
            return kept[clients.Client](client, step) if refused is None else refused

        async def async_perform(client: Any, step: Any) -> Any:
            refused = _refused(client, step, item.nodeid)
            return await kept[clients.AsyncClient](client, step) if refused is None else refused

        for kind, perform in ((clients.Client, sync_perform), (clients.AsyncClient, async_perform)):
            setattr(kind, "_perform", perform)  # noqa: B010  # for the length of one test
        try:
            return (yield)
        finally:
            for kind, perform in kept.items():
                setattr(kind, "_perform", perform)  # noqa: B010  # likewise


def _refused(client: Any, step: Any, test: str) -> Any:
    """Return the failure of a request that would leave this machine, None if it would not."""
    from twirpkit._protocol.url import is_loopback
    from twirpkit.transports.base import Phase, TransportFailure

    request = getattr(step, "request", None)
    if request is None or type(client._transport).__module__.startswith(_IN_PROCESS):
        return None
    host = urlsplit(request.url).hostname or ""
    if is_loopback(host):
        return None
    text = f"{test} may only call this machine ({_LOOPBACK_ONLY}), not {host}"
    return TransportFailure(text, Phase.NOT_SENT, final=True)
