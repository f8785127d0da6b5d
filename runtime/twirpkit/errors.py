"""What can go wrong in a call, told once.

`TwirpError` is the root, with one subclass for each Twirp error code, and three that no server sends:

* `TransportError` (an `UnavailableError`): no whole answer came.
* `DecodeError` (an `InternalError`): a 200 came whose body is not the message it should be.
* `DeadlineExceededError`: the call's own budget ran out (`status` is None), or a server said so.

`AuthError` stands for `UnauthenticatedError` and `PermissionDeniedError`: servers differ in which of the two they send
for a missing grant (rule A17).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any, Final, Literal

__all__ = [
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
    "InsecureTransportWarning",
    "InternalError",
    "InvalidArgumentError",
    "MalformedError",
    "NotFoundError",
    "OutOfRangeError",
    "PermissionDeniedError",
    "ResourceExhaustedError",
    "Sent",
    "ShortSecretWarning",
    "TransportError",
    "TwirpError",
    "UnauthenticatedError",
    "UnavailableError",
    "UnimplementedError",
    "UnknownError",
    "error_class",
]

Sent = Literal["no", "maybe", "yes"]
"""Whether the request may have run: it never left, it may have arrived, or an answer to it came (rule C5)."""

SHOWN_CHARACTERS: Final = 512
"""How much of a server's text `str` and `repr` of an error show; `message` holds more."""


class Code(enum.StrEnum):
    """The error codes of Twirp v7 ("Error Codes" in its specification)."""

    CANCELED = "canceled"
    """The operation was cancelled, usually by the caller."""
    UNKNOWN = "unknown"
    """An error of no known kind; also what a proxy's unexpected answer becomes."""
    INVALID_ARGUMENT = "invalid_argument"
    """The request is wrong whatever state the server is in."""
    MALFORMED = "malformed"
    """The server could not decode the request."""
    DEADLINE_EXCEEDED = "deadline_exceeded"
    """Time ran out; the operation may have been carried out all the same."""
    NOT_FOUND = "not_found"
    """What was asked for does not exist."""
    BAD_ROUTE = "bad_route"
    """The server has no such method, or the URL does not lead to a Twirp server."""
    ALREADY_EXISTS = "already_exists"
    """What was to be made exists."""
    PERMISSION_DENIED = "permission_denied"
    """The caller is known and may not do this."""
    UNAUTHENTICATED = "unauthenticated"
    """The caller is not known: no token, or one that is not valid."""
    RESOURCE_EXHAUSTED = "resource_exhausted"
    """A quota or rate limit is used up."""
    FAILED_PRECONDITION = "failed_precondition"
    """The system is not in the state that the operation needs."""
    ABORTED = "aborted"
    """Another operation was in the way."""
    OUT_OF_RANGE = "out_of_range"
    """Past the valid range."""
    UNIMPLEMENTED = "unimplemented"
    """The server knows the method and does not offer it."""
    INTERNAL = "internal"
    """The server broke one of its own rules."""
    UNAVAILABLE = "unavailable"
    """The service cannot answer now."""
    DATA_LOSS = "data_loss"
    """Data is lost or corrupt."""


class TwirpError(Exception):
    """A call failed. The root of all errors that a call raises.

    Args:
        code: The Twirp error code.
        message: The server's or our own words.
        meta: The error's metadata.
        status: The HTTP status, None where no answer came.
        attempts: How often the request was sent, or tried to be.
        sent: Whether the request may have run.
        request_id: The id that every attempt carried, None where the service knows no such header.
    """

    code: Code
    message: str
    meta: dict[str, str]
    status: int | None
    attempts: int
    sent: Sent
    request_id: str | None

    def __init__(
        self,
        code: Code,
        message: str,
        *,
        meta: Mapping[str, str] | None = None,
        status: int | None = None,
        attempts: int = 0,
        sent: Sent = "no",
        request_id: str | None = None,
    ) -> None:
        super().__init__(code, message)
        self.code = Code(code)
        self.message = message
        self.meta = dict(meta or {})
        self.status = status
        self.attempts = attempts
        self.sent = sent
        self.request_id = request_id

    def __reduce__(self) -> tuple[Any, ...]:
        # Python leaves the cause out of pickles. Only the one that a transport gives is kept: others need not pickle.
        state = dict(vars(self))
        if isinstance(self.__cause__, OSError) and type(self.__cause__).__module__ in ("builtins", "socket", "ssl"):
            state["__cause__"] = self.__cause__
        return type(self), self.args, state

    def __str__(self) -> str:
        return f"{self.code}: {_shown(self.message)}"

    def __repr__(self) -> str:
        facts = f"status={self.status}, sent={self.sent!r}"
        return f"{type(self).__name__}({self.code.value!r}, {_shown(self.message)!r}, {facts})"


