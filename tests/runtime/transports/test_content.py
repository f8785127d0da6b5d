"""Content-Encoding (rule A13): undone, or a flaw."""

from __future__ import annotations

import gzip
import zlib

import pytest
from wire import Answer, http, serve
from worlds import World

from twirpkit.transports._content import _PIECE, Body, Flawed

TEXT = b"message " * 50


def raw_deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(data) + stream.flush()


GOOD = {
    "gzip": ("gzip", gzip.compress(TEXT), TEXT),
    "x-gzip": ("x-gzip", gzip.compress(TEXT), TEXT),
    "GZIP": (" GZip ", gzip.compress(TEXT), TEXT),
    "gzip, two members": ("gzip", gzip.compress(TEXT) + gzip.compress(b"more"), TEXT + b"more"),
    "gzip, three members": ("gzip", gzip.compress(b"a") + gzip.compress(b"") + gzip.compress(b"b"), b"ab"),
    "gzip, nothing in it": ("gzip", gzip.compress(b""), b""),
    "gzip, not a byte": ("gzip", b"", b""),
    "deflate": ("deflate", zlib.compress(TEXT), TEXT),
    "deflate, level 9": ("Deflate", zlib.compress(TEXT, 9), TEXT),
    "deflate, small window": ("deflate", zlib.compress(TEXT, 1), TEXT),
    "raw deflate": ("deflate", raw_deflate(TEXT), TEXT),
    "raw deflate, nothing in it": ("deflate", raw_deflate(b""), b""),
    "raw deflate, half a zlib header": ("deflate", b"\x08\x05\x00\xfa\xffhello\x01\x00\x00\xff\xff", b"hello"),
    "raw deflate, the other half": (
        "deflate",
        b"\x00\x1f\x00\xe0\xff" + b"x" * 31 + b"\x01\x00\x00\xff\xff",
        b"x" * 31,
    ),
    "deflate, not a byte": ("deflate", b"", b""),
    "identity": ("identity", TEXT, TEXT),
    "Identity": ("Identity", TEXT, TEXT),
    "no coding": ("", TEXT, TEXT),
    "br, not a byte": ("br", b"", b""),
}

BAD = {
    "gzip, cut": ("gzip", gzip.compress(TEXT)[:-1], TEXT, "the gzip body ends too early"),
    "gzip, cut in its header": ("gzip", gzip.compress(TEXT)[:5], b"", "the gzip body ends too early"),
    "gzip, wrong checksum": ("gzip", gzip.compress(TEXT)[:-8] + b"\0" * 8, b"", "the gzip body is corrupt"),
    "gzip, no gzip": ("gzip", b"not gzip at all", b"", "the gzip body is corrupt"),
    "gzip, junk behind": ("gzip", gzip.compress(TEXT) + b"junk", TEXT, "the gzip body is corrupt"),
    "gzip, zlib in it": ("gzip", zlib.compress(TEXT), b"", "the gzip body is corrupt"),
    "gzip, zlib behind": ("gzip", gzip.compress(TEXT) + zlib.compress(TEXT), TEXT, "the gzip body is corrupt"),
    "gzip, second member cut": (
        "gzip",
        gzip.compress(b"a") + gzip.compress(b"b")[:-3],
        b"ab",
        "the gzip body ends too early",
    ),
    "deflate, cut": ("deflate", zlib.compress(TEXT)[:-1], TEXT, "the deflate body ends too early"),
    "deflate, one byte": ("deflate", b"\x78", b"", "the deflate body ends too early"),
    "deflate, corrupt": ("deflate", zlib.compress(TEXT)[:-4] + b"\0\0\0\0", b"", "the deflate body is corrupt"),
    "deflate, junk behind": ("deflate", zlib.compress(TEXT) + b"junk", TEXT, "bytes follow the deflate body"),
    "raw deflate, cut": ("deflate", raw_deflate(TEXT)[:-1], TEXT, "the deflate body ends too early"),
    "raw deflate, junk behind": ("deflate", raw_deflate(TEXT) + b"j", TEXT, "bytes follow the deflate body"),
    "deflate, no deflate": ("deflate", b"\xff\xff\xff\xff", b"", "the deflate body is corrupt"),
    "br": ("br", b"\x0b\x02\x80hello\x03", b"", "Content-Encoding 'br' is unknown"),
    "zstd": ("zstd", b"\x28\xb5\x2f\xfd", b"", "Content-Encoding 'zstd' is unknown"),
    "two codings": ("gzip, gzip", gzip.compress(gzip.compress(TEXT)), b"", "Content-Encoding 'gzip, gzip' is unknown"),
    "a long name": ("x" * 1024, b"hi", b"", f"Content-Encoding {'x' * 1024!r} is unknown"),
    "a longer name": ("x" * 1025, b"hi", b"", "Content-Encoding of 1025 characters is unknown"),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_coding_is_undone(world: World, name: str) -> None:
    coding, data, expected = GOOD[name]
    headers = [f"Content-Encoding: {coding}"] if coding else []
    with serve(http(data, *headers), http(b"next")) as server:
        got = world.send(server.url)
        assert (got.body, got.body_error) == (expected, None)
        assert got.headers["content-length"] == str(len(data)), "the headers stay those that came"
        assert world.send(server.url).body == b"next"
    assert server.connections == 1


@pytest.mark.parametrize("status", ["200 OK", "500 No"])
@pytest.mark.parametrize("name", BAD)
def test_a_coding_that_cannot_be_undone_is_a_flaw(world: World, name: str, status: str) -> None:
    coding, data, expected, flaw = BAD[name]
    with serve(http(data, f"Content-Encoding: {coding}", status=status), http(b"next")) as server:
        got = world.send(server.url)
        assert (got.status, got.body) == (int(status[:3]), expected)
        assert got.body_error == flaw
        assert world.send(server.url).body == b"next"


def test_a_cut_coded_body_is_cut(world: World) -> None:
    data = http(gzip.compress(TEXT), "Content-Encoding: gzip")[:-20]
    with serve(Answer(data)) as server:
        got = world.send(server.url)
    assert "cut" in (got.body_error or "")
    assert TEXT.startswith(got.body)


def test_a_coded_body_without_a_length(world: World) -> None:
    with serve(Answer(http(gzip.compress(TEXT), "Content-Encoding: gzip", length=False))) as server:
        got = world.send(server.url)
    assert got.body == TEXT
    assert "Content-Length" in (got.body_error or "")


def test_zlib_may_hold_more_than_it_was_asked_for() -> None:
    """The last byte of a bare body may hold its last words and its end: none is left when the first piece is full."""
    for size in range(_PIECE, _PIECE + 100):
        body = Body("deflate", 2 * _PIECE)
        body.feed(raw_deflate(b"x" * size))
        body.end()
        assert len(body.value) == size


@pytest.mark.parametrize("name", [*GOOD, *BAD])
def test_the_segments_do_not_matter(name: str) -> None:
    coding, data, expected, flaw = GOOD[name] + ("",) if name in GOOD else BAD[name]
    body = Body(coding, 1000)
    reason = ""
    try:
        for position in range(len(data)):
            body.feed(data[position : position + 1])
        body.end()
    except Flawed as flawed:
        reason = str(flawed)
    assert reason == flaw
    if not flaw:
        assert body.value == expected
