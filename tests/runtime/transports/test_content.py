"""Content-Encoding (rule A13): undone, or a flaw."""

from __future__ import annotations

import gzip
import zlib

import pytest
from wire import Answer, http, serve
from worlds import World

from twirpkit.transports._content import Body, Flawed

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
    "deflate, not a byte": ("deflate", b"", b""),
    "identity": ("identity", TEXT, TEXT),
    "Identity": ("Identity", TEXT, TEXT),
    "no coding": ("", TEXT, TEXT),
    "br, not a byte": ("br", b"", b""),
}

BAD = {
    "gzip, cut": ("gzip", gzip.compress(TEXT)[:-1], TEXT, "too early"),
    "gzip, cut in its header": ("gzip", gzip.compress(TEXT)[:5], b"", "too early"),
    "gzip, wrong checksum": ("gzip", gzip.compress(TEXT)[:-8] + b"\0" * 8, b"", "corrupt"),
    "gzip, no gzip": ("gzip", b"not gzip at all", b"", "corrupt"),
    "gzip, junk behind": ("gzip", gzip.compress(TEXT) + b"junk", b"", "corrupt"),
    "gzip, zlib in it": ("gzip", zlib.compress(TEXT), b"", "corrupt"),
    "gzip, zlib behind": ("gzip", gzip.compress(TEXT) + zlib.compress(TEXT), b"", "corrupt"),
    "gzip, second member cut": ("gzip", gzip.compress(b"a") + gzip.compress(b"b")[:-3], b"ab", "too early"),
    "deflate, cut": ("deflate", zlib.compress(TEXT)[:-1], TEXT, "too early"),
    "deflate, one byte": ("deflate", b"\x78", b"", "too early"),
    "deflate, corrupt": ("deflate", zlib.compress(TEXT)[:-4] + b"\0\0\0\0", b"", "corrupt"),
    "deflate, junk behind": ("deflate", zlib.compress(TEXT) + b"junk", b"", "follow"),
    "raw deflate, cut": ("deflate", raw_deflate(TEXT)[:-1], TEXT, "too early"),
    "raw deflate, junk behind": ("deflate", raw_deflate(TEXT) + b"j", b"", "follow"),
    "deflate, no deflate": ("deflate", b"\xff\xff\xff\xff", b"", "corrupt"),
    "br": ("br", b"\x0b\x02\x80hello\x03", b"", "'br' is unknown"),
    "zstd": ("zstd", b"\x28\xb5\x2f\xfd", b"", "'zstd' is unknown"),
    "two codings": ("gzip, gzip", gzip.compress(gzip.compress(TEXT)), b"", "'gzip, gzip' is unknown"),
    "a long name": ("x" * 1000, b"hi", b"", f"{'x' * 40!r} is unknown"),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_coding_is_undone(world: World, name: str) -> None:
    coding, data, expected = GOOD[name]
    headers = [f"Content-Encoding: {coding}"] if coding else []
    with serve(http(data, *headers), http(b"next")) as server:
        got = world.send(server.url)
        assert (got.body, got.flaw) == (expected, None)
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
        assert got.flaw is not None
        assert flaw in got.flaw
        assert world.send(server.url).body == b"next"


def test_a_cut_coded_body_is_cut(world: World) -> None:
    data = http(gzip.compress(TEXT), "Content-Encoding: gzip")[:-20]
    with serve(Answer(data)) as server:
        got = world.send(server.url)
    assert "cut" in (got.flaw or "")
    assert TEXT.startswith(got.body)


def test_a_coded_body_without_a_length(world: World) -> None:
    with serve(Answer(http(gzip.compress(TEXT), "Content-Encoding: gzip", length=False))) as server:
        got = world.send(server.url)
    assert got.body == TEXT
    assert "Content-Length" in (got.flaw or "")


@pytest.mark.parametrize("name", [*GOOD, *BAD])
def test_the_segments_do_not_matter(name: str) -> None:
    coding, data, expected, flaw = GOOD[name] + ("",) if name in GOOD else BAD[name]
    body = Body(coding)
    reason = ""
    try:
        for position in range(len(data)):
            body.feed(data[position : position + 1])
        body.end()
    except Flawed as flawed:
        reason = str(flawed)
    assert flaw in reason
    assert bool(flaw) == bool(reason)
    if not flaw:
        assert body.value == expected
