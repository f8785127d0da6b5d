"""The errors of a call, and the categories of warnings.

* TwirpError
  * AuthError
    * UnauthenticatedError
    * PermissionDeniedError
  * InternalError
    * DecodeError
  * UnavailableError
    * TransportError
  * one class for each other Twirp error code: NotFoundError, InvalidArgumentError, DeadlineExceededError, …

No server sends a `TransportError`, which says that no complete response was received, or a `DecodeError`, which says
that the body of a 200 is not the message that it should be. A `DeadlineExceededError` without a `status` says that the
call's own deadline passed. `AuthError` catches both classes, because servers differ in which of the two they send for a
missing grant (rule A17).
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from typing import Any, ClassVar, Final, Literal

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
"""The execution of a request: it was never sent, it may have been executed, or the server responded (rule C5)."""

SHOWN_CHARACTERS: Final = 512
"""Characters of a server's text that `str` and `repr` of an error show; `message` holds more."""


_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


class Code(enum.StrEnum):
    """The error codes of Twirp v7 ("Error Codes" in its specification)."""

    CANCELED = "canceled"
    """The operation was cancelled, usually by the caller."""
    UNKNOWN = "unknown"
    """An error of no known kind; also for the unexpected response of a proxy."""
    INVALID_ARGUMENT = "invalid_argument"
    """The request is wrong whatever state the server is in."""
    MALFORMED = "malformed"
    """The server could not decode the request."""
    DEADLINE_EXCEEDED = "deadline_exceeded"
    """Time ran out; the operation may have been carried out all the same."""
    NOT_FOUND = "not_found"
    """The resource does not exist."""
    BAD_ROUTE = "bad_route"
    """The server has no such method, or the URL does not lead to a Twirp server."""
    ALREADY_EXISTS = "already_exists"
    """The resource exists already."""
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
    """A failed call. The root of all errors that a call raises.

    Args:
        code: The Twirp error code. A class that stands for one code knows it: ``NotFoundError("gone")``.
        message: The server's or our own words.
        meta: The error's metadata.
        status: The HTTP status, None without a response.
        attempts: Requests that were sent, or tried to be.
        sent: Whether the request may have been executed. An error that no call has made says "maybe".
        request_id: The id that every attempt carried, None where the service knows no such header.
        rpc: The RPC, ``package.Service/Method``; empty if no call has made the error.
        url: Where the last attempt went, None if there was none.
        retryable: True if the same call may be made again: it cannot be executed twice by that, or executing it twice
            does no harm, and another outcome is possible.

    Raises:
        ValueError: The class stands for another code than the one that was given.
        TypeError: The code is missing, or the message is not a str.
    """

    default_code: ClassVar[Code | None] = None
    """The only code that errors of this class have; None: they may have any."""

    code: Code
    message: str
    meta: dict[str, str]
    status: int | None
    attempts: int
    sent: Sent
    request_id: str | None
    rpc: str
    url: str | None
    retryable: bool

    def __init__(
        self,
        code: Code | str,
        message: str | None = None,
        *,
        meta: Mapping[str, str] | None = None,
        status: int | None = None,
        attempts: int = 0,
        sent: Sent = "maybe",
        request_id: str | None = None,
        rpc: str = "",
        url: str | None = None,
        retryable: bool = False,
    ) -> None:
        self.code, self.message = self._code_and_message(code, message)
        super().__init__(self.code, self.message)
        self.meta = dict(meta or {})
        self.status = status
        self.attempts = attempts
        self.sent = sent
        self.request_id = request_id
        self.rpc = rpc
        self.url = url
        self.retryable = retryable

    @classmethod
    def _code_and_message(cls, code: Code | str, message: str | None) -> tuple[Code, str]:
        known = cls.default_code
        text = code if message is None else message
        if not isinstance(text, str):
            raise TypeError(f"{cls.__name__}: the message must be a str, not {type(text).__name__}")
        if message is None:
            if known is None:
                raise TypeError(f"{cls.__name__} needs a code and a message: {cls.__name__}(Code.INTERNAL, 'why')")
            return known, code
        if known is not None and code != known:
            raise ValueError(f"{cls.__name__} stands for the code {known.value!r}, not {str(code)!r}")
        return Code(code), message

    def __reduce__(self) -> tuple[Any, ...]:
        # Python leaves the cause out of pickles. Only the one that a transport gives is kept: others need not pickle.
        state = dict(vars(self))
        if isinstance(self.__cause__, OSError) and type(self.__cause__).__module__ in ("builtins", "socket", "ssl"):
            state["__cause__"] = self.__cause__
        return type(self), self.args, state

    def __str__(self) -> str:
        rpc = f"{self.rpc}: " if self.rpc else ""
        request_id = f" (request id {self.request_id})" if self.request_id else ""
        return f"{rpc}{self._describe()}{request_id}"

    def _describe(self) -> str:
        """Return the text between the RPC and the request id."""
        return f"{self.code}: {_shown(self.message)}"

    def __repr__(self) -> str:
        facts = f"status={self.status}, sent={self.sent!r}"
        return f"{type(self).__name__}({self.code.value!r}, {_shown(self.message)!r}, {facts})"


