"""Answers as bytes, and bombs: what a well-behaved reader makes of them."""

from __future__ import annotations

import gzip
import http.client
import io
import itertools
import json
import zlib

import pytest
from google.protobuf.wrappers_pb2 import StringValue

from twirpkit import Code
from twirpkit.testing import (
    ScriptedResponse,
    compressed_bomb,
    endless_chunks,
    error,
    framing_faults,
    identity_bomb,
    many_headers,
    reply,
)
from twirpkit.testing import (
    http as answer,
)
from twirpkit.testing.http_parsing import ends_itself
from twirpkit.testing.scripted_responses import STATUS_OF_CODE

HAT = StringValue(value="hat" * 10)
CONTENT = HAT.SerializeToString()


class Sock:
    """As much of a socket as http.client needs."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def makefile(self, mode: str) -> io.BytesIO:
        return io.BytesIO(self._raw)


def parsed(made: ScriptedResponse) -> tuple[http.client.HTTPResponse, bytes]:
    response = http.client.HTTPResponse(Sock(made.raw), method="POST")  # type: ignore[arg-type]
    response.begin()
    return response, response.read()


@pytest.mark.parametrize("interim", [(), (103,), (100, 103)])
@pytest.mark.parametrize("chunks", [None, 1, 7, 1000])
@pytest.mark.parametrize("encoding", [None, "gzip", "deflate"])
def test_reply(encoding: str | None, chunks: int | None, interim: tuple[int, ...]) -> None:
    made = reply(HAT, encoding=encoding, chunks=chunks, interim=interim)  # type: ignore[arg-type]
    assert (made.status, made.content) == (200, CONTENT)
    assert made.raw.count(b"HTTP/1.1 103 ") == interim.count(103)
    final = ScriptedResponse(made.raw[made.raw.index(b"HTTP/1.1 200") :])
    response, body = parsed(final)
    assert response.getheader("Content-Type") == "application/protobuf"
    assert response.getheader("Content-Encoding") == encoding
    assert (response.getheader("Content-Length") is None) is (chunks is not None)
    undo = {None: bytes, "gzip": gzip.decompress, "deflate": zlib.decompress}[encoding]
    assert undo(body) == CONTENT
    assert made.raw[made.head_length - 4 : made.head_length] == b"\r\n\r\n"
    assert final.head_length + len(made) - len(final) == made.head_length
    assert ends_itself(made.raw, "POST")


def test_reply_with_headers_of_ones_own() -> None:
    response, body = parsed(reply(b"", headers={"Content-Type": "text/html", "X-A": "b"}))
    assert (response.getheader("Content-Type"), response.getheader("X-A"), body) == ("text/html", "b", b"")


@pytest.mark.parametrize("code", Code)
def test_error(code: Code) -> None:
    made = error(code, "no such hat", meta={"a": "b"})
    response, body = parsed(made)
    assert response.status == made.status == STATUS_OF_CODE[code]
    assert json.loads(body) == {"code": code.value, "msg": "no such hat", "meta": {"a": "b"}}
    assert error(code.value, "no such hat", meta={"a": "b"}) == made
    assert made.content is None


def test_errors_that_no_server_should_send() -> None:
    response, body = parsed(error("worn_out", status=418, headers={"Content-Type": "text/plain"}))
    assert (response.status, response.getheader("Content-Type"), response.reason) == (418, "text/plain", "I'm a Teapot")
    assert json.loads(body) == {"code": "worn_out", "msg": ""}
    assert error("worn_out").status == 500
    assert b"HTTP/1.1 520 Unknown\r\n" in answer(520).raw


def test_any_answer() -> None:
    made = answer(301, b"moved", headers=[("Location", "/a"), ("Location", "/b")], framed=False, content=b"c")
    assert made.raw == b"HTTP/1.1 301 Moved Permanently\r\nLocation: /a\r\nLocation: /b\r\n\r\nmoved"
    assert (made.content, len(made), made.raw[: made.head_length][-4:]) == (b"c", len(made.raw), b"\r\n\r\n")


def test_what_is_no_http() -> None:
    made = ScriptedResponse(b"hello")
    assert (made.status, made.head_length) == (None, 5)


def test_gateway_errors() -> None:
    answers = [
        answer(502),
        answer(500, b"<html>"),
        error("unavailable"),
        answer(404, b"<html>"),
        ScriptedResponse(b"hello"),
    ]
    assert [each.is_gateway_error for each in answers] == [True, True, False, False, False]


@pytest.mark.parametrize("body", [b"", CONTENT], ids=["empty", "full"])
def test_framing_faults(body: bytes) -> None:
    faults = framing_faults(body)
    assert framing_faults(HAT) == framing_faults(CONTENT)
    assert len({fault.raw for fault in faults.values()}) >= len(faults) - 1
    ended = {name for name, fault in faults.items() if fault.status == 200 and ends_itself(fault.raw, "POST")}
    assert ended == {"a length and chunks", "an encoding that is not there", "an unknown encoding"}
    assert all(fault.content is None for fault in faults.values())


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_compressed_bomb(encoding: str) -> None:
    made = compressed_bomb(encoding, megabytes=3)  # type: ignore[arg-type]
    body = made.raw[made.head_length :]
    assert len(body) < 3 * 1200
    undone = gzip.decompress(body) if encoding == "gzip" else zlib.decompress(body)
    assert undone == bytes(3 << 20)
    assert ends_itself(made.raw, "POST")


def test_poured_bombs() -> None:
    identity = identity_bomb(megabytes=3)
    assert b"Content-Length: 3145728\r\n" in identity.raw
    assert identity.stream is not None
    assert sum(map(len, identity.stream())) == 3 << 20
    endless = endless_chunks(16)
    assert endless.stream is not None
    assert list(itertools.islice(endless.stream(), 2)) == [b"10\r\n" + bytes(16) + b"\r\n"] * 2
    assert many_headers(7).raw.count(b"X-Line-") == 7
