"""A package as the generator emits them, over odd schemas, for the command line: `odd_twirp`."""

from __future__ import annotations

import sys
import types
import warnings
from typing import Any, ClassVar

from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.wrappers_pb2 import StringValue
from odd_schema import FD, ODD, SECRETIVE, field, module_of

from twirpkit.sdk import (
    UNSET,
    CallOptions,
    Client,
    Help,
    Method,
    PackageInfo,
    RetryClass,
    ServiceInfo,
    client_config,
    sync_transport,
)

__all__ = ["ODD", "SDK", "Clashing", "OddService", "answer"]

SDK = PackageInfo(
    name="odd_twirp",
    facade="OddAPI",
    services={"odd.OddService": ServiceInfo("odd_things", "OddService"), "odd.Plain": ServiceInfo("def_", "Plain")},
)


def _clashing() -> Any:
    """Fields that are called like options of the command line, like the negative of another, like protobuf's own."""
    file = FileDescriptorProto(name="clashing.proto", package="odd", syntax="proto3")
    message = file.message_type.add(name="Clashing")
    for name, kind in (
        ("json", FD.TYPE_STRING), ("help", FD.TYPE_BOOL), ("url", FD.TYPE_STRING), ("header", FD.TYPE_STRING),
        ("fast", FD.TYPE_BOOL), ("no_fast", FD.TYPE_BOOL), ("command", FD.TYPE_STRING), ("h", FD.TYPE_BOOL),
    ):  # fmt: skip
        field(message, name, kind)
    field(file.message_type.add(name="Methodical"), "DESCRIPTOR", FD.TYPE_STRING)
    return module_of("odd_clashing", file)


CLASHING = _clashing()
Clashing, Methodical = CLASHING.Clashing, CLASHING.Methodical


def _method(name: str, py_name: str, request: Any, response: Any) -> Method[Any, Any]:
    return Method("odd.OddService", name, py_name, request, response, RetryClass.NEVER)


METHODS = (
    _method("DoThing", "do_thing", ODD.Thing, ODD.Thing),
    _method("Clash", "clash", Clashing, ODD.Empty),
    _method("Import", "import_", StringValue, StringValue),
    _method("Old", "old", ODD.Empty, ODD.Empty),
    _method("Methodical", "methodical", Methodical, Methodical),
    _method("Confide", "confide", ODD.Empty, SECRETIVE.Trunk),
)


HELP = {
    "do_thing": Help(
        "Does 100 %(prog)s of the thing.",
        body=("It says 5 % more.", "Timeout of the thing: none.", "Grants are the shop's own matter."),
        fields={"a_int32": "How many %s, in a comment.", "class_": "What kind."},
        policy=(("Grants", "none"), ("Retry class", "never")),
    ),
    "clash": Help(""),
    "import_": Help("Brings something in."),
    "old": Help("Does what was done before."),
    "methodical": Help("Has a field that protobuf's JSON stumbles over."),
    "confide": Help("Tells a secret."),
}


class OddService:
    """The sync service."""

    timeouts: ClassVar[list[Any]] = []
    """What the calls of `do_thing` were given."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def do_thing(self, request: Any, /, *, timeout: Any = UNSET, extra_headers: Any = None) -> Any:
        self.timeouts.append(timeout)
        return self._client.call(METHODS[0], request, {}, CallOptions(timeout, False, extra_headers))

    def clash(self, request: Any, /, **options: Any) -> Any:
        return self._client.call(METHODS[1], request, {}, CallOptions(retry=False))

    def import_(self, request: Any, /, **options: Any) -> Any:
        return self._client.call(METHODS[2], request, {}, CallOptions(retry=False))

    def old(self, request: Any, /, **options: Any) -> Any:
        warnings.warn("Old is deprecated: use DoThing\x1b[2J", DeprecationWarning, stacklevel=2)
        return self._client.call(METHODS[3], request, {}, CallOptions(retry=False))

    def confide(self, request: Any, /, **options: Any) -> Any:
        return self._client.call(METHODS[5], request, {}, CallOptions(retry=False))

    def methodical(self, request: Any, /, **options: Any) -> Any:
        return self._client.call(METHODS[4], request, {}, CallOptions(retry=False))


class Plain:
    pass


class OddAPI(Client):
    """The facade."""

    package: ClassVar[PackageInfo] = SDK

    def __init__(self, url: str) -> None:
        there = client_config(SDK, url=url, token=None, auth=None, timeout=UNSET, extra_headers=None)
        super().__init__(there, sync_transport(self, None))
        self.odd_things = OddService(self)


def answer(body: bytes = b"", status: str = "200 OK", kind: str = "application/protobuf") -> bytes:
    """The bytes of one HTTP answer."""
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def _module(name: str, **members: Any) -> types.ModuleType:
    module = types.ModuleType(name)
    vars(module).update(members)
    return module


def _package() -> None:
    services = {"odd_things": "Does odd things.", "def_": ""}
    modules = (
        _module("odd_twirp", OddAPI=OddAPI, OddService=OddService, Plain=Plain),
        _module("odd_twirp._methods"),
        _module("odd_twirp._methods.odd_things", METHODS=METHODS),
        _module("odd_twirp._methods.def_", METHODS=()),
        _module("odd_twirp._help", SERVICES=services),
        _module("odd_twirp._help.odd_things", HELP=HELP),
        _module("odd_twirp._help.def_", HELP={}),
    )
    sys.modules |= {module.__name__: module for module in modules}


_package()
