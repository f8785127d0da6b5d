"""The runtime of generated Twirp clients: errors, messages, and the flow of a call, for a sync and an async world.

Most programs import a generated package and catch the errors that it exports too. This package is for those who write
a transport, an ``auth`` function, or tests.
"""

from twirpkit._schema.json_reader import from_dict, from_json
from twirpkit._schema.json_writer import to_dict, to_json
from twirpkit.call_info import CallInfo, call_info
from twirpkit.errors import (
    AbortedError,
    AlreadyExistsError,
    AuthError,
    BadRouteError,
    CanceledError,
    Code,
    DataLossError,
    DeadlineExceededError,
    DecodeError,
    FailedPreconditionError,
    InsecureTransportWarning,
    InternalError,
    InvalidArgumentError,
    MalformedError,
    NotFoundError,
    OutOfRangeError,
    PermissionDeniedError,
    ResourceExhaustedError,
    Sent,
    ShortSecretWarning,
    TransportError,
    TwirpError,
    UnauthenticatedError,
    UnavailableError,
    UnimplementedError,
    UnknownError,
    error_class,
)
from twirpkit.events import Event, Hook
from twirpkit.options import UNSET, AsyncAuthorize, Authorize, RetryOption, RetryPolicy, Unset
from twirpkit.rpc import Method, RetryClass
from twirpkit.transports.base import AsyncTransport, HttpRequest, HttpResponse, Phase, Transport, TransportFailure
from twirpkit.version import __version__

__all__ = [
    "UNSET",
    "AbortedError",
    "AlreadyExistsError",
    "AsyncAuthorize",
    "AsyncTransport",
    "AuthError",
    "Authorize",
    "BadRouteError",
    "CallInfo",
    "CanceledError",
    "Code",
    "DataLossError",
    "DeadlineExceededError",
    "DecodeError",
    "Event",
    "FailedPreconditionError",
    "Hook",
    "HttpRequest",
    "HttpResponse",
    "InsecureTransportWarning",
    "InternalError",
    "InvalidArgumentError",
    "MalformedError",
    "Method",
    "NotFoundError",
    "OutOfRangeError",
    "PermissionDeniedError",
    "Phase",
    "ResourceExhaustedError",
    "RetryClass",
    "RetryOption",
    "RetryPolicy",
    "Sent",
    "ShortSecretWarning",
    "Transport",
    "TransportError",
    "TransportFailure",
    "TwirpError",
    "UnauthenticatedError",
    "UnavailableError",
    "UnimplementedError",
    "UnknownError",
    "Unset",
    "__version__",
    "call_info",
    "error_class",
    "from_dict",
    "from_json",
    "to_dict",
    "to_json",
]
