"""Tokens of server calls: the claims of a row, short-lived, cached, and sane when the clock is not (rule E6)."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jwt
import pytest
from odd_schema import ODD
from scripted_transport import OK, Script

from livekit_twirp import (
    CreateRoomRequest,
    ListParticipantsRequest,
    ListRoomsRequest,
    LiveKitAPI,
    MoveParticipantRequest,
)
from livekit_twirp._methods.room import CREATE_ROOM, LIST_PARTICIPANTS, LIST_ROOMS, METHODS, MOVE_PARTICIPANT
from twirpkit import Method, RetryClass, ShortSecretWarning
from twirpkit._schema.claims import claims
from twirpkit.livekit import server_tokens
from twirpkit.livekit.server_tokens import ServerTokens

KEY, SECRET = "key-canary", "secret-canary-that-is-long-enough-for-hs256"
START = 1_795_348_800.75


class Clock:
    """Stands for the module's ``time``: a wall clock that a test sets."""

    def __init__(self) -> None:
        self.now = START

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(server_tokens, "time", clock)
    return clock


@pytest.fixture
def signer() -> ServerTokens:
    return ServerTokens(KEY, SECRET)


def token(signer: ServerTokens, room: str = "standup") -> str:
    return signer(LIST_PARTICIPANTS, ListParticipantsRequest(room=room)).reveal()


def decoded(authorization: str, **options: Any) -> dict[str, Any]:
    """The claims, verified by PyJWT but for the time."""
    scheme, _, value = authorization.partition(" ")
    assert scheme == "Bearer"
    timeless = {"verify_exp": False, "verify_nbf": False}
    return jwt.decode(value, SECRET, algorithms=["HS256"], issuer=KEY, options=timeless, **options)  # type: ignore[arg-type]


class TestClaims:
    def test_claims_are_exactly_those_of_the_row(self, clock: Clock, signer: ServerTokens) -> None:
        assert decoded(token(signer)) == {
            "iss": KEY,
            "nbf": int(START) - 60,
            "exp": int(START) - 60 + 600,
            "video": {"roomAdmin": True, "room": "standup"},
        }

    def test_claims_copy_fields_of_the_request(self, signer: ServerTokens) -> None:
        request = MoveParticipantRequest(room="a", identity="i", destination_room="b")

        assert decoded(signer(MOVE_PARTICIPANT, request).reveal())["video"] == {
            "roomAdmin": True,
            "room": "a",
            "destinationRoom": "b",
        }

    def test_claims_without_fields(self, signer: ServerTokens) -> None:
        assert decoded(signer(LIST_ROOMS, ListRoomsRequest(names=["a"])).reveal())["video"] == {"roomList": True}
        assert decoded(signer(CREATE_ROOM, CreateRoomRequest(name="a")).reveal())["video"] == {"roomCreate": True}

    @pytest.mark.parametrize("grants", [None, {}])
    def test_claims_of_an_rpc_that_needs_none(self, signer: ServerTokens, grants: Any) -> None:
        method = Method("s.S", "M", "m", ODD.Thing, ODD.Empty, RetryClass.READ, grants=grants)

        assert decoded(signer(method, ODD.Thing()).reveal()).keys() == {"iss", "nbf", "exp"}

    def test_claims_are_valid_now(self, signer: ServerTokens) -> None:
        value = token(signer).removeprefix("Bearer ")

        jwt.decode(value, SECRET, algorithms=["HS256"], issuer=KEY, options={"require": ["exp", "nbf", "iss"]})

    def test_claims_header(self, signer: ServerTokens) -> None:
        assert jwt.get_unverified_header(token(signer).removeprefix("Bearer ")) == {"alg": "HS256", "typ": "JWT"}

    @pytest.mark.parametrize("room", ["", "größer als ☃ 😀", 'a"b\\c', "$room", "x" * 10_000, "a\0b"])
    def test_claims_hold_any_text(self, signer: ServerTokens, room: str) -> None:
        assert decoded(token(signer, room))["video"]["room"] == room

    def test_claims_of_every_rpc_are_signed(self, signer: ServerTokens) -> None:
        for method in METHODS:
            message = method.request()
            assert decoded(signer(method, message).reveal()).get("video") == claims(method.grants or {}, message).get(
                "video"
            )

    def test_claims_are_refused_with_another_secret(self, signer: ServerTokens) -> None:
        with pytest.raises(jwt.InvalidSignatureError):
            jwt.decode(token(signer).removeprefix("Bearer "), "x" * 40, algorithms=["HS256"])


