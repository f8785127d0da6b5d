"""One logical call, without I/O.

`flow` is a generator: it yields `Send` steps, is sent what came of each - an `HttpResponse` or the `TransportFailure` -
and returns the decoded answer or raises. `twirpkit.client` holds the two drivers, one that waits and one that awaits.
"""

from __future__ import annotations

import enum
import math
import os
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Generic, TypeAlias, TypeVar

from google.protobuf.message import Message

from twirpkit.answers import error_from_response, message_from_response, redact
from twirpkit.errors import Code, DeadlineExceededError, Sent, TransportError, TwirpError
from twirpkit.headers import Headers, Secret, check_value
from twirpkit.timeouts import Wait
from twirpkit.transport import HttpRequest, HttpResponse, Phase, TransportFailure

if TYPE_CHECKING:
    from twirpkit.pages import Pages

__all__ = [
    "DEFAULT",
    "Authorize",
    "CallOptions",
    "Default",
    "Endpoint",
    "Method",
    "Retry",
    "Send",
    "check_timeout",
    "flow",
]

Req = TypeVar("Req", bound=Message)
Resp = TypeVar("Resp", bound=Message)

_OWN_HEADERS: Final = {
    "Content-Type": "application/protobuf",
    "Accept": "application/protobuf",
    "Accept-Encoding": "gzip, deflate",
}
_LONGEST: Final = 1e8  # three years: what socket and loop timers can hold, and no one waits for


class Default(enum.Enum):
    """The type of `DEFAULT`."""

    DEFAULT = "the client's default"

    def __repr__(self) -> str:
        return "DEFAULT"


DEFAULT: Final = Default.DEFAULT
"""Stands for an argument that was not given, where None has a meaning of its own."""


class Retry(enum.StrEnum):
    """What may happen to a request that got no answer: the retry class of its RPC."""

    READ = "read"
    """It changes nothing."""
    IDEMPOTENT = "idempotent"
    """Running it twice leaves the same state as running it once."""
    KEYED = "keyed"
    """It carries a key by which the server drops repeats."""
    NEVER = "never"
    """Running it twice does it twice."""


@dataclass(frozen=True, slots=True)
class Method(Generic[Req, Resp]):
    """The facts of one RPC. Generated; one constant each."""

    service: str
    """Package and service, as the proto spells them: ``"acme.hats.HatService"``."""
    name: str
    """The RPC, as the proto spells it."""
    py_name: str
    """The name of its method in the generated clients."""
    request: type[Req]
    response: type[Resp]
    retry: Retry
    grants: Mapping[str, Any] | None = None
    """JWT claim templates: a string ``"$field"`` stands for that field of the request. None: the RPC has no policy."""
    key: str | None = None
    """The bytes field that gets 16 fresh random bytes per logical call where the caller left it empty."""
    timeout: float = 10.0
    """Seconds that a call may take where neither it nor its client says."""
    wait: Wait | None = None
    """Set where the server waits for a person."""
    pages: Pages | None = None
    """Set where answers are pages of one list."""

    @property
    def path(self) -> str:
        """``package.Service/Method``, the end of the URL (rule A1)."""
        return f"{self.service}/{self.name}"


Authorize: TypeAlias = Callable[[Method[Any, Any], Message], str]
"""The Authorization header for one call. Plain functions in both clients; called once per attempt, from any thread."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where calls go and what each carries: the part of a client that both worlds share."""

    base_url: str
    """Normalized base URL and prefix, without a slash at the end."""
    user_agent: str
    authorize: Authorize | Secret | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Checked extra headers of every call."""
    timeout: float | Default | None = DEFAULT
    """Seconds for one logical call, None for no limit; by default each method has its own."""
    request_id_header: str | None = None
    refine: Callable[[TwirpError], TwirpError] | None = None
    """Makes a service's own error of a general one."""


@dataclass(frozen=True, slots=True)
class CallOptions:
    """What one call has of its own."""

    timeout: float | Default | None = DEFAULT
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Send:
    """A step of the flow: send this, and say what came of it."""

    request: HttpRequest


