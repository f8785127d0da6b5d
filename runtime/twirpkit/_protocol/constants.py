"""Literals of the wire, each written once: header names, metadata keys, and the grammar of names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from twirpkit._http1.grammar import NAME_CHARACTER

__all__ = [
    "ACCEPT",
    "ACCEPT_ENCODING",
    "AUTHORIZATION",
    "CALL_HEADERS",
    "CONTENT_ENCODING",
    "CONTENT_LENGTH",
    "CONTENT_TYPE",
    "DATE",
    "ERROR_DETAILS",
    "FIELD_NAME",
    "INTERMEDIARY",
    "INVALID_ROUTE",
    "JSON",
    "LOCATION",
    "META_BODY",
    "META_LOCATION",
    "OWNED_HEADERS",
    "PROTOBUF",
    "RETRY_AFTER",
    "SERVER_CODE",
    "STATUS_CODE",
    "TIMEOUT_MS",
    "TRANSFER_ENCODING",
    "USER_AGENT",
    "VARY",
]

ACCEPT: Final = "Accept"
ACCEPT_ENCODING: Final = "Accept-Encoding"
AUTHORIZATION: Final = "Authorization"
CONTENT_ENCODING: Final = "Content-Encoding"
CONTENT_LENGTH: Final = "Content-Length"
CONTENT_TYPE: Final = "Content-Type"
DATE: Final = "Date"
LOCATION: Final = "Location"
RETRY_AFTER: Final = "Retry-After"
TIMEOUT_MS: Final = "X-Twirp-Timeout-Ms"
"""Tells the server how many milliseconds the caller will wait (rule B4)."""
TRANSFER_ENCODING: Final = "Transfer-Encoding"
USER_AGENT: Final = "User-Agent"
VARY: Final = "Vary"

PROTOBUF: Final = "application/protobuf"
JSON: Final = "application/json"

CALL_HEADERS: Final[Mapping[str, str]] = {
    CONTENT_TYPE: PROTOBUF,
    ACCEPT: PROTOBUF,
    ACCEPT_ENCODING: "gzip, deflate",
}
"""Headers that are the same in every call (rule A2)."""

OWNED_HEADERS: Final = frozenset(
    name.lower()
    for name in (
        *CALL_HEADERS,
        AUTHORIZATION,
        TIMEOUT_MS,
        USER_AGENT,
        CONTENT_ENCODING,
        CONTENT_LENGTH,
        TRANSFER_ENCODING,
        "Connection",
        "Host",
    )
)
"""Headers that only a call or its transport may set, in lower case (rule A2)."""

FIELD_NAME: Final = re.compile(f"{NAME_CHARACTER}+")
"""A header name: a token of RFC 9110, section 5.6.2."""

# Keys of an error's metadata. The first two are those of Twirp's Go client, so that dashboards can be shared (rule A8).
INTERMEDIARY: Final = "http_error_from_intermediary"
STATUS_CODE: Final = "status_code"
META_BODY: Final = "body"
META_LOCATION: Final = "location"
SERVER_CODE: Final = "server_code"
"""The code that the server sent, where the client reports another one (rule B4)."""
ERROR_DETAILS: Final = "error_details"
"""A ``google.rpc.Status`` in base64 (rule A17)."""
INVALID_ROUTE: Final = "twirp_invalid_route"
"""The method and path of a request that has no route, as Twirp's Go servers send it."""
