"""Clients for tools: signatures, `help`, `inspect`, and the specs of `unittest.mock`."""

from __future__ import annotations

import asyncio
import inspect
import pydoc
from collections.abc import Iterator
from typing import Any
from unittest.mock import Mock, create_autospec, patch

import pytest

import livekit_twirp
from livekit_twirp import SIP, AsyncLiveKitAPI, AsyncSIP, LiveKitAPI, Room, RoomService
from livekit_twirp._sdk import PACKAGE
from twirpkit._schema.names import safe_name

FACADES = [LiveKitAPI, AsyncLiveKitAPI]
OPTIONS = ["timeout", "retry", "extra_headers"]


def services(facade: type) -> Iterator[tuple[str, Any]]:
    """The services of a facade: attributes and classes."""
    prefix = "Async" if facade is AsyncLiveKitAPI else ""
    for facts in PACKAGE.services.values():
        yield facts.attribute, getattr(livekit_twirp, prefix + facts.class_name)


@pytest.fixture(params=FACADES, ids=["sync", "async"])
def facade(request: pytest.FixtureRequest) -> Any:
    """The class of either client."""
    return request.param


@pytest.fixture
def client(facade: Any) -> Iterator[Any]:
    """A client of either kind that calls nothing."""
    made = facade("localhost:1", token="t")
    yield made
    if facade is LiveKitAPI:
        made.close()
    else:
        asyncio.run(made.aclose())


class TestSignatures:
    def test_every_method_has_the_fields_of_its_request(self, facade: Any) -> None:
        for _, service in services(facade):
            for method in service._methods:
                names = [method.py_name] if method.pages is None else [method.py_name, method.pages.py_name]
                fields = [safe_name(field.name) for field in method.request.DESCRIPTOR.fields]
                for name in names:
                    parameters = list(inspect.signature(getattr(service, name)).parameters)
                    assert parameters == ["self", "request", *fields, *OPTIONS], name

    def test_fields_say_their_types(self) -> None:
        found = inspect.signature(RoomService.create_room).parameters
        assert {name: found[name].annotation for name in ("name", "empty_timeout", "egress", "agents", "tags")} == {
            "name": "str | None",
            "empty_timeout": "int | None",
            "egress": "RoomEgress | None",
            "agents": "list[RoomAgentDispatch] | None",
            "tags": "dict[str, str] | None",
        }
        assert inspect.signature(RoomService.send_data).parameters["kind"].annotation == "DataPacket.Kind | None"
        assert inspect.signature(RoomService.send_data).parameters["data"].annotation == "bytes | None"
        assert {found[name].default for name in ("name", "egress")} == {None}
        assert inspect.signature(RoomService.create_room).return_annotation == "Room"

    def test_of_a_bound_method(self, client: Any) -> None:
        assert list(inspect.signature(client.room.delete_room).parameters) == ["request", "room", *OPTIONS]

    def test_help_lists_the_fields(self) -> None:
        text = pydoc.render_doc(RoomService.create_room, renderer=pydoc.plaintext)
        assert "empty_timeout: 'int | None' = None" in text
        assert "**fields" not in text

    def test_an_async_method_is_a_coroutine_function(self) -> None:
        for _, service in services(AsyncLiveKitAPI):
            for method in service._methods:
                assert inspect.iscoroutinefunction(getattr(service, method.py_name)), method.path
        assert not inspect.iscoroutinefunction(AsyncSIP.iter_sip_inbound_trunk)


class TestSpecs:
    def test_autospec_of_the_class_sees_services_and_their_methods(self, facade: Any) -> None:
        mock = create_autospec(facade)("localhost:1", token="t")
        for attribute, service in services(facade):
            for method in service._methods:
                assert callable(getattr(getattr(mock, attribute), method.py_name))
            with pytest.raises(AttributeError):
                _ = getattr(mock, attribute).no_such_rpc

    @pytest.mark.parametrize("made", ["of a client", "of a class", "of a service"])
    def test_autospec_checks_the_fields(self, made: str) -> None:
        with LiveKitAPI("localhost:1", token="t") as lk:
            room = {
                "of a client": lambda: create_autospec(lk).room,
                "of a class": lambda: create_autospec(LiveKitAPI)("localhost:1").room,
                "of a service": lambda: create_autospec(RoomService, instance=True),
            }[made]()
        room.create_room.return_value = Room(name="x")
        assert room.create_room(name="x", timeout=5) == Room(name="x")
        room.create_room({"name": "x"})
        room.create_room.assert_called_with({"name": "x"})
        for wrong in ({"nmae": "x"}, {"name": "x", "retries": 2}):
            with pytest.raises(TypeError, match="unexpected keyword argument"):
                room.create_room(**wrong)

    @pytest.mark.parametrize("deprecated", [False, True])
    def test_autospec_of_the_async_client_is_awaited(self, deprecated: bool) -> None:
        sip = create_autospec(AsyncLiveKitAPI)("localhost:1").sip
        method = sip.list_sip_trunk if deprecated else sip.list_sip_inbound_trunk
        method.return_value = "trunks"
        assert asyncio.run(method()) == "trunks"

    def test_a_spec_of_a_client_or_a_class(self, facade: Any, client: Any) -> None:
        for spec in (facade, client):
            mock = Mock(spec=spec)
            for attribute, _ in services(facade):
                assert getattr(mock, attribute)
            with pytest.raises(AttributeError):
                _ = mock.rooms

    def test_a_service_of_the_class_can_be_patched(self) -> None:
        with LiveKitAPI("localhost:1", token="t") as lk:
            with patch.object(LiveKitAPI.room, "create_room", autospec=True, return_value=Room(name="x")):
                assert lk.room.create_room(name="x").name == "x"
            with patch.object(lk.room, "delete_room", autospec=True) as mock:
                lk.room.delete_room(room="x")
            mock.assert_called_once_with(room="x")


class TestInspection:
    def test_members_of_a_client_and_a_class(self, facade: Any, client: Any) -> None:
        of_client, of_class = dict(inspect.getmembers(client)), dict(inspect.getmembers(facade))
        for attribute, service in services(facade):
            assert type(of_client[attribute]) is service
            assert of_class[attribute] is service
            assert getattr(facade, attribute) is service

    def test_a_subclass_keeps_the_services(self) -> None:
        class Ours(LiveKitAPI):
            """A client of somebody's own."""

        assert Ours.sip is SIP
        with Ours("localhost:1", token="t") as lk:
            assert type(lk.sip) is SIP
            assert lk.sip is lk.sip
