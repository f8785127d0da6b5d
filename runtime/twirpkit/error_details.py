"""Details that some servers put beside an error: a ``google.rpc.Status`` in its metadata (rule A17)."""

from __future__ import annotations

import base64
import binascii
import functools
from collections.abc import Iterable
from typing import Any

import google.protobuf.message
from google.protobuf import any_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.message import Message

from twirpkit._protocol.constants import ERROR_DETAILS
from twirpkit._schema.message_pool import MessagePool
from twirpkit.errors import TwirpError

__all__ = ["encode_status", "error_status"]


def error_status(error: TwirpError) -> Any | None:
    """Return the ``google.rpc.Status`` of an error: ``code`` (int), ``message`` (str), ``details`` (a list of ``Any``).

    The ``type_url`` of an ``Any`` names a message, and its ``Unpack(message)`` reads it.

    Returns:
        The status, or None where the error has none, or one that cannot be read.
    """
    try:
        data = base64.b64decode(error.meta.get(ERROR_DETAILS, ""), validate=True)
        return _status_class().FromString(data) if data else None
    except (binascii.Error, google.protobuf.message.DecodeError):
        return None


def encode_status(code: int, message: str, details: Iterable[Message]) -> str:
    """Return a ``google.rpc.Status`` as a server puts it into ``meta["error_details"]``: the inverse of `error_status`.

    Args:
        code: The number of a gRPC code.
        message: The text.
        details: Messages, each of which becomes an ``Any``.
    """
    status: Any = _status_class()(code=code, message=message)
    for each in details:
        cls = type(each)
        packed = status.details.add()
        packed.type_url = f"type.googleapis.com/{cls.DESCRIPTOR.full_name}"
        packed.value = cls.SerializeToString(each)
    return base64.b64encode(type(status).SerializeToString(status)).decode()


@functools.cache
def _status_class() -> type[Message]:
    """Build the class from its schema, so that no other package has to be installed for it."""
    file = FileDescriptorProto(
        name="google/rpc/status.proto", package="google.rpc", syntax="proto3", dependency=[any_pb2.DESCRIPTOR.name]
    )
    status = file.message_type.add(name="Status")
    status.field.add(name="code", number=1, type="TYPE_INT32", label="LABEL_OPTIONAL")
    status.field.add(name="message", number=2, type="TYPE_STRING", label="LABEL_OPTIONAL")
    status.field.add(
        name="details", number=3, type="TYPE_MESSAGE", type_name=".google.protobuf.Any", label="LABEL_REPEATED"
    )
    namespace: dict[str, Any] = {"__name__": __name__}
    MessagePool().load(file.SerializeToString(), namespace)
    found: type[Message] = namespace["Status"]
    return found
