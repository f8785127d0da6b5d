"""Bodies: Content-Encoding, sizes, and the memory and time that they cost (rule A13)."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Iterable

import pytest

from twirpkit._http1.content import Body, BodyError, OversizedBody
from twirpkit._http1.limits import (
    DECODE_INPUT,
    DECODE_OUTPUT,
    LONGEST_CODING_NAME,
    MAX_ERROR_BODY,
    MAX_EXTRA_ENCODED,
    MAX_RESERVED,
)

MIB = 1 << 20
CAP = 1000
TEXT = b"message " * 50


def test_the_limits() -> None:
    assert (MAX_ERROR_BODY, MAX_EXTRA_ENCODED, LONGEST_CODING_NAME) == (MIB, MIB, 1024)


def raw_deflate(data: bytes) -> bytes:
    return zlib.compress(data, wbits=-15)


def read(coding: str | None, segments: Iterable[bytes], limit: int = CAP) -> tuple[bytes, str | None]:
    """The decoded body, and the text of its error."""
    body = Body(coding, limit)
    try:
        for segment in segments:
            body.feed(segment)
        body.end()
    except BodyError as error:
        return body.take(), str(error)
    return body.take(), None


GOOD = {
    "none": (None, TEXT, TEXT),
    "empty name": ("", TEXT, TEXT),
    "identity": ("identity", TEXT, TEXT),
    "Identity": (" Identity\t", TEXT, TEXT),
    "gzip": ("gzip", gzip.compress(TEXT), TEXT),
    "x-gzip": ("x-gzip", gzip.compress(TEXT), TEXT),
    "GZip": (" GZip ", gzip.compress(TEXT), TEXT),
    "gzip, two members": ("gzip", gzip.compress(TEXT) + gzip.compress(b"more"), TEXT + b"more"),
    "gzip, an empty member between": ("gzip", gzip.compress(b"a") + gzip.compress(b"") + gzip.compress(b"b"), b"ab"),
    "gzip, nothing in it": ("gzip", gzip.compress(b""), b""),
    "gzip, not a byte": ("gzip", b"", b""),
    "deflate": ("deflate", zlib.compress(TEXT), TEXT),
    "Deflate, level 9": ("Deflate", zlib.compress(TEXT, 9), TEXT),
    "deflate, small window": ("deflate", zlib.compress(TEXT, wbits=9), TEXT),
    "raw deflate": ("deflate", raw_deflate(TEXT), TEXT),
    "raw deflate, nothing in it": ("deflate", raw_deflate(b""), b""),
    "raw deflate, half a zlib header": ("deflate", b"\x08\x05\x00\xfa\xffhello\x01\x00\x00\xff\xff", b"hello"),
    "raw deflate, the other half": (
        "deflate",
        b"\x00\x1f\x00\xe0\xff" + b"x" * 31 + b"\x01\x00\x00\xff\xff",
        b"x" * 31,
    ),
    "deflate, not a byte": ("deflate", b"", b""),
    "br, not a byte": ("br", b"", b""),
    "as large as it may be": (None, bytes(CAP), bytes(CAP)),
    "gzip, as large as it may be": ("gzip", gzip.compress(bytes(CAP)), bytes(CAP)),
    "deflate, as large as it may be": ("deflate", zlib.compress(bytes(CAP)), bytes(CAP)),
    "larger encoded than decoded": ("gzip", gzip.compress(b"") * 60 + gzip.compress(b"hi"), b"hi"),
}
EARLY, CORRUPT, LARGE = "body ends too early", "body is corrupt", f"the response's body is larger than {CAP} bytes"
BAD = {
    "gzip, cut": ("gzip", gzip.compress(TEXT)[:-1], TEXT, f"the gzip {EARLY}"),
    "gzip, cut in its header": ("gzip", gzip.compress(TEXT)[:5], b"", f"the gzip {EARLY}"),
    "gzip, no gzip": ("gzip", b"not gzip at all", b"", f"the gzip {CORRUPT}"),
    "gzip, junk behind": ("gzip", gzip.compress(TEXT) + b"junk", TEXT, f"the gzip {CORRUPT}"),
    "gzip, zlib in it": ("gzip", zlib.compress(TEXT), b"", f"the gzip {CORRUPT}"),
    "gzip, wrong checksum": ("gzip", gzip.compress(TEXT)[:-8] + bytes(8), b"", f"the gzip {CORRUPT}"),
    "gzip, second member cut": ("gzip", gzip.compress(b"a") + gzip.compress(b"b")[:-3], b"ab", f"the gzip {EARLY}"),
    "deflate, cut": ("deflate", zlib.compress(TEXT)[:-1], TEXT, f"the deflate {EARLY}"),
    "deflate, one byte": ("deflate", b"\x78", b"", f"the deflate {EARLY}"),
    "deflate, wrong checksum": ("deflate", zlib.compress(TEXT)[:-4] + bytes(4), b"", f"the deflate {CORRUPT}"),
    "deflate, junk behind": ("deflate", zlib.compress(TEXT) + b"junk", TEXT, "bytes follow the deflate body"),
    "raw deflate, cut": ("deflate", raw_deflate(TEXT)[:-1], TEXT, f"the deflate {EARLY}"),
    "raw deflate, junk behind": ("deflate", raw_deflate(TEXT) + b"j", TEXT, "bytes follow the deflate body"),
    "deflate, no deflate": ("deflate", b"\xff\xff\xff\xff", b"", f"the deflate {CORRUPT}"),
    "br": ("br", b"\x0b\x02\x80hello\x03", b"", "Content-Encoding 'br' is unknown"),
    "zstd": ("zstd", b"\x28\xb5\x2f\xfd", b"", "Content-Encoding 'zstd' is unknown"),
    "two codings": ("gzip, gzip", gzip.compress(gzip.compress(TEXT)), b"", "Content-Encoding 'gzip, gzip' is unknown"),
    "a long name": ("x" * 1024, b"hi", b"", f"Content-Encoding {'x' * 1024!r} is unknown"),
    "a longer name": ("x" * 1025, b"hi", b"", "Content-Encoding of 1025 characters is unknown"),
    "one byte too many": (None, bytes(CAP + 1), bytes(CAP), LARGE),
    "gzip, one byte too many": ("gzip", gzip.compress(bytes(CAP + 1)), bytes(CAP), LARGE),
    "gzip, one byte too many in a member": (
        "gzip",
        gzip.compress(bytes(CAP)) + gzip.compress(b"\0"),
        bytes(CAP),
        LARGE,
    ),
    "deflate, one byte too many": ("deflate", zlib.compress(bytes(CAP + 1)), bytes(CAP), LARGE),
    "raw deflate, one byte too many": ("deflate", raw_deflate(bytes(CAP + 1)), bytes(CAP), LARGE),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_body_is_decoded(name: str) -> None:
    coding, data, expected = GOOD[name]
    assert read(coding, [data]) == (expected, None)
    assert read(coding, [data[i : i + 1] for i in range(len(data))]) == (expected, None)


@pytest.mark.parametrize("name", BAD)
def test_a_body_that_cannot_be_decoded(name: str) -> None:
    coding, data, expected, error = BAD[name]
    assert read(coding, [data]) == (expected, error)
    assert read(coding, [data[i : i + 1] for i in range(len(data))])[1] == error


def test_an_oversized_body_is_a_body_error() -> None:
    with pytest.raises(BodyError) as caught:
        Body(None, 3).feed(b"1234")
    assert type(caught.value) is OversizedBody
    assert str(caught.value) == "the response's body is larger than 3 bytes"


@pytest.mark.parametrize("view", [bytes, memoryview])
@pytest.mark.parametrize("expected", [None, 0, 3, 5, 6])
def test_the_expected_size_changes_nothing(expected: int | None, view: type) -> None:
    body = Body(None, 6, expected)
    for segment in (b"ab", b"", b"cde"):
        body.feed(view(segment))
    body.end()
    assert body.take() == b"abcde"


def test_a_cut_body_has_no_reserved_bytes() -> None:
    body = Body(None, 100, 100)
    assert body.take() == b""
    body = Body(None, 100, 100)
    body.feed(b"ab")
    assert body.take() == b"ab"


@pytest.fixture
def traced() -> Iterable[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


@pytest.mark.usefixtures("traced")
def test_an_announced_body_is_held_once() -> None:
    size = 4 * MIB
    segment = bytes(MIB // 4)
    before, _ = tracemalloc.get_traced_memory()
    body = Body(None, size, size)
    for _ in range(16):
        body.feed(segment)
    whole = body.take()
    peak = tracemalloc.get_traced_memory()[1] - before
    assert len(whole) == size
    assert peak < size + MIB // 4


@pytest.mark.usefixtures("traced")
@pytest.mark.parametrize(
    ("limit", "expected", "reserved"),
    [
        (10 * MIB, 1 << 50, 10 * MIB),
        (40 * MIB, 1 << 50, 16 * MIB),
        (40 * MIB, 2 * MIB, 2 * MIB),
        (40 * MIB, 0, 0),
        (40 * MIB, None, 0),
    ],
)
def test_the_memory_that_a_length_alone_reserves(limit: int, expected: int | None, reserved: int) -> None:
    before, _ = tracemalloc.get_traced_memory()
    Body(None, limit, expected)
    peak = tracemalloc.get_traced_memory()[1] - before
    assert reserved <= peak < reserved + MIB
    assert MAX_RESERVED == 16 * MIB


def bomb(decoded: int, window: int) -> bytes:
    stream = zlib.compressobj(9, wbits=window)
    zeros = bytes(MIB)
    return b"".join([*(stream.compress(zeros) for _ in range(decoded // MIB)), stream.flush()])


@pytest.mark.usefixtures("traced")
@pytest.mark.parametrize(("coding", "window"), [("gzip", 31), ("deflate", 15), ("deflate", -15)])
def test_a_bomb_costs_its_limit_and_little_more(coding: str, window: int) -> None:
    data = bomb(64 * MIB, window)
    before, _ = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    decoded, error = read(coding, [data], 2 * MIB)
    peak = tracemalloc.get_traced_memory()[1] - before
    assert (len(decoded), error) == (2 * MIB, f"the response's body is larger than {2 * MIB} bytes")
    assert peak < 2 * MIB + 3 * DECODE_OUTPUT + MIB


@pytest.mark.parametrize(
    ("coding", "unit"),
    [("gzip", gzip.compress(b"")), ("deflate", b"\x00\x00\x00\xff\xff")],
    ids=["members with nothing in them", "blocks with nothing in them"],
)
def test_data_that_decodes_to_nothing_ends(coding: str, unit: bytes) -> None:
    body = Body(coding, CAP)
    data = (unit * (MIB // len(unit) + CAP))[: CAP + MIB]
    body.feed(data)
    with pytest.raises(OversizedBody, match=f"^{LARGE}$"):
        body.feed(b"\0")


@pytest.mark.parametrize(
    "size", [DECODE_INPUT - 1, DECODE_INPUT, DECODE_INPUT + 1, DECODE_OUTPUT - 1, DECODE_OUTPUT, DECODE_OUTPUT + 1]
)
@pytest.mark.parametrize("level", [0, 9])
def test_sizes_at_which_a_piece_ends(size: int, level: int) -> None:
    text = bytes(size)
    for coding, data, times in (
        ("gzip", gzip.compress(text, level), 1),
        ("gzip", gzip.compress(text, level) * 3, 3),
        ("deflate", zlib.compress(text, level), 1),
    ):
        decoded, error = read(coding, [data], 10 * MIB)
        assert (len(decoded), error) == (size * times, None)


def test_zlib_may_hold_more_than_it_was_asked_for() -> None:
    """The last byte of a bare body may hold its last words and its end: none is left when the first piece is full."""
    for size in range(DECODE_OUTPUT, DECODE_OUTPUT + 100):
        decoded, error = read("deflate", [raw_deflate(b"x" * size)], 2 * DECODE_OUTPUT)
        assert (len(decoded), error) == (size, None)


def test_zlib_is_asked_for_what_it_holds() -> None:
    """A piece may be full when the last encoded byte has gone in, and the rest come without another."""
    text = bytes(DECODE_OUTPUT) + b"x" * 700
    encoded = gzip.compress(text)
    for cut in range(1, 12):
        assert read("gzip", [encoded[:-cut], encoded[-cut:]], MIB) == (text, None)
