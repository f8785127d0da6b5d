"""Preparation of a call: its message, body, headers, request id and deadline, the same in every attempt (rule C4)."""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from google.protobuf.message import EncodeError, Message

from twirpkit._engine.client_config import ClientConfig, MethodPlan
from twirpkit._engine.plan import method_plan
from twirpkit._protocol.headers import Headers, check_headers, check_value, merge_headers
from twirpkit._schema.request_messages import request_message
from twirpkit._secret import Secret
from twirpkit.options import UNSET, CallOptions, RetryPolicy, check_retry, check_timeout
from twirpkit.rpc import Method, ServerWait

__all__ = ["PreparedCall", "authorization", "checked_authorization", "prepare"]

M = TypeVar("M", bound=Message)


@dataclass(slots=True)
class PreparedCall:
    """A call, ready to be sent: its options are settled, so that nothing below is unset."""

    plan: MethodPlan
    message: Message = field(repr=False)
    body: bytes = field(repr=False)
    headers: Headers
    """All but the token and the time that is left, which differ between attempts."""
    request_id: str | None
    timeout: float | None
    """Seconds for the whole call; None: no limit."""
    started: float
    """On `time.monotonic`'s clock."""
    deadline: float | None
    """The time by which the call must be over, on the same clock; None: no limit."""
    policy: RetryPolicy | None
    """None: nothing is sent twice."""


def prepare(
    config: ClientConfig, method: Method[Any, Any], request: object, fields: Mapping[str, Any], options: CallOptions
) -> PreparedCall:
    """Build, fill, key and serialize a request, and settle the options of its call. The caller's message stays as is.

    Raises:
        ValueError: An option or a field is out of range, or the message lacks a required field.
        TypeError: An option or a field has the wrong type or name.
    """
    started = time.monotonic()
    plan = method_plan(config, method)
    timeout, retry, extra_headers = options
    # An option that is not set costs one comparison: most calls have none.
    timeout = plan.timeout if timeout is UNSET else check_timeout(timeout)
    policy = plan.policy if retry is UNSET else check_retry(retry)
    headers, request_id = _headers(config, plan, extra_headers)
    message = request_message(method.request, request, fields)
    if method.key is not None:
        message = _with_key(method.key, message)
    if method.wait is not None and (timeout is None or timeout > 0):
        message, timeout = _with_wait(method.wait, message, timeout)
    deadline = None if timeout is None else started + timeout
    return PreparedCall(plan, message, _serialize(message), headers, request_id, timeout, started, deadline, policy)


def authorization(
    config: ClientConfig, method: Method[Any, Any], message: Message
) -> Secret | Awaitable[str | Secret] | None:
    """Return the Authorization header of one attempt, None for none; or an async ``auth``'s awaitable of it."""
    authorize = config.authorize
    if authorize is None or isinstance(authorize, Secret):
        return authorize
    value = authorize(method, message)
    if isinstance(value, Secret):  # of a signer of ours, which checked it
        return value
    return value if isinstance(value, Awaitable) else checked_authorization(value)


def checked_authorization(value: object) -> Secret:
    """Return the value that ``auth`` returned. Raises TypeError and ValueError if it is not a header's (rule E3)."""
    return (
        value if isinstance(value, Secret) else Secret(check_value("the Authorization value that auth returned", value))
    )


def _headers(config: ClientConfig, plan: MethodPlan, extra_headers: Any) -> tuple[Headers, str | None]:
    """Return the headers of a call, and its request id: the caller's own, or a new one (rule C4)."""
    headers = plan.headers
    name, request_id = plan.request_id_header, plan.fixed_request_id
    if extra_headers is not None or config.header_sources:
        for source in config.header_sources:
            headers = merge_headers(headers, check_headers(source()))
        given: Any = extra_headers() if callable(extra_headers) else extra_headers
        headers = merge_headers(headers, check_headers(given))
        if name is not None:
            name = next((key for key in headers if key.lower() == name.lower()), name)
            request_id = headers.get(name) or None
    else:
        headers = Headers(headers)
    if name is not None and request_id is None:
        request_id = headers[name] = new_request_id()
    return headers, request_id


def new_request_id() -> str:
    """Return a random UUID (RFC 9562, version 4) as text, without the cost of an object for it."""
    text = os.urandom(16).hex()
    variant = "89ab"[int(text[16], 16) & 3]
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{variant}{text[17:20]}-{text[20:]}"


def _with_key(name: str, message: M) -> M:
    """Return the message, or a copy with a random key where the caller gave none (rule C4)."""
    if getattr(message, name):
        return message
    keyed = _copy(message)
    setattr(keyed, name, os.urandom(16))
    return keyed


def _with_wait(wait: ServerWait, message: M, timeout: float | None) -> tuple[M, float | None]:
    """Return the message with its waiting time filled in, and a timeout in seconds that is not shorter (rule B1)."""
    if wait.when is not None and not getattr(message, wait.when):
        return message, timeout
    if wait.unit is not None:
        if not getattr(message, wait.field):
            message = _copy(message)
            setattr(message, wait.field, round(wait.default / wait.unit))
        waits = getattr(message, wait.field) * wait.unit
    else:
        if not message.HasField(wait.field):
            message = _copy(message)
            getattr(message, wait.field).FromNanoseconds(round(wait.default * 1e9))
        duration: Any = getattr(message, wait.field)
        waits = duration.seconds + duration.nanos / 1e9
    return message, timeout if timeout is None else max(timeout, waits + wait.margin)


def _copy(message: M) -> M:
    cls = type(message)  # which has the methods in any case: a field of the message may have the name of one
    copy = cls()
    cls.CopyFrom(copy, message)
    return copy


def _serialize(message: Message) -> bytes:
    cls = type(message)
    try:
        return cls.SerializeToString(message)
    except EncodeError:  # whose text may show values of the message
        pass
    raise ValueError(f"{cls.DESCRIPTOR.name} lacks a field that its proto says is required")
