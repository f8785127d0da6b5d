"""Details beside an error (rule A17)."""

import pytest

from twirpkit import Code, TwirpError
from twirpkit.error_details import error_status

BUSY = (
    "CAgSGXNpcCBzdGF0dXMgNDg2OiBCdXN5IEhlcmUaNwoldHlwZS5nb29nbGVhcGlzLmNvbS9saXZla2l0LlNJUFN0YXR1cxIOCOYDEglCdXN5"
    "IEhlcmU="
)


def test_a_recorded_status_is_read() -> None:
    status = error_status(TwirpError(Code.RESOURCE_EXHAUSTED, "busy", meta={"error_details": BUSY}))

    assert (status.code, status.message) == (8, "sip status 486: Busy Here")
    assert [detail.type_url for detail in status.details] == ["type.googleapis.com/livekit.SIPStatus"]
    assert status.details[0].value == b"\x08\xe6\x03\x12\tBusy Here"


@pytest.mark.parametrize("text", ["", "!!!!", "abc", "/////w==", "not base64"])
def test_what_is_none_reads_as_none(text: str) -> None:
    assert error_status(TwirpError(Code.INTERNAL, "x", meta={"error_details": text})) is None


def test_an_error_without_details_has_none() -> None:
    assert error_status(TwirpError(Code.INTERNAL, "x")) is None
