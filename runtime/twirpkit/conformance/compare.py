"""Comparisons of a recorded exchange with a request and its result. Each returns a line for every mismatch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias
from uuid import UUID

from google.protobuf.message import DecodeError, Message

import twirpkit.errors
from twirpkit._protocol.constants import (
    ACCEPT,
    ACCEPT_ENCODING,
    AUTHORIZATION,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    PROTOBUF,
    TIMEOUT_MS,
    USER_AGENT,
)
from twirpkit.conformance.exchange import Exchange, RecordedResponse
from twirpkit.conformance.expected_results import (
    decoded_body,
    differences,
    expected_error,
    framed,
    holds_message,
    is_json,
    masked,
)
from twirpkit.conformance.playback_plan import Plan, protojson
from twirpkit.conformance.tokens import ExpectedAuthorization
from twirpkit.errors import TransportError, TwirpError
from twirpkit.rpc import Method
from twirpkit.testing.http_parsing import ReceivedRequest
from twirpkit.transports.base import HttpRequest, HttpResponse, TransportFailure

__all__ = [
    "CallResult",
    "OwnError",
    "request_mismatches",
    "response_mismatches",
    "result_mismatches",
    "transport_request_mismatches",
]

OwnError: TypeAlias = Callable[[str, Mapping[str, Any]], str | None]

KEY_BYTES: Final = 16
"""Length of a generated key in bytes (rule C4)."""
FIXED: Final = {
    CONTENT_TYPE.lower(): PROTOBUF,
    ACCEPT.lower(): PROTOBUF,
    ACCEPT_ENCODING.lower(): "gzip, deflate",
}
"""The headers of every call, in lower case (rule A2)."""


@dataclass(frozen=True, slots=True)
class CallResult:
    """The result of one call."""

    response: Message | None
    error: TwirpError | None
    attempts: tuple[HttpResponse | TransportFailure, ...] = field(repr=False)
    """The results of the client's transport, one per attempt."""


def request_mismatches(
    plan: Plan,
    exchange: Exchange,
    received: ReceivedRequest,
    authorization: ExpectedAuthorization,
    request_id_header: str | None,
) -> list[str]:
    """Return the mismatches of a request that a client sent."""
    assert plan.rpc is not None and plan.message is not None  # noqa: S101, PT018  # so plans of clients are
    method = plan.rpc.method
    line = f"{received.method} {received.target} {received.version}"
    found = [] if line == f"POST {exchange.request.target} HTTP/1.1" else [f"request line: got {line!r}"]
    found += _header_mismatches(plan, received, request_id_header)
    found += _body_mismatches(plan, exchange, received)
    if plan.authorization is not None:
        authorization = plan.authorization
    values = received.values(AUTHORIZATION)
    if authorization is None or isinstance(authorization, str):
        expected = [] if authorization is None else [authorization]
        return found + ([] if values == expected else ["Authorization: not the value that the client was made with"])
    return found + authorization.mismatches(values, method, plan.message)


def _header_mismatches(plan: Plan, received: ReceivedRequest, request_id_header: str | None) -> Iterator[str]:
    names = [name.lower() for name, _ in received.headers]
    yield from (f"header {name}: sent twice" for name in sorted(set(names)) if names.count(name) > 1)
    got = {name.lower(): value for name, value in received.headers}
    length = len(received.body) if received.complete else plan.message_or_empty.ByteSize()
    expected = {**FIXED, CONTENT_LENGTH.lower(): str(length)}
    expected |= {name.lower(): value for name, value in plan.extra_headers.items()}
    for name, value in expected.items():
        if got.get(name) != value:
            yield f"header {name}: expected {value!r}, got {got.get(name)!r}"
    if not got.get(USER_AGENT.lower(), "").startswith("twirpkit/"):
        yield f"header user-agent: got {got.get(USER_AGENT.lower())!r}"
    if request_id_header is not None and request_id_header.lower() not in expected:
        yield from _id_mismatches(request_id_header, got.get(request_id_header.lower(), ""))
    own = {"host", *(each.lower() for each in (USER_AGENT, AUTHORIZATION, TIMEOUT_MS, request_id_header or USER_AGENT))}
    for name in sorted(set(names) - own - expected.keys()):
        yield f"header {name}: unexpected"


