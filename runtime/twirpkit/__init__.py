"""The runtime of generated Twirp clients: errors, messages, and the flow of a call, for a sync and an async world.

Most programs import a generated package and catch the errors that it exports too. This package is for those who write
a transport, an ``auth`` function, or tests.
"""

from twirpkit.call import DEFAULT, Authorize, Default, Method, Retry, RetryOption
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
    InternalError,
    InvalidArgumentError,
    MalformedError,
    NotFoundError,
    OutOfRangeError,
    PermissionDeniedError,
    ResourceExhaustedError,
    Sent,
    TransportError,
    TwirpError,
    UnauthenticatedError,
    UnavailableError,
    UnimplementedError,
    UnknownError,
    error_class,
)
from twirpkit.events import Event, Hook
from twirpkit.retry import RetryPolicy
from twirpkit.transport import AsyncTransport, HttpRequest, HttpResponse, Phase, Transport, TransportFailure
from twirpkit.version import __version__
from twirpkit.warnings import InsecureTransportWarning, ShortSecretWarning

__all__ = [
    "DEFAULT",
    "AbortedError",
    "AlreadyExistsError",
    "AsyncTransport",
    "AuthError",
    "Authorize",
    "BadRouteError",
    "CanceledError",
    "Code",
    "DataLossError",
    "DeadlineExceededError",
    "DecodeError",
    "Default",
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
    "Retry",
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
    "__version__",
    "error_class",
]
