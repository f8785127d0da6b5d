"""Errors of a participant's own method, which `PerformRpc` calls."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from twirpkit.errors import Code, TwirpError

__all__ = ["RpcCallError", "rpc_call_error"]

_RPC: Final = "livekit.RoomService/PerformRpc"
_WORDS: Final = re.compile(r"RpcError ([0-9]{1,10}): (.*)", re.DOTALL)
"""The error of a participant, as the server writes it: its number, its message, and its data if there are any."""


class RpcCallError(TwirpError):
    """A participant's client did not carry out the call of `PerformRpc`, or its method raised an error.

    Numbers from 1400 to 1999 are LiveKit's own: 1400 for a method that the client does not know, 1501 for a client that
    did not acknowledge the call, 1502 for a method that took too long. Methods may use all others.

    Args:
        code: The Twirp error code that the server gave it.
        message: The server's words.
        rpc_code: The number of the error.
        rpc_message: The message of the error.
        rpc_data: What the method added to it, often JSON; empty if nothing. The server sends both in one text: the
            message ends at its first ``": "``.
        facts: As of `TwirpError`.
    """

    rpc_code: int
    rpc_message: str
    rpc_data: str

    def __init__(
        self,
        code: Code,
        message: str,
        *,
        rpc_code: int = 0,
        rpc_message: str = "",
        rpc_data: str = "",
        **facts: Any,
    ) -> None:
        super().__init__(code, message, **facts)
        self.rpc_code = rpc_code
        self.rpc_message = rpc_message
        self.rpc_data = rpc_data


def rpc_call_error(error: TwirpError, said: str | None, clean: Callable[[str], str]) -> TwirpError:
    """Return an `RpcCallError` with the facts of an error that a participant's client caused, else the error itself.

    Args:
        error: An error of a call.
        said: The server's words as they were received, None without a response.
        clean: Redacts a part of them.
    """
    words = _WORDS.fullmatch(said or "") if error.rpc == _RPC else None
    if words is None:
        return error
    message, _, data = words[2].partition(": ")
    found = RpcCallError(error.code, error.message)
    vars(found).update(vars(error), rpc_code=int(words[1]), rpc_message=clean(message), rpc_data=clean(data))
    found.__cause__ = error.__cause__
    return found
