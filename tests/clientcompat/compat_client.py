"""Generated clients for Twirp's own client test: ``python tests/clientcompat [--async]``.

The test is the program ``clientcompat`` of Twirp's Go module. It starts a client for each call that it wants made:

* Standard input holds one serialized ``ClientCompatMessage``: an address, an RPC and its request.
* A response goes to standard output, serialized; an empty message is no bytes.
* Of an error, the bare Twirp code goes to standard error: ``not_found``, without a line end.
* The exit code is 0 both times, and nothing else is written to either stream.

``--async`` makes the call with the async client. There is no token, one attempt, and the usual 10 s. An address that
nobody serves gives ``unavailable``, a hanging one ``deadline_exceeded``, as in every call of ours; Go's client says
``internal``, and the test asks for neither.

If no call can be made, because standard input does not hold a ``ClientCompatMessage`` with a valid RPC, address and
request, there is no Twirp code to report: one line on standard error says what is wrong, and the exit code is 2.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from google.protobuf.message import DecodeError

from clientcompat_twirp import AsyncCompatAPI, ClientCompatMessage, CompatAPI, Empty, Req, Resp

__all__ = ["Request", "acall", "call", "read"]

Request: TypeAlias = Empty | Req
_REQUESTS: Final[dict[int, type[Empty] | type[Req]]] = {
    ClientCompatMessage.CompatServiceMethod.NOOP: Empty,
    ClientCompatMessage.CompatServiceMethod.METHOD: Req,
}


def read(data: bytes) -> tuple[str, Request]:
    """Return the address to call, and the request, whose class determines the RPC.

    Args:
        data: A serialized ``ClientCompatMessage``.

    Raises:
        ValueError: It is not one, or its RPC or request is not valid.
    """
    problem = "standard input does not hold a ClientCompatMessage"
    try:
        message = ClientCompatMessage.FromString(data)
        if message.method not in _REQUESTS:
            raise ValueError(f"the service has no method {message.method}")
        request = _REQUESTS[message.method]
        problem = f"the request is not a {request.DESCRIPTOR.full_name}"
        return message.service_address, request.FromString(message.request)
    except (DecodeError, UnicodeDecodeError):  # the latter in protobuf's pure Python engine
        raise ValueError(problem) from None


def call(address: str, request: Request) -> Empty | Resp:
    """Make the call with the sync client. Raises TwirpError, and ValueError for a bad URL."""
    with CompatAPI(address) as api:
        return api.compat.method(request) if isinstance(request, Req) else api.compat.noop_method(request)


async def acall(address: str, request: Request) -> Empty | Resp:
    """Make the call with the async client. Raises as `call`."""
    async with AsyncCompatAPI(address) as api:
        if isinstance(request, Req):
            return await api.compat.method(request)
        return await api.compat.noop_method(request)