class TestCache:
    def test_token_cache_gives_one_token_for_the_same_claims(self, clock: Clock, signer: ServerTokens) -> None:
        first = token(signer)
        clock.now += 100

        assert token(signer) == first
        assert signer(LIST_PARTICIPANTS, ListParticipantsRequest(room="standup")).reveal() == first

    def test_token_cache_gives_others_for_other_claims(self, clock: Clock, signer: ServerTokens) -> None:
        made = {token(signer, room) for room in ("a", "b", "c")} | {signer(LIST_ROOMS, ListRoomsRequest()).reveal()}

        assert len(made) == 4

    def test_token_cache_is_of_one_signer(self, clock: Clock) -> None:
        assert token(ServerTokens("a", SECRET)) != token(ServerTokens("b", SECRET))

    @pytest.mark.parametrize(
        ("seconds", "same"),
        [
            (0, True),
            (1, True),
            (269.9, True),
            (270, False),
            (271, False),
            (10_000, False),
            (1e9, False),
            (-0.5, False),
            (-1, False),
            (-3600, False),
            (-1e9, False),
        ],
    )
    def test_token_cache_renews_at_half_life_and_when_the_clock_jumps(
        self, clock: Clock, signer: ServerTokens, seconds: float, same: bool
    ) -> None:
        first = token(signer)
        clock.now += seconds

        second = token(signer)

        assert (second == first) is (same or int(clock.now) == int(START))
        assert decoded(second)["exp"] - decoded(second)["nbf"] == 600
        assert decoded(second)["nbf"] == int(START if same else clock.now) - 60

    def test_token_cache_goes_on_from_a_renewed_token(self, clock: Clock, signer: ServerTokens) -> None:
        seen = []
        for _ in range(10):
            seen.append(token(signer))
            clock.now += 135

        assert len(set(seen)) == 5
        assert seen[0::2] == seen[1::2]

    def test_token_cache_after_a_jump_back_keeps_the_new_token(self, clock: Clock, signer: ServerTokens) -> None:
        token(signer)
        clock.now -= 3600
        renewed = token(signer)
        clock.now += 200

        assert token(signer) == renewed

    def test_token_cache_is_bounded_and_drops_the_least_recently_used(self, clock: Clock, signer: ServerTokens) -> None:
        first, second = token(signer, "0"), token(signer, "1")
        for number in range(2, server_tokens.CACHED):
            token(signer, str(number))
        assert token(signer, "0") == first  # used again, so "1" is the oldest now
        clock.now += 1
        token(signer, "one more")

        assert len(signer._cache) == server_tokens.CACHED == 1024
        assert token(signer, "0") == first
        assert token(signer, "1") != second

    def test_token_cache_stays_bounded_in_threads(self, signer: ServerTokens, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(server_tokens, "CACHED", 8)
        barrier = threading.Barrier(16)

        def work(worker: int) -> set[str]:
            barrier.wait()
            rooms = [str((worker + step) % 24) for step in range(60)]
            return {f"{room} {decoded(token(signer, room))['video']['room']}" for room in rooms}

        with ThreadPoolExecutor(16) as pool:
            seen = set().union(*pool.map(work, range(16)))

        assert seen == {f"{room} {room}" for room in range(24)}
        assert len(signer._cache) <= 8

    def test_token_cache_survives_an_entry_that_another_thread_dropped(self, signer: ServerTokens) -> None:
        signer._touch("never there")

        assert decoded(token(signer))["iss"] == KEY


class TestSecrets:
    @pytest.mark.parametrize("secret", ["s", "secret", "x" * 31, "ü" * 15])
    def test_secrets_a_short_one_warns_once_at_the_line_that_makes_the_client(self, secret: str) -> None:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            client = LiveKitAPI("http://localhost", KEY, secret, transport=Script(OK))
            client.room.list_rooms()
            client.room.create_room()

        (warning,) = caught
        assert warning.category is ShortSecretWarning
        assert warning.filename == __file__
        size = len(secret.encode())
        assert str(warning.message) == f"the API secret has {size} bytes, and HS256 wants 32 or more"

    def test_secrets_a_short_one_signs_all_the_same(self) -> None:
        with pytest.warns(ShortSecretWarning):
            value = token(ServerTokens(KEY, "secret")).removeprefix("Bearer ")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PyJWT's own, when it verifies
            assert jwt.decode(value, "secret", algorithms=["HS256"])["iss"] == KEY

    @pytest.mark.parametrize("secret", ["x" * 32, "ü" * 16])
    def test_secrets_one_of_32_bytes_does_not_warn(self, secret: str) -> None:
        token(ServerTokens(KEY, secret))

    def test_secrets_do_not_show(self, signer: ServerTokens) -> None:
        made = token(signer)

        for shown in (repr(signer), str(signer), repr(vars(signer)), repr(signer._cache)):
            assert "canary" not in shown
            assert made.removeprefix("Bearer ") not in shown

    @pytest.mark.parametrize("secret", ["with späces and ümlauts and more of it", "\xff" * 40])
    def test_secrets_may_be_latin_1(self, secret: str) -> None:
        value = token(ServerTokens(KEY, secret)).removeprefix("Bearer ")

        assert jwt.decode(value, secret, algorithms=["HS256"])["iss"] == KEY


FORMS: list[tuple[Callable[[], Any], dict[str, Any]]] = [
    (lambda: {}, {}),
    (lambda: {"video": {"roomList": True}}, {"video": {"roomList": True}}),
    (lambda: {"sip": {"a": {"b": "$a_string"}}}, {"sip": {"a": {"b": "text"}}}),
    (lambda: {"x": "$a_string", "y": "a_string", "z": 5, "w": False, "v": None, "u": ""},
     {"x": "text", "y": "a_string", "z": 5, "w": False, "v": None, "u": ""}),
    (lambda: {"kinds": ["egress", "ingress"]}, {"kinds": ["egress", "ingress"]}),
]  # fmt: skip


@pytest.mark.parametrize(("template", "filled"), FORMS)
def test_templates_are_filled_and_stay_as_they_are(template: Callable[[], Any], filled: dict[str, Any]) -> None:
    given = template()

    assert claims(given, ODD.Thing(a_string="text")) == filled
    assert given == template()


def test_a_template_that_names_no_field_fails() -> None:
    with pytest.raises(AttributeError):
        claims({"a": "$nothing"}, ODD.Thing())
