"""Recorded exchanges: requests to a real server and its responses, one JSON object per line.

`docs/conformance.md` describes the format.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any, Self

__all__ = ["Exchange", "HeaderLines", "RecordedRequest", "RecordedResponse", "load"]

HeaderLines = tuple[tuple[str, str], ...]
"""Header lines in their order, with the names as sent."""


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """A request as it was sent, except for its token and its Host."""

    method: str
    target: str
    headers: HeaderLines = field(repr=False)
    body: bytes = field(repr=False)
    message: Any = field(repr=False)
    """The message in protojson, with proto field names; None if the body is not such a message."""

    def header(self, name: str) -> str | None:
        """Return the value of the first header of that name, ignoring case; None without one."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


@dataclass(frozen=True, slots=True)
class RecordedResponse:
    """A response: its exact bytes, and its parts as the recorder parsed them."""

    raw: bytes = field(repr=False)
    """Header and body as received, with interim (1xx) responses."""
    status: int
    headers: HeaderLines = field(repr=False)
    body: bytes = field(repr=False)
    """The body with a chunked transfer coding removed, but not a content encoding."""
    message: Any = field(repr=False)
    """The message in protojson, the parsed JSON of an error, or None."""

    def header(self, name: str) -> str | None:
        """Return the value of the first header of that name, ignoring case; None without one."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One recorded exchange."""

    id: str
    rpc: str | None
    """``package.Service/Method``; None if the request did not name an RPC."""
    note: str
    claims: Mapping[str, Any] | None = field(repr=False)
    """The claims of the recorded token, for readers. A client may send other claims."""
    request: RecordedRequest
    response: RecordedResponse | None
    """The response; None if the connection was closed without one."""

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Make the exchange that a parsed line describes. Raises KeyError, TypeError or ValueError if it is not one."""
        request, response = value["request"], value["response"]
        return cls(
            id=_text(value["id"], "id"),
            rpc=None if value["rpc"] is None else _text(value["rpc"], "rpc"),
            note=_text(value.get("note", ""), "note"),
            claims=value.get("claims"),
            request=RecordedRequest(
                method=_text(request["method"], "request.method"),
                target=_text(request["target"], "request.target"),
                headers=_headers(request["headers"]),
                body=_bytes(request["body_b64"]),
                message=request["message"],
            ),
            response=None if response is None else _response(response),
        )

    @property
    def raw_response(self) -> bytes | None:
        """The bytes of the response; None if the connection was closed without one."""
        return None if self.response is None else self.response.raw

    def __str__(self) -> str:
        return self.id


def load(path: str | PathLike[str]) -> list[Exchange]:
    """Read the exchanges of one ``.jsonl`` file, in their order. Empty lines are skipped.

    Raises:
        ValueError: A line is not an exchange, or two lines have the same id. The text names file and line.
        OSError: The file cannot be read.
    """
    return _parsed(Path(path).name, Path(path).read_text(encoding="utf-8").split("\n"))


def _parsed(name: str, lines: Iterable[str]) -> list[Exchange]:
    exchanges: dict[str, Exchange] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            exchange = Exchange.from_json(json.loads(line))
        except (KeyError, TypeError, ValueError) as error:
            problem = f"has no key {error}" if isinstance(error, KeyError) else str(error)
            raise ValueError(f"{name}, line {number}: not a recorded exchange: {problem}") from error
        if exchange.id in exchanges:
            raise ValueError(f"{name}, line {number}: the id {exchange.id!r} is already used in an earlier line")
        exchanges[exchange.id] = exchange
    return list(exchanges.values())


def _response(value: Any) -> RecordedResponse:
    if not isinstance(value["status"], int):
        raise TypeError("response.status is not an integer")
    return RecordedResponse(
        raw=_bytes(value["raw_b64"]),
        status=value["status"],
        headers=_headers(value["headers"]),
        body=_bytes(value["body_b64"]),
        message=value["message"],
    )


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{what} is not a string")
    return value


def _headers(value: Any) -> HeaderLines:
    return tuple((_text(name, "a header name"), _text(content, "a header value")) for name, content in value)


def _bytes(value: Any) -> bytes:
    return base64.b64decode(_text(value, "a base64 value"), validate=True)
