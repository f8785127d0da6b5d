"""Pure comparisons: a recorded exchange beside what was sent and what came of it. Each returns the mismatches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias
from uuid import UUID

from google.protobuf.message import DecodeError, Message

import twirpkit.errors
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
from twirpkit.conformance.tokens import Authorization
from twirpkit.errors import TransportError, TwirpError
from twirpkit.rpc import Method
from twirpkit.testing.http_parsing import Received
from twirpkit.transports.base import HttpRequest, HttpResponse, TransportFailure

__all__ = [
    "Heard",
    "OwnError",
    "answer_mismatches",
    "foreign_request_mismatches",
    "heard_mismatches",
    "request_mismatches",
]

OwnError: TypeAlias = Callable[[Mapping[str, Any]], str | None]

KEY_BYTES: Final = 16
"""Length of a key that the client makes itself (rule C4)."""
FIXED: Final = {
    "content-type": "application/protobuf",
    "accept": "application/protobuf",
    "accept-encoding": "gzip, deflate",
}
"""Headers of every call (rule A2)."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of one call."""

    answer: Message | None
    error: TwirpError | None
    steps: tuple[HttpResponse | TransportFailure, ...] = field(repr=False)
    """What the client's transport said, attempt by attempt."""


def request_mismatches(
    plan: Plan, exchange: Exchange, received: Received, authorization: Authorization, request_id_header: str | None
) -> list[str]:
    """What is wrong with a request that a client sent."""
    assert plan.rpc is not None and plan.message is not None  # noqa: S101, PT018  # every client's plan has both
    method = plan.rpc.method
    line = f"{received.method} {received.target} {received.version}"
    found = [] if line == f"POST {exchange.request.target} HTTP/1.1" else [f"request line: got {line!r}"]
    found += _header_mismatches(plan, received, request_id_header)
    found += _body_mismatches(plan, exchange, received)
    if plan.authorization is not None:
        authorization = plan.authorization
    values = received.values("Authorization")
    if authorization is None or isinstance(authorization, str):
        expected = [] if authorization is None else [authorization]
        return found + ([] if values == expected else ["Authorization: not the value that the client was made with"])
    return found + authorization.mismatches(values, method, plan.message)


def _header_mismatches(plan: Plan, received: Received, request_id_header: str | None) -> Iterator[str]:
    names = [name.lower() for name, _ in received.headers]
    yield from (f"header {name}: sent twice" for name in sorted(set(names)) if names.count(name) > 1)
    got = {name.lower(): value for name, value in received.headers}
    length = len(received.body) if received.whole else plan.message_or_empty.ByteSize()
    expected = {**FIXED, "content-length": str(length)}
    expected |= {name.lower(): value for name, value in plan.extra_headers.items()}
    for name, value in expected.items():
        if got.get(name) != value:
            yield f"header {name}: expected {value!r}, got {got.get(name)!r}"
    if not got.get("user-agent", "").startswith("twirpkit/"):
        yield f"header user-agent: got {got.get('user-agent')!r}"
    if request_id_header is not None and request_id_header.lower() not in expected:
        yield from _id_mismatches(request_id_header, got.get(request_id_header.lower(), ""))
    own = {"host", "user-agent", "authorization", "x-twirp-timeout-ms", (request_id_header or "host").lower()}
    for name in sorted(set(names) - own - expected.keys()):
        yield f"header {name}: nobody asked for it"


def _id_mismatches(name: str, value: str) -> Iterator[str]:
    try:
        UUID(value)
    except ValueError:
        yield f"header {name.lower()}: {value!r} is no UUID"


def _body_mismatches(plan: Plan, exchange: Exchange, received: Received) -> Iterator[str]:
    assert plan.rpc is not None  # noqa: S101  # every client's plan has one
    method = plan.rpc.method
    if not received.whole:
        # The server refused before the body came: a client that waits for 100 Continue is right not to send it.
        if not received.waits:
            yield "request body: cut short"
        return
    try:
        message = method.request.FromString(received.body)
    except DecodeError:
        yield f"request body: no {method.request.DESCRIPTOR.full_name}"
        return
    yield from _key_mismatches(method, plan, message)
    yield from _wait_mismatches(method, plan, message)
    yield from differences(exchange.request.message, protojson(message), "request")
    if not _same_bytes(message, exchange.request.body):
        yield "request body: other bytes than the recorded ones, though its known fields are the same"


def _key_mismatches(method: Method[Any, Any], plan: Plan, message: Message) -> Iterator[str]:
    """Check a key that the client made, and take it out of the message."""
    if method.key is None or getattr(plan.message, method.key):
        return
    if len(getattr(message, method.key)) != KEY_BYTES:
        yield f"request.{method.key}: expected {KEY_BYTES} fresh bytes"
    message.ClearField(method.key)


def _wait_mismatches(method: Method[Any, Any], plan: Plan, message: Message) -> Iterator[str]:
    """Check a waiting time that the client wrote, and take it out of the message."""
    wait = method.wait
    if wait is None or plan.message is None or plan.message.HasField(wait.field):
        return
    if wait.when is not None and not getattr(plan.message, wait.when):
        return
    if getattr(message, wait.field).ToNanoseconds() != wait.default * 1e9:
        yield f"request.{wait.field}: expected {wait.default:g} s"
    message.ClearField(wait.field)


