"""The server, once for all tests; names of ours on it, and their end; and each test for both clients."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from callers import Caller
from livekit_server import VARIABLES, Program, ServerError, Target, named_target, started_target, why_none
from name_registry import NameRegistry
from tokens_by_hand import bearer

from livekit_twirp import LiveKitAPI, TwirpError

if TYPE_CHECKING:
    from occupied_room import OccupiedRoom
    from participants import Participants


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Do not make errors of warnings about the URL and the secret: whoever named the server chose them."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            for category in ("InsecureTransportWarning", "ShortSecretWarning"):
                item.add_marker(pytest.mark.filterwarnings(f"ignore::twirpkit.{category}"))


@pytest.fixture(scope="session")
def _server() -> Iterator[tuple[Target, list[Program]]]:
    try:
        if (reason := why_none(os.environ)) is not None:
            pytest.skip(reason)
        if (target := named_target(os.environ)) is not None:
            _check_answers(target)
            yield target, []
            return
        with started_target() as started:
            yield started
    except ServerError as error:
        _end(error)


def _check_answers(target: Target) -> None:
    try:
        with _with_all_rights(target) as api:
            api.room.list_rooms(names=["twirpkit-"])
    except (TwirpError, ValueError) as error:
        raise ServerError(f"the server that {', '.join(VARIABLES)} name cannot be used: {error}") from error


def _end(error: ServerError) -> NoReturn:
    """End the run: without a server all that follows would only say so again."""
    pytest.exit(str(error), returncode=1)


@pytest.fixture(scope="session")
def target(_server: tuple[Target, list[Program]]) -> Target:
    """The server that is called."""
    return _server[0]


@pytest.fixture(autouse=True)
def _alive(_server: tuple[Target, list[Program]]) -> Iterator[None]:
    """End the run when a program of ours has gone."""
    yield
    for program in _server[1]:
        try:
            program.check()
        except ServerError as error:
            _end(error)


@pytest.fixture(scope="session")
def api(target: Target) -> Iterator[LiveKitAPI]:
    """A client for what is not itself under test: setting up, and clearing away."""
    with _with_all_rights(target) as api:
        yield api


def _with_all_rights(target: Target) -> LiveKitAPI:
    """A client whose tokens do not come from the policy table: a wrong row must not keep things from being removed."""
    video = {"roomCreate": True, "roomList": True, "roomRecord": True, "ingressAdmin": True}
    return LiveKitAPI(target.url, auth=lambda *call: bearer(target, {"video": video, "sip": {"admin": True}}))


@pytest.fixture(scope="session")
def registry(api: LiveKitAPI, _server: tuple[Target, list[Program]]) -> Iterator[NameRegistry]:
    """Names for what tests make. At the end nothing that has one is left."""
    registry = NameRegistry(api)
    yield registry
    if not any(program.has_ended for program in _server[1]):
        assert registry.remove() == []


@pytest.fixture(params=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> str:
    """Which client."""
    name: str = request.param
    return name


@pytest.fixture
def open_caller(kind: str, target: Target) -> Iterator[Callable[..., Caller]]:
    """Opens a client of the test's kind; see `Caller` for its options."""
    opened: list[Caller] = []

    def make(**options: Any) -> Caller:
        opened.append(Caller(kind, target, **options))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


@pytest.fixture
def world(open_caller: Callable[..., Caller]) -> Caller:
    """A client as people make it: its tokens carry the policy table's grants and no others."""
    return open_caller()


@pytest.fixture(scope="session")
def participants(registry: NameRegistry) -> Iterator[Participants]:
    """Those who join. They leave before the rooms are removed."""
    pytest.importorskip("livekit.rtc", reason="no participants without the dependency group 'live'")
    from participants import Participants

    with Participants() as participants:
        yield participants


@pytest.fixture(scope="session")
def open_occupied_room(
    api: LiveKitAPI, target: Target, registry: NameRegistry, participants: Participants
) -> Callable[[], OccupiedRoom]:
    """Makes a room with two participants in it."""
    from occupied_room import occupy_room

    return lambda: occupy_room(api, target, registry, participants)


@pytest.fixture(scope="session")
def occupied_room(open_occupied_room: Callable[[], OccupiedRoom]) -> OccupiedRoom:
    """The room of all tests that leave it as it was."""
    return open_occupied_room()
