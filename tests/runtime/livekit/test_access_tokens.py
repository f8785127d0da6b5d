"""Access tokens: what they say on the wire, what they refuse, and what they keep to themselves."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import typing
import warnings
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from hidden import KEY, SECRET, texts_of
from livekit import api
from webhook_schema import RoomConfiguration

from twirpkit.livekit import AccessToken as BaseToken
from twirpkit.livekit import (
    AgentEndpointGrants,
    AgentGrants,
    AgentThreadGrants,
    InferenceGrants,
    ObservabilityGrants,
    SIPGrants,
    TokenVerifier,
    VideoGrants,
    token_grants,
)
from twirpkit.livekit import room_config as room_config_module
from twirpkit.livekit.frozen_json import FrozenDict
from twirpkit.livekit.token_grants import Grants

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
JOIN = VideoGrants(room_join=True, room="standup")


class AccessToken(BaseToken):
    """As a generated package binds it."""

    __slots__ = ()

    @classmethod
    def room_config_class(cls) -> Any:
        return RoomConfiguration


def token(**fields: Any) -> AccessToken:
    return AccessToken(**{"api_key": KEY, "api_secret": SECRET, **fields})


def decoded(text: str) -> dict[str, Any]:
    """The claims, verified by PyJWT but for the time."""
    timeless = {"verify_exp": False, "verify_nbf": False}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        claims: dict[str, Any] = jwt.decode(text, SECRET, algorithms=["HS256"], issuer=KEY, options=timeless)  # type: ignore[arg-type]
    return claims


def said(**fields: Any) -> dict[str, Any]:
    """The claims of a token, without those that every token has."""
    claims = decoded(token(**fields).to_jwt())
    return {name: value for name, value in claims.items() if name not in ("iss", "nbf", "exp")}


FULL_VIDEO: dict[str, Any] = {
    "room_create": True,
    "room_list": True,
    "room_record": True,
    "room_admin": True,
    "room_join": True,
    "room": "standup",
    "destination_room": "other",
    "can_publish": True,
    "can_subscribe": False,
    "can_publish_data": True,
    "can_publish_sources": ["camera", "screen_share"],
    "can_update_own_metadata": True,
    "ingress_admin": True,
    "hidden": True,
    "recorder": True,
    "agent": True,
    "can_subscribe_metrics": False,
    "can_manage_agent_session": True,
}
FULL: list[tuple[str, type[Grants], type[Any], dict[str, Any]]] = [
    ("video", VideoGrants, api.VideoGrants, FULL_VIDEO),
    ("sip", SIPGrants, api.SIPGrants, {"admin": True, "call": True}),
    (
        "agent",
        AgentGrants,
        api.access_token.AgentGrants,
        {"admin": True, "simulation_admin": True, "database_admin": True, "dispatch_admin": True},
    ),
    (
        "agent_endpoint",
        AgentEndpointGrants,
        api.access_token.AgentEndpointGrants,
        {"call": True, "agent_name": "clerk", "deployment": "blue"},
    ),
    (
        "agent_thread",
        AgentThreadGrants,
        api.access_token.AgentThreadGrants,
        {
            "all": True,
            "scope": "s",
            "thread_ids": ["1", "2"],
            "list": True,
            "create": True,
            "write": True,
            "read": True,
            "delete": True,
        },
    ),
    ("inference", InferenceGrants, api.access_token.InferenceGrants, {"perform": True}),
    ("observability", ObservabilityGrants, api.access_token.ObservabilityGrants, {"write": True}),
]
PERSON: dict[str, Any] = {
    "identity": "alice",
    "name": "Älice",
    "kind": "agent",
    "metadata": "{}",
    "attributes": {"seat": "4"},
    "sha256": "q2w=",
    "room_preset": "large",
}


class TestOnTheWire:
    def test_token_on_the_wire_every_claim_has_the_name_that_livekits_own_sdk_gives_it(self) -> None:
        theirs = api.AccessToken(KEY, SECRET).with_grants(api.VideoGrants(**FULL_VIDEO))
        for name, _, their_class, values in FULL[1:]:
            getattr(theirs, f"with_{name}_grants")(their_class(**values))
        for name, value in PERSON.items():
            getattr(theirs, f"with_{name}")(value)
        config = api.RoomConfiguration(name="c", empty_timeout=5, agents=[api.RoomAgentDispatch(agent_name="a")])
        theirs.with_room_config(config)

        grants = {name: ours(**values) for name, ours, _, values in FULL}
        assert said(**grants, **PERSON, room_config=config) == {
            name: value for name, value in decoded(theirs.to_jwt()).items() if name not in ("iss", "nbf", "exp")
        }

    @pytest.mark.parametrize(("name", "ours", "theirs", "values"), FULL)
    def test_token_on_the_wire_each_grant_is_tested(
        self, name: str, ours: type[Any], theirs: type[Any], values: dict[str, Any]
    ) -> None:
        assert [each.name for each in dataclasses.fields(ours)] == list(values)
        assert {each.name for each in dataclasses.fields(theirs)} == set(values)

    def test_token_on_the_wire_kind_details(self) -> None:
        assert said(kind_details=["cloud_agent"]) == {"kindDetails": ["cloud_agent"]}

    def test_token_on_the_wire_times(self) -> None:
        claims = decoded(token(ttl=timedelta(minutes=1)).to_jwt(at=NOW))

        assert claims == {"iss": KEY, "nbf": int(NOW.timestamp()), "exp": int(NOW.timestamp()) + 60}

    def test_token_on_the_wire_six_hours_where_nothing_is_said(self) -> None:
        claims = decoded(token().to_jwt())

        assert claims["exp"] - claims["nbf"] == 6 * 3600
        assert abs(claims["nbf"] - datetime.now(UTC).timestamp()) < 30

    def test_token_on_the_wire_less_than_a_second_is_a_second(self) -> None:
        claims = decoded(token(ttl=timedelta(microseconds=1)).to_jwt(at=NOW))

        assert claims["exp"] - claims["nbf"] == 1

    def test_token_on_the_wire_header(self) -> None:
        assert jwt.get_unverified_header(token().to_jwt()) == {"alg": "HS256", "typ": "JWT"}

    @pytest.mark.parametrize(
        "name",
        [
            "can_publish",
            "can_subscribe",
            "can_publish_data",
            "can_update_own_metadata",
            "can_subscribe_metrics",
            "can_manage_agent_session",
        ],
    )
    @pytest.mark.parametrize("value", [True, False, None])
    def test_token_on_the_wire_can_has_three_values(self, name: str, value: Any) -> None:
        claim = name.title().replace("_", "").replace("Can", "can", 1)

        assert said(video=VideoGrants(**{name: value})) == {"video": {} if value is None else {claim: value}}

    def test_token_on_the_wire_unset_and_empty_texts_are_left_out(self) -> None:
        assert said(identity="", name=None, video=VideoGrants(room="")) == {"video": {}}

    def test_token_on_the_wire_a_short_secret_does_not_warn(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            AccessToken(api_key="devkey", api_secret="secret").to_jwt()

    def test_token_on_the_wire_in_livekits_own_verifier(self) -> None:
        claims = api.TokenVerifier(KEY, SECRET).verify(token(identity="alice", video=JOIN).to_jwt())

        assert claims.identity == "alice"
        assert claims.video is not None
        assert claims.video.room_join


class TestKeys:
    @pytest.fixture
    def environment(self, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
        monkeypatch.setenv("LIVEKIT_API_KEY", KEY)
        monkeypatch.setenv("LIVEKIT_API_SECRET", SECRET)
        return monkeypatch

    def test_keys_from_the_environment(self, environment: pytest.MonkeyPatch) -> None:
        assert decoded(AccessToken().to_jwt())["iss"] == KEY

    def test_keys_anything_passed_and_the_environment_counts_for_nothing(self, environment: pytest.MonkeyPatch) -> None:
        with pytest.raises(ValueError, match=r"^no API secret: pass"):
            AccessToken(api_key="other")
        with pytest.raises(ValueError, match=r"^no API key: pass"):
            AccessToken(api_secret=SECRET)

    @pytest.mark.parametrize("values", [(None, None), ("", "")])
    def test_keys_none_at_all(self, environment: pytest.MonkeyPatch, values: tuple[str | None, str | None]) -> None:
        for name, value in zip(("LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"), values, strict=True):
            environment.delenv(name) if value is None else environment.setenv(name, value)

        with pytest.raises(ValueError, match="or set LIVEKIT_API_KEY and LIVEKIT_API_SECRET"):
            AccessToken()

    @pytest.mark.parametrize("field", ["api_key", "api_secret"])
    @pytest.mark.parametrize("bad", ["canary\n", " canary", "can\rary", "can\0ary", "can\u20acary", "", b"canary", 7])
    def test_keys_refused(self, field: str, bad: Any) -> None:
        with pytest.raises((ValueError, TypeError), match=r"^the API (key|secret) ") as caught:
            token(**{field: bad})

        assert "canary" not in str(caught.value)


class TestTakes:
    def test_token_takes_key_and_secret_by_position(self) -> None:
        assert decoded(AccessToken(KEY, SECRET, identity="alice").to_jwt())["sub"] == "alice"
        with pytest.raises(ValueError, match=r"^no API secret: pass"):
            AccessToken(KEY)

    def test_token_takes_members_of_enums(self) -> None:
        protocol = api.ParticipantInfo
        claims = said(
            kind=protocol.Kind.AGENT,
            kind_details=[protocol.KindDetail.CLOUD_AGENT, "forwarded"],
            video=VideoGrants(can_publish_sources=[api.TrackSource.CAMERA, api.TrackSource.SCREEN_SHARE_AUDIO]),
        )

        assert claims["kind"] == "agent"
        assert claims["kindDetails"] == ["cloud_agent", "forwarded"]
        assert claims["video"] == {"canPublishSources": ["camera", "screen_share_audio"]}

    @pytest.mark.parametrize(
        ("enum", "names"),
        [
            (api.ParticipantInfo.Kind, token_grants.KINDS),
            (api.ParticipantInfo.KindDetail, token_grants.KIND_DETAILS),
            (api.TrackSource, {0: "unknown", **token_grants.SOURCES}),
        ],
    )
    def test_token_takes_every_member_of_the_schema(self, enum: Any, names: dict[int, str]) -> None:
        assert {number: name.lower() for name, number in enum.items()} == names


class TestRefuses:
    @pytest.mark.parametrize(
        ("fields", "problem"),
        [
            ({"video": JOIN}, "needs an identity and the room's name"),
            ({"video": JOIN, "identity": ""}, "needs an identity"),
            ({"video": VideoGrants(room_join=True), "identity": "a"}, "needs an identity"),
            ({"video": VideoGrants(room_join=True, room=""), "identity": "a"}, "needs an identity"),
            ({"video": VideoGrants(can_publish_sources=[])}, "an empty can_publish_sources allows every source"),
            ({"ttl": timedelta(0)}, "ttl must be above 0"),
            ({"ttl": timedelta(seconds=-1)}, "ttl must be above 0"),
            ({"ttl": 60}, "ttl must be a timedelta, not int"),
            ({"ttl": None}, "ttl must be a timedelta, not NoneType"),
            ({"identity": 7}, "AccessToken: identity must be a str, not int"),
            ({"identity": "\ud83d"}, "identity is not valid Unicode"),
            ({"metadata": b"{}"}, "metadata must be a str, not bytes"),
            ({"attributes": {"seat": 4}}, "a value of AccessToken: attributes must be a str, not int"),
            ({"attributes": {4: "seat"}}, "a key of AccessToken: attributes must be a str, not int"),
            ({"attributes": [("seat", "4")]}, "attributes must be a mapping of str, not list"),
            ({"kind_details": "cloud_agent"}, "kind_details must be a list of str, not str"),
            ({"kind_details": {"cloud_agent": 1}}, "kind_details must be a list of str, not dict"),
            ({"kind_details": [None]}, "an element of AccessToken: kind_details must be a str, not NoneType"),
            ({"kind_details": 7}, "kind_details must be a list of str, not int"),
            ({"video": {"roomJoin": True}}, "video must be VideoGrants, not dict"),
            ({"video": SIPGrants()}, "video must be VideoGrants, not SIPGrants"),
            ({"room_config": "c"}, "room_config must be a message or a mapping, not str"),
            ({"room_config": api.CreateRoomRequest()}, "must be a livekit.RoomConfiguration, not a livekit.CreateRoom"),
            ({"room_config": {"agents": [{"agent_nam": "scribe"}]}}, "'agent_nam'; did you mean 'agent_name'"),
            ({"room_config": {"agents": "scribe"}}, r"RoomConfiguration\.agents"),
            ({"room_config": {"agents": [None]}}, r"RoomConfiguration\.agents\[0\]"),
            ({"room_config": {"empty_timeout": "soon"}}, r"RoomConfiguration\.empty_timeout"),
            ({"room_config": {"empty_timeout": -1}}, r"RoomConfiguration\.empty_timeout"),
            ({"room_config": {"name": b""}}, r"RoomConfiguration\.name"),
            ({"room_config": {1: 1}}, "RoomConfiguration"),
            ({"room_config": {"name": "\udc00"}}, r"RoomConfiguration\.name"),
            (
                {"room_config": {"egress": {"room": {"preset": "H264_720P"}}}},
                "has no such name; did you mean",
            ),
        ],
    )
    def test_token_refuses_at_once(self, fields: dict[str, Any], problem: str) -> None:
        with pytest.raises((ValueError, TypeError), match=problem):
            token(**fields)

    def test_token_refuses_grants_of_the_wrong_type(self) -> None:
        with pytest.raises(TypeError, match=r"^VideoGrants: can_publish must be bool, not str$"):
            VideoGrants(can_publish="no")  # type: ignore[arg-type]
        with pytest.raises(TypeError, match=r"^VideoGrants: can_publish_sources must be a list of str, not str$"):
            VideoGrants(can_publish_sources="camera")
        with pytest.raises(TypeError, match=r"^an element of VideoGrants: can_publish_sources must be a str, not "):
            VideoGrants(can_publish_sources=[b"camera"])  # type: ignore[list-item]

    @pytest.mark.parametrize(
        ("make", "problem"),
        [
            (lambda: token(kind="robot"), r"^AccessToken: kind has no 'robot'; it has standard, ingress, .*, bridge$"),
            (lambda: token(kind="Agent"), r"^AccessToken: kind has no 'Agent'; did you mean 'agent'\?$"),
            (lambda: token(kind=5), r"^AccessToken: kind has no 5; it has standard, "),
            (
                lambda: token(kind_details=["cloud_agnt"]),
                "kind_details has no 'cloud_agnt'; did you mean",
            ),
            (
                lambda: VideoGrants(can_publish_sources=["camera", "microfone"]),
                r"^VideoGrants: can_publish_sources has no 'microfone'; did you mean 'microphone'\?$",
            ),
            (
                lambda: VideoGrants(can_publish_sources=["SCREEN_SHARE"]),
                r"^VideoGrants: can_publish_sources has no 'SCREEN_SHARE'; did you mean 'screen_share'\?$",
            ),
            (
                lambda: VideoGrants(can_publish_sources=[0]),
                "can_publish_sources has no 0; it has camera, ",
            ),
            (
                lambda: VideoGrants(can_publish_sources=[True]),
                "an element of .*: can_publish_sources must be a str",
            ),
            (lambda: token(kind=True), "AccessToken: kind must be a str, not bool"),
        ],
    )
    def test_token_refuses_a_name_that_is_not_in_the_list(self, make: Callable[[], Any], problem: str) -> None:
        with pytest.raises((ValueError, TypeError), match=problem):
            make()

    def test_token_refuses_more_than_key_and_secret_by_position(self) -> None:
        with pytest.raises(TypeError, match="positional"):
            AccessToken(KEY, SECRET, "alice")  # type: ignore[misc]
        with pytest.raises(TypeError, match="positional"):
            VideoGrants(True)  # type: ignore[call-arg]

    @pytest.mark.parametrize("ttl", [timedelta.max, timedelta(days=366 * 9000)])
    def test_token_refuses_a_life_beyond_all_dates(self, ttl: timedelta) -> None:
        with pytest.raises(ValueError, match="beyond the year 9999"):
            token(ttl=ttl).to_jwt()

    @pytest.mark.parametrize("at", [datetime(2026, 1, 1), "2026-01-01", 0])
    def test_token_refuses_a_moment_without_time_zone(self, at: Any) -> None:
        with pytest.raises((ValueError, TypeError), match=r"^at (has no time zone|must be a datetime)"):
            token().to_jwt(at=at)

    @pytest.mark.parametrize("inner", [[], {}], ids=["lists", "mappings"])
    def test_token_refuses_a_room_configuration_that_is_nested_without_end(self, inner: Any) -> None:
        for _ in range(100_000):
            inner = {"egress": inner} if isinstance(inner, dict) else [inner]
        with pytest.raises((ValueError, TypeError), match="RoomConfiguration"):
            token(room_config={"agents": inner})

    def test_token_refuses_a_mapping_without_messages_to_check_it(self) -> None:
        with pytest.raises(TypeError, match="take AccessToken of the generated package"):
            BaseToken(KEY, SECRET, room_config={"name": "large"})
        assert BaseToken(KEY, SECRET, room_config=RoomConfiguration(name="large")).room_config == {"name": "large"}


class TestRoomConfig:
    CONFIG: typing.ClassVar[dict[str, Any]] = {
        "name": "large",
        "emptyTimeout": 30,
        "syncStreams": True,
        "metadata": "m",
        "agents": [{"agentName": "clerk", "attributes": {"my_key": "v"}}],
        "tags": {"cost_center": "7", "secret": "of the user"},
        "egress": {
            "room": {
                "layout": "grid",
                "fileOutputs": [
                    {"filepath": "a", "s3": {"bucket": "b", "accessKey": "k", "metadata": {"secret": "x"}}}
                ],
            }
        },
    }

    def test_room_config_of_a_private_message(self) -> None:
        from google.protobuf.json_format import ParseDict

        assert said(room_config=ParseDict(self.CONFIG, RoomConfiguration()))["roomConfig"] == self.CONFIG

    def test_room_config_of_a_foreign_message(self) -> None:
        assert said(room_config=api.RoomConfiguration(empty_timeout=3))["roomConfig"] == {"emptyTimeout": 3}

    def test_room_config_of_a_mapping_in_json(self) -> None:
        assert said(room_config=self.CONFIG)["roomConfig"] == self.CONFIG

    def test_room_config_of_a_mapping_in_proto_names(self) -> None:
        config = {
            "name": "large",
            "empty_timeout": 30,
            "sync_streams": True,
            "metadata": "m",
            "max_participants": None,
            "agents": (api.RoomAgentDispatch(agent_name="clerk", attributes={"my_key": "v"}),),
            "tags": {"cost_center": "7", "secret": "of the user"},
            "egress": {
                "room": {
                    "layout": "grid",
                    "file_outputs": [
                        {"filepath": "a", "s3": {"bucket": "b", "access_key": "k", "metadata": {"secret": "x"}}}
                    ],
                }
            },
        }

        assert said(room_config=config)["roomConfig"] == self.CONFIG

    def test_room_config_empty(self) -> None:
        assert said(room_config={}) == {"roomConfig": {}}

    def test_room_config_of_the_claims_of_a_token(self) -> None:
        claims = TokenVerifier(KEY, SECRET).verify(token(room_config=self.CONFIG).to_jwt())

        assert said(room_config=claims.room_config)["roomConfig"] == self.CONFIG

    def test_room_config_is_a_copy(self) -> None:
        message = RoomConfiguration(empty_timeout=3)
        made = token(room_config=message)
        message.empty_timeout = 4

        assert made.room_config == {"emptyTimeout": 3}

    SENSITIVE: typing.ClassVar[list[tuple[str, dict[str, Any]]]] = [
        ("room.fileOutputs[0].s3.secret", {"room": {"file_outputs": [{"s3": {"secret": "canary"}}]}}),
        ("room.fileOutputs[1].gcp.credentials", {"room": {"fileOutputs": [{}, {"gcp": {"credentials": "canary"}}]}}),
        ("room.file.azure.accountKey", {"room": {"file": {"azure": {"account_key": "canary"}}}}),
        ("room.imageOutputs[0].aliOSS.secret", {"room": {"image_outputs": [{"aliOSS": {"secret": "canary"}}]}}),
        ("room.streamOutputs", {"room": {"stream_outputs": [{"urls": ["rtmp://h/canary"]}]}}),
        ("room.stream", {"room": {"stream": {"urls": ["rtmp://h/canary"]}}}),
        (
            "participant.segmentOutputs[0].s3.sessionToken",
            {"participant": {"segment_outputs": [{"s3": {"session_token": "canary"}}]}},
        ),
        ("tracks.s3.proxy.password", {"tracks": {"s3": {"proxy": {"password": "canary"}}}}),
        ("tracks.s3.assumeRoleExternalId", {"tracks": {"s3": {"assume_role_external_id": "canary"}}}),
    ]

    @pytest.mark.parametrize(("path", "egress"), SENSITIVE)
    @pytest.mark.parametrize("as_message", [False, True])
    def test_room_config_credentials_are_refused(self, path: str, egress: dict[str, Any], as_message: bool) -> None:
        from google.protobuf.json_format import ParseDict

        config: Any = {"egress": egress}
        config = ParseDict(config, RoomConfiguration(), ignore_unknown_fields=True) if as_message else config
        with pytest.raises(ValueError, match="allow_sensitive_credentials=True") as caught:
            token(room_config=config)

        assert f"credentials at egress.{path}," in str(caught.value)
        assert "canary" not in texts_of(caught.value)

    @pytest.mark.parametrize(("path", "egress"), SENSITIVE)
    def test_room_config_credentials_are_allowed_on_demand(self, path: str, egress: dict[str, Any]) -> None:
        made = token(room_config={"egress": egress}, allow_sensitive_credentials=True)

        assert "canary" in str(decoded(made.to_jwt())["roomConfig"])
        assert "canary" not in repr(made)

    def test_room_config_every_secret_and_every_map_of_the_schema_is_known(self) -> None:
        """The names stand in the module, because it has no schema; here they are held against one."""
        secrets, streams, maps = set(), set(), set()
        for field in fields_below(RoomConfiguration.DESCRIPTOR.fields_by_name["egress"].message_type):
            if "SENSITIVITY_SECRET" in str(field.GetOptions()):
                secrets.add(field.json_name)
            if field.message_type is not None and field.message_type.name == "StreamOutput":
                streams.add(field.json_name)
        for field in fields_below(RoomConfiguration.DESCRIPTOR):
            if field.message_type is not None and field.message_type.GetOptions().map_entry:
                maps.add(field.json_name)

        assert secrets == room_config_module._SECRET_KEYS | {"accessKey"}
        assert streams | {"urls"} == room_config_module._STREAM_KEYS
        assert maps == room_config_module._FREE_MAPS


def fields_below(descriptor: Any, seen: set[str] | None = None) -> Iterator[Any]:
    seen = set() if seen is None else seen
    if descriptor.full_name in seen:
        return
    seen.add(descriptor.full_name)
    for field in descriptor.fields:
        yield field
        if field.message_type is not None:
            yield from fields_below(field.message_type, seen)


class TestValue:
    def test_token_as_a_value_nothing_changes(self) -> None:
        made = token(
            identity="a",
            video=VideoGrants(can_publish_sources=["camera"]),
            attributes={"seat": "4"},
            room_config={"agents": [{"agentName": "a"}]},
        )
        for target, name in ((made, "identity"), (made.video, "room"), (made, "api_secret")):
            with pytest.raises(dataclasses.FrozenInstanceError):
                setattr(target, name, "b")
        changes: list[Any] = [
            lambda each: each.__setitem__("a", "b"),
            lambda each: each.__delitem__("seat"),
            lambda each: each.update(a="b"),
            lambda each: each.setdefault("a", "b"),
            lambda each: each.pop("seat"),
            lambda each: each.popitem(),
            lambda each: each.clear(),
            lambda each: each.__ior__({"a": "b"}),
        ]
        for change in changes:
            with pytest.raises(TypeError, match="read-only"):
                change(made.attributes)

        assert made.attributes == {"seat": "4"}
        assert made.video is not None
        assert made.video.can_publish_sources == ("camera",)
        assert isinstance(made.room_config, Mapping)
        assert isinstance(made.room_config["agents"], tuple)

    def test_token_as_a_value_the_callers_data_is_copied(self) -> None:
        sources, attributes = ["camera"], {"seat": "4"}
        made = token(video=VideoGrants(can_publish_sources=sources), attributes=attributes)
        sources.append("microphone")
        attributes.clear()

        assert made == token(video=VideoGrants(can_publish_sources=["camera"]), attributes={"seat": "4"})

    def test_token_as_a_value_another_by_replace(self) -> None:
        first = token(identity="a", video=JOIN, room_config={"agents": [{"agentName": "a"}]})
        second = dataclasses.replace(first, identity="b")

        assert (decoded(first.to_jwt())["sub"], decoded(second.to_jwt())["sub"]) == ("a", "b")
        assert second.room_config == first.room_config

    def test_token_as_a_value_grants_are_hashed_compared_and_pickled(self) -> None:
        grants = VideoGrants(room_join=True, can_publish_sources=["camera"])

        assert {grants: 1}[pickle.loads(pickle.dumps(grants))] == 1

    def test_token_as_a_value_a_frozen_dict_pickles(self) -> None:
        value = pickle.loads(pickle.dumps(FrozenDict(a="b")))

        assert value == {"a": "b"}
        assert type(value) is FrozenDict
        assert copy.deepcopy(value) == value


class TestSecrets:
    def test_secrets_do_not_show(self) -> None:
        made = token(
            identity="alice", metadata="canary", attributes={"canary": "canary"}, room_config={"name": "canary"}
        )

        assert repr(made) == (
            "AccessToken(identity='alice', ttl=datetime.timedelta(seconds=21600), allow_sensitive_credentials=False)"
        )
        assert str(made) == repr(made)
        assert not hasattr(made, "__dict__")
        assert "canary" not in repr((made.api_key, made.api_secret))

    def test_secrets_are_not_pickled(self) -> None:
        made = token()
        for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match="holds a secret") as caught:
                attempt(made)

            assert "canary" not in texts_of(caught.value)
