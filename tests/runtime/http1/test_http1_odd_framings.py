"""Odd framings: our reading of each, beside those of h11 and llhttp.

Each row says what we make of some bytes. The test adds: a response that both others refuse is refused, and one that we
take has the body that each of them reads, if it reads one. Where we are stricter than either, the row says so.
"""

from __future__ import annotations

import pytest
from odd_framings import ROWS
from reference_parsers import disagreement, exchange_of, read_by_h11, read_by_llhttp

from twirpkit.transports.base import TransportFailure


@pytest.mark.parametrize("name", ROWS)
def test_an_odd_framing(name: str) -> None:
    row = ROWS[name]
    exchange = exchange_of([row.data])
    result = exchange.result
    body = b"" if isinstance(result, TransportFailure) or result.body_error is not None else result.body
    assert (body == b"hi") is row.taken, result
    assert exchange.reusable is (row.taken and row.reusable)
    assert disagreement(row.data) is None
    others = read_by_h11(row.data), read_by_llhttp(row.data)
    assert (not row.taken and others != (None, None)) is row.stricter, others
