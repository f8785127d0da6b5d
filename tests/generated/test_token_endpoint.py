"""Token endpoints: what a client may ask for, what the token then says, and what is refused."""

from __future__ import annotations

import inspect
import json
import pickle
import subprocess
import sys
from datetime import timedelta
from typing import Any, ClassVar

import pytest

import twirpkit.livekit
from livekit_twirp import (
    Claims,
    TokenRequestError,
    TokenSourceRequest,
    TokenSourceResponse,
    TokenVerifier,
    VideoGrants,
    token_response,
)
from twirpkit.livekit.token_endpoint import CLIENT_FIELDS

KEY, SECRET = "devkey", "a secret that is long enough for HS256"
URL = "wss://hats.livekit.cloud"
FULL: dict[str, Any] = {
    "room_name": "standup",
    "participant_name": "Ännchen",
    "participant_identity": "ann",
    "participant_metadata": "{}",
    "participant_attributes": {"seat": "4"},
    "room_config": {"agents": [{"agent_name": "scribe", "metadata": "m"}]},
}


EVERY = [*FULL.keys() - {"room_config"}, "room_config.agents"]


def claims_for(body: Any, **options: Any) -> Claims:
    """The claims of the token in a response, where a client may set every field."""
    response = token_response(body, KEY, SECRET, URL, **{"allow": EVERY, **options})
    return TokenVerifier(KEY, SECRET).verify(response["participant_token"])


class TestResponse:
    def test_has_what_a_client_needs(self) -> None:
        response = token_response(json.dumps(FULL).encode(), KEY, SECRET, URL, allow=EVERY)

        assert list(response) == ["server_url", "participant_token"]
        assert TokenSourceResponse(**response).server_url == response["server_url"] == URL

    def test_every_field_of_a_request_is_in_the_token(self) -> None:
        claims = claims_for(FULL)

        assert (claims.identity, claims.name, claims.metadata) == ("ann", "Ännchen", "{}")
        assert claims.attributes == {"seat": "4"}
        assert claims.video == VideoGrants(room_join=True, room="standup")
        assert claims.room_config == {"agents": ({"agentName": "scribe", "metadata": "m"},)}

    @pytest.mark.parametrize(
        "body",
        [
            json.dumps(FULL),
            json.dumps(FULL).encode(),
            bytearray(json.dumps(FULL).encode()),
            FULL,
            {
                "roomName": "standup",
                "participantName": "Ännchen",
                "participantIdentity": "ann",
                "participantMetadata": "{}",
                "participantAttributes": {"seat": "4"},
                "roomConfig": {"agents": [{"agentName": "scribe", "metadata": "m"}]},
            },
        ],
        ids=["str", "bytes", "bytearray", "mapping", "camelCase"],
    )
    def test_takes_bodies_of_every_form(self, body: Any) -> None:
        assert dict(claims_for(body).raw).keys() == dict(claims_for(FULL).raw).keys()
        assert claims_for(body).room_config == claims_for(FULL).room_config

    @pytest.mark.parametrize(
        "body", [None, b"", "", bytearray(), b"{}", {}, b'{"room_name": ""}', '{"roomName": null}']
    )
    def test_an_empty_request_gets_a_room_and_an_identity_of_its_own(self, body: Any) -> None:
        first, second = claims_for(body), claims_for(body)

        assert first.identity != second.identity
        assert first.video is not None
        assert second.video is not None
        assert first.video.room != second.video.room
        assert first.video.room_join
        assert (first.name, first.metadata, first.attributes, first.room_config) == (None, None, None, None)

    @pytest.mark.parametrize(
        ("given", "sent"),
        [
            ("https://hats.livekit.cloud", "wss://hats.livekit.cloud"),
            ("http://localhost:7880/", "ws://localhost:7880"),
            ("ws://127.0.0.1:7880", "ws://127.0.0.1:7880"),
            ("hats.livekit.cloud", "wss://hats.livekit.cloud"),
        ],
    )
    def test_the_url_is_one_for_clients(self, given: str, sent: str) -> None:
        assert token_response(None, KEY, SECRET, given)["server_url"] == sent

    def test_configuration_from_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(ValueError, match="LIVEKIT_API_KEY"):
            token_response(None)
        monkeypatch.setenv("LIVEKIT_API_KEY", KEY)
        monkeypatch.setenv("LIVEKIT_API_SECRET", SECRET)
        with pytest.raises(ValueError, match=r"^no URL: pass url=…, or set LIVEKIT_URL$") as caught:
            token_response(None)
        assert not isinstance(caught.value, TokenRequestError)
        monkeypatch.setenv("LIVEKIT_URL", URL)

        assert token_response(None)["server_url"] == URL

    def test_the_lifetime_of_the_token(self) -> None:
        claims = claims_for(FULL, ttl=timedelta(minutes=10))

        assert claims.expires_at is not None
        assert claims.not_before is not None
        assert claims.expires_at - claims.not_before == timedelta(minutes=10)


