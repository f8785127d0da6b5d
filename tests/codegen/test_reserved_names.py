"""The reserved names are those of the runtime, of protobuf and of Python."""

import inspect

import pytest
from google.protobuf.empty_pb2 import Empty

import twirpkit._schema.enums
import twirpkit.errors
from livekit_twirp import AsyncLiveKitAPI, AsyncRoomService, LiveKitAPI, RoomService
from twirpkit.client import AsyncClient, Client
from twirpkit_codegen.schema import reserved_names


@pytest.mark.parametrize("service", [RoomService, AsyncRoomService])
def test_option_names_are_those_of_a_method(service: type[RoomService] | type[AsyncRoomService]) -> None:
    """`retry` is kept for the option of that name."""
    # Its signature shows the fields, too; all options have defaults.
    options = set(service.create_room.__kwdefaults__)
    assert options | {"self", "retry"} == reserved_names.OPTION_NAMES


@pytest.mark.parametrize(("facade", "base"), [(LiveKitAPI, Client), (AsyncLiveKitAPI, AsyncClient)])
def test_facade_names_are_those_of_a_client(facade: type, base: type) -> None:
    """`api` is the module of the facade; `close` and `aclose` are reserved in both modes."""
    public = {name for name in dir(base) if not name.startswith("_")} | {"package"}
    assert public <= reserved_names.FACADE_NAMES
    assert not {name for name in vars(facade) if not name.startswith("_")} & (reserved_names.FACADE_NAMES - {"package"})


def test_message_names_are_those_of_a_message() -> None:
    assert {name for name in dir(Empty) if not name.startswith("_")} <= reserved_names.MESSAGE_NAMES


def test_enum_names_are_those_of_an_enum_class() -> None:
    assert set(inspect.get_annotations(twirpkit._schema.enums.EnumType)) == reserved_names.ENUM_NAMES


def test_int_names_are_those_of_a_member_of_an_enum() -> None:
    """Those of newer versions of Python are among them."""
    assert {name for name in dir(twirpkit._schema.enums.Enum) if not name.startswith("_")} <= reserved_names.INT_NAMES
    assert reserved_names.INT_NAMES - set(dir(int)) <= {"ValueType", "is_integer"}


def test_packages_export_every_error() -> None:
    warnings = {"InsecureTransportWarning", "ShortSecretWarning"}  # left to the manifest, as all that is no error
    assert set(twirpkit.errors.__all__) - warnings == reserved_names.ERROR_NAMES
