"""Names that generated code, protobuf or Python has already, which no other name of an SDK may take."""

from __future__ import annotations

from typing import Final

__all__ = [
    "ENUM_NAMES",
    "ERROR_NAMES",
    "FACADE_NAMES",
    "INT_NAMES",
    "JSON_NAMES",
    "MESSAGE_NAMES",
    "MODULE_NAMES",
    "OPTION_NAMES",
    "PACKAGE_NAMES",
    "PAGE_NAMES",
    "SERVER_NAMES",
    "SERVICE_NAMES",
]

OPTION_NAMES: Final = frozenset(("self", "timeout", "retry", "extra_headers"))
"""Parameters of every generated method. A request field with such a name is given by message or mapping."""

SERVICE_NAMES: Final = frozenset(("with_options",))
"""Members of every service. A method with such a name gets an underscore."""

FACADE_NAMES: Final = frozenset(("aclose", "api", "call", "close", "package", "with_options"))
"""Members of every facade and modules of its folder. A service's attribute with such a name gets an underscore."""

PAGE_NAMES: Final = frozenset(("README", "readme"))
"""The index page of the reference, also on a file system without case; likewise."""

PACKAGE_NAMES: Final = frozenset(
    (
        "TYPE_CHECKING",
        "annotations",
        "grants",
        "messages",
        "server",
        "testing",
        "types",
        "_EXPORTS",
        "_async",
        "_bound",
        "_help",
        "_methods",
        "_sdk",
        "_sync",
    )
)
"""Names of every package. A message with such a name is not exported and is imported from its module."""

ERROR_NAMES: Final = frozenset(
    (
        "AbortedError",
        "AlreadyExistsError",
        "AuthError",
        "BadRouteError",
        "CanceledError",
        "Code",
        "DataLossError",
        "DeadlineExceededError",
        "DecodeError",
        "FailedPreconditionError",
        "InternalError",
        "InvalidArgumentError",
        "MalformedError",
        "NotFoundError",
        "OutOfRangeError",
        "PermissionDeniedError",
        "ResourceExhaustedError",
        "Sent",
        "TransportError",
        "TwirpError",
        "UnauthenticatedError",
        "UnavailableError",
        "UnimplementedError",
        "UnknownError",
        "error_class",
    )
)
"""Names of `twirpkit.errors` that every package exports. The generator does not import the runtime; a test compares."""

SERVER_NAMES: Final = frozenset(("RequestContext", "TwirpApp", "bind"))
"""Names of `twirpkit.server` that the module ``server`` of every package exports."""

MODULE_NAMES: Final = frozenset(("DESCRIPTOR",))
"""Names of every module of messages. A message, enum or extension with such a name gets an underscore."""

ENUM_NAMES: Final = frozenset(("DESCRIPTOR", "_attributes", "_names", "_numbers"))
"""Members of every enum class. A value with such a name gets an underscore."""

JSON_NAMES: Final = frozenset(("from_dict", "from_json", "to_dict", "to_json"))
"""Functions of `twirpkit` that every package exports beside the errors."""

INT_NAMES: Final = frozenset(
    (
        "ValueType",
        "as_integer_ratio",
        "bit_count",
        "bit_length",
        "conjugate",
        "denominator",
        "from_bytes",
        "imag",
        "is_integer",
        "numerator",
        "real",
        "to_bytes",
    )
)
"""Members of every member of an enum, which is an int. A value with such a name is left out of the stub."""

MESSAGE_NAMES: Final = frozenset(
    (
        "ByteSize",
        "Clear",
        "ClearExtension",
        "ClearField",
        "CopyFrom",
        "DESCRIPTOR",
        "DiscardUnknownFields",
        "Extensions",
        "FindInitializationErrors",
        "FromString",
        "HasExtension",
        "HasField",
        "IsInitialized",
        "ListFields",
        "MergeFrom",
        "MergeFromString",
        "ParseFromString",
        "SerializePartialToString",
        "SerializeToString",
        "SetInParent",
        "UnknownFields",
        "WhichOneof",
    )
)
"""Members of protobuf's message classes. A field with such a name is left out of the stub, but is sent and received. A
nested message, enum or extension gets an underscore."""