def _id_mismatches(name: str, value: str) -> Iterator[str]:
    try:
        UUID(value)
    except ValueError:
        yield f"header {name.lower()}: {value!r} is not a UUID"


def _body_mismatches(plan: Plan, exchange: Exchange, received: ReceivedRequest) -> Iterator[str]:
    assert plan.rpc is not None  # noqa: S101  # every plan of the route CLIENT has one
    method = plan.rpc.method
    if not received.complete:
        # The server responded before the body: a client that expects 100 Continue need not send it.
        if not received.expects_continue:
            yield "request body: cut short"
        return
    try:
        message = method.request.FromString(received.body)
    except DecodeError:
        yield f"request body: cannot be parsed as {method.request.DESCRIPTOR.full_name}"
        return
    yield from _key_mismatches(method, plan, message)
    yield from _wait_mismatches(method, plan, message)
    yield from differences(exchange.request.message, protojson(message), "request")
    if not _same_bytes(message, exchange.request.body):
        yield "request body: the known fields are as recorded, but the bytes are not"


def _key_mismatches(method: Method[Any, Any], plan: Plan, message: Message) -> Iterator[str]:
    """Check a generated key, and remove it from the message."""
    if method.key is None or getattr(plan.message, method.key):
        return
    if len(getattr(message, method.key)) != KEY_BYTES:
        yield f"request.{method.key}: expected {KEY_BYTES} random bytes"
    message.ClearField(method.key)


def _wait_mismatches(method: Method[Any, Any], plan: Plan, message: Message) -> Iterator[str]:
    """Check a server wait that the client filled in, and remove it from the message."""
    wait = method.wait
    if wait is None or plan.message is None or (wait.when is not None and not getattr(plan.message, wait.when)):
        return
    if _is_set(plan.message, wait.field):
        return
    value = getattr(message, wait.field)
    seconds = value.ToNanoseconds() / 1e9 if wait.unit is None else value * wait.unit
    if seconds != wait.default:
        yield f"request.{wait.field}: expected {wait.default:g} s, got {seconds:g} s"
    message.ClearField(wait.field)


def _is_set(message: Message, name: str) -> bool:
    return any(field.name == name for field, _ in message.ListFields())


def _same_bytes(message: Message, body: bytes) -> bool:
    # Deterministic, because map entries have no fixed order in the encoding.
    recorded = type(message).FromString(body)
    return message.SerializeToString(deterministic=True) == recorded.SerializeToString(deterministic=True)


def transport_request_mismatches(request: HttpRequest, target: str, received: ReceivedRequest) -> Iterator[str]:
    """Return the mismatches of a request that a transport sent. It may only add Host and Content-Length."""
    line = f"{received.method} {received.target} {received.version}"
    if line != f"{request.method} {target} HTTP/1.1":
        yield f"request line: got {line!r}"
    got = sorted((name.lower(), value) for name, value in received.headers)
    got = [(name, value) for name, value in got if name not in ("host", CONTENT_LENGTH.lower())]
    if got != sorted((name.lower(), value.strip()) for name, value in request.headers.items()):
        yield f"headers: expected {sorted(request.headers)}, got {[name for name, _ in got]}"
    if received.body != request.body:
        yield f"request body: expected {len(request.body)} bytes, got {len(received.body)} other bytes"


