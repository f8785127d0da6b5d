"""``repr`` and ``str`` of messages: what they show, and what they hide."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from google.protobuf import text_format
from odd_schema import ODD, SECRETIVE

import livekit_twirp as lk

pytestmark = pytest.mark.protobuf

Thing = ODD.Thing
Part = ODD.Thing.Part

FIELDS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "ints": {"a_int32": -5, "a_uint64": 2**64 - 1},
    "floats": {"a_float": 0.1, "a_double": 1e300, "many_double": [1.5, -0.25]},
    "bool": {"a_bool": True, "many_bool": [True, False]},
    "string": {"a_string": 'a "quoted" \\ line\n\t\0 größer 😀'},
    "bytes": {"a_bytes": b'\xff"\0a'},
    "enum": {"color": 1, "colors": [0, 99]},
    "messages": {"part": {"name": "a", "inner": {"depth": 3}}, "parts": [{}, {"one": 1}]},
    "empty-message": {"part": {}},
    "maps": {"texts": {"b": "2", "a": "1"}, "counts": {-1: 2}, "part_at": {7: {"name": "x"}}},
    "oneof-and-optional": {"left": "", "note": ""},
    "google": {"duration": datetime.timedelta(seconds=3), "maybe_int32": 0},
    "keyword": {"from_": "a"},
}


@pytest.mark.parametrize("name", FIELDS)
def test_str_is_protobufs_text_format(name: str) -> None:
    thing = Thing(**FIELDS[name])

    assert f"{thing}\n".lstrip("\n") == text_format.MessageToString(thing, as_utf8=True).lstrip("\n")
    assert text_format.Parse(str(thing), Thing()) == thing


REPRS: dict[str, tuple[dict[str, Any], str]] = {
    "nothing": ({}, "Thing()"),
    "plain": (
        {"a_int32": -5, "a_float": 0.1, "a_bool": True, "a_string": "a'b\n", "a_bytes": b"\xff"},
        "Thing(a_int32=-5, a_float=0.1, a_bool=True, a_string=\"a'b\\n\", a_bytes=b'\\xff')",
    ),
    "enums": ({"color": 1, "colors": [0, 99]}, "Thing(color='GREEN', colors=['RED', 99])"),
    "messages": (
        {"part": {"name": "a", "inner": {}}, "parts": [{}]},
        "Thing(part=Thing.Part(name='a', inner=Thing.Part.Inner()), parts=[Thing.Part()])",
    ),
    "maps": ({"texts": {"a": "b"}, "part_at": {7: {}}}, "Thing(texts={'a': 'b'}, part_at={7: Thing.Part()})"),
    "google": ({"timestamp": {"seconds": 3}}, "Thing(timestamp=Timestamp(seconds=3))"),
    "keyword": ({"from_": "a"}, "Thing(from_='a')"),
}


@pytest.mark.parametrize("name", REPRS)
def test_repr_is_the_call_of_the_constructor(name: str) -> None:
    fields, text = REPRS[name]
    thing = Thing(**fields)

    assert repr(thing) == text
    if name not in ("google",):
        assert eval(text, {"Thing": Thing}) == thing


class TestSecrets:
    TRUNK = SECRETIVE.Trunk(
        password="canary",
        name="shown",
        pin=4711,
        keys=[b"canary"],
        private={"secret": "canary"},
        key={"secret": "canary", "name": "shown"},
        more_keys=[{"secret": "canary"}],
    )

    def test_do_not_show_in_repr(self) -> None:
        assert repr(self.TRUNK) == (
            "Trunk(password=<redacted>, name='shown', pin=<redacted>, keys=<redacted>, private=<redacted>, "
            "key=Trunk.Key(secret=<redacted>, name='shown'), more_keys=[Trunk.Key(secret=<redacted>)])"
        )

    def test_do_not_show_in_str(self) -> None:
        assert str(self.TRUNK) == (
            'password: <redacted>\nname: "shown"\npin: <redacted>\nkeys: <redacted>\nprivate: <redacted>\n'
            'key {\n  secret: <redacted>\n  name: "shown"\n}\nmore_keys {\n  secret: <redacted>\n}'
        )

    @pytest.mark.parametrize("show", [repr, str, "{}".format, "%s".__mod__, lambda trunk: repr([trunk])])
    def test_do_not_show_however_it_is_printed(self, show: Any) -> None:
        assert "canary" not in show(self.TRUNK)
        assert "canary" not in show(self.TRUNK.key)

    def test_that_are_not_set_are_not_there(self) -> None:
        assert repr(SECRETIVE.Trunk(name="x")) == "Trunk(name='x')"

    def test_a_value_that_looks_redacted_is_shown_as_it_is(self) -> None:
        assert repr(SECRETIVE.Trunk(name="<redacted>")) == "Trunk(name='<redacted>')"

    def test_in_urls_do_not_show(self) -> None:
        output = lk.StreamOutput(urls=["rtmps://live.example.com/app/canary", "srt://h:1?streamid=canary"])
        proxy = lk.ProxyConfig(url="http://user:canary@proxy.example.com:3128", username="canary")

        assert "canary" not in f"{output!r}{output}{proxy!r}{proxy}"
        assert repr(output) == (
            "StreamOutput(urls=['rtmps://live.example.com/app/<redacted>', 'srt://h:1?<redacted>'])"
        )
        assert str(proxy) == 'url: "http://<redacted>@proxy.example.com:3128"\nusername: <redacted>'

    def test_that_only_the_manifest_names_do_not_show(self) -> None:
        for message in (
            lk.CreateSIPParticipantRequest(dtmf="canary"),
            lk.CreateSIPParticipantRequest(sip_call_to="canary", to_user_override="canary"),
            lk.TransferSIPParticipantRequest(transfer_to="canary"),
            lk.PerformRpcRequest(payload="canary"),
            lk.PerformRpcResponse(payload="canary"),
            lk.SendDataRequest(data=b"canary"),
            lk.DataPacket(user=lk.UserPacket(payload=b"canary")),
        ):
            assert "canary" not in f"{message!r}{message}"

    def test_of_livekit(self) -> None:
        server = lk.ICEServer(urls=["turn:x"], username="u", credential="canary")
        trunk = lk.SIPOutboundTrunkInfo(name="main", numbers=["+1"], auth_password="canary")

        assert repr(trunk) == "SIPOutboundTrunkInfo(name='main', numbers=['+1'], auth_password=<redacted>)"
        assert "canary" not in f"{trunk}{server!r}"
