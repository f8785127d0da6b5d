"""Preparation of a call: its message, body, headers, request id and deadline, the same in every attempt (rule C4)."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from google.protobuf.message import Message

from twirpkit._engine.client_config import ClientConfig
from twirpkit._protocol.constants import CALL_HEADERS, USER_AGENT
from twirpkit._protocol.headers import Headers, Secret, check_headers, check_value, merge_headers
from twirpkit._schema.requests import request_message
from twirpkit.options import CallOptions, RetryPolicy, Unset, check_retry, check_timeout
from twirpkit.rpc import Method, ServerWait

__all__ = ["PreparedCall", "ResolvedCall", "authorization", "prepare", "resolve_call"]

M = TypeVar("M", bound=Message)


class ResolvedCall(NamedTuple):
    """Options of one call after all defaults: below this, nothing is unset."""

    timeout: float | None
    """Seconds for the whole call; None: no limit."""
    policy: RetryPolicy | None
    """None: nothing is sent twice."""
    extra_headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PreparedCall:
    """A call, ready to be sent."""

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


def prepare(
    config: ClientConfig, method: Method[Any, Any], request: object, fields: Mapping[str, Any], options: CallOptions
) -> PreparedCall:
    """Build, fill, key and serialize a request, and settle the options of its call. The caller's message stays as is.

    Raises:
        ValueError: An option or a field is out of range, or the message lacks a required field.
        TypeError: An option or a field has the wrong type or name.
    """
    started = time.monotonic()
    message = request_message(method.request, request, fields)
    resolved = resolve_call(config, method, options)
    timeout = resolved.timeout
    headers = merge_headers(config.headers, resolved.extra_headers)
    request_id = _add_request_id(config.request_id_header, headers)
    headers.update(CALL_HEADERS)
    headers[USER_AGENT] = config.user_agent
    message = _with_key(method, message)
    if method.wait is not None and (timeout is None or timeout > 0):
        message, timeout = _with_wait(method.wait, message, timeout)
    deadline = None if timeout is None else started + timeout
    return PreparedCall(message, _serialize(message), headers, request_id, timeout, started, deadline, resolved.policy)


def resolve_call(config: ClientConfig, method: Method[Any, Any], options: CallOptions) -> ResolvedCall:
    """Settle each option: the call's own, else the client's, else the method's.

    Raises:
        ValueError: The timeout is not finite, or a header is refused.
        TypeError: An option has the wrong type.
    """
    if not isinstance(options.timeout, Unset):
        timeout = check_timeout(options.timeout)
    elif not isinstance(config.timeout, Unset):
        timeout = config.timeout
    else:
        timeout = method.timeout
    policy = config.retry if isinstance(options.retry, Unset) else check_retry(options.retry)
    return ResolvedCall(timeout, policy, check_headers(options.extra_headers))


def authorization(config: ClientConfig, method: Method[Any, Any], message: Message) -> Secret | None:
    """Return the Authorization header of one attempt, None for none."""
    authorize = config.authorize
    if authorize is None or isinstance(authorize, Secret):
        return authorize
    return Secret(check_value("the Authorization value that auth returned", authorize(method, message)))


def _add_request_id(name: str | None, headers: Headers) -> str | None:
    """Return the request id of the caller, or put a new one into the headers (rule C4)."""
    if name is None:
        return None
    import uuid

    given = next((key for key in headers if key.lower() == name.lower()), name)
    if not headers.get(given):
        headers[given] = str(uuid.uuid4())
    return headers[given]


def _with_key(method: Method[Any, Any], message: M) -> M:
    """Return the message, or a copy with a random key where the RPC wants one and the caller gave none (rule C4)."""
    if method.key is None or getattr(message, method.key):
        return message
    keyed = _copy(message)
    setattr(keyed, method.key, os.urandom(16))
    return keyed


def _with_wait(wait: ServerWait, message: M, timeout: float | None) -> tuple[M, float | None]:
    """Return the message with its waiting time filled in, and a timeout in seconds that is not shorter (rule B1)."""
    if wait.when is not None and not getattr(message, wait.when):
        return message, timeout
    if not message.HasField(wait.field):
        message = _copy(message)
        getattr(message, wait.field).FromNanoseconds(round(wait.default * 1e9))
    waits: Any = getattr(message, wait.field)
    needed = waits.seconds + waits.nanos / 1e9 + wait.margin
    return message, timeout if timeout is None else max(timeout, needed)


def _copy(message: M) -> M:
    cls = type(message)  # which has the methods in any case: a field of the message may have the name of one
    copy = cls()
    cls.CopyFrom(copy, message)
    return copy


def _serialize(message: Message) -> bytes:
    cls = type(message)
    if not cls.IsInitialized(message):
        raise ValueError(f"{cls.DESCRIPTOR.name} lacks a field that its proto says is required")
    return cls.SerializeToString(message)