class CanceledError(TwirpError):
    """`Code.CANCELED`: the server gave the operation up."""


class UnknownError(TwirpError):
    """`Code.UNKNOWN`: an error of no known kind, or an answer that no Twirp server gives."""


class InvalidArgumentError(TwirpError):
    """`Code.INVALID_ARGUMENT`: the request itself is wrong."""


class MalformedError(TwirpError):
    """`Code.MALFORMED`: the server could not decode the request."""


class DeadlineExceededError(TwirpError):
    """`Code.DEADLINE_EXCEEDED`: time ran out, here (`status` is None) or on the server."""


class NotFoundError(TwirpError):
    """`Code.NOT_FOUND`: what was asked for does not exist."""


class BadRouteError(TwirpError):
    """`Code.BAD_ROUTE`: no such method there, or no Twirp server at that URL."""


class AlreadyExistsError(TwirpError):
    """`Code.ALREADY_EXISTS`: what was to be made exists."""


class AuthError(TwirpError):
    """The server refused the caller: `UnauthenticatedError` or `PermissionDeniedError`."""


class PermissionDeniedError(AuthError):
    """`Code.PERMISSION_DENIED`: the caller is known and may not do this."""


class UnauthenticatedError(AuthError):
    """`Code.UNAUTHENTICATED`: no token, a token that is not valid, or one that lacks a grant."""


class ResourceExhaustedError(TwirpError):
    """`Code.RESOURCE_EXHAUSTED`: a quota or rate limit is used up."""


class FailedPreconditionError(TwirpError):
    """`Code.FAILED_PRECONDITION`: the system is not in the state that the operation needs."""


class AbortedError(TwirpError):
    """`Code.ABORTED`: another operation was in the way."""


class OutOfRangeError(TwirpError):
    """`Code.OUT_OF_RANGE`: past the valid range."""


class UnimplementedError(TwirpError):
    """`Code.UNIMPLEMENTED`: the server does not offer this method."""


class InternalError(TwirpError):
    """`Code.INTERNAL`: the server broke one of its own rules."""


class UnavailableError(TwirpError):
    """`Code.UNAVAILABLE`: the service cannot answer now."""


class DataLossError(TwirpError):
    """`Code.DATA_LOSS`: data is lost or corrupt."""


class TransportError(UnavailableError):
    """No whole answer came: `sent` says whether the request can have arrived, ``__cause__`` is the OSError if any."""


class DecodeError(InternalError):
    """A 200 came whose body is not the message it should be."""


_CLASSES: Final[dict[Code, type[TwirpError]]] = {
    Code.CANCELED: CanceledError,
    Code.UNKNOWN: UnknownError,
    Code.INVALID_ARGUMENT: InvalidArgumentError,
    Code.MALFORMED: MalformedError,
    Code.DEADLINE_EXCEEDED: DeadlineExceededError,
    Code.NOT_FOUND: NotFoundError,
    Code.BAD_ROUTE: BadRouteError,
    Code.ALREADY_EXISTS: AlreadyExistsError,
    Code.PERMISSION_DENIED: PermissionDeniedError,
    Code.UNAUTHENTICATED: UnauthenticatedError,
    Code.RESOURCE_EXHAUSTED: ResourceExhaustedError,
    Code.FAILED_PRECONDITION: FailedPreconditionError,
    Code.ABORTED: AbortedError,
    Code.OUT_OF_RANGE: OutOfRangeError,
    Code.UNIMPLEMENTED: UnimplementedError,
    Code.INTERNAL: InternalError,
    Code.UNAVAILABLE: UnavailableError,
    Code.DATA_LOSS: DataLossError,
}


def error_class(code: Code) -> type[TwirpError]:
    """The class that is raised for a code."""
    return _CLASSES[code]


def _shown(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "…"


class InsecureTransportWarning(UserWarning):
    """Credentials go over ``http://`` to a host that is not this machine: whoever is in between can read them."""


class ShortSecretWarning(UserWarning):
    """An API secret is shorter than the 32 bytes that HS256 asks for (RFC 7518, section 3.2): it can be guessed."""