def response_mismatches(exchange: Exchange, result: HttpResponse | TransportFailure) -> Iterator[str]:
    """Return the mismatches of a transport's result: its status, headers, body, and whether it is complete."""
    expected = exchange.response
    if isinstance(result, TransportFailure):
        if expected is not None:
            yield f"expected a response, got none: {result.reason}"
    elif expected is None:
        yield f"expected no response, got status {result.status}"
    else:
        if result.status != expected.status:
            yield f"response status: expected {expected.status}, got {result.status}"
        # A response that ends with its connection cannot be distinguished from one that was cut (rule A11).
        if (result.body_error is None) is not framed(expected):
            yield f"response body: {result.body_error or 'read as complete, although nothing defines its end'}"
        if result.body != decoded_body(expected):
            yield f"response body: expected {len(expected.body)} bytes, got {len(result.body)} other bytes"
        for name, value in _joined(expected.headers).items():
            if result.headers.get(name) != value:
                yield f"response header {name}: expected {value!r}, got {result.headers.get(name)!r}"


def _joined(lines: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    joined: dict[str, str] = {}
    for name, value in lines:
        joined[name.lower()] = f"{joined[name.lower()]}, {value}" if name.lower() in joined else value
    return joined


def result_mismatches(
    exchange: Exchange,
    result: CallResult,
    response_class: type[Message] | None,
    own_error: OwnError | None = None,
    prefixes: Iterable[str] = (),
) -> list[str]:
    """Return the mismatches of the result of a call.

    Args:
        exchange: The exchange.
        result: The result of the call.
        response_class: The RPC's class of responses; None if the SDK has no such RPC.
        own_error: Returns the name of the package's own class of an error, by its message and metadata, or None.
        prefixes: Prefixes of the server's messages that the package removes.
    """
    expected = exchange.response
    if expected is None:
        return _no_response_mismatches(result)
    if expected.status != 200:
        return list(_error_mismatches(expected, result, own_error, prefixes))
    if holds_message(expected):
        return _message_mismatches(expected, result)
    if result.response is not None and response_class is not None and is_json(expected):  # sent by a transport alone
        return _message_mismatches(expected, result)
    problem = isinstance(result.error, twirpkit.errors.DecodeError) and result.error.status == 200
    return [] if problem else [f"outcome: expected a DecodeError, got {result.error!r}"]


def _message_mismatches(expected: RecordedResponse, result: CallResult) -> list[str]:
    if result.response is None:
        return [f"outcome: expected a message, got {result.error!r}"]
    return list(differences(expected.message, protojson(result.response), "response"))


def _no_response_mismatches(result: CallResult) -> list[str]:
    if not isinstance(result.error, TransportError):
        return [f"outcome: expected a TransportError, got {result.error!r}"]
    return [] if result.error.sent == "maybe" else [f"error.sent: expected 'maybe', got {result.error.sent!r}"]


def _error_mismatches(
    expected: RecordedResponse, result: CallResult, own_error: OwnError | None, prefixes: Iterable[str]
) -> Iterator[str]:
    error = result.error
    if error is None:
        yield f"outcome: expected an error for status {expected.status}, got a message"
        return
    wanted = expected_error(expected, prefixes)
    class_name = (own_error(wanted.texts[0], wanted.meta) if own_error is not None else None) or wanted.class_name
    if (str(error.code), type(error).__name__) != (wanted.code, class_name):
        yield f"error: expected {class_name} with {wanted.code}, got {type(error).__name__} with {error.code}"
    if error.status != expected.status:
        yield f"error.status: expected {expected.status}, got {error.status}"
    if error.sent != wanted.sent:
        yield f"error.sent: expected {wanted.sent!r}, got {error.sent!r}"
    for text in wanted.texts:
        if text not in error.message and repr(text)[1:-1] not in error.message:
            yield f"error.message: does not contain {text!r}: {error.message!r}"
    yield from differences(dict(wanted.meta), error.meta, "error.meta")
    shown = [str(error), repr(error), error.message, *error.meta.values()]
    if any(masked(text) != text for text in shown):
        yield "error: shows a token"
