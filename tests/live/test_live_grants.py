"""The policy table before a real server: each row is enough, and nothing of it can be left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import pytest
from callers import METHODS, Caller, failure_of
from grant_requests import RPCS, request_for
from livekit_server import Target
from name_registry import NameRegistry
from tokens_by_hand import bearer

from livekit_twirp import AuthError, LiveKitAPI, TwirpError
from livekit_twirp.grants import GRANTS
from twirpkit._schema.claims import claims

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # deprecated RPCs have rows too

BRIEFLY: Final = 2.0
"""Seconds for a call that is let in, and that may wait for a worker; one that is refused has ended long before."""

Path = tuple[str, ...]


def _leaves(row: Any, path: Path = ()) -> Iterator[Path]:
    if isinstance(row, Mapping):
        for name, value in row.items():
            yield from _leaves(value, (*path, name))
    else:
        yield path


def _without(granted: Any, path: Path) -> Any:
    """The claims without one of them."""
    name, *rest = path
    if not rest:
        return {each: value for each, value in granted.items() if each != name}
    return {**granted, name: _without(granted[name], tuple(rest))}


def _otherwise(granted: Any, path: Path) -> Any:
    """The claims with one that says the opposite, or names another room."""
    name, *rest = path
    if rest:
        return {**granted, name: _otherwise(granted[name], tuple(rest))}
    return {**granted, name: False if granted[name] is True else "twirpkit-other"}


LACKING: Final = [
    (rpc, f"{how.__name__[1:]} {'.'.join(path)}", how, path)
    for rpc in RPCS
    for path in _leaves(GRANTS[rpc])
    for how in (_without, _otherwise)
]
"""RPC, what its token lacks, and how the row's claims are spoiled for that."""


@pytest.fixture(scope="session")
def room(api: LiveKitAPI, registry: NameRegistry) -> str:
    """A room that is there, with nobody in it."""
    return api.room.create_room(name=registry.name()).name


@pytest.mark.parametrize("rpc", RPCS, ids=lambda rpc: rpc.removeprefix("livekit."))
def test_row_is_enough(rpc: str, world: Caller, room: str, registry: NameRegistry) -> None:
    try:
        world.call(rpc, request_for(rpc, room, registry.name()), timeout=BRIEFLY)
    except AuthError as error:
        raise AssertionError(f"{GRANTS[rpc]} is not enough for {rpc}") from error
    except TwirpError as error:
        # What the request names is not there, or nobody serves it, or not within so short a time: it was let in.
        assert error.status not in (401, 403)
        assert error.sent != "no"


@pytest.mark.parametrize(
    ("rpc", "lacks", "spoil", "path"),
    LACKING,
    ids=[f"{each[0].removeprefix('livekit.')} {each[1]}" for each in LACKING],
)
def test_nothing_of_a_row_can_be_left_out(
    rpc: str,
    lacks: str,
    spoil: Callable[[Any, Path], Any],
    path: Path,
    target: Target,
    open_caller: Callable[..., Caller],
    room: str,
    registry: NameRegistry,
) -> None:
    caller = open_caller(auth=lambda method, message: bearer(target, spoil(claims(method.grants or {}, message), path)))
    _is_refused(caller, rpc, request_for(rpc, room, registry.name()))


@pytest.mark.parametrize("rpc", RPCS, ids=lambda rpc: rpc.removeprefix("livekit."))
def test_token_without_grants_is_refused(
    rpc: str, target: Target, open_caller: Callable[..., Caller], room: str, registry: NameRegistry
) -> None:
    caller = open_caller(auth=bearer(target, {}))
    _is_refused(caller, rpc, request_for(rpc, room, registry.name()))


def test_tokens_by_hand_are_good_enough(target: Target, open_caller: Callable[..., Caller], room: str) -> None:
    caller = open_caller(auth=bearer(target, {"video": {"roomList": True}}))
    answer = caller.call("livekit.RoomService/ListRooms", {"names": [room]})
    assert [each.name for each in answer.rooms] == [room]


def test_rows_are_those_of_the_clients() -> None:
    assert {rpc: METHODS[rpc][1].grants for rpc in RPCS} == {rpc: GRANTS[rpc] for rpc in RPCS}


def _is_refused(caller: Caller, rpc: str, request: Mapping[str, Any]) -> None:
    error = failure_of(caller.call, rpc, request)
    assert isinstance(error, AuthError), error
    assert error.status in (401, 403)
    assert "permissions denied" in str(error)
