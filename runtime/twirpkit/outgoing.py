"""What one logical call sends: the same body, key and request id in every attempt (rule C4)."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.message import Message

from twirpkit.call import CallOptions, Default, Endpoint, Method, check_retry, check_timeout
from twirpkit.headers import Headers, Secret, check_value
from twirpkit.retry import RetryPolicy

__all__ = ["Outgoing", "authorization", "merged_headers", "outgoing"]

_OWN_HEADERS: Final = {
    "Content-Type": "application/protobuf",
    "Accept": "application/protobuf",
    "Accept-Encoding": "gzip, deflate",
}


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A call, ready to be sent."""

    message: Message
    body: bytes
    headers: Headers
    """All but the token and the time that is left, which each attempt has of its own."""
    request_id: str | None
    timeout: float | None
    """Seconds for the whole call; None: no limit."""
    began: float
    """On `time.monotonic`'s clock."""
    policy: RetryPolicy | None

    @property
    def deadline(self) -> float | None:
        """The moment at which the call must be over."""
        return None if self.timeout is None else self.began + self.timeout


def outgoing(endpoint: Endpoint, method: Method[Any, Any], message: Message, options: CallOptions) -> Outgoing:
    """Prepare a call. The caller's message is never changed.

    Raises:
        ValueError: The timeout is not finite, or the message lacks a required field.
        TypeError: The timeout is no number, or ``retry`` no policy.
    """
    began = time.monotonic()
    timeout = _timeout(endpoint, method, options)
    policy = endpoint.retry if isinstance(options.retry, Default) else check_retry(options.retry)
    headers = merged_headers(endpoint.headers, options.headers)
    request_id = _request_id(endpoint.request_id_header, headers)
    headers.update(_OWN_HEADERS)
    headers["User-Agent"] = endpoint.user_agent
    message = _keyed(method, message)
    if method.wait is not None and (timeout is None or timeout > 0):
        message, timeout = method.wait.apply(message, timeout)
    return Outgoing(message, _serialized(message), headers, request_id, timeout, began, policy)


def authorization(endpoint: Endpoint, method: Method[Any, Any], message: Message) -> Secret | None:
    """The Authorization value of one attempt."""
    authorize = endpoint.authorize
    if authorize is None or isinstance(authorize, Secret):
        return authorize
    return Secret(check_value("the Authorization value that auth returned", authorize(method, message)))


def _timeout(endpoint: Endpoint, method: Method[Any, Any], options: CallOptions) -> float | None:
    """Seconds for this call: its own, else its client's, else its method's."""
    if not isinstance(options.timeout, Default):
        return check_timeout(options.timeout)
    return method.timeout if isinstance(endpoint.timeout, Default) else endpoint.timeout


def merged_headers(all_calls: Mapping[str, str], this_call: Mapping[str, str]) -> Headers:
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
