"""Calls that a telephone network refused: the error of a SIP call that did not come about.

A carrier's status comes back under a Twirp code of its own: busy (486) as resource_exhausted, declined (603) as
permission_denied, a carrier that wants a password (407) as unauthenticated. `SIPCallError` is neither of those classes,
so that a busy line is not taken for a rate limit, nor a declined call for a missing grant.
"""

from __future__ import annotations

import re
from typing import Any, Final

from twirpkit.errors import SHOWN_CHARACTERS, Code, TwirpError, escaped

__all__ = ["SIPCallError", "sip_call_error"]

_STATUS_CODE: Final = re.compile(r"[1-9][0-9]{2}")
"""Three digits (RFC 3261, section 7.2)."""


class SIPCallError(TwirpError):
    """The call was made, and the other side, or the carrier, said no.

    Args:
        code: The Twirp error code that the server gave it.
        message: The server's words.
        sip_status_code: The SIP status, such as 486.
        sip_status: Its reason, such as ``Busy Here``, or LiveKit's name of it, such as ``SIP_STATUS_BUSY_HERE``.
        facts: As of `TwirpError`.
    """

    sip_status_code: int
    sip_status: str

    def __init__(
        self, code: Code, message: str, *, sip_status_code: int = 0, sip_status: str = "", **facts: Any
    ) -> None:
        super().__init__(code, message, **facts)
        self.sip_status_code = sip_status_code
        self.sip_status = sip_status

    def _describe(self) -> str:
        status = escaped(self.sip_status[:SHOWN_CHARACTERS])
        return f"the call ended with SIP {self.sip_status_code} {status}: {super()._describe()}"


def sip_call_error(error: TwirpError) -> TwirpError:
    """Return a `SIPCallError` with the facts of an error whose metadata has a SIP status, else the error itself."""
    status_code = error.meta.get("sip_status_code", "")
    if isinstance(error, SIPCallError) or not _STATUS_CODE.fullmatch(status_code):
        return error
    found = SIPCallError(error.code, error.message)
    vars(found).update(vars(error), sip_status_code=int(status_code), sip_status=error.meta.get("sip_status", ""))
    found.__cause__, found.__context__ = error.__cause__, error.__context__
    found.__suppress_context__ = error.__suppress_context__
    return found.with_traceback(error.__traceback__)
