"""Reading tokens: which are good, and what is said of those that are not."""

from __future__ import annotations

import copy
import hashlib
import json
import pickle
import random
import warnings
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from hidden import KEY, SECRET, texts_of
from livekit import api
from minting import b64, mint, mint_raw

from twirpkit.livekit import (
    AccessToken,
    AgentThreadGrants,
    Claims,
    TokenError,
    TokenExpiredError,
    TokenVerifier,
    VideoGrants,
    decode_unverified,
)
from twirpkit.livekit.frozen_json import FrozenDict

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
T = int(NOW.timestamp())
GOOD: dict[str, Any] = {"nbf": T, "exp": T + 600}
UNTRUSTED = "the token is not signed by a known API key"


@pytest.fixture
def verifier() -> TokenVerifier:
    return TokenVerifier(KEY, SECRET)


class TestGood:
    def test_valid_token_one_of_ours(self, verifier: TokenVerifier) -> None:
        made = AccessToken(
            api_key=KEY,
            api_secret=SECRET,
            identity="alice",
            name="Älice",
            kind="agent",
            kind_details=["cloud_agent"],
            metadata="{}",
            attributes={"seat": "4"},
            video=VideoGrants(room_join=True, room="standup", can_publish=False, can_publish_sources=["camera"]),
            agent_thread=AgentThreadGrants(thread_ids=["1"], list=True),
            room_config=api.RoomConfiguration(empty_timeout=30),
            room_preset="large",
            sha256="q2w=",
            ttl=timedelta(minutes=1),
        )
        claims = verifier.verify(made.to_jwt(at=NOW), at=NOW)

        for name in ("identity", "name", "kind", "kind_details", "metadata", "attributes", "video", "agent_thread"):
            assert getattr(claims, name) == getattr(made, name)
        assert (claims.room_config, claims.room_preset, claims.sha256) == ({"emptyTimeout": 30}, "large", "q2w=")
        assert (claims.sip, claims.agent, claims.agent_endpoint, claims.inference, claims.observability) == (None,) * 5
        assert (claims.issuer, claims.not_before, claims.issued_at) == (KEY, NOW, None)
        assert claims.expires_at == NOW + timedelta(minutes=1)

    def test_valid_token_one_of_livekits_own_sdk(self, verifier: TokenVerifier) -> None:
        theirs = (
            api.AccessToken(KEY, SECRET).with_identity("alice").with_grants(api.VideoGrants(room_join=True, room="r"))
        )
        claims = verifier.verify(theirs.to_jwt())

        assert claims.identity == "alice"
        assert claims.video == VideoGrants(
            room_join=True, room="r", can_publish=True, can_subscribe=True, can_publish_data=True
        )

    def test_valid_token_claims_of_ones_own_and_new_grants_are_there(self, verifier: TokenVerifier) -> None:
        token = mint({**GOOD, "iat": T + 9999.5, "team": ["a"], "video": {"roomFly": True, "room": "r"}})
        claims = verifier.verify(token, at=NOW)

        assert claims.video == VideoGrants(room="r")
        assert claims.raw["team"] == ("a",)
        assert claims.raw["video"]["roomFly"] is True
        assert claims.issued_at == NOW + timedelta(seconds=9999.5)

    def test_valid_token_null_is_unset(self, verifier: TokenVerifier) -> None:
        names = ("sub", "name", "video", "sip", "attributes", "roomConfig", "sha256", "kindDetails", "nbf", "iat")
        claims = verifier.verify(mint({"exp": T, **dict.fromkeys(names), "agent": {"admin": None}}), at=NOW)

        assert (claims.identity, claims.video, claims.room_config, claims.not_before) == (None, None, None, None)
        assert claims.agent is not None
        assert claims.agent.admin is None

    def test_valid_token_names_of_a_newer_server_are_kept(self, verifier: TokenVerifier) -> None:
        claims = {"kind": "hologram", "kindDetails": ["dream"], "video": {"canPublishSources": ["smell"]}}
        read = verifier.verify(mint({**GOOD, **claims}), at=NOW)

        assert (read.kind, read.kind_details) == ("hologram", ("dream",))
        assert read.video is not None
        assert read.video.can_publish_sources == ("smell",)
        assert pickle.loads(pickle.dumps(read)) == read

    def test_valid_token_an_empty_list_of_sources_is_read(self, verifier: TokenVerifier) -> None:
        claims = verifier.verify(mint({**GOOD, "video": {"canPublishSources": []}}), at=NOW)

        assert claims.video == VideoGrants(can_publish_sources=[])

    def test_valid_token_several_keys(self) -> None:
        verifier = TokenVerifier(keys={"old": "old-secret", "new": "new-secret"})
        for key in ("old", "new"):
            token = AccessToken(api_key=key, api_secret=f"{key}-secret", identity=key).to_jwt()

            assert verifier.verify(token).identity == key
        with pytest.raises(TokenError, match=UNTRUSTED):
            verifier.verify(AccessToken(api_key="old", api_secret="new-secret").to_jwt())

    def test_valid_token_a_short_secret_does_not_warn(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            token = AccessToken(api_key="devkey", api_secret="secret").to_jwt()

            assert TokenVerifier("devkey", "secret").verify(token).issuer == "devkey"

    def test_valid_token_claims_pickle_copy_and_do_not_change(self, verifier: TokenVerifier) -> None:
        claims = verifier.verify(mint({**GOOD, "attributes": {"a": "b"}, "x": {"y": [1]}}), at=NOW)

        assert pickle.loads(pickle.dumps(claims)) == claims
        assert copy.deepcopy(claims) == claims
        assert json.loads(json.dumps(claims.raw))["x"] == {"y": [1]}
        with pytest.raises(TypeError, match="read-only"):
            claims.raw["x"]["y"] = 2
        assert type(claims.attributes) is FrozenDict
        with pytest.raises(AttributeError):
            claims.identity = "b"  # type: ignore[misc]

    def test_valid_token_repr_shows_no_metadata(self, verifier: TokenVerifier) -> None:
        claims = verifier.verify(
            mint({**GOOD, "metadata": "canary", "attributes": {"canary": "1"}, "roomConfig": {"name": "canary"}}),
            at=NOW,
        )

        assert "canary" not in repr(claims).replace(KEY, "")


class TestTime:
    @pytest.mark.parametrize(
        ("claims", "good"),
        [
            ({"exp": T - 59}, True),
            ({"exp": T - 60}, False),
            ({"exp": T - 59.5}, True),
            ({"exp": T - 60.5}, False),
            ({"exp": T + 0.5}, True),
            ({"exp": T + 600, "nbf": T + 60}, True),
            ({"exp": T + 600, "nbf": T + 61}, False),
            ({"exp": T + 600, "nbf": T + 60.5}, False),
            ({"exp": T + 600, "nbf": 0}, True),
            ({"exp": T + 600, "iat": T + 3600}, True),
            ({"exp": 253402300799}, True),
        ],
    )
    def test_time_of_a_token_a_minute_of_leeway(
        self, verifier: TokenVerifier, claims: dict[str, Any], good: bool
    ) -> None:
        token = mint(claims)
        if good:
            assert verifier.verify(token, at=NOW).issuer == KEY
        else:
            with pytest.raises(TokenError, match=r"expired|not valid yet"):
                verifier.verify(token, at=NOW)

    @pytest.mark.parametrize(("leeway", "good"), [(0, False), (1, False), (2, True)])
    def test_time_of_a_token_leeway_of_ones_own(self, leeway: int, good: bool) -> None:
        verifier = TokenVerifier(KEY, SECRET, leeway=timedelta(seconds=leeway))
        if good:
            verifier.verify(mint({"exp": T - 1}), at=NOW)
        else:
            with pytest.raises(TokenExpiredError, match=r"^the token has expired$"):
                verifier.verify(mint({"exp": T - 1}), at=NOW)

    def test_time_of_a_token_of_now(self, verifier: TokenVerifier) -> None:
        with pytest.raises(TokenExpiredError):
            verifier.verify(mint({"exp": 1_700_000_000}))

    def test_time_of_a_token_in_another_zone(self, verifier: TokenVerifier) -> None:
        from datetime import timezone

        verifier.verify(mint(GOOD), at=NOW.astimezone(timezone(timedelta(hours=-7))))

    @pytest.mark.parametrize("at", [datetime(2026, 11, 22), "now", T])
    def test_time_of_a_token_without_time_zone(self, verifier: TokenVerifier, at: Any) -> None:
        with pytest.raises((ValueError, TypeError), match=r"^at ") as caught:
            verifier.verify(mint(GOOD), at=at)

        assert not isinstance(caught.value, TokenError)


def signed(claims: dict[str, Any], **more: Any) -> str:
    return mint({**GOOD, **claims}, **more)


HEAD = b'{"alg":"HS256"}'
BODY = json.dumps({"iss": KEY, **GOOD}).encode()
OF_ALL_TYPES: list[Any] = [7, 1.5, True, [], {}, "x"]


def wrong_types() -> list[Any]:
    """Each claim with values of every other JSON type."""
    of_text = ("sub", "name", "kind", "metadata", "sha256", "roomPreset")
    of_object = ("video", "sip", "agent", "agentEndpoint", "agentThread", "inference", "observability", "roomConfig")
    cases: list[dict[str, Any]] = []

    def add(names: tuple[str, ...], *values: Any) -> None:
        cases.extend({name: value} for name in names for value in values)

    add(of_text, *(value for value in OF_ALL_TYPES if not isinstance(value, str)))
    add(of_object, *(value for value in OF_ALL_TYPES if not isinstance(value, dict)))
    add(("kindDetails",), 7, True, {}, "x", [1], [None], [["a"]])
    add(("attributes",), 7, True, [], "x", {"a": 1}, {"a": None}, {"a": {}})
    add(("exp", "nbf", "iat"), True, False, "1795361409", [], {}, -1, 1e300, 10**400, 253402300800)
    in_video = len(cases)
    add(("roomJoin", "canPublish", "agent"), 0, 1, "true", [], {})
    add(("room", "destinationRoom"), 7, True, [], {})
    add(("canPublishSources",), "camera", [1], {}, 7, True)
    cases[in_video:] = [{"video": case} for case in cases[in_video:]]
    cases += [{"sip": {"call": 1}}, {"agentThread": {"threadIds": "a"}}, {"agentEndpoint": {"agentName": 1}}]
    return [pytest.param(case, id=json.dumps(case)[:60]) for case in cases]


class TestBad:
    @pytest.mark.parametrize("claims", wrong_types())
    def test_invalid_token_types(self, verifier: TokenVerifier, claims: dict[str, Any]) -> None:
        token = signed(claims)
        with pytest.raises(TokenError, match="claim") as caught:
            verifier.verify(token, at=NOW)
        with pytest.raises(TokenError, match="claim"):
            decode_unverified(token)

        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None

    @pytest.mark.parametrize(
        "token",
        [
            pytest.param(signed({}, secret="another-secret-canary"), id="another secret"),
            pytest.param(signed({"iss": "nobody"}), id="unknown issuer, known secret"),
            pytest.param(signed({"iss": "nobody"}, secret="another-secret-canary"), id="unknown issuer"),
            pytest.param(signed({"iss": None}), id="no issuer"),
            pytest.param(signed({"iss": ""}), id="empty issuer"),
            pytest.param(signed({"iss": 7}), id="issuer is a number"),
            pytest.param(signed({"iss": [KEY]}), id="issuer is a list"),
            pytest.param(signed({"iss": {KEY: 1}}), id="issuer is an object"),
            pytest.param(signed({})[:-4], id="cut"),
            pytest.param(signed({}).rpartition(".")[0] + ".A", id="impossible base64"),
            pytest.param(signed({}, digest=hashlib.sha512), id="said HS256, signed HS512"),
            pytest.param(signed({}, kid=7), id="key id is a number"),
            pytest.param(signed({}, b64=False), id="detached"),
        ],
    )
    def test_invalid_token_signature_and_issuer_are_told_alike(self, verifier: TokenVerifier, token: str) -> None:
        with pytest.raises(TokenError) as caught:
            verifier.verify(token, at=NOW)

        assert str(caught.value) == UNTRUSTED
        assert "canary" not in texts_of(caught.value)

    @pytest.mark.parametrize(
        "token",
        [
            pytest.param(mint(GOOD, alg="none"), id="none, signed"),
            pytest.param(mint(GOOD, alg="none").rpartition(".")[0] + ".AA", id="none"),
            pytest.param(mint(GOOD, alg="None"), id="None"),
            pytest.param(mint(GOOD, alg="HS512", digest=hashlib.sha512), id="HS512"),
            pytest.param(mint(GOOD, alg="HS384", digest=hashlib.sha384), id="HS384"),
            pytest.param(mint(GOOD, alg="RS256"), id="RS256"),
            pytest.param(mint(GOOD, alg="hs256"), id="lower case"),
            pytest.param(mint(GOOD, alg=["HS256"]), id="list"),
            pytest.param(mint(GOOD, alg=None), id="null"),
            pytest.param(mint_raw(b"{}", BODY), id="missing"),
            pytest.param(mint(GOOD, crit=["exp"]), id="critical extension"),
        ],
    )
    def test_invalid_token_algorithm(self, verifier: TokenVerifier, token: str) -> None:
        with pytest.raises(TokenError, match=r"^the token is not signed with HS256$"):
            verifier.verify(token, at=NOW)

    @pytest.mark.parametrize(
        "token",
        [
            "",
            ".",
            "..",
            "a.b",
            "a.b.c",
            "a.b.c.d",
            f"{b64(HEAD)}.{b64(BODY)}.",
            f" {mint(GOOD)}",
            f"{mint(GOOD)}\n",
            mint(GOOD).replace(".", "\0.", 1),
            mint(GOOD) + "é",
            mint(GOOD) + "\ud800",
            mint(GOOD) + "=",
            mint_raw(b"\xff\xfe", BODY),
            mint_raw(b"[]", BODY),
            mint_raw(b'"HS256"', BODY),
            mint_raw(b'{"alg":"none","alg":"HS256"}', BODY),
            mint_raw(HEAD, b""),
            mint_raw(HEAD, b"null"),
            mint_raw(HEAD, b"[]"),
            mint_raw(HEAD, BODY[:-1]),
            mint_raw(HEAD, BODY + b"x"),
            mint_raw(HEAD, b"\xef\xbb\xbf" + BODY),
            mint_raw(HEAD, BODY.decode().encode("utf-16")),
            mint_raw(HEAD, b'{"iss":"nobody",' + BODY[1:]),
            mint_raw(HEAD, BODY[:-1] + b',"video":{"room":"a","room":"b"}}'),
            mint_raw(HEAD, BODY[:-1] + b',"x":NaN}'),
            mint_raw(HEAD, BODY[:-1] + b',"x":-Infinity}'),
            mint_raw(HEAD, BODY[:-1] + b',"x":' + b"9" * 5000 + b"}"),
            mint_raw(HEAD, BODY[:-1] + b',"x":' + b"[" * 100_000 + b"}"),
            signed({"sub": "\ud800"}),
            signed({"attributes": {"\udc00": "a"}}),
            signed({"video": {"room": "\udfff"}}),
            None,
            7,
            b"a.b.c",
        ],
    )
    def test_invalid_token_no_token_at_all(self, verifier: TokenVerifier, token: Any) -> None:
        readers: list[Callable[[], Claims]] = [
            lambda: verifier.verify(token, at=NOW),
            lambda: decode_unverified(token),
        ]
        for read in readers:
            with pytest.raises(TokenError, match=r"^the token (is not a JWT|must be a str)") as caught:
                read()

            assert caught.value.__context__ is None

    @pytest.mark.parametrize("prefix", ["Bearer ", "bearer ", "BEARER  "])
    def test_invalid_token_a_whole_header_is_told_from_a_token(self, verifier: TokenVerifier, prefix: str) -> None:
        for read in (verifier.verify, decode_unverified):
            with pytest.raises(TokenError, match=r"^the token has the prefix 'Bearer': pass the text after it$"):
                read(f"{prefix}{mint(GOOD)}")

    @pytest.mark.parametrize(
        ("token", "problem"),
        [
            (None, "the token must be a str, not NoneType: the request has none"),
            (mint(GOOD).encode(), "the token must be a str, not bytes: decode it, token.decode()"),
        ],
    )
    def test_invalid_token_an_object_that_is_not_a_text(
        self, verifier: TokenVerifier, token: Any, problem: str
    ) -> None:
        with pytest.raises(TokenError) as caught:
            verifier.verify(token)

        assert str(caught.value) == problem

    def test_invalid_token_huge(self, verifier: TokenVerifier) -> None:
        with pytest.raises(TokenError, match=r"^the token is longer than 262144 characters$"):
            verifier.verify("a" * 50_000_000)
        assert verifier.verify(signed({"metadata": "x" * 150_000}), at=NOW).metadata == "x" * 150_000

    @pytest.mark.parametrize("depth", [600, 5_000, 60_000])
    def test_invalid_token_nested(self, verifier: TokenVerifier, depth: int) -> None:
        token = mint_raw(HEAD, BODY[:-1] + b',"x":' + b"[" * depth + b"]" * depth + b"}")
        with pytest.raises(TokenError, match=r"not a JWT|nested too deeply") as caught:
            verifier.verify(token, at=NOW)

        assert caught.value.__context__ is None

    def test_invalid_token_without_exp(self, verifier: TokenVerifier) -> None:
        for claims in ({}, {"exp": None}, {"nbf": T}):
            with pytest.raises(TokenError, match=r"^the token has no exp$"):
                verifier.verify(mint(claims), at=NOW)

    def test_invalid_token_random_changes_never_pass_and_never_break(self, verifier: TokenVerifier) -> None:
        dice = random.Random(7)
        good = signed({"video": {"room": "r"}})
        # The last character carries bits that no byte has, so that another one may mean the same.
        for _ in range(400):
            place = dice.randrange(len(good) - 1)
            letter = dice.choice(sorted(set("AZaz09-_.=+/ \n") - {good[place]}))
            with pytest.raises(TokenError):
                verifier.verify(good[:place] + letter + good[place + 1 :], at=NOW)

    def test_invalid_token_is_a_value_error(self) -> None:
        assert issubclass(TokenError, ValueError)
        assert issubclass(TokenExpiredError, TokenError)
        error = pickle.loads(pickle.dumps(TokenExpiredError("why")))
        assert (type(error), str(error)) == (TokenExpiredError, "why")


class TestUnverified:
    def test_unverified_reads_anything_that_is_a_token(self) -> None:
        claims = decode_unverified(mint({"iss": "nobody", "sub": "a"}, alg="none", secret="x"))

        assert isinstance(claims, Claims)
        assert (claims.issuer, claims.identity, claims.expires_at) == ("nobody", "a", None)

    def test_unverified_is_what_pyjwt_reads(self) -> None:
        token = signed({"sub": "a", "video": {"room": "r"}})

        assert decode_unverified(token).raw == jwt.decode(token, options={"verify_signature": False})

    def test_unverified_an_issuer_of_the_wrong_type(self) -> None:
        with pytest.raises(TokenError, match="the claim iss is not a text"):
            decode_unverified(mint({"iss": 7}))


class TestKeys:
    def test_keys_from_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("LIVEKIT_API_KEY", KEY)
        monkeypatch.setenv("LIVEKIT_API_SECRET", SECRET)

        assert TokenVerifier().verify(mint(GOOD), at=NOW).issuer == KEY
        with pytest.raises(TokenError, match=UNTRUSTED):
            TokenVerifier(keys={"other": SECRET}).verify(mint(GOOD), at=NOW)
        with pytest.raises(ValueError, match="no API secret"):
            TokenVerifier(KEY)

    @pytest.mark.parametrize(
        ("arguments", "problem"),
        [
            ({}, "no credentials: pass"),
            ({"keys": {}}, "keys is empty"),
            ({"keys": [KEY]}, "keys must be a mapping"),
            ({"keys": {KEY: SECRET}, "api_key": KEY}, "not both"),
            ({"keys": {KEY: SECRET}, "api_secret": SECRET}, "not both"),
            ({"keys": {KEY: f"{SECRET}\n"}}, "an API secret has white space around it"),
            ({"keys": {KEY: None}}, "an API secret must be a str"),
            ({"keys": {None: None}}, "an API key must be a str"),
            ({"keys": {"can\0ary": SECRET}}, "an API key holds a CR, LF or NUL"),
            ({"api_key": KEY, "api_secret": "canary\r"}, "the API secret has white space around it"),
            ({"api_key": KEY, "api_secret": SECRET, "leeway": timedelta(seconds=-1)}, "leeway must not be negative"),
            ({"api_key": KEY, "api_secret": SECRET, "leeway": 60}, "leeway must be a timedelta, not int"),
        ],
    )
    def test_keys_refused(self, arguments: dict[str, Any], problem: str) -> None:
        with pytest.raises((ValueError, TypeError), match=problem) as caught:
            TokenVerifier(**arguments)

        assert "canary" not in texts_of(caught.value)
        assert not isinstance(caught.value, TokenError)

    def test_keys_do_not_show(self, verifier: TokenVerifier) -> None:
        assert SECRET not in f"{verifier!r} {vars(verifier)}"
        for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match="holds secrets"):
                attempt(verifier)
