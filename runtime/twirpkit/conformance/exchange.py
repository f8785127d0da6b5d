"""Recorded exchanges: what was asked, and what a real server answered, one JSON object a line.

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
"""Header lines in wire order, names as they were spelled."""


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """A request as it was sent, but for its token and its Host."""

    method: str
    target: str
    headers: HeaderLines = field(repr=False)
    body: bytes = field(repr=False)
    message: Any = field(repr=False)
    """Protojson with proto field names; None where the body is no such message."""

    def header(self, name: str) -> str | None:
        """The value of the first line of that name, in any case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


@dataclass(frozen=True, slots=True)
class RecordedResponse:
    """An answer: its exact bytes, and the same taken apart by the recorder."""

    raw: bytes = field(repr=False)
    """Head and body as they came from the socket, with interim (1xx) answers."""
    status: int
    headers: HeaderLines = field(repr=False)
    body: bytes = field(repr=False)
    """Chunks undone, a content encoding not."""
    message: Any = field(repr=False)
    """Protojson of the decoded answer, the parsed JSON of an error, or None."""

    def header(self, name: str) -> str | None:
        """The value of the first line of that name, in any case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One recorded exchange."""

    id: str
    rpc: str | None
    """``package.Service/Method``; None where no RPC was reached for."""
    note: str
    claims: Mapping[str, Any] | None = field(repr=False)
    """Of the token that was sent then, which need not be the one that a client sends now."""
    request: RecordedRequest
    response: RecordedResponse | None
    """None: the connection was closed without an answer."""

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """The exchange that a parsed line describes. Raises KeyError, TypeError or ValueError where it is none."""
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
    def raw_answer(self) -> bytes | None:
        """The bytes that answered; None for a connection that was closed without any."""
        return None if self.response is None else self.response.raw

    def __str__(self) -> str:
        return self.id


def load(path: str | PathLike[str]) -> list[Exchange]:
    """Read the exchanges of one ``.jsonl`` file, in the file's order. Empty lines are skipped.

    Raises:
        ValueError: A line is no exchange, or two lines have one id; the text names file and line.
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
            raise ValueError(f"{name}, line {number}: no recorded exchange: {problem}") from error
        if exchange.id in exchanges:
            raise ValueError(f"{name}, line {number}: the id {exchange.id!r} stands in an earlier line too")
        exchanges[exchange.id] = exchange
    return list(exchanges.values())


def _response(value: Any) -> RecordedResponse:
    if not isinstance(value["status"], int):
        raise TypeError("response.status is no integer")
    return RecordedResponse(
        raw=_bytes(value["raw_b64"]),
        status=value["status"],
        headers=_headers(value["headers"]),
        body=_bytes(value["body_b64"]),
        message=value["message"],
    )


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{what} is no string")
    return value


def _headers(value: Any) -> HeaderLines:
    return tuple((_text(name, "a header name"), _text(content, "a header value")) for name, content in value)


def _bytes(value: Any) -> bytes:
    return base64.b64decode(_text(value, "a base64 value"), validate=True)