def _same_bytes(message: Message, body: bytes) -> bool:
    # Deterministic, because map entries have no order on the wire.
    recorded = type(message).FromString(body)
    return message.SerializeToString(deterministic=True) == recorded.SerializeToString(deterministic=True)


def foreign_request_mismatches(request: HttpRequest, target: str, received: Received) -> Iterator[str]:
    """What is wrong with a request that the lower layer sent: it must be what it was given, Host and length added."""
    line = f"{received.method} {received.target} {received.version}"
    if line != f"{request.method} {target} HTTP/1.1":
        yield f"request line: got {line!r}"
    got = sorted((name.lower(), value) for name, value in received.headers)
    got = [(name, value) for name, value in got if name not in ("host", "content-length")]
    if got != sorted((name.lower(), value.strip()) for name, value in request.headers.items()):
        yield f"headers: expected {sorted(request.headers)}, got {[name for name, _ in got]}"
    if received.body != request.body:
        yield f"request body: expected {len(request.body)} bytes, got {len(received.body)} others"


def answer_mismatches(exchange: Exchange, step: HttpResponse | TransportFailure) -> Iterator[str]:
    """What is wrong with what a transport said of an answer: status, headers, body, and that it was whole."""
    expected = exchange.response
    if isinstance(step, TransportFailure):
        if expected is not None:
            yield f"answer: none: {step.reason}"
    elif expected is None:
        yield f"answer: expected none, got {step.status}"
    else:
        if step.status != expected.status:
            yield f"status: expected {expected.status}, got {step.status}"
        # An answer that ends with its connection cannot be told from one that was cut (rule A11).
        if (step.body_error is None) is not framed(expected):
            yield (
                f"answer: not whole: {step.body_error}"
                if step.body_error
                else "answer: taken for whole, though nothing says so"
            )
        if step.body != decoded_body(expected):
            yield f"answer body: expected {len(expected.body)} bytes, got {len(step.body)} others"
        for name, value in _joined(expected.headers).items():
            if step.headers.get(name) != value:
                yield f"answer header {name}: expected {value!r}, got {step.headers.get(name)!r}"


def _joined(lines: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    joined: dict[str, str] = {}
    for name, value in lines:
        joined[name.lower()] = f"{joined[name.lower()]}, {value}" if name.lower() in joined else value
    return joined


def heard_mismatches(
    exchange: Exchange, heard: Heard, response_class: type[Message] | None, own_error: OwnError | None = None
) -> list[str]:
    """What is wrong with what a caller got.

    Args:
        exchange: The exchange.
        heard: What came of the call.
        response_class: The class of the RPC's answer; None where the SDK has no such RPC.
        own_error: Names the class that the package makes of an error with this metadata, if it makes one.
    """
    expected = exchange.response
    if expected is None:
        return _no_answer_mismatches(heard)
    if expected.status != 200:
        return list(_error_mismatches(expected, heard, own_error))
    if holds_message(expected):
        return _message_mismatches(expected, heard)
    if (
        heard.answer is not None and response_class is not None and is_json(expected)
    ):  # read by the lower layer's caller
        return _message_mismatches(expected, heard)
    problem = isinstance(heard.error, twirpkit.errors.DecodeError) and heard.error.status == 200
    return [] if problem else [f"outcome: expected a DecodeError, got {heard.error!r}"]


def _message_mismatches(expected: RecordedResponse, heard: Heard) -> list[str]:
    if heard.answer is None:
        return [f"outcome: expected a message, got {heard.error!r}"]
    return list(differences(expected.message, protojson(heard.answer), "response"))


def _no_answer_mismatches(heard: Heard) -> list[str]:
    if not isinstance(heard.error, TransportError):
        return [f"outcome: expected a TransportError, got {heard.error!r}"]
    return [] if heard.error.sent == "maybe" else [f"error.sent: expected 'maybe', got {heard.error.sent!r}"]


def _error_mismatches(expected: RecordedResponse, heard: Heard, own_error: OwnError | None) -> Iterator[str]:
    error = heard.error
    if error is None:
        yield f"outcome: expected an error for status {expected.status}, got a message"
        return
    wanted = expected_error(expected)
    class_name = (own_error(wanted.meta) if own_error is not None else None) or wanted.class_name
    if (str(error.code), type(error).__name__) != (wanted.code, class_name):
        yield f"error: expected {class_name} with {wanted.code}, got {type(error).__name__} with {error.code}"
    if error.status != expected.status:
        yield f"error.status: expected {expected.status}, got {error.status}"
    if error.sent != "yes":
        yield f"error.sent: expected 'yes', got {error.sent!r}"
    for text in wanted.texts:
        if text not in error.message and repr(text)[1:-1] not in error.message:
            yield f"error.message: does not hold {text!r}: {error.message!r}"
    yield from differences(dict(wanted.meta), error.meta, "error.meta")
    shown = [str(error), repr(error), error.message, *error.meta.values()]
    if any(masked(text) != text for text in shown):
        yield "error: shows a token"