class TestGrants:
    def test_are_the_servers_alone(self) -> None:
        grants = VideoGrants(can_publish=False, can_subscribe=True, room_join=False)

        assert claims_for(FULL, grants=grants).video == VideoGrants(
            room_join=True, room="standup", can_publish=False, can_subscribe=True
        )

    @pytest.mark.parametrize("name", ["video", "grants", "kind", "sip", "room_admin", "can_publish", "sha256"])
    def test_cannot_be_asked_for(self, name: str) -> None:
        with pytest.raises(TokenRequestError, match=name) as caught:
            claims_for({**FULL, name: {"roomAdmin": True}})
        assert caught.value.status == 400

    def test_a_fixed_room_and_identity(self) -> None:
        grants = VideoGrants(room="standup")

        claims = claims_for({"participant_name": "Ann"}, identity="user-7", grants=grants)
        assert (claims.identity, claims.video) == ("user-7", VideoGrants(room_join=True, room="standup"))
        assert claims_for(FULL, identity="ann", grants=grants).identity == "ann"
        for options, problem in (
            ({"identity": "bob"}, "^participant_identity may not be 'ann' here$"),
            ({"grants": VideoGrants(room="boardroom")}, "^room_name may not be 'standup' here$"),
        ):
            with pytest.raises(TokenRequestError, match=problem) as caught:
                claims_for(FULL, **options)
            assert caught.value.status == 403


class TestDefault:
    """Without `allow`, a client decides on nothing that others rely on."""

    BODY: ClassVar = {
        "room_name": "standup",
        "participant_name": "Ann",
        "room_config": {"agents": [{"agent_name": "scribe"}]},
    }

    def test_a_client_may_choose_room_name_and_agents(self) -> None:
        claims = claims_for(self.BODY, allow=CLIENT_FIELDS)

        assert (claims.name, claims.video) == ("Ann", VideoGrants(room_join=True, room="standup"))
        assert claims.room_config == {"agents": ({"agentName": "scribe"},)}
        assert (claims.metadata, claims.attributes) == (None, None)
        assert inspect.signature(token_response).parameters["allow"].default == CLIENT_FIELDS

    def test_the_identity_is_the_servers_or_random(self) -> None:
        first, second = (claims_for(self.BODY, allow=CLIENT_FIELDS).identity for _ in range(2))
        assert first != second
        assert claims_for(self.BODY, allow=CLIENT_FIELDS, identity="user-7").identity == "user-7"

    def test_a_client_may_name_the_identity_that_it_has(self) -> None:
        body = {**self.BODY, "participant_identity": "user-7"}
        assert claims_for(body, allow=CLIENT_FIELDS, identity="user-7").identity == "user-7"
        with pytest.raises(TokenRequestError, match=r"^participant_identity may not be 'user-7' here$") as caught:
            claims_for(body, allow=CLIENT_FIELDS, identity="user-8")
        assert caught.value.status == 403


