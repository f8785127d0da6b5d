"""Responses of a server: messages and errors as bytes, with their statuses and headers."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Mapping
from typing import Any, Final

from google.protobuf.message import Message

from twirpkit._protocol.constants import (
    ACCEPT_ENCODING,
    CONTENT_ENCODING,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    FIELD_NAME,
    INVALID_ROUTE,
    JSON,
    PROTOBUF,
    VARY,
)
from twirpkit._protocol.error_statuses import STATUS_OF_CODE
from twirpkit._protocol.headers import check_value
from twirpkit._schema.json_writer import wire_json
from twirpkit.errors import BadRouteError, TwirpError
from twirpkit.server.incoming_request import IncomingRequest
from twirpkit.transports.base import HttpResponse

__all__ = ["bad_route", "checked_headers", "compressed", "error_response", "message_response"]

_CONTENT_TYPE: Final = CONTENT_TYPE.lower()
_CONTENT_LENGTH: Final = CONTENT_LENGTH.lower()
SMALLEST_COMPRESSED: Final = 1024
"""Bytes of the smallest body that is compressed: a smaller one hardly gets smaller."""
_LEVEL: Final = 5
_QUALITY_0: Final = re.compile(r"q=0(\.0{0,3})?")


def message_response(message: Message, *, as_json: bool, headers: Mapping[str, str]) -> HttpResponse:
    """Return the response of an RPC that succeeded."""
    body = wire_json(message) if as_json else type(message).SerializeToString(message)
    return _response(200, JSON if as_json else PROTOBUF, body, headers)


def error_response(error: TwirpError, headers: Mapping[str, str]) -> HttpResponse:
    """Return the response of an RPC that failed: the status of its code, and the error in JSON."""
    content: dict[str, Any] = {"code": error.code.value, "msg": error.message}
    if error.meta:
        content["meta"] = {str(key): str(value) for key, value in error.meta.items()}
    # Half a surrogate pair has no UTF-8: the escapes of JSON can spell it.
    body = json.dumps(content, separators=(",", ":")).encode()
    return _response(STATUS_OF_CODE[error.code], JSON, body, headers)


def bad_route(request: IncomingRequest, message: str) -> BadRouteError:
    """Return the error of a request that does not lead to an RPC."""
    return BadRouteError(message, meta={INVALID_ROUTE: request.target})


def compressed(response: HttpResponse, request_headers: Mapping[str, str]) -> HttpResponse:
    """Return a response whose body is compressed, if it is large and the client takes gzip."""
    if len(response.body) < SMALLEST_COMPRESSED or not _takes_gzip(request_headers.get(ACCEPT_ENCODING.lower(), "")):
        return response
    body = gzip.compress(response.body, _LEVEL, mtime=0)
    headers = {
        **response.headers,
        CONTENT_ENCODING.lower(): "gzip",
        _CONTENT_LENGTH: str(len(body)),
        VARY.lower(): ACCEPT_ENCODING,
    }
    return HttpResponse(response.status, headers, body)


def _takes_gzip(accepted: str) -> bool:
    for each in accepted.lower().split(","):
        name, *parameters = (part.strip() for part in each.split(";"))
        if name in ("gzip", "*"):
            return not any(_QUALITY_0.fullmatch(part.replace(" ", "")) for part in parameters)
    return False


def checked_headers(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Return the headers of a handler.

    Raises:
        ValueError: A name is malformed, or a value cannot be sent: it could add lines to the response.
        TypeError: A value is not a str.
    """
    for name in headers:
        if FIELD_NAME.fullmatch(name) is None:
            raise ValueError(f"response_headers: {name!r} is not a header name")
        check_value(f"response_headers: the value of {name}", headers[name])
    return headers


def _response(status: int, content_type: str, body: bytes, headers: Mapping[str, str]) -> HttpResponse:
    lines = {name.lower(): value for name, value in headers.items()} if headers else {}
    lines[_CONTENT_TYPE], lines[_CONTENT_LENGTH] = content_type, str(len(body))
    return HttpResponse(status, lines, body)