class CanceledError(TwirpError):
    """`Code.CANCELED`: the server gave the operation up."""

    default_code = Code.CANCELED


class UnknownError(TwirpError):
    """`Code.UNKNOWN`: an error of no known kind, or a response that no Twirp server gives."""

    default_code = Code.UNKNOWN


class InvalidArgumentError(TwirpError):
    """`Code.INVALID_ARGUMENT`: the request itself is wrong."""

    default_code = Code.INVALID_ARGUMENT


class MalformedError(TwirpError):
    """`Code.MALFORMED`: the server could not decode the request."""

    default_code = Code.MALFORMED


class DeadlineExceededError(TwirpError):
    """`Code.DEADLINE_EXCEEDED`: time ran out, here (`status` is None) or on the server."""

    default_code = Code.DEADLINE_EXCEEDED


class NotFoundError(TwirpError):
    """`Code.NOT_FOUND`: the resource does not exist."""

    default_code = Code.NOT_FOUND


class BadRouteError(TwirpError):
    """`Code.BAD_ROUTE`: no such method there, or no Twirp server at that URL."""

    default_code = Code.BAD_ROUTE


class AlreadyExistsError(TwirpError):
    """`Code.ALREADY_EXISTS`: the resource exists already."""

    default_code = Code.ALREADY_EXISTS


class AuthError(TwirpError):
    """The server refused the caller: `UnauthenticatedError` or `PermissionDeniedError`."""


class PermissionDeniedError(AuthError):
    """`Code.PERMISSION_DENIED`: the caller is known and may not do this."""

    default_code = Code.PERMISSION_DENIED


class UnauthenticatedError(AuthError):
    """`Code.UNAUTHENTICATED`: no token, a token that is not valid, or one that lacks a grant."""

    default_code = Code.UNAUTHENTICATED


class ResourceExhaustedError(TwirpError):
    """`Code.RESOURCE_EXHAUSTED`: a quota or rate limit is used up."""

    default_code = Code.RESOURCE_EXHAUSTED


class FailedPreconditionError(TwirpError):
    """`Code.FAILED_PRECONDITION`: the system is not in the state that the operation needs."""

    default_code = Code.FAILED_PRECONDITION


class AbortedError(TwirpError):
    """`Code.ABORTED`: another operation was in the way."""

    default_code = Code.ABORTED


class OutOfRangeError(TwirpError):
    """`Code.OUT_OF_RANGE`: past the valid range."""

    default_code = Code.OUT_OF_RANGE


class UnimplementedError(TwirpError):
    """`Code.UNIMPLEMENTED`: the server does not offer this method."""

    default_code = Code.UNIMPLEMENTED


class InternalError(TwirpError):
    """`Code.INTERNAL`: the server broke one of its own rules."""

    default_code = Code.INTERNAL


class UnavailableError(TwirpError):
    """`Code.UNAVAILABLE`: the service cannot answer now."""

    default_code = Code.UNAVAILABLE


class DataLossError(TwirpError):
    """`Code.DATA_LOSS`: data is lost or corrupt."""

    default_code = Code.DATA_LOSS


class TransportError(UnavailableError):
    """No complete response was received: `sent` says if the request can have arrived; the cause may be an OSError."""


class DecodeError(InternalError):
    """The body of a 200 is not the message that it should be."""


_CLASSES: Final[dict[Code, type[TwirpError]]] = {
    cls.default_code: cls
    for cls in (
        CanceledError,
        UnknownError,
        InvalidArgumentError,
        MalformedError,
        DeadlineExceededError,
        NotFoundError,
        BadRouteError,
        AlreadyExistsError,
        PermissionDeniedError,
        UnauthenticatedError,
        ResourceExhaustedError,
        FailedPreconditionError,
        AbortedError,
        OutOfRangeError,
        UnimplementedError,
        InternalError,
        UnavailableError,
        DataLossError,
    )
    if cls.default_code is not None
}


def error_class(code: Code) -> type[TwirpError]:
    """Return the class that is raised for a code."""
    return _CLASSES[code]


def escaped(text: str) -> str:
    """Replace control characters and those that change the direction of text, which could forge lines of a log."""
    return _CONTROL.sub(lambda found: found.group().encode("unicode_escape").decode("ascii"), text)


def _shown(text: str) -> str:
    return escaped(text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "…")


class InsecureTransportWarning(UserWarning):
    """Credentials go over ``http://`` to a host that is not this machine: and anybody in between can read them."""


class ShortSecretWarning(UserWarning):
    """An API secret is shorter than the 32 bytes that HS256 asks for (RFC 7518, section 3.2): it can be guessed."""