class TestRefused:
    @pytest.mark.parametrize(
        ("body", "status", "problem"),
        [
            (b"{", 400, "JSON"),
            (b"[]", 400, "TokenSourceRequest"),
            (b"null", 400, "TokenSourceRequest"),
            (b"\xff\xfe", 400, "not UTF-8"),
            (b'{"room_name": "a", "room_name": "b"}', 400, "room_name"),
            (b'{"room_nam": "a"}', 400, "'room_nam'; did you mean 'room_name'"),
            (b'{"room_name": 7}', 400, "room_name"),
            (b'{"participant_attributes": {"seat": 4}}', 400, "participant_attributes"),
            (b'{"participant_identity": "ann"}', 403, "^participant_identity may not be set by a client here$"),
            (b'{"participantIdentity": "ann"}', 403, "^participant_identity may not be set by a client here$"),
            (b'{"participant_metadata": "{}"}', 403, "^participant_metadata may not be set"),
            (b'{"participant_attributes": {"role": "host"}}', 403, "^participant_attributes may not be set"),
            (b'{"room_config": {"agents": [{"agent_nam": "a"}]}}', 400, "'agent_nam'; did you mean 'agent_name'"),
            (b'{"room_config": {"agents": ' + b"[" * 30_000 + b"]" * 30_000 + b"}}", 400, "nested too deeply"),
            (b'{"room_config": {"max_participants": 500}}', 403, "^room_config.max_participants may not be set"),
            (b'{"room_config": {"egress": {"room": {"layout": "grid"}}}}', 403, "^room_config.egress may not be set"),
            (b'{"room_name": "' + b"x" * 70_000 + b'"}', 413, "larger than 65536 bytes"),
        ],
    )
    def test_with_a_status(self, body: bytes, status: int, problem: str) -> None:
        with pytest.raises(TokenRequestError, match=problem) as caught:
            token_response(body, KEY, SECRET, URL)
        assert caught.value.status == status
        assert caught.value.__context__ is None

    def test_what_a_client_may_set_is_the_servers_choice(self) -> None:
        allow = ["room_name", "room_config.max_participants"]
        body = {"room_name": "standup", "room_config": {"max_participants": 3}}

        assert claims_for(body, allow=allow).room_config == {"maxParticipants": 3}
        assert claims_for({"room_config": {"name": "large"}}, allow=["room_config"]).room_config == {"name": "large"}
        for name in FULL.keys() - {"room_name"}:
            with pytest.raises(TokenRequestError, match=f"^{name}.* may not be set by a client here$"):
                claims_for({name: FULL[name]}, allow=allow)
        with pytest.raises(TokenRequestError, match=r"^room_name may not be set"):
            claims_for(FULL, allow=())

    def test_credentials_are_refused_whatever_is_allowed(self) -> None:
        egress = {"room": {"file_outputs": [{"filepath": "a", "s3": {"bucket": "b", "secret": "canary"}}]}}
        with pytest.raises(TokenRequestError, match=r"some at egress\.room\.fileOutputs\[0\]\.s3\.secret$") as caught:
            claims_for({"room_config": {"egress": egress}}, allow=["room_config"])
        assert caught.value.status == 403
        assert "canary" not in str(caught.value)

    def test_the_error_pickles(self) -> None:
        error = pickle.loads(pickle.dumps(TokenRequestError("why", 403)))

        assert (type(error), str(error), error.status) == (TokenRequestError, "why", 403)
        assert TokenRequestError("why").status == 400


class TestArguments:
    @pytest.mark.parametrize(
        ("options", "problem"),
        [
            ({"allow": "room_name"}, "^allow must be a list of names of fields, not a str$"),
            ({"allow": ["room_nam"]}, "^allow: a request for a token has no 'room_nam'; did you mean 'room_name'"),
            ({"allow": ["room_config.agent"]}, r"has no 'room_config\.agent'; did you mean 'room_config\.agents'"),
            ({"allow": [1]}, "^allow: a request for a token has no '1'"),
            ({"grants": {"roomJoin": True}}, "^grants must be VideoGrants, not dict$"),
            ({"identity": 7}, "identity must be a str, not int"),
            ({"ttl": timedelta(0)}, "ttl must be above 0"),
        ],
    )
    def test_of_the_server_are_not_the_clients_fault(self, options: dict[str, Any], problem: str) -> None:
        with pytest.raises((TypeError, ValueError), match=problem) as caught:
            token_response(None, KEY, SECRET, URL, **options)
        assert not isinstance(caught.value, TokenRequestError)

    @pytest.mark.parametrize(
        ("body", "problem"), [(7, "not int$"), ([], "not list$"), (TokenSourceRequest(), "not TokenSourceRequest$")]
    )
    def test_a_body_of_the_wrong_type(self, body: Any, problem: str) -> None:
        with pytest.raises(TypeError, match=f"^the body must be bytes, str or a mapping, {problem}"):
            token_response(body, KEY, SECRET, URL)

    def test_a_body_that_was_not_awaited(self) -> None:
        async def body() -> bytes:
            return b""

        reading: Any = body()
        with pytest.raises(TypeError, match=r"not coroutine: await it$"):
            token_response(reading, KEY, SECRET, URL)
        reading.close()


def test_is_a_function_with_help() -> None:
    parameters = list(inspect.signature(token_response).parameters)

    assert parameters == ["body", "api_key", "api_secret", "url", "identity", "grants", "allow", "ttl"]
    assert "TokenRequestError" in (inspect.getdoc(token_response) or "")
    with pytest.raises(TypeError, match="take token_response of the generated package"):
        twirpkit.livekit.TokenEndpoint.token_response(None, KEY, SECRET, URL)


def test_loads_no_network_library() -> None:
    program = (
        "import sys; from livekit_twirp import token_response; "
        f"token_response(None, {KEY!r}, {SECRET!r}, {URL!r}); "
        "print([name for name in ('requests', 'aiohttp', 'asyncio', 'livekit_twirp.messages.livekit_sip') "
        "if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert ran.stdout == "[]\n"