def flow(
    endpoint: Endpoint, method: Method[Any, Resp], message: Message, options: CallOptions
) -> Generator[Send, HttpResponse | TransportFailure, Resp]:
    """Make one logical call.

    Args:
        endpoint: Where it goes.
        method: The RPC.
        message: The request; never changed.
        options: What this call has of its own.

    Raises:
        TwirpError: The call failed; its subclass says how.
        ValueError: The timeout is not a number, or the message lacks a required field.
    """
    timeout = _timeout(endpoint, method, options)
    headers = _merged(endpoint.headers, options.headers)
    request_id = _request_id(endpoint.request_id_header, headers)
    if timeout is not None and timeout <= 0:
        raise DeadlineExceededError(
            Code.DEADLINE_EXCEEDED,
            f"{method.path}: the timeout of {timeout:g} s had passed before anything was sent",
            request_id=request_id,
        )
    message = _keyed(method, message)
    if method.wait is not None:
        message, timeout = method.wait.apply(message, timeout)
    deadline = None if timeout is None else time.monotonic() + timeout
    body = _serialized(message)
    authorization = _authorization(endpoint.authorize, method, message)
    headers.update(_OWN_HEADERS)
    headers["User-Agent"] = endpoint.user_agent
    if authorization is not None:
        headers["Authorization"] = authorization.reveal()

    outcome = yield Send(HttpRequest(f"{endpoint.base_url}/{method.path}", headers, body, deadline))

    answer = _answer(method, outcome, timeout, authorization)
    if isinstance(answer, TwirpError):
        answer.attempts, answer.request_id = 1, request_id
        raise answer if endpoint.refine is None else endpoint.refine(answer)
    return answer


def check_timeout(timeout: float | None) -> float | None:
    """A timeout in seconds, None for no limit. Raises TypeError or ValueError for what is no number of seconds."""
    if timeout is None:
        return None
    if isinstance(timeout, bool) or not isinstance(timeout, int | float):
        raise TypeError(f"timeout must be a number of seconds or None, not {type(timeout).__name__}")
    if isinstance(timeout, float) and not math.isfinite(timeout):
        raise ValueError(f"timeout must be a finite number of seconds, not {timeout}; None means no limit")
    return max(-_LONGEST, min(timeout, _LONGEST))


def _timeout(endpoint: Endpoint, method: Method[Any, Any], options: CallOptions) -> float | None:
    """Seconds for this call: its own, else its client's, else its method's."""
    if not isinstance(options.timeout, Default):
        return check_timeout(options.timeout)
    return method.timeout if isinstance(endpoint.timeout, Default) else endpoint.timeout


def _merged(all_calls: Mapping[str, str], this_call: Mapping[str, str]) -> Headers:
    """The extra headers of one call: its own win, whatever the case of their names."""
    own = {name.lower() for name in this_call}
    kept = {name: value for name, value in all_calls.items() if name.lower() not in own}
    return Headers({**kept, **this_call})


def _request_id(name: str | None, headers: Headers) -> str | None:
    """The id that the caller gave, or a fresh one put into the headers (rule C4)."""
    if name is None:
        return None
    import uuid

    given = next((key for key in headers if key.lower() == name.lower()), name)
    if not headers.get(given):
        headers[given] = str(uuid.uuid4())
    return headers[given]


def _keyed(method: Method[Any, Any], message: Message) -> Message:
    """The message, or a copy with a fresh key where the RPC wants one and the caller gave none (rule C4)."""
    if method.key is None or getattr(message, method.key):
        return message
    keyed = type(message)()
    type(keyed).CopyFrom(keyed, message)
    setattr(keyed, method.key, os.urandom(16))
    return keyed


def _serialized(message: Message) -> bytes:
    cls = type(message)  # which has the methods for sure: a message's field may be called like one of them
    if not cls.IsInitialized(message):
        raise ValueError(f"{cls.DESCRIPTOR.name} lacks a field that its proto says is required")
    return cls.SerializeToString(message)


def _authorization(authorize: Authorize | Secret | None, method: Method[Any, Any], message: Message) -> Secret | None:
    if authorize is None or isinstance(authorize, Secret):
        return authorize
    return Secret(check_value("the Authorization value that auth returned", authorize(method, message)))


def _answer(
    method: Method[Any, Resp],
    outcome: HttpResponse | TransportFailure,
    timeout: float | None,
    authorization: Secret | None,
) -> Resp | TwirpError:
    """What a call returns, or the error that it raises."""
    if isinstance(outcome, TransportFailure):
        return _failure(method, outcome, timeout, authorization)
    if outcome.status != 200:  # only 200 is a success (rule A3)
        error = error_from_response(outcome, secret=authorization)
        error.sent = "yes"
        return error
    if outcome.flaw is not None:
        text = f"{method.path}: the answer is not whole: {redact(outcome.flaw, authorization)}"
        return TransportError(Code.UNAVAILABLE, text, status=200, sent="maybe")
    return message_from_response(method.response, outcome, secret=authorization)


def _failure(
    method: Method[Any, Any], failure: TransportFailure, timeout: float | None, authorization: Secret | None
) -> TwirpError:
    sent: Sent = "no" if failure.phase is Phase.NOT_SENT else "maybe"
    reason = redact(failure.reason, authorization)
    if failure.timed_out:
        within = "in time" if timeout is None else f"within {timeout:g} s"  # a transport may have a limit of its own
        return DeadlineExceededError(Code.DEADLINE_EXCEEDED, f"{method.path}: no answer {within}: {reason}", sent=sent)
    error = TransportError(Code.UNAVAILABLE, f"{method.path}: {reason}", sent=sent)
    error.__cause__ = failure.__cause__
    return error
